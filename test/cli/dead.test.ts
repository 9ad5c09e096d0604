import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedBroker } from 'edgeflow';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeValue } from '#src/codec.js';
import { temporaryFolder } from '../support/system.js';

const cli = resolve(import.meta.dirname, '../../dist/src/cli/main.js');
const folder = temporaryFolder();
const a = { group: 'recorder', consumer: 'a' };
let broker: EmbeddedBroker;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line on the store of this test. */
async function edgeflow(...args: readonly string[]): Promise<Outcome> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [cli, ...args, '--directory', folder.path('store')]);
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Outcome;
    return { code, stdout, stderr };
  }
}

beforeEach(async () => {
  broker = new EmbeddedBroker({ directory: folder.path('store') });
  await broker.declare({ topic: 'frames', groups: ['recorder', 'viewer'] });
  for (const seq of [1, 2, 3])
    await broker.push('frames', {
      id: `m${seq}`,
      time: Date.now(),
      ...encodeValue({ camera: 'door', data: new Uint8Array(9_000).fill(seq) }),
    });
  for (const message of await broker.pop('frames', { ...a, count: 9, waitMs: 0 }))
    await broker.nack('frames', a, message, { error: `disk ${message.seq} is full`, stack: `Error: disk\n    at write (${message.seq})` });
});

afterEach(() => broker.close());

test('list and show tell what was given up and why, while other clients work', async () => {
  const { stdout } = await edgeflow('dead', 'list');
  expect(stdout.split('\n').slice(0, 4)).toEqual([
    expect.stringMatching(/^TOPIC +LETTER +GROUP +SEQ +TRIED +FIRST +LAST +BYTES +ERROR$/),
    expect.stringMatching(/^frames +1 +recorder +1 +1 +20\S+Z +20\S+Z +90\d\d +disk 1 is full$/),
    expect.stringMatching(/disk 2 is full$/),
    expect.stringMatching(/disk 3 is full$/),
  ]);
  const rows = JSON.parse((await edgeflow('dead', 'list', 'frames', '--json')).stdout) as { letter: number; id: string }[];
  expect(rows.map(({ letter, id }) => [letter, id])).toEqual([
    [1, 'm1'],
    [2, 'm2'],
    [3, 'm3'],
  ]);
  const shown = await edgeflow('dead', 'show', 'frames', '2', '--output', folder.path('payload'));
  expect(shown.stdout).toContain('disk 2 is full');
  expect(shown.stdout).toContain('    at write (2)');
  expect(shown.stdout).toContain("camera: 'door'");
  expect(readFileSync(folder.path('payload'))).toEqual(Buffer.alloc(9_000, 2));
});

test('redrive gives letters back to be delivered again, drop deletes them', async () => {
  expect((await edgeflow('dead', 'redrive', 'frames', '2')).stdout).toBe('1 given back to be delivered again\n');
  const again = await broker.pop('frames', { ...a, count: 9, waitMs: 5_000 });
  expect(again.map(({ id, attempt }) => [id, attempt])).toEqual([['m2', 1]]);
  expect((await edgeflow('dead', 'drop', 'frames', '--all', '--group', 'recorder')).stdout).toBe('2 dropped\n');
  expect((await edgeflow('dead', 'list')).stdout).toBe('no dead letters\n');
});

test.each(['drop', 'redrive'])('%s of a letter of another group than --group is refused, and does nothing', async (kind) => {
  const { code, stderr } = await edgeflow('dead', kind, 'frames', '1', '2', '--group', 'nope');
  expect([code, stderr]).toEqual([
    1,
    "OPTIONS_INVALID: dead letter 1 of topic 'frames' is of group 'recorder', and not of 'nope'; nothing was done\n",
  ]);
  expect(await broker.deadLetters('frames')).toHaveLength(3);
  expect((await edgeflow('dead', kind, 'frames', '1', '2', '--group', 'recorder')).stdout).toMatch(/^2 /);
});

test('groups shows who holds messages, and drops a group that nobody reads', async () => {
  expect((await edgeflow('groups', 'list')).stdout).toMatch(/frames +viewer +3 +0 +0 +0 +3/);
  expect((await edgeflow('groups', 'drop', 'frames', 'viewer')).stdout).toBe(
    "group 'viewer' of topic 'frames' is gone, with 3 messages that it had not settled\n",
  );
  expect((await broker.stats())[0]).toMatchObject({ entries: 0 });
});

test('what is not there, and what is not clear, is a clear error', async () => {
  const missing = await edgeflow('dead', 'show', 'frames', '9');
  expect([missing.code, missing.stderr]).toEqual([1, expect.stringMatching(/^OPTIONS_INVALID: topic 'frames' has no dead letter 9/)]);
  expect((await edgeflow('dead', 'redrive', 'frames')).stderr).toMatch(/^OPTIONS_INVALID: .*numbers of letters, or --all/);
  expect((await edgeflow('dead', 'drop', 'frames', 'first')).stderr).toContain('expected the number of a dead letter');
  expect((await edgeflow('dead', 'list', 'nowhere')).stderr).toMatch(/^TOPIC_UNDECLARED: /);
  const { stderr } = (await promisify(execFile)(process.execPath, [cli, 'dead', 'list', '--directory', folder.path('no-store')]).catch(
    (error: unknown) => error,
  )) as Outcome;
  expect(stderr).toMatch(/^BROKER_CONFIG: .* holds no store/);
  // Looking makes no store.
  expect(existsSync(folder.path('no-store'))).toBe(false);
});
