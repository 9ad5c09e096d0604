import { expect, test, vi } from 'vitest';
import { logSink } from '#src/system/log.js';
import { cliOfFile } from '../support/cli.js';
import { fixture, freshDirectory } from '../support/system.js';

const cli = cliOfFile();

test('lines of nodes are printed behind their names, and with no secret', async () => {
  const run = cli(['run', fixture('logging.ts'), '--no-table', '--', '--store', freshDirectory()]);
  const { stderr } = await run.ended;
  expect(stderr.split('\n')).toContain('source | opens rtsp://***@10.0.0.7/1');
});

test('--log json: one object a line, with the node, the topic, the message and the code, and no secret', async () => {
  const run = cli(['run', fixture('logging.ts'), '--log', 'json', '--no-table', '--', '--store', freshDirectory()]);
  const { stderr } = await run.ended;
  const lines = stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 30, system: 'logging', node: 'source', msg: 'opens rtsp://***@10.0.0.7/1' }),
  );
  const failed = lines.find(({ level }) => level === 50);
  expect(failed).toMatchObject({ node: 'sink', topic: 'source', code: 'OPTIONS_INVALID', id: expect.any(String) as string });
  expect(failed?.msg).toMatch(/a message of 'source' failed and was dead-lettered/);
});

test('a line of a picture is cut, and says how much is missing', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    const log = await logSink({}, 'pictures');
    log('camera', 'a'.repeat(65_536));
    log('camera', `rtsp://u:${'p'.repeat(65_600)}@cam/${'x'.repeat(70_000)}`);
    const [[whole], [cut]] = write.mock.calls as unknown as [[string], [string]];
    expect(whole).toBe(`camera | ${'a'.repeat(65_536)}\n`);
    expect(cut).toMatch(/^camera \| rtsp:\/\/\*\*\*@cam\/x+… \(4479 more characters left out\)\n$/);
  } finally {
    write.mockRestore();
  }
});
