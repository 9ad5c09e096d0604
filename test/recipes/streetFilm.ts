import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { MemoryBroker } from 'edgeflow';
import type { Ledger, System } from 'edgeflow';
import { drawScene } from 'edgeflow/operators';
import type { Box, SceneObject, SceneView } from 'edgeflow/operators';
import { expect } from 'vitest';

/** Frames a second of the films. */
export const filmFps = 15;

/** A film of the generated street, and what is in each of its frames. */
export interface StreetFilm {
  readonly file: string;
  readonly truth: readonly (readonly SceneObject[])[];
}

/** Films so many seconds of a street, without loss. */
export async function filmStreet(folder: string, view: SceneView & { readonly seed: number }, seconds: number): Promise<StreetFilm> {
  const file = join(folder, `street-${view.seed}.mkv`);
  const draw = drawScene({ fps: filmFps, ...view });
  const { width, height } = draw(0).frame;
  const input = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-r', String(filmFps), '-i', '-'];
  const ffmpeg = spawn('ffmpeg', ['-v', 'error', '-y', ...input, '-c:v', 'libx264rgb', '-qp', '0', '-preset', 'ultrafast', file], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const ended = once(ffmpeg, 'exit');
  const truth: (readonly SceneObject[])[] = [];
  for (let index = 0; index < seconds * filmFps; index++) {
    const { frame, objects } = draw(index);
    truth.push(objects);
    if (!ffmpeg.stdin.write(frame.data)) await once(ffmpeg.stdin, 'drain');
  }
  ffmpeg.stdin.end();
  await finished(ffmpeg.stdin);
  expect(await ended).toEqual([0, null]);
  return { file, truth };
}

/** Where an object stands, in parts of the picture. */
export function footOf([x1, , x2, y2]: Box): readonly [x: number, y: number] {
  return [(x1 + x2) / 2 / 640, y2 / 360];
}

/** Runs a recipe in this process until its video has ended, and checks that the ledger adds up. */
export async function play(system: System): Promise<Ledger> {
  const running = await system.run({ broker: new MemoryBroker(), isolation: 'inline', handleSignals: false, onLog: () => undefined });
  const { ledger } = await running.done;
  expect(ledger.balanced).toBe(true);
  for (const { source, target, dead, pending } of ledger.links)
    expect({ source, target, dead, pending }).toEqual({ source, target, dead: 0, pending: 0 });
  return ledger;
}
