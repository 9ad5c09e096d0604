import { Argument } from 'commander';
import type { Command } from 'commander';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** A command by the words that lead to it, and what may follow. */
interface Choice {
  readonly path: string;
  readonly words: readonly string[];
}

function choices(command: Command, path: readonly string[] = []): Choice[] {
  const words = [...command.commands.map((sub) => sub.name()), ...command.options.flatMap(({ long }) => long ?? []), '--help'];
  return [{ path: path.join(' '), words }, ...command.commands.flatMap((sub) => choices(sub, [...path, sub.name()]))];
}

/** The commands of the line so far decide; everything else completes to files. */
function bash(all: readonly Choice[]): string {
  const cases = all.map(({ path, words }) => `    '${path}') words='${words.join(' ')}' ;;`);
  const known = all.map(({ path }) => `'${path}'`).join('|');
  return [
    '_edgeflow() {',
    "  local current=\"${COMP_WORDS[COMP_CWORD]}\" path='' next words='' index",
    '  for ((index = 1; index < COMP_CWORD; index++)); do',
    '    next="${path:+$path }${COMP_WORDS[index]}"',
    `    case "$next" in ${known}) path="$next" ;; esac`,
    '  done',
    '  case "$path" in',
    ...cases,
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))',
    '}',
    'complete -o filenames -F _edgeflow edgeflow',
  ].join('\n');
}

function script(shell: Shell, program: Command): string {
  const all = choices(program);
  switch (shell) {
    case 'bash':
      return bash(all);
    case 'zsh':
      return ['autoload -U +X bashcompinit && bashcompinit', bash(all)].join('\n');
    case 'fish':
      return all
        .flatMap(({ path, words }) => {
          const parts = path === '' ? [] : path.split(' ');
          const condition =
            parts.length === 0 ? '__fish_use_subcommand' : parts.map((part) => `__fish_seen_subcommand_from ${part}`).join('; and ');
          return words.map(
            (word) => `complete -c edgeflow -n '${condition}' ${word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`}`,
          );
        })
        .join('\n');
  }
}

/** Adds `edgeflow completion`. */
export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print a completion script: source <(edgeflow completion bash)')
    .addArgument(new Argument('<shell>').choices(shells))
    .action((shell: Shell) => console.log(script(shell, program)));
}
