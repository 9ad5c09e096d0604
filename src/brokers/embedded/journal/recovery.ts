import { copyFileSync, existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { EdgeFlowError } from '../../../errors.js';
import { checkpointDraft, controlPrefix, draftOf } from '../directory.js';
import { openFile, place } from '../environment.js';
import type { EnvironmentOptions } from '../environment.js';
import { binary } from '../tables.js';
import type { Environment, Table } from '../tables.js';
import {
  changeKind,
  changesOf,
  checkpointOf,
  decodeHeader,
  positionKey,
  positionRecord,
  recordsOf,
  segmentHeaderBytes,
  segmentName,
  segmentOf,
  startPosition,
} from './format.js';
import type { JournalRecord, Position } from './format.js';

const largestOf = (numbers: readonly number[]): number => numbers.reduce((most, number) => Math.max(most, number), 0);

/**
 * Makes the environment of a journal anew where there is none of the present boot: what an earlier boot left of one may be torn.
 * Several processes may do so at once; one of them puts its own in place.
 *
 * @throws EdgeFlowError `BROKER_CORRUPT` where the files that it needs are not there
 */
export function recover(directory: string, options: EnvironmentOptions): void {
  const { path: live } = options;
  if (existsSync(live)) return;
  const draft = draftOf(live);
  try {
    build(directory, draft, options);
    place(draft, live);
  } catch (error) {
    // Another process was faster.
    if (!existsSync(live)) throw error;
  } finally {
    rmSync(draft, { force: true });
    rmSync(`${draft}-lock`, { force: true });
  }
  removeFormer(directory, live);
}

function build(directory: string, draft: string, options: EnvironmentOptions): void {
  const names = readdirSync(directory);
  const checkpoints = names.filter((name) => checkpointOf(name) !== undefined).sort();
  const checkpoint = checkpoints.at(-1);
  const segments = names.flatMap((name) => segmentOf(name) ?? []).sort((a, b) => a - b);
  if (checkpoint !== undefined) copyFileSync(path.join(directory, checkpoint), draft);
  const environment = openFile(draft, options);
  try {
    const tables = options.tables.map((name) => environment.openDB<Uint8Array, Uint8Array>(name, binary));
    const store = tables[options.tables.indexOf('store')];
    if (!store) throw new Error('no table for the position of the journal');
    const stored = store.getBinary(positionKey);
    const base = stored ? positionRecord.decode(stored) : startPosition;
    const first = base.offset > 0 ? base.segment : base.segment + 1;
    const wanted = segments.filter((segment) => segment >= first);
    if (base.offset > 0 && wanted.length === 0) throw incomplete(directory, first);
    for (const [index, segment] of wanted.entries()) if (segment !== first + index) throw incomplete(directory, first + index);
    const last = replay(directory, environment, tables, base, wanted);
    const position: Position = {
      ...startPosition,
      ...last,
      // What stands behind the last whole record is left behind.
      segment: largestOf([base.segment, ...segments]),
      base: base.number,
      baseSegment: first,
    };
    environment.transactionSync(() => store.putSync(positionKey, positionRecord.encode(position)));
  } finally {
    void environment.close();
  }
}

/** Does anew what the journal holds behind a state; returns its last transaction. */
function replay(
  directory: string,
  environment: Environment,
  tables: readonly Table[],
  base: Position,
  segments: readonly number[],
): Pick<JournalRecord, 'number' | 'checksum'> {
  let last: Pick<JournalRecord, 'number' | 'checksum'> = base;
  let latest = 0;
  for (const segment of segments) {
    const bytes = readFileSync(path.join(directory, segmentName(segment)));
    const header = decodeHeader(bytes);
    latest = Math.max(latest, header?.number ?? 0);
    const continues = segment === base.segment;
    // One that does not follow was left behind when the disk was full, before a checkpoint was whole.
    if (!header || (!continues && (header.number !== last.number || header.checksum !== last.checksum))) continue;
    const start = { number: last.number, checksum: last.checksum, offset: continues ? base.offset : segmentHeaderBytes };
    environment.transactionSync(() => {
      for (const { number, checksum, body } of recordsOf(bytes, start)) {
        apply(tables, body);
        last = { number, checksum };
      }
    });
  }
  if (latest > last.number)
    process.emitWarning(
      `the journal of the store in '${directory}' is whole up to transaction ${last.number}, and goes on behind ${latest}: the disk was full, ` +
        'or is damaged. What was between is lost',
      { code: 'EDGEFLOW_STORE' },
    );
  return { number: last.number, checksum: last.checksum };
}

function apply(tables: readonly Table[], body: Buffer): void {
  for (const { kind, table, key, value } of changesOf(body)) {
    const target = tables[table];
    if (kind === changeKind.put) target?.putSync(key, value);
    else if (kind === changeKind.remove) target?.removeSync(key);
    else target?.clearSync();
  }
}

/** Deletes the environments of other boots, and what was being made when the power went. */
function removeFormer(directory: string, live: string): void {
  const own = path.basename(live);
  for (const name of readdirSync(directory))
    if ((name.startsWith(controlPrefix) && !name.startsWith(own)) || name.startsWith(`${checkpointDraft}.`))
      rmSync(path.join(directory, name), { force: true });
}

function incomplete(directory: string, segment: number): EdgeFlowError {
  return new EdgeFlowError(
    'BROKER_CORRUPT',
    `the store in '${directory}' lacks '${segmentName(segment)}', which its other files go on from: put back what was deleted. ` +
      `If nothing in it is needed, delete '${directory}'`,
  );
}
