import { camera } from 'edgeflow/operators';
import type { CameraEvent, Frame } from 'edgeflow/operators';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';

/**
 * Draws docs/pictures/reconnect.svg: what `camera` gives and tells while its server falls silent, and goes away. From the root of the
 * repository:
 *
 *     node --import ./test/support/typescript.mjs test/docs/reconnectPicture.ts > docs/pictures/reconnect.svg
 */

/** Something and when it was, in milliseconds since the beginning. */
type At<T> = T & { readonly at: number };

const jpeg = await sharp({ create: { width: 64, height: 48, channels: 3, background: '#37a' } })
  .jpeg()
  .toBuffer();
const viewers = new Set<ServerResponse>();

function served(): Server {
  return createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' });
    viewers.add(response);
    response.once('close', () => viewers.delete(response));
  });
}

let server = served().listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

const began = performance.now();
const at = (): number => performance.now() - began;
const sent: number[] = [];
const frames: At<Frame>[] = [];
const events: At<CameraEvent>[] = [];
let silent = false;
const clock = setInterval(() => {
  if (silent) return;
  if (viewers.size > 0) sent.push(at());
  for (const viewer of viewers) {
    viewer.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
    viewer.write(jpeg);
    viewer.write('\r\n');
  }
}, 100);

const subscription = camera({
  source: `http://127.0.0.1:${port}/video.mjpg`,
  stallTimeoutMs: 1_000,
  onEvent: (event) => events.push({ ...event, at: at() }),
}).subscribe((frame) => frames.push({ ...frame, at: at() }));

/** Waits for another frame than those that are there. */
async function another(): Promise<void> {
  const before = frames.length;
  while (frames.length === before) await sleep(10);
}

await another();
await sleep(2_000);
silent = true;
const silentFrom = at();
while (!events.some(({ type }) => type === 'stalled')) await sleep(10);
silent = false;
const silentTo = at();
await another();
await sleep(1_500);
server.close();
server.closeAllConnections();
const goneFrom = at();
await sleep(4_000);
server = served().listen(port, '127.0.0.1');
await once(server, 'listening');
const goneTo = at();
await another();
await sleep(1_500);
const end = at();
subscription.unsubscribe();
clearInterval(clock);
server.close();
server.closeAllConnections();

const left = 90;
const right = 850;
const x = (time: number): string => (left + (time / end) * (right - left)).toFixed(1);
const ticks = (times: readonly number[], y: number, colour: string): string =>
  times.map((time) => `<line x1="${x(time)}" y1="${y - 9}" x2="${x(time)}" y2="${y + 9}" stroke="${colour}" stroke-width="2.5"/>`).join('');
const span = (from: number, to: number, text: string): string =>
  `<rect x="${x(from)}" y="30" width="${(Number(x(to)) - Number(x(from))).toFixed(1)}" height="190" fill="#fdebd0"/>` +
  `<text x="${x(from)}" y="24" fill="#a04000">${text}</text>`;
const lane = (y: number, text: string): string =>
  `<text x="8" y="${y + 4}">${text}</text><line x1="${left}" y1="${y}" x2="${right}" y2="${y}" stroke="#bbb"/>`;
const told = events.filter(({ type }) => type !== 'passedOver');
const marks = told.map((event, place) => {
  const text = event.type === 'reconnect' ? `reconnect ${event.attempt}, in ${event.delayMs} ms` : event.type;
  const y = 150 + (place % 4) * 20;
  const before = event.at > 0.8 * end;
  return (
    `<circle cx="${x(event.at)}" cy="${y - 4}" r="4" fill="${event.type === 'open' ? '#1e8449' : '#c0392b'}"/>` +
    `<text x="${(Number(x(event.at)) + (before ? -7 : 7)).toFixed(1)}" y="${y}"${before ? ' text-anchor="end"' : ''}>${text}</text>`
  );
});
const seconds = Array.from(
  { length: Math.floor(end / 1_000) + 1 },
  (_, second) => `<text x="${x(second * 1_000)}" y="240" fill="#777">${second} s</text>`,
);

console.log(
  [
    '<svg xmlns="http://www.w3.org/2000/svg" width="860" height="250" viewBox="0 0 860 250" font-family="sans-serif" font-size="12">',
    '<rect width="860" height="250" fill="#fff"/>',
    span(silentFrom, silentTo, 'silent'),
    span(goneFrom, goneTo, 'gone'),
    lane(60, 'server'),
    lane(105, 'frames'),
    '<text x="8" y="150">events</text>',
    ticks(sent, 60, '#888'),
    ticks(
      frames.map((frame) => frame.at),
      105,
      '#2874a6',
    ),
    ...marks,
    ...seconds,
    '</svg>',
  ].join('\n'),
);
