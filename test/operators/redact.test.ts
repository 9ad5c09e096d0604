import { expect, test } from 'vitest';
import { startFfmpeg } from '#operators/ffmpeg/process.js';
import { redact, redactUrl } from '#operators/ffmpeg/redact.js';

test.each([
  ['rtsp://user:secret@10.0.0.7/stream1', 'rtsp://***@10.0.0.7/stream1'],
  ['rtsp://user:se/cr@et@10.0.0.7/stream1: 401', 'rtsp://***@10.0.0.7/stream1: 401'],
  ["open 'http://u:p@a/b' and http://c/d", "open 'http://***@a/b' and http://c/d"],
  ['http://cam/live?channel=1&access_token=abc&x=1', 'http://cam/live?channel=1&access_token=***&x=1'],
  ['rtsp://cam:554/user=admin_password=tlJwpbo6_channel=1', 'rtsp://cam:554/user=admin_password=***'],
  ['http://cam/videostream.cgi?loginuse=admin&loginpas=888888', 'http://cam/videostream.cgi?loginuse=admin&loginpas=***'],
  ['/home/me/user:secret@10.0.0.7/stream1', '/home/me/***@10.0.0.7/stream1'],
  ['movie=rtsp\\\\://user:secret@cam/1', 'movie=rtsp\\\\://***@cam/1'],
  ['tokens=a=b;key=&auth=c', 'tokens=***&auth=***'],
  ['x://y://u:p@h http://h:1/a', 'x://***@h http://h:1/a'],
  ['[rtsp @ 0x55d1] method DESCRIBE failed: 401 Unauthorized', '[rtsp @ 0x55d1] method DESCRIBE failed: 401 Unauthorized'],
  ['/videos/street.mp4: moov atom not found', '/videos/street.mp4: moov atom not found'],
])('%s', (text, redacted) => {
  expect(redact(text)).toBe(redacted);
});

test('a megabyte of anything takes time that grows with its length alone', () => {
  const base64 = Buffer.from(Array.from({ length: 3_000 }, (_, index) => (index * 89) % 251)).toString('base64');
  for (const part of ['x', 'x=', '://', '&a', 'a://', 'a:', '@', 'a@', 'key', 'key=', '\\', 'a:b/', base64]) {
    const text = part.repeat(Math.ceil(1_000_000 / part.length));
    const begun = performance.now();
    redact(text);
    // A hundred times as long as it takes, and a hundredth of what a square would.
    expect(performance.now() - begun, part.slice(0, 5)).toBeLessThan(1_000);
  }
});

test.each([
  ['rtsp://user:se\'cr"et@10.0.0.7/stream1', 'rtsp://***@10.0.0.7/stream1'],
  ['rtsp://user:se cret@10.0.0.7/stream1', 'rtsp://***@10.0.0.7/stream1'],
  ['rtsp://10.0.0.7/stream1', 'rtsp://10.0.0.7/stream1'],
])('a whole url: %s', (url, redacted) => {
  expect(redactUrl(url)).toBe(redacted);
});

test('what ffmpeg says last is without credentials, even of a url whose beginning is not kept', async () => {
  const secret = 'w0rd';
  const url = `rtsp://user:a'${secret}@10.0.0.7/stream1`;
  const end = ` open ${url} failed`;
  // So that of 4 KiB, which are kept, the first begin within the url: in its scheme, user or password.
  for (const cut of [2, 6, 9, 14]) {
    const filler = 4_096 + cut - url.length - 1 - end.length;
    const script = `process.stderr.write(process.argv[1] + ' ' + 'x'.repeat(${filler}) + ' open ' + process.argv[1] + ' failed')`;
    const run = startFfmpeg({ command: [process.execPath, '-e', script], bundled: false, avcodec: [59, 0] }, [url]);
    run.stdout.resume();
    await run.exited;
    const said = run.complaints().join('\n');
    expect(said).toContain('open rtsp://***@10.0.0.7/stream1 failed');
    expect(said).not.toContain(secret);
    expect(said).not.toContain('user');
  }
});
