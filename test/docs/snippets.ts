import { basename, join, resolve } from 'node:path';
import ts from 'typescript';

/** A block of TypeScript in a Markdown file. */
export interface Snippet {
  /** Path of the Markdown file, relative to the repository. */
  readonly file: string;
  /** Line of the block's first line of code, from 1. */
  readonly line: number;
  readonly code: string;
  /** Marked as a fragment: it must parse, but names in it may be unknown. */
  readonly fragment: boolean;
}

const root = resolve(import.meta.dirname, '../..');

/** The blocks that a Markdown file marks as `ts`. */
export function extractSnippets(file: string, markdown: string): Snippet[] {
  const snippets: Snippet[] = [];
  const lines = markdown.split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const [, indent = '', fence, info = ''] = /^(\s*)(`{3,})(.*)$/.exec(lines[at] ?? '') ?? [];
    if (fence === undefined) continue;
    const first = at + 1;
    const isEnd = (line: string): boolean => line.trim().startsWith(fence) && line.trim().replaceAll('`', '') === '';
    const length = lines.slice(first).findIndex(isEnd);
    if (length < 0) throw new Error(`${file}:${first}: the code block has no end`);
    at = first + length;
    const [language, ...words] = info.trim().split(/\s+/);
    if (language !== 'ts' && language !== 'typescript') continue;
    const code = lines.slice(first, at).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    snippets.push({ file, line: first + 1, code: code.join('\n'), fragment: words.includes('fragment') });
  }
  return snippets;
}

/** The compiler's complaints about each snippet, by the line of the Markdown file. */
export function checkSnippets(snippets: readonly Snippet[]): Map<Snippet, string[]> {
  const whole = snippets.filter(({ fragment }) => !fragment);
  const paths = modulePaths(whole);
  const program = compile(new Map(whole.map((snippet) => [paths.get(snippet) ?? '', snippet.code])));
  return new Map(
    snippets.map((snippet) => {
      const source = program.getSourceFile(paths.get(snippet) ?? '');
      const found = source
        ? [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
        : (ts.transpileModule(snippet.code, { reportDiagnostics: true }).diagnostics ?? []);
      return [snippet, found.map((diagnostic) => describe(snippet, diagnostic))];
    }),
  );
}

/**
 * Where the compiler finds each snippet. The blocks of one Markdown file share a folder, in which a block that begins
 * with its name (`// nodes/yolo.ts`) can be imported by the others.
 */
function modulePaths(snippets: readonly Snippet[]): Map<Snippet, string> {
  const paths = new Map<Snippet, string>();
  const taken = new Set<string>();
  for (const snippet of snippets) {
    const folder = join(root, `snippets-of-${basename(snippet.file, '.md')}`);
    const named = /^\/\/ ((?:[\w-]+\/)*[\w.-]+\.ts)\b/.exec(snippet.code)?.[1];
    let path = join(folder, named ?? `line-${snippet.line}.ts`);
    if (taken.has(path)) path = join(folder, `line-${snippet.line}`, basename(path));
    taken.add(path);
    paths.set(snippet, path);
  }
  return paths;
}

/** One program of all modules. They exist in memory only, in the package's scope: 'edgeflow' is its own built declarations. */
function compile(modules: ReadonlyMap<string, string>): ts.Program {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
  // Without an output folder the declarations in dist are read, as a user's compiler does, and not the sources behind them.
  const settings: ts.CompilerOptions = {
    ...options,
    outDir: undefined,
    rootDir: undefined,
    noEmit: true,
    incremental: false,
    moduleDetection: ts.ModuleDetectionKind.Force,
  };
  const host = ts.createCompilerHost(settings);
  const onDisk = {
    fileExists: host.fileExists.bind(host),
    readFile: host.readFile.bind(host),
    getSourceFile: host.getSourceFile.bind(host),
  };
  const folders = new Set([...modules.keys()].map((path) => resolve(path, '..')));
  const directoryExists = host.directoryExists?.bind(host);
  host.fileExists = (path) => modules.has(path) || onDisk.fileExists(path);
  host.readFile = (path) => modules.get(path) ?? onDisk.readFile(path);
  host.directoryExists = (path) => [...folders].some((folder) => `${folder}/`.startsWith(`${path}/`)) || (directoryExists?.(path) ?? true);
  host.getSourceFile = (path, languageVersion, ...others) => {
    const code = modules.get(path);
    return code === undefined
      ? onDisk.getSourceFile(path, languageVersion, ...others)
      : ts.createSourceFile(path, code, languageVersion, true);
  };
  return ts.createProgram([...modules.keys()], settings, host);
}

function describe({ file, line }: Snippet, { file: source, start, code, messageText }: ts.Diagnostic): string {
  const at = source && start !== undefined ? source.getLineAndCharacterOfPosition(start).line : 0;
  return `${file}:${line + at}: TS${code}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
}
