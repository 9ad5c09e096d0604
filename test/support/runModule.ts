import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A process that runs the text of a module, with the package's own imports. */
export interface RunningModule {
  readonly child: ChildProcess;
  /** Waits for a line of its output that begins with `word`, and returns the rest of it. */
  line(word: string): Promise<string>;
  kill(): Promise<void>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs the text of an ES module in a process of its own; `data` is there as the constant `data`. */
export function runModule(text: string, data: unknown = {}): RunningModule {
  const child = spawn(process.execPath, ['--input-type=module', '-e', `const data = JSON.parse(process.env.TEST_DATA);\n${text}`], {
    cwd: root,
    env: { ...process.env, TEST_DATA: JSON.stringify(data) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let output = '';
  let errors = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  return {
    child,
    async line(word) {
      for (;;) {
        const found = output
          .split('\n')
          .slice(0, -1)
          .find((line) => line.startsWith(word));
        if (found !== undefined) return found.slice(word.length).trim();
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`the process ended with ${child.exitCode ?? child.signalCode} before '${word}': ${errors}`);
        await Promise.race([once(child.stdout, 'data'), exited]);
      }
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await exited;
    },
  };
}
