import fc from 'fast-check';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { openEnvironment } from '#src/brokers/embedded/environment.js';
import { Journal } from '#src/brokers/embedded/journal/journal.js';
import type { Mark } from '#src/brokers/embedded/journal/journal.js';
import { recover } from '#src/brokers/embedded/journal/recovery.js';
import { controlTables, openTables } from '#src/brokers/embedded/tables.js';
import type { Environment, Tables } from '#src/brokers/embedded/tables.js';
import { Transactions } from '#src/brokers/embedded/transactions.js';
import { volatileDisk } from '../../../support/volatileDisk.js';

/** Small, so that a few transactions fill several. */
const segmentBytes = 2_000;

export type Rows = Readonly<Record<string, string>>;

/** An environment with its journal, as a store has them, and what it should hold after each transaction. */
export class Journaled {
  readonly directory: string;
  readonly states: Rows[];
  /** The last transaction that is known to outlast the power. */
  reached = 0;
  readonly #control: Environment;
  readonly #tables: Tables;
  readonly #transactions: Transactions;
  readonly journal: Journal;
  readonly #base: number;

  constructor(directory: string) {
    this.directory = directory;
    const options = {
      path: path.join(directory, 'control-boot.mdb'),
      tables: controlTables,
      mapSize: 2 ** 26,
      synced: false,
      writeMap: false,
    };
    recover(directory, options);
    this.#control = openEnvironment(options);
    this.#transactions = new Transactions(this.#control, options.path);
    const tables = openTables(this.#control);
    this.journal = new Journal({ directory, control: this.#control, transactions: this.#transactions, store: tables.store, segmentBytes });
    this.#tables = this.journal.watch(tables);
    this.states = [this.rows()];
    this.#base = this.change(() => undefined).number;
    this.states.length = 1;
  }

  rows(): Rows {
    this.#control.resetReadTxn();
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
    return Object.fromEntries([...this.#tables.entries.getRange()].map(({ key, value }) => [text(key), text(value)]));
  }

  change(step: (tables: Tables) => void): Mark {
    const mark = this.#transactions.run(() => {
      this.journal.begin();
      step(this.#tables);
      return this.journal.append();
    });
    this.states.push(this.rows());
    return mark;
  }

  /** A transaction that ends in an error, when all is written down and the disk works on it. */
  async abandon(step: (tables: Tables) => void): Promise<void> {
    expect(() => {
      this.#transactions.run(() => {
        this.journal.begin();
        step(this.#tables);
        this.journal.hurry(this.journal.append());
        throw new Error('abandoned');
      });
    }).toThrow('abandoned');
    this.journal.abort();
    await new Promise((resolve) => setImmediate(resolve));
  }

  async reach(mark: Mark): Promise<void> {
    await this.journal.reached(mark, true);
    this.reached = Math.max(this.reached, mark.number - this.#base);
  }

  async close(): Promise<void> {
    await this.journal.close();
    await this.#control.close();
  }
}

export type Step =
  | { readonly do: 'put'; readonly key: number; readonly bytes: number }
  | { readonly do: 'remove'; readonly key: number }
  | { readonly do: 'clear' | 'reach' | 'checkpoint' };

const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('put' as const), key: fc.nat(9), bytes: fc.nat(700) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), key: fc.nat(9) }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constantFrom('clear' as const, 'reach' as const, 'reach' as const, 'checkpoint' as const) }),
    },
  ),
  { maxLength: 25 },
);
/** What a loss of power takes: as often as not, drawn from a list that is read round and round. */
const kept = fc.array(fc.boolean(), { minLength: 1, maxLength: 40 });

interface Round {
  readonly steps: readonly Step[];
  readonly kept: readonly boolean[];
}

/** Runs the steps on a disk, one after another, until the power goes amid the last syncs; then the same on what is left of it. */
export async function runs(folder: string, rounds: readonly Round[], options: Parameters<typeof volatileDisk>[1] = {}): Promise<void> {
  let made = 0;
  const next = (): string => path.join(folder, `disk ${made++}`);
  let directory = next();
  mkdirSync(directory, { recursive: true });
  let written = 0;
  for (const round of rounds) {
    const disk = volatileDisk(directory, options);
    try {
      for (const name of readdirSync(directory)) if (name.startsWith('control-')) rmSync(path.join(directory, name));
      const journaled = new Journaled(directory);
      const pending: Promise<unknown>[] = [];
      let mark: Mark | undefined;
      for (const step of round.steps) {
        if (step.do === 'put')
          mark = journaled.change(({ entries }) => {
            entries.putSync(Buffer.from(`key ${step.key}`), Buffer.from(`${++written}`.padEnd(step.bytes, '.')));
          });
        else if (step.do === 'remove')
          mark = journaled.change(({ entries }) => {
            entries.removeSync(Buffer.from(`key ${step.key}`));
          });
        else if (step.do === 'clear')
          mark = journaled.change(({ entries }) => {
            entries.clearSync();
          });
        else if (step.do === 'checkpoint') pending.push(journaled.journal.checkpoint());
        else if (mark) pending.push(journaled.reach(mark));
        if (pending.length % 2 === 1) await pending.at(-1);
      }
      let draw = 0;
      const lost = next();
      disk.lose(lost, () => round.kept[draw++ % round.kept.length] ?? true);
      for (const name of readdirSync(lost)) if (name.startsWith('control-')) rmSync(path.join(lost, name));
      const { states, reached } = journaled;
      await Promise.all(pending);
      await journaled.close();
      disk.remove();
      const after = new Journaled(lost);
      const found = JSON.stringify(after.rows());
      await after.close();
      const number = states.findLastIndex((rows) => JSON.stringify(rows) === found);
      expect(number, `not the state after any transaction: ${found}`).toBeGreaterThanOrEqual(0);
      expect(number, 'of the last transaction that is there').toBeGreaterThanOrEqual(reached);
      directory = lost;
    } finally {
      disk.remove();
    }
  }
}

const rounds = fc.array(fc.record({ steps, kept }), { minLength: 1, maxLength: 4 });

/** A loss of power leaves the state after one of the transactions, and none before one that was reached; again and again. */
export async function expectPowerLossesHarmless(numRuns: number): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'edgeflow-journal-'));
  let run = 0;
  try {
    await fc.assert(
      fc.asyncProperty(rounds, (given) => runs(path.join(folder, String(run++)), given)),
      { numRuns },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
