import { MemoryBroker, QoS, System } from 'edgeflow';
import type { LinkOptions, NodeOptions, RunOptions } from 'edgeflow';
import { EMPTY, NEVER } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { runsOfFile } from '../support/system.js';

const run = runsOfFile();

/** As a caller without types would give it. */
const any = (value: unknown): never => value as never;

function twoNodes(): System {
  const system = new System('checked');
  system.link(system.node(() => NEVER, { name: 'a' })).to(
    system.node((values) => values, { name: 'b' }),
    QoS.DURABLE,
  );
  return system;
}

test.each<[string, unknown, RegExp]>([
  ['null', null, /its options are null; expected an object/],
  ['drainMs', { drainMs: '5000' }, /drainMs is '5000'; expected milliseconds, at least 0, or Infinity/],
  ['drainMs', { drainMs: -1 }, /drainMs is -1/],
  ['drainMs', { drainMs: NaN }, /drainMs is NaN/],
  ['resume and reset', { resume: true, reset: true }, /resume delivers .* reset discards/],
  ['resume and reset', { resume: true, reset: 'namespace' }, /resume delivers .* reset discards/],
  ['reset', { reset: 'namspace' }, /reset is 'namspace'; expected true, false or 'namespace'/],
  ['resume', { resume: 'yes' }, /resume is 'yes'/],
  ['log', { log: 'xml' }, /log is 'xml'; expected 'text' or 'json'/],
  ['onLog', { onLog: 5 }, /onLog is 5; expected a function/],
  ['handleSignals', { handleSignals: 'no' }, /handleSignals is 'no'; expected true or false/],
  ['broker', { broker: {} }, /broker is \{\}; expected a broker/],
  ['entry', { entry: 5 }, /entry is 5; expected the path of a module/],
  ['isolation', { isolation: 'proces' }, /isolation is 'proces'; expected 'process', 'thread' or 'inline'/],
  ['trace', { trace: null }, /trace is null/],
  ['a misspelt name', { isolatoin: 'inline' }, /run: there is no option 'isolatoin'; did you mean 'isolation'\? There is broker, entry, /],
  ['a misspelt name of trace', { trace: { smaple: 1 } }, /trace: there is no option 'smaple'; did you mean 'sample'\?/],
  ['trace.sample', { trace: { sample: '1' } }, /trace.sample is '1'; expected a share from 0 to 1/],
])('run: %s %j', async (_, options, message) => {
  const broker = new MemoryBroker();
  await broker.declare({ topic: 'a', groups: ['b'] });
  const given = options === null ? options : { isolation: 'inline', broker, handleSignals: false, ...(options as RunOptions) };
  await expect(twoNodes().run(any(given))).rejects.toMatchObject({
    code: 'OPTIONS_INVALID',
    message: expect.stringMatching(message) as string,
  });
  // Nothing was opened, and nothing reset.
  expect((await broker.stats()).map(({ topic }) => topic)).toEqual(['a']);
  await broker.close();
});

test.each<[unknown, RegExp]>([
  [null, /its options are null/],
  [{ id: 5 }, /id is 5; expected a text/],
  [{ topic: 'a', seq: '1' }, /seq is '1'; expected a number/],
])('trace: OPTIONS_INVALID for %j', async (query, message) => {
  const running = await run(twoNodes(), new MemoryBroker(), { isolation: 'inline' });
  await expect(running.trace(any(query))).rejects.toMatchObject({
    code: 'OPTIONS_INVALID',
    message: expect.stringMatching(message) as string,
  });
});

test.each<[string, unknown, RegExp]>([
  ['a promise', Promise.resolve(EMPTY), /returned (Promise|\[Promise\]); expected an Observable/],
  ['an array', [1, 2], /returned \[Array\]; expected an Observable/],
  ['nothing', undefined, /node 'a': its operator returned undefined; expected an Observable/],
])('an operator that returns %s: NODE_MODULE_INVALID, and no restart', async (_, returned, message) => {
  const system = new System('streamless');
  system.node(() => any(returned), { name: 'a' });
  const lines: string[] = [];
  const started = run(system, new MemoryBroker(), { isolation: 'inline', onLog: (_node, line) => lines.push(line) });
  await expect(started.then(({ done }) => done)).rejects.toMatchObject({
    code: 'NODE_MODULE_INVALID',
    message: expect.stringMatching(message) as string,
  });
  expect(lines.join()).not.toContain('restart');
});

test('run: Infinity is no limit for a drain, and for that of a restart', async () => {
  const killed: string[] = [];
  const running = await run(twoNodes(), new MemoryBroker(), {
    isolation: 'inline',
    drainMs: Infinity,
    onLog: (_, line) => killed.push(line),
  });
  await running.restart('b');
  await running.stop();
  expect(killed).toEqual([]);
});

