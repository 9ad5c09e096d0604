import { existsSync, readFileSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'sucrase';
import { errorMessage } from '../errors.js';
import type { Graph } from '../system/graph.js';
import type { RunningSystem } from '../system/runningSystem.js';

/** An editor writes a file in several steps. */
const settleMs = 150;

/** What names another module of the same project: `from './x.js'`, `import './x.js'`, `import('./x.js')`. */
const specifier = /(?:\bfrom|\bimport)\s*\(?\s*(['"])(\.{1,2}\/[^'"\n]+)\1/g;

/** A node's own file, and what it imports of the project, over all steps. */
export function filesOf(entry: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(entry) || !existsSync(entry)) return seen;
  seen.add(entry);
  for (const [, , path = ''] of readFileSync(entry, 'utf8').matchAll(specifier)) {
    const found = [path, path.replace(/\.js$/, '.ts'), path.replace(/\.mjs$/, '.mts')]
      .map((name) => resolve(dirname(entry), name))
      .find(existsSync);
    if (found !== undefined) filesOf(found, seen);
  }
  return seen;
}

/** Restarts nodes whose files change, each by itself; what a node had open is handed back, so that nothing is lost. */
export class FileWatch {
  readonly #running: RunningSystem;
  readonly #graph: Graph;
  readonly #entry: string;
  readonly #log: (line: string) => void;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #work = Promise.resolve();

  /** @param graph - with the modules of its nodes. */
  constructor(running: RunningSystem, graph: Graph, entry: string, log: (line: string) => void) {
    this.#running = running;
    this.#graph = graph;
    this.#entry = entry;
    this.#log = log;
    this.#watchFolders();
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** Folders, not files: editors put a new file in the place of the old one. */
  #watchFolders(): void {
    for (const folder of new Set([...this.#files().values()].flatMap((files) => [...files]).map((file) => dirname(file)))) {
      if (this.#watchers.has(folder)) continue;
      const watcher = watch(folder, (_, name) => {
        if (name === null) return;
        this.#changed.add(resolve(folder, name));
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => {
          this.#work = this.#work.then(() => this.#restartChanged());
        }, settleMs);
      });
      watcher.on('error', (error) => {
        this.#log(`${folder} is watched no more: ${error.message}`);
      });
      this.#watchers.set(folder, watcher);
    }
  }

  /** Files by the node that they belong to; those of inline nodes are the entry's. */
  #files(): Map<string, ReadonlySet<string>> {
    return new Map(
      [...this.#graph.nodes.values()].map(({ name, module }) => [
        name,
        filesOf(module === undefined ? this.#entry : fileURLToPath(module)),
      ]),
    );
  }

  async #restartChanged(): Promise<void> {
    const changed = [...this.#changed];
    this.#changed.clear();
    if (changed.includes(this.#entry))
      this.#log(`${named(this.#entry)} has changed: where the graph or an inline node is another, stop, and run again with --resume`);
    this.#watchFolders();
    const inline = new Set(this.#running.graph().nodes.flatMap(({ name, isolation }) => (isolation === 'inline' ? [name] : [])));
    const nodes = [...this.#files()].filter(
      ([node, files]) => this.#graph.nodes.get(node)?.module !== undefined && changed.some((file) => files.has(file)),
    );
    for (const [node, files] of nodes) {
      if (inline.has(node)) {
        this.#log(
          `'${node}' goes on as it was: it runs inline, in a process that has loaded its file; use isolation 'process' or 'thread'`,
        );
        continue;
      }
      const broken = changed.filter((file) => files.has(file)).flatMap(problemOf);
      if (broken.length > 0) this.#log(`'${node}' goes on as it was: ${broken.join('; ')}`);
      else await this.#restart(node);
    }
  }

  async #restart(node: string): Promise<void> {
    try {
      const fromMs = performance.now();
      await this.#running.restart(node);
      this.#log(`'${node}' runs with its new file, after ${Math.round(performance.now() - fromMs)} ms`);
    } catch (error) {
      this.#log(`'${node}' was not restarted: ${errorMessage(error)}`);
    }
  }
}

const named = (file: string): string => relative(process.cwd(), file);

/** Why a file cannot be read as a module, if it cannot. */
function problemOf(file: string): string[] {
  if (!/\.[cm]?[jt]s$/.test(file)) return [];
  try {
    transform(readFileSync(file, 'utf8'), { transforms: /\.[cm]?ts$/.test(file) ? ['typescript'] : [], disableESTransforms: true });
    return [];
  } catch (error) {
    return [`${named(file)} cannot be read: ${errorMessage(error)}`];
  }
}
