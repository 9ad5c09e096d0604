import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { EmbeddedBroker } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeValue } from '#src/codec.js';
import { cliOfFile } from '../support/cli.js';
import { range, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const cli = cliOfFile();
const edgeflow = (...args: readonly string[]): ReturnType<typeof cli> => cli([...args, '--directory', folder.path('store')]);
let broker: EmbeddedBroker;
let made = 0;

async function push(topic: string, count: number): Promise<void> {
  for (const index of range(count))
    await broker.push(topic, { id: `m${made++}`, time: Date.now(), ...encodeValue({ index, data: new Uint8Array(5_000).fill(index) }) });
}

const has = (name: string, bytes: number): boolean => existsSync(folder.path(name)) && statSync(folder.path(name)).size > bytes;

beforeEach(async () => {
  broker = new EmbeddedBroker({ directory: folder.path('store') });
  await broker.declare({ topic: 'frames', groups: ['recorder'], readers: ['yolo'] });
  await broker.declare({ topic: 'found', retain: { seconds: 600 } });
  await broker.declare({ topic: 'copies', groups: ['viewer'] });
});
afterEach(() => broker.close());

test('record takes nothing from those who read; replay publishes what was recorded, and tells a torn end', async () => {
  await push('frames', 3);
  const file = folder.path('session.rec');
  const recording = edgeflow('record', 'frames', 'found', '--out', file, '--stored', '--json');
  await until('what was stored is recorded', () => has('session.rec', 15_000));
  await push('found', 2);
  await until('what came is recorded', () => has('session.rec', 25_000));
  recording.child.kill('SIGINT');
  const { code, stdout, stderr } = await recording.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual({
    file,
    topics: [
      { topic: 'frames', recorded: 3, missed: 0, unreadable: 0 },
      { topic: 'found', recorded: 2, missed: 0, unreadable: 0 },
    ],
  });
  const [frames] = (await broker.stats()).filter(({ topic }) => topic === 'frames');
  expect(frames?.groups).toEqual({ recorder: { published: 3, acked: 0, dead: 0, open: 0, unread: 3 } });
  expect(frames?.readers).toEqual({ yolo: { published: 3, delivered: 0, skipped: 0, waiting: 3 } });

  truncateSync(file, readFileSync(file).length - 7);
  const replayed = await edgeflow('replay', file, '--topic', 'frames', '--as', 'copies', '--speed', 'max').ended;
  expect(replayed.stdout).toBe('copies: 3 published\n');
  expect(replayed.stderr).toMatch(/the last record is not whole, as when a process is killed; its \d+ bytes are left out/);
  const copies = await broker.pop('copies', { group: 'viewer', consumer: 'a', count: 9, waitMs: 5_000 });
  expect(copies.map(({ payload }) => payload[4_999])).toEqual([0, 1, 2]);
  expect(copies.map(({ id }) => id)).not.toContain('m0');
  const nothing = await Promise.all(
    [['--as', 'copies'], ['--print']].map((how) => edgeflow('replay', file, '--topic', 'nope', ...how).ended),
  );
  for (const told of nothing)
    expect([told.code, told.stdout, told.stderr]).toEqual([
      1,
      '',
      `OPTIONS_INVALID: edgeflow replay: ${file} has nothing of topic 'nope'; it has frames, found\n`,
    ]);
  const printed = await edgeflow('replay', file, '--print').ended;
  const lines = printed.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ topic, seq }) => `${String(topic)} ${String(seq)}`)).toEqual(['frames 1', 'frames 2', 'frames 3', 'found 1']);
  expect(lines[0]?.value).toEqual({ index: 0, data: '5000 bytes' });
  const [behind, none] = await Promise.all([edgeflow('replay', '--print', '--same-skips', file).ended, edgeflow('replay').ended]);
  expect([behind.code, behind.stdout]).toEqual([0, printed.stdout]);
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("missing required argument 'file'") as string]);
});

test.each<[string, RegExp]>([
  ['store/data.mdb', /^MESSAGE_CORRUPT: .* is no recording/],
  ['file.txt/x.rec', /^STORE_FAILED: .*could not be written/],
])('record --out %s, which cannot be written, is told at once, though nothing comes', async (out, message) => {
  writeFileSync(folder.path('file.txt'), 'a text of somebody');
  const { code, stdout, stderr } = await edgeflow('record', 'frames', '--out', folder.path(out)).ended;
  expect([code, stdout, stderr]).toEqual([1, '', expect.stringMatching(message) as string]);
});

test('replay of a topic of which nothing came is empty, and says so; of one that was not recorded it is refused', async () => {
  const file = folder.path('quiet.rec');
  const recorded = await edgeflow('record', 'found', 'copies', '--out', file, '--for', '10ms').ended;
  expect([recorded.code, recorded.stdout]).toEqual([0, expect.stringContaining('copies: 0 recorded') as string]);
  const [published, printed, nope] = await Promise.all(
    [['copies'], ['copies', '--print'], ['nope']].map((topic) => edgeflow('replay', file, '--topic', ...topic).ended),
  );
  const stderr = `${file}: nothing came of topic 'copies' while it was recorded\n`;
  expect(published).toEqual({ code: 0, stdout: 'nothing published\n', stderr });
  expect(printed).toEqual({ code: 0, stdout: '', stderr });
  expect(nope?.stderr).toBe(`OPTIONS_INVALID: edgeflow replay: ${file} has nothing of topic 'nope'; it has found, copies\n`);
});

test('record --complete misses nothing of a topic that keeps nothing, and leaves no group behind', async () => {
  const recording = edgeflow('record', 'copies', 'found', '--out', folder.path('all.rec'), '--complete');
  const isHeld = async (): Promise<boolean> => {
    const groups = (await broker.stats()).flatMap((stats) => Object.keys(stats.groups));
    return groups.filter((group) => group.startsWith('recording-')).length === 2;
  };
  await until('it holds messages', isHeld);
  await push('copies', 150);
  recording.child.kill('SIGTERM');
  const { code, stdout, stderr } = await recording.ended;
  expect(code).toBe(0);
  expect(stdout).toContain('copies: 150 recorded\nfound: 0 recorded\n');
  expect(stderr).toMatch(
    /^every message is held .* edgeflow groups drop copies recording-\d+; edgeflow groups drop found recording-\d+\n$/,
  );
  expect((await broker.stats()).flatMap((stats) => Object.keys(stats.groups)).sort()).toEqual(['recorder', 'viewer']);
  const wrong = await edgeflow('record', 'gone', '--out', folder.path('none.rec')).ended;
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain("OPTIONS_INVALID: there is no topic 'gone'");
});

test('replay: Ctrl-C ends it, and says how far it came', async () => {
  const file = folder.path('session.rec');
  await push('frames', 2);
  // Ten minutes lie between the two.
  await broker.push('frames', { id: 'late', time: Date.now() + 600_000, ...encodeValue({ index: 9 }) });
  const recording = edgeflow('record', 'frames', '--out', file, '--stored');
  await until('it is recorded', () => has('session.rec', 10_000));
  recording.child.kill('SIGINT');
  await recording.ended;
  const replaying = edgeflow('replay', file, '--as', 'copies');
  await until('the first are published', async () =>
    (await broker.stats()).some(({ topic, published }) => topic === 'copies' && published === 2),
  );
  replaying.child.kill('SIGINT');
  expect(await replaying.ended).toEqual({
    code: 0,
    stdout: 'copies: 2 published\n',
    stderr: 'ended before the end of the recording; what is told was published\n',
  });
});
