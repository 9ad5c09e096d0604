import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import { MemoryBroker } from 'edgeflow';
import type { RunningSystem } from 'edgeflow';
import { loiteringAlert } from '#recipes/loiteringAlert.js';
import type { Loitering } from '#recipes/loiteringAlert.js';
import { streetModelPath } from '#recipes/street/model.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Mosquitto } from '../operators/mosquitto.js';
import type { Seen } from '../operators/mosquitto.js';
import { freePort, lacks, shared, temporaryFolder } from '../operators/systemSupport.js';
import { cliOfFile } from '../support/cli.js';
import { linkOf } from '../support/system.js';
import { filmFps, filmStreet, footOf } from './streetFilm.js';
import type { StreetFilm } from './streetFilm.js';

const start = cliOfFile();
const recipe = resolve(import.meta.dirname, '../../dist/recipes/loiteringAlert.js');
const film = shared('media/one-by-one-person-detection.mp4');
const model = shared('models/yolox_nano.onnx');

/** A web hook that can be opened late. */
class Hook {
  readonly taken: Loitering[] = [];
  readonly url: string;
  readonly #port: number;
  readonly #server: Server;

  private constructor(port: number) {
    this.#port = port;
    this.url = `http://127.0.0.1:${port}/alert`;
    this.#server = createServer((request, response) => {
      void json(request).then((alert) => {
        this.taken.push(alert as Loitering);
        response.writeHead(204).end();
      });
    });
    onTestFinished(() => void this.#server.close());
  }

  static async at(): Promise<Hook> {
    return new Hook(await freePort());
  }

  open(): Promise<unknown> {
    return new Promise((ready) => this.#server.listen(this.#port, '127.0.0.1', () => ready(undefined)));
  }
}

async function run(options: Parameters<typeof loiteringAlert>[0]): Promise<RunningSystem> {
  const system = loiteringAlert({ pace: false, topic: 'loitering', ...options });
  const running = await system.run({ broker: new MemoryBroker(), isolation: 'inline', handleSignals: false, onLog: () => undefined });
  onTestFinished(() => running.stop());
  return running;
}

/** Waits for as long as the test may take. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((next) => setTimeout(next, 50));
}

/** All that are waited for by one target. */
async function waiting(running: RunningSystem, target: string): Promise<number> {
  return linkOf(await running.ledger(), 'loiterers', target).pending;
}

/** Alerts in the order of their times: several are under way at once. */
const inOrder = (alerts: readonly Loitering[]): Loitering[] => alerts.toSorted((a, b) => a.time - b.time);
const told = (seen: readonly Seen[]): Loitering[] => inOrder(seen.map(({ text }) => JSON.parse(text) as Loitering));

/** Seconds of the video, since which those who alert have been in the zone. */
const since = (alerts: readonly Loitering[]): number[] => alerts.map(({ time, stayedMs }) => (time - stayedMs) / 1000);

/** When each person of a street comes into a zone from `left` to `right` of the near pavement, and for how long, in seconds. */
function staysOf({ truth }: StreetFilm, left: number, right: number): { readonly from: number; readonly seconds: number }[] {
  const stays = new Map<number, { first: number; last: number }>();
  truth.forEach((objects, frame) => {
    for (const { label, track, box } of objects) {
      const [x, y] = footOf(box);
      if (label !== 'person' || x < left || x > right || y < 0.78) continue;
      stays.set(track, { first: stays.get(track)?.first ?? frame, last: frame });
    }
  });
  return [...stays.values()].map(({ first, last }) => ({ from: first / filmFps, seconds: (last - first) / filmFps }));
}

