import { defineNode, hasCode, QoS, System } from 'edgeflow';
import type { NodeContext, NodeHandle } from 'edgeflow';
import { camera, detectYolo } from 'edgeflow/operators';
import type { CameraOptions, Detections, Frame } from 'edgeflow/operators';
import { map, NEVER, scan } from 'rxjs';
import type { Observable } from 'rxjs';
import { expect, expectTypeOf, test } from 'vitest';
import { doubling } from '../fixtures/apps/doubling.js';
import { cliOfFile } from '../support/cli.js';
import { fixture, readLines, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const start = cliOfFile();

test('a fragment joins twice under two prefixes, in processes of its own, and its nodes find their inputs', async () => {
  const { code, stdout, stderr } = await start(['run', fixture('uses.ts'), '--reset', '--no-table', '--', '--directory', folder.path('.')])
    .ended;
  expect([code, stderr]).toEqual([0, '']);
  for (const prefix of ['low', 'high'])
    expect(stdout).toMatch(new RegExp(`^${prefix}\\.numbers → ${prefix}\\.doubled \\(durable\\): 20 published = 20 acked`, 'm'));
  const written = readLines(folder.path('written.jsonl')).map(({ value }) => value);
  const expected = [...Array(20).keys()].flatMap((value) => [value * 2, (value + 100) * 2]);
  expect(written.sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
});

/** The message of what a call throws, which must be GRAPH_INVALID. */
function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    expect(hasCode(error, 'GRAPH_INVALID')).toBe(true);
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

test('names: without a prefix they are kept, what is taken is refused, and nothing has joined then', () => {
  const system = new System('home');
  const doubled = system.use(doubling({ from: 0, count: 1 }));
  expect(doubled('doubled')).toEqual({ name: 'doubled' });
  expect(refusal(() => system.use(doubling({ from: 0, count: 1 })))).toMatch(
    /it has a node 'numbers' already, and so has 'doubling'.*give a prefix/,
  );
  expect([...system.graph().nodes.keys()]).toEqual(['numbers', 'doubled']);
});

test('a node that is not there, and what is no System, are refused', () => {
  const system = new System('home');
  const doubled = system.use(doubling({ from: 0, count: 1 }), { prefix: 'door' });
  expect(refusal(() => doubled('doubledd'))).toBe("'doubling' has no node 'doubledd'; it has numbers, doubled");
  expect(refusal(() => system.use({ name: 'no system' } as never))).toMatch(/something else than a System/);
  expect(refusal(() => system.use(system, { prefix: 'again' }))).toMatch(/it is to use itself; expected another System/);
  expect(() => system.use(doubling({ from: 0, count: 1 }), { prefix: 'a b' })).toThrow(/prefix/);
});

test('two inputs of one name are refused before anything starts', async () => {
  const system = new System('home');
  const [door, yard, both] = ['door', 'yard', 'both'].map((name) => system.node(() => NEVER, { name }));
  if (door && yard && both) {
    system.link(door).to(both, QoS.DURABLE, { as: 'camera' });
    system.link(yard).to(both, QoS.DURABLE, { as: 'camera' });
  }
  await expect(system.run()).rejects.toThrow(/two inputs of 'both' are called 'camera'; give one of the links another `as`/);
});

test('an operator says by its types what it takes, and what is given to it is checked against them', () => {
  const system = new System('typed');
  const handles = [
    system.node((frames: Observable<Frame>) => frames.pipe(map(({ width }) => width)), { name: 'annotated' }),
    system.node<Frame, Frame>(
      (frames) => {
        expectTypeOf(frames).toEqualTypeOf<Observable<Frame>>();
        return frames;
      },
      { name: 'named' },
    ),
    system.node(detectYolo(), { name: 'made' }),
    system.node(
      scan((sum: number, value: number) => sum + value, 0),
      { name: 'plain', replicas: 2 },
    ),
    system.node(
      defineNode<Frame, Detections>((frames) => frames.pipe(detectYolo())),
      { name: 'defined' },
    ),
    system.node((_, { options }: NodeContext<CameraOptions>) => camera(options), { name: 'optioned', source: 'street:1', fps: 3 }),
    system.node(
      (input, { options }) => {
        expectTypeOf(input).toEqualTypeOf<Observable<unknown>>();
        expectTypeOf(options).toEqualTypeOf<Record<string, unknown>>();
        return input;
      },
      { name: 'untyped', anything: 'goes' },
    ),
  ];
  expectTypeOf(handles).toEqualTypeOf<NodeHandle[]>();
  expect([...system.graph().nodes.keys()]).toEqual(['annotated', 'named', 'made', 'plain', 'defined', 'optioned', 'untyped']);

  const wrong = (): void => {
    // @ts-expect-error -- an input that says nothing of itself is unknown, and no frame
    system.node((frames) => frames.pipe(detectYolo()), { name: 'unsaid' });
    // @ts-expect-error -- an operator gives a stream
    system.node(() => 3, { name: 'streamless' });
    // @ts-expect-error -- fps is a number
    system.node((_, { options }: NodeContext<CameraOptions>) => camera(options), { name: 'misfit', fps: '3' });
    // @ts-expect-error -- so is the number of replicas
    system.node('./nodes/camera.ts', { name: 'many', replicas: '2' });
  };
  expectTypeOf(wrong).toEqualTypeOf<() => void>();
});
