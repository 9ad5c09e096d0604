import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import sharp from 'sharp';
import { onTestFinished } from 'vitest';
import { until } from './systemSupport.js';

/** A picture of one colour, as JPEG. */
export function plainJpeg(width: number, height: number, background: string): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background } })
    .jpeg()
    .toBuffer();
}

/**
 * A camera that serves Motion JPEG over HTTP (`multipart/x-mixed-replace`), as many network cameras do.
 *
 * @param play - called for each viewer with his number, from 0, and a way to send him a picture.
 * @returns its url.
 */
export async function mjpegServer(play: (viewer: number, send: (jpeg: Buffer) => void, response: ServerResponse) => void): Promise<string> {
  let viewers = 0;
  const server = createServer((_request, response) => {
    response.on('error', () => undefined);
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' });
    const send = (jpeg: Buffer): void => {
      response.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
      response.write(jpeg);
      response.write('\r\n');
    };
    play(viewers++, send, response);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await until('the server', () => server.listening);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/video.mjpg`;
}

/** Sends pictures at a rate until the viewer leaves; `next` says which, and none when there are no more. */
export function stream(
  response: ServerResponse,
  fps: number,
  send: (jpeg: Buffer) => void,
  next: (index: number) => Buffer | undefined,
): void {
  let index = 0;
  const timer = setInterval(() => {
    const jpeg = next(index++);
    if (jpeg) send(jpeg);
  }, 1000 / fps);
  response.once('close', () => {
    clearInterval(timer);
  });
}