describe.skipIf(lacks('ffmpeg') || lacks('mosquitto'))('people who stay too long', { timeout: 600_000 }, () => {
  /** The table in the middle of the film, at which six people stand for 12, 20, 17, 10, 26 and 10 seconds. */
  const table = {
    ...{ source: film.path, model: model.path, fps: 5, dwellMs: 15_000 },
    zone: [
      [0.35, 0.7],
      [0.75, 0.7],
      [0.75, 1],
      [0.35, 1],
    ] as const,
  };

  test.skipIf(film.absent || model.absent)(
    'alert once each; while MQTT is down its alerts wait, and the web hook has its own',
    async () => {
      const [mosquitto, hook] = [await Mosquitto.start(), await Hook.at()];
      const seen = await mosquitto.watch('loitering');
      await mosquitto.stop();
      await hook.open();

      const running = await run({ ...table, mqtt: mosquitto.url, webhook: hook.url });
      await until(() => hook.taken.length === 3);
      await until(async () => (await waiting(running, 'mqtt')) === 3);
      expect(seen).toEqual([]);

      await mosquitto.start();
      const { ledger } = await running.done;
      expect(ledger.balanced).toBe(true);
      await until(() => seen.length >= 3);
      expect(told(seen)).toEqual(inOrder(hook.taken));
      expect(hook.taken).toHaveLength(3);
      // The second, the third and the fifth, since they have come to the table.
      since(inOrder(hook.taken)).forEach((second, place) => expect(Math.abs(second - ([23, 51, 92.5][place] ?? NaN))).toBeLessThan(1.5));
    },
  );

  test('of a street alert, and nobody else; while the web hook is down its alerts wait, and MQTT has its own', async () => {
    const street = await filmStreet(temporaryFolder(), { seed: 6001, traffic: { walkers: 1 } }, 40);
    const stays = staysOf(street, 0.1, 0.9);
    // Between those who stay long and the others, where the difference is greatest.
    const lengths = stays.map(({ seconds }) => seconds).sort((a, b) => a - b);
    const upper = lengths.slice(Math.floor(lengths.length / 2));
    const gaps = upper
      .slice(1)
      .map((length, place) => ({ width: length - (upper[place] ?? NaN), middle: (length + (upper[place] ?? NaN)) / 2 }));
    const [{ middle, width } = { middle: NaN, width: 0 }] = gaps.toSorted((a, b) => b.width - a.width);
    const loiterers = stays.filter(({ seconds }) => seconds > middle).map(({ from }) => from);
    console.warn(
      `${stays.length} people, ${loiterers.length} of whom stay for more than ${middle.toFixed(2)} s; the nearest stay differs by ${(width / 2).toFixed(2)} s`,
    );

    const [mosquitto, hook] = [await Mosquitto.start(), await Hook.at()];
    const seen = await mosquitto.watch('loitering');
    const zone = [
      [0.1, 0.78],
      [0.9, 0.78],
      [0.9, 1],
      [0.1, 1],
    ] as const;
    const running = await run({
      ...{ source: street.file, fps: filmFps, model: streetModelPath, zone, dwellMs: middle * 1000 },
      ...{ mqtt: mosquitto.url, webhook: hook.url },
    });
    await until(() => seen.length === loiterers.length);
    await until(async () => (await waiting(running, 'webhook')) === loiterers.length);
    await hook.open();
    await running.done;
    expect(inOrder(hook.taken)).toEqual(told(seen));
    expect(hook.taken).toHaveLength(loiterers.length);
    since(hook.taken)
      .sort((a, b) => a - b)
      .forEach((second, place) => expect(Math.abs(second - (loiterers.toSorted((a, b) => a - b)[place] ?? NaN))).toBeLessThan(0.3));
  });

  test('are a System of the command line', async () => {
    const { code, stdout, stderr } = await start(['graph', recipe, '--', '--dwell-ms', '9000', '--mqtt', 'mqtt://10.0.0.2']).ended;
    expect([code, stderr]).toEqual([0, '']);
    for (const node of ['camera', 'detector', 'loiterers', 'mqtt', 'webhook']) expect(stdout).toContain(node);
  });
});
