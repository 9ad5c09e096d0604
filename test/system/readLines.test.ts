import { PassThrough } from 'node:stream';
import { until } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { passLines } from '#src/system/child.js';

/** What a child is seen to print, while it does. */
function printing(): { readonly stdout: PassThrough; readonly lines: string[] } {
  const stdout = new PassThrough();
  const lines: string[] = [];
  const ignore = (): void => undefined;
  const events = { onReady: ignore, onReport: ignore, onPaused: ignore, onExit: ignore };
  passLines(stdout, null, { ...events, onLine: (line) => lines.push(line) });
  return { stdout, lines };
}

test('a line that does not end comes in parts, and no url is cut in two', async () => {
  const { stdout, lines } = printing();
  const url = `rtsp://user:secret@10.0.0.7/${'x'.repeat(1000)}`;
  let written = '';
  const write = (text: string): void => {
    written += text;
    stdout.write(text);
  };
  for (let count = 0; count < 3_000; count++) write(`${url} `);
  await until('two parts came, though no line has ended', () => lines.length === 2);
  for (let count = 0; count < 3_000; count++) write('x'.repeat(1_000));
  await until('what has no spaces comes too', () => lines.length === 5);
  stdout.end();
  await until('the rest comes at the end', () => lines.join('').length === written.length);
  expect(lines.join('')).toBe(written);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(1024 * 1024 + 10_000);
  for (const line of lines.slice(0, 2)) expect(line.endsWith(`${url} `)).toBe(true);
});

test('lines end with \\n, \\r or both, wherever the bytes are cut', async () => {
  const { stdout, lines } = printing();
  for (const byte of Buffer.from('one\ntwo\r\n\nthree é\rfour\r\n\r\nlast')) stdout.write(Uint8Array.of(byte));
  stdout.end();
  await until('the last comes', () => lines.includes('last'));
  expect(lines).toEqual(['one', 'two', '', 'three é', 'four', '', 'last']);
});
