import * as edgeflow from 'edgeflow';
import { EmbeddedBroker, MemoryBroker, subscriptionsClosed, toBroker, useBroker } from 'edgeflow';
import type { Broker, RunningSystem, RunOptions, System } from 'edgeflow';
import * as operators from 'edgeflow/operators';
import { encodeJpeg, recordTo, storeBlob, storeS3 } from 'edgeflow/operators';
import * as testing from 'edgeflow/testing';
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { lastValueFrom, take, toArray } from 'rxjs';
import S3rver from 's3rver';
import { afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { checkGraph } from '#src/system/graph.js';
import { streetModelPath } from '#recipes/street/model.js';
import { Mosquitto } from '../operators/mosquitto.js';
import { haveShared, shared, temporaryFolder } from '../operators/support.js';
import { freePort, lacks, setEnv } from '../operators/systemSupport.js';
import { graphFile, onnxFile } from '../operators/yolo/onnxFile.js';
import { filmStreet } from '../recipes/streetFilm.js';
import { useRedisPair } from '../support/redisPair.js';
import { docstringsOf } from './docstrings.js';
import { asModule, runExample } from './runExample.js';
import type { ExampleSettings } from './runExample.js';
import { checkSnippets } from './snippets.js';
import type { Snippet } from './snippets.js';
import { surroundings } from './surroundings.js';

/** What an example needs to be run here. */
interface Settings extends ExampleSettings {
  /** What it says of a place that is not here, such as an address, and what is said instead. */
  readonly here?: Readonly<Record<string, string>>;
  /** What it needs is not here. */
  readonly skip?: boolean;
}

const redis = useRedisPair();
const { frames, detections } = surroundings();
const noMosquitto = lacks('mosquitto_passwd');
const film = { "'/dev/video0'": "'street.mp4'" };

/** By the name of what the docstring belongs to. */
const settings: Readonly<Record<string, Settings | (() => Settings | Promise<Settings>)>> = {
  DualRedisBroker: () => ({ here: { "{ control: 'redis://10.0.0.5:6379', data: '/run/redis/data.sock' }": pair() } }),
  EdgeFlowError: async () => {
    const client = (): Broker => new EmbeddedBroker({ directory: 'left' });
    const broker = client();
    await broker.declare({ topic: 'camera', groups: ['logger'] });
    await lastValueFrom(frames.pipe(take(3), toBroker('camera', { broker })));
    await broker.close();
    return { names: { system: { run: (options?: RunOptions) => stopped(surroundings(client()).system).run(options) } } };
  },
  EmbeddedBroker: { here: { "name: 'doorbell'": "directory: 'doorbell'" } },
  FaultProxy: async () => {
    await redis.connect().declare({ topic: 't', groups: ['g'] });
    return { here: { '{ port: 6379 }': `{ path: '${redis.controlServer.endpoint.path}' }` } };
  },
  RedisBroker: () => ({ here: { 'rediss://user:password@redis.example:6380': redis.controlServer.endpoint.path ?? '' } }),
  batch: { values: 1 },
  connectBroker: { here: { "name: 'doorbell'": "directory: 'doorbell'" } },
  camera: { here: { 'rtsp://user:secret@10.0.0.7/stream1': 'street.mp4' } },
  cameras: { here: { 'rtsp://10.0.0.7/1': 'street.mp4', '/dev/video0': 'street.mp4' } },
  checkSystem: { here: { 'frames=30': 'frames=8', 'runs: 10': 'runs: 1' } },
  encodeJpeg: { here: film },
  fromBroker: { values: 1 },
  loadS3: async () => {
    const here = await bucket();
    const references = frames.pipe(take(2), encodeJpeg(), storeS3({ bucket: 'archive', prefix: 'door', endpoint: here }));
    return { here: { "bucket: 'archive'": `bucket: 'archive', endpoint: '${here}'` }, names: { references } };
  },
  // The published file, where fetching would have put it.
  pullModel: async () => {
    setEnv('XDG_CACHE_HOME', 'cache');
    await mkdir('cache/edgeflow/models', { recursive: true });
    if (haveShared()) await copyFile(shared('models/yolox_nano.onnx'), 'cache/edgeflow/models/yolox-nano.onnx');
    return { skip: !haveShared() };
  },
  serveDashboard: { here: { '{ control: true }': '{ control: true, port: 0 }' } },
  serveMetrics: { here: { 'serveMetrics(running)': 'serveMetrics(running, { port: 0 })' } },
  serveMjpeg: { here: { ...film, 'serveMjpeg({ ': 'serveMjpeg({ port: 0, ' } },
  storeS3: async () => ({ here: { "bucket: 'archive'": `bucket: 'archive', endpoint: '${await bucket()}'` } }),
  tileFrames: { here: { 'serveMjpeg()': 'serveMjpeg({ port: 0 })' } },
  toHomeAssistant: async () => ({ here: { 'mqtt://homeassistant.local': await mqtt() }, skip: noMosquitto }),
  toMqtt: async () => ({ here: { 'mqtt://10.0.0.2': await mqtt() }, skip: noMosquitto }),
  toWebhook: async () => ({ here: { 'https://example.com/hook': await hook() } }),
  until: { values: 10 },
  useBroker: async () => {
    const broker = redis.connect();
    await broker.declare({ topic: 'frames', readers: ['default'] });
    await lastValueFrom(frames.pipe(take(2), toBroker('frames', { broker })));
    return { here: { 'new DualRedisBroker()': `new DualRedisBroker(${pair()})` }, values: 1 };
  },
  webcam: { here: { "'/dev/video0'": "'TEST:colourbars'" }, values: 1, skip: lacks('fswebcam') },
};

const examples = ['src', 'operators', 'recipes']
  .flatMap(docstringsOf)
  .flatMap(({ name, examples }) =>
    examples.map((example, index) => ({ name, example, title: index > 0 ? `${name}, example ${index + 1}` : name })),
  );

/** They register tests, which nothing can do in a test. */
const suites = ['brokerConformance', 'brokerContract'];

test('every function and class that the package exports has an example', () => {
  const having = new Set(examples.map(({ name }) => name));
  const exported = Object.entries({ ...edgeflow, ...operators, ...testing }).filter(([, value]) => typeof value === 'function');
  expect(exported.map(([name]) => name).filter((name) => !having.has(name))).toEqual([]);
});

describe('every example of a docstring compiles', () => {
  const broken: Snippet = { file: 'broken.ts', line: 7, code: 'frames.pipe(detectYolo({ clases: [] }))', fragment: false };
  let problems: Map<Snippet, string[]>;
  const modules = new Map([...examples.map(({ example }) => example), broken].map((example) => [example, asModule(example)]));
  const problemsOf = (example: Snippet): string[] | undefined => problems.get(modules.get(example) ?? example);
  beforeAll(() => {
    problems = checkSnippets([...modules.values()]);
  });

  test('or its file and line are named', () => {
    expect(problemsOf(broken)).toEqual([
      expect.stringMatching(/^broken\.ts:7: TS2561: .*'clases' does not exist in type 'DetectYoloOptions'/),
    ]);
  });

  test.each(examples)('$title', ({ example }) => {
    expect(problemsOf(example)).toEqual([]);
  });
});

describe('every example of a docstring runs', () => {
  const folder = process.cwd();
  beforeAll(async () => {
    process.chdir(await temporaryFolder());
    await lay();
    return () => {
      process.chdir(folder);
    };
  });

  beforeEach(async () => {
    setEnv('EDGEFLOW_MODELS', 'models');
    setEnv('PATH', `${process.cwd()}/bin${delimiter}${process.env.PATH ?? ''}`);
    setEnv('AWS_ACCESS_KEY_ID', 'S3RVER');
    setEnv('AWS_SECRET_ACCESS_KEY', 'S3RVER');
    setEnv('AWS_REGION', 'us-east-1');
    const broker = new MemoryBroker();
    for (const topic of ['frames', 'readings', 'detections'])
      await broker.declare({ topic, groups: ['default'], readers: ['default'], retain: { seconds: 60 } });
    await lastValueFrom(frames.pipe(take(5), toBroker('frames', { broker })));
    await lastValueFrom(detections.pipe(take(5), toBroker('detections', { broker }), toBroker('readings', { broker })));
    useBroker(broker);
  });
  afterEach(() => subscriptionsClosed());

  test.for(examples.filter(({ name }) => !suites.includes(name)))('$title', async ({ name, example }, { skip }) => {
    const given = settings[name] ?? {};
    const { here = {}, skip: lacking, names, ...rest } = typeof given === 'function' ? await given() : given;
    if (lacking) skip('what it needs is not here');
    let { code } = example;
    for (const [there, place] of Object.entries(here)) {
      expect(code).toContain(there);
      code = code.replaceAll(there, place);
    }
    const outcome = await runExample(
      { ...example, code },
      { ...rest, names: { ...tidy, system: stopped(surroundings().system), ...names } },
    );
    const { emitted, said, given: results, systems, passed } = outcome;
    for (const values of emitted) expect(values.length).toBeGreaterThan(0);
    for (const [result, comment] of results) {
      const wanted = valueOf(comment);
      if (wanted !== undefined) expect(result).toEqual(wanted);
    }
    for (const system of systems) expect(checkGraph(system.graph('system.ts')).length).toBeGreaterThan(1);
    const told = results.filter(([result]) => result !== undefined);
    expect([...emitted, ...said, ...told, ...systems, ...passed].length).toBeGreaterThan(0);
  });
});

describe.each(examples.filter(({ name }) => suites.includes(name)))('the example of $title runs', async ({ example }) => {
  await runExample(example);
});

/** What examples make and leave open is closed after their test. */
const tidy = {
  ...Object.fromEntries(
    (['EmbeddedBroker', 'MemoryBroker', 'DualRedisBroker', 'RedisBroker'] as const).map((name) => {
      const Class = edgeflow[name] as new (options?: object) => Broker;
      return [
        name,
        class extends (Class as new (options?: object) => MemoryBroker) {
          constructor(options?: object) {
            super(options);
            onTestFinished(() => this.close());
          }
        },
      ];
    }),
  ),
  connectBroker: closed(edgeflow.connectBroker),
  serveDashboard: closed(edgeflow.serveDashboard),
  serveMetrics: closed(edgeflow.serveMetrics),
};

function stopped(system: System): System {
  const run = system.run.bind(system);
  return Object.assign(system, {
    run: async (options?: RunOptions): Promise<RunningSystem> => {
      const running = await run({ ...options, handleSignals: false, onLog: () => undefined });
      onTestFinished(() => running.stop());
      return running;
    },
  });
}

function closed<A extends readonly unknown[], R extends { close(): Promise<void> }>(serve: (...args: A) => Promise<R>) {
  return async (...args: A): Promise<R> => {
    const server = await serve(...args);
    onTestFinished(() => server.close());
    return server;
  };
}

function pair(): string {
  return JSON.stringify({ control: redis.controlServer.endpoint.path, data: redis.dataServer.endpoint.path });
}

async function mqtt(): Promise<string> {
  return noMosquitto ? '' : (await Mosquitto.start()).url;
}

async function hook(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
}

async function bucket(): Promise<string> {
  const port = await freePort();
  const directory = join(process.cwd(), 's3');
  const server = new S3rver({ port, address: '127.0.0.1', silent: true, directory, configureBuckets: [{ name: 'archive', configs: [] }] });
  await server.run();
  onTestFinished(() => server.close());
  return `http://127.0.0.1:${port}`;
}

/** What a statement gives, where the comment behind it says that in code and not in words. */
function valueOf(comment: string): unknown {
  return /^['\d[{]/.test(comment) ? runInNewContext(comment) : undefined;
}

/** Lays the files that examples name into the current folder. */
async function lay(): Promise<void> {
  const { file } = await filmStreet(process.cwd(), { seed: 7 }, 1);
  for (const name of ['street', 'door', 'yard', 'gym', '4k']) await symlink(file, `${name}.mp4`);
  await mkdir('models');
  await copyFile(streetModelPath, 'models/yolox-nano.onnx');
  const posed = new Float32Array(56 * 84);
  for (const [row, value] of [32, 32, 16, 16, 0.9].entries()) posed[row * 84] = value;
  await writeFile('models/yolo11n-pose.onnx', onnxFile({ output: [1, 56, 84], values: posed }));
  for (const name of ['mobilenet', 'colours']) await writeFile(`models/${name}.onnx`, onnxFile({ output: [1, 2], values: [0.1, 0.9] }));
  const anomaly = {
    inputs: [{ name: 'values', shape: [1, 3] }],
    outputs: [{ name: 'score', shape: [1, 3] }],
    nodes: [{ type: 'Identity', inputs: ['values'], output: 'score' }],
  };
  await writeFile('models/anomaly.onnx', graphFile(anomaly));
  const stored = await lastValueFrom(frames.pipe(take(2), encodeJpeg(), storeBlob({ directory: 'archive' }), toArray()));
  for (const [index, { path }] of stored.entries()) await copyFile(join('archive', path), `archive/door-${index + 1}.jpg`);
  await lastValueFrom(frames.pipe(take(3), recordTo('yolo.rec')));
  await mkdir('bin');
  await writeFile('bin/notify-send', '#!/bin/sh\n');
  await chmod('bin/notify-send', 0o755);
}