test.each<[string, unknown, RegExp]>([
  ['NODE_OPTIONS_INVALID', null, /its options are null/],
  ['NODE_OPTIONS_INVALID', { maxRestarts: NaN }, /maxRestarts is NaN; expected a whole number of at least 0, or Infinity/],
  ['NODE_OPTIONS_INVALID', { maxRestarts: -1 }, /maxRestarts is -1/],
  ['NODE_OPTIONS_INVALID', { maxBytes: '5' }, /maxBytes is '5'; expected a positive number of bytes/],
  ['NODE_OPTIONS_INVALID', { maxBytes: 0 }, /maxBytes is 0/],
  ['NODE_OPTIONS_INVALID', { onFull: 'drop' }, /onFull is 'drop'; expected 'wait', 'reject' or 'replace'/],
  ['NODE_OPTIONS_INVALID', { retain: null }, /retain: its options are null/],
  ['NODE_OPTIONS_INVALID', { retain: {} }, /retain says nothing/],
  ['NODE_OPTIONS_INVALID', { retain: { bytes: 5, second: 5 } }, /retain: there is no option 'second'; did you mean 'seconds'\?/],
  ['NODE_OPTIONS_INVALID', { retain: { seconds: '5' } }, /retain.seconds is '5'; expected 0 or more/],
  ['NODE_OPTIONS_INVALID', { emits: 5 }, /emits is 5; expected the name of a type/],
  ['TOPIC_INVALID', { name: 5 }, /node name 5 is not usable/],
])('node: %s for %j', (code, options, message) => {
  const system = new System('checked');
  expect(() => system.node(() => NEVER, any(options))).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) as string }),
  );
});

test('node: no bound is one too', () => {
  const options: NodeOptions = { maxRestarts: Infinity, maxBytes: Infinity, retain: { seconds: Infinity } };
  expect(new System('checked').node(() => NEVER, { name: 'a', ...options })).toEqual({ name: 'a' });
});

test.each<[unknown, RegExp]>([
  [null, /its options are null/],
  [{ retry: null }, /retry: its options are null/],
  [{ retry: { jitter: '0.5' } }, /retry.jitter is 0.5; expected 0 to 1/],
  [{ retry: { maxDeliverys: 3 } }, /retry: there is no option 'maxDeliverys'; did you mean 'maxDeliveries'\?/],
  [{ preftech: 1 }, /there is no option 'preftech'; did you mean 'prefetch'\?/],
  [{ prefetch: 0 }, /prefetch is 0; expected a whole number of at least 1/],
  [{ concurrency: '2' }, /concurrency is '2'/],
  [{ payload: 'vew' }, /payload is 'vew'; expected 'copy', 'view' or 'poison'/],
  [{ as: '' }, /as is ''; expected the name of an input/],
])('link: OPTIONS_INVALID for %j', (options, message) => {
  const system = new System('checked');
  const a = system.node(() => NEVER, { name: 'a' });
  expect(() => system.link(a).to({ name: 'b' }, QoS.DURABLE, any(options) as LinkOptions)).toThrow(
    expect.objectContaining({
      code: 'OPTIONS_INVALID',
      message: expect.stringMatching(new RegExp(`^link from 'a' to 'b': ${message.source}`)) as string,
    }),
  );
});

describe('what is no node, no System, no name', () => {
  const system = new System('checked');
  const a = system.node(() => NEVER, { name: 'a' });
  test.each<[string, string, RegExp, () => unknown]>([
    ['link(undefined)', 'GRAPH_INVALID', /link\(…\) was given undefined; expected a node/, () => system.link(any(undefined))],
    ['to(undefined)', 'GRAPH_INVALID', /link\('a'\)\.to\(…\) was given undefined/, () => system.link(a).to(any(undefined), QoS.DURABLE)],
    ['shadow(null)', 'GRAPH_INVALID', /link\('a'\)\.shadow\(…\) was given null/, () => system.link(a).shadow(any(null))],
    ['shadow(a, null)', 'OPTIONS_INVALID', /its options are null/, () => system.link(a).shadow(a, any(null))],
    [
      'shadow(a, { concurency })',
      'OPTIONS_INVALID',
      /there is no option 'concurency'/,
      () => system.link(a).shadow(a, any({ concurency: 2 })),
    ],
    ['node(null)', 'GRAPH_INVALID', /node\(…\) was given null; expected the path or URL/, () => system.node(any(null))],
    [
      'node(new URL(…))',
      'GRAPH_INVALID',
      /node\(…\) was given http:.*; expected the path of a module, or its file: URL/,
      () => system.node(new URL('http://127.0.0.1/camera.js')),
    ],
    ['node(file://host/…)', 'GRAPH_INVALID', /was given file:\/\/host/, () => system.node('file://host/camera.js')],
    ['node({})', 'GRAPH_INVALID', /node\(…\) was given \[Object\]/, () => system.node(any({ password: 'secret' }))],
    ['use(null)', 'GRAPH_INVALID', /something else than a System/, () => system.use(any(null))],
    ['use(…, null)', 'OPTIONS_INVALID', /its options are null/, () => system.use(new System('other'), any(null))],
    ['use(…, { prefx })', 'OPTIONS_INVALID', /there is no option 'prefx'/, () => system.use(new System('other'), any({ prefx: 'b' }))],
    [
      'new System(…, { isolatoin })',
      'OPTIONS_INVALID',
      /did you mean 'isolation'/,
      () => new System('other', any({ isolatoin: 'inline' })),
    ],
    ['new System(undefined)', 'TOPIC_INVALID', /system name undefined is not usable/, () => new System(any(undefined))],
    ['new System(…, null)', 'OPTIONS_INVALID', /its options are null/, () => new System('other', any(null))],
    ['a broker of a System', 'OPTIONS_INVALID', /broker is 5; expected a broker/, () => new System('other', { broker: any(5) })],
  ])('%s: %s', (_, code, message, call) => {
    expect(call).toThrow(expect.objectContaining({ name: 'EdgeFlowError', code, message: expect.stringMatching(message) as string }));
  });
});
