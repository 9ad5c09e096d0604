import { expect, test } from 'vitest';
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
  ['[rtsp @ 0x55d1] method DESCRIBE failed: 401 Unauthorized', '[rtsp @ 0x55d1] method DESCRIBE failed: 401 Unauthorized'],
  ['/videos/street.mp4: moov atom not found', '/videos/street.mp4: moov atom not found'],
])('%s', (text, redacted) => {
  expect(redact(text)).toBe(redacted);
});

test.each([
  ['rtsp://user:se\'cr"et@10.0.0.7/stream1', 'rtsp://***@10.0.0.7/stream1'],
  ['rtsp://user:se cret@10.0.0.7/stream1', 'rtsp://***@10.0.0.7/stream1'],
  ['rtsp://10.0.0.7/stream1', 'rtsp://10.0.0.7/stream1'],
])('a whole url: %s', (url, redacted) => {
  expect(redactUrl(url)).toBe(redacted);
});
