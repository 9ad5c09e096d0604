import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { test } from 'vitest';
import type { Broker, DeliveredMessage, TopicStats } from '../../brokers/broker.js';
import { TopicLog } from '../../brokers/memory/topicLog.js';
import { numbered } from '../harness.js';
import type { BrokerHarness, BrokerStore } from '../harness.js';
import { withStore } from './withStore.js';

/** What was handed out, by the model and by the broker alike. */
interface Held {
  readonly consumer: string;
  readonly message: DeliveredMessage;
}

/** The rules, and what the commands know of the past. */
interface Model {
  readonly input: TopicLog;
  readonly output: TopicLog;
  readonly sent: ReturnType<typeof numbered>[];
  readonly held: Held[];
  readonly settled: Held[];
  /** Outputs that were committed. */
  outputs: number;
}

interface Real {
  /** Each consumer's client; `p` publishes. */
  readonly clients: Record<string, Broker>;
  readonly store: BrokerStore;
}

/** One step: what the model does, and what the broker answers, must be the same; and so must the counts afterwards. */
class Step implements fc.AsyncCommand<Model, Real> {
  readonly #name: string;
  readonly #possible: (model: Model) => boolean;
  readonly #take: (model: Model, real: Real) => Promise<readonly [expected: unknown, answered: unknown]>;

  constructor(
    name: string,
    take: (model: Model, real: Real) => Promise<readonly [expected: unknown, answered: unknown]>,
    possible: (model: Model) => boolean = () => true,
  ) {
    this.#name = name;
    this.#take = take;
    this.#possible = possible;
  }

  check(model: Readonly<Model>): boolean {
    return this.#possible(model);
  }

  async run(model: Model, real: Real): Promise<void> {
    const [expected, answered] = await this.#take(model, real);
    same(this.#name, answered, expected);
    same(`the counts after ${this.#name}`, await countsOf(publisher(real)), [model.input.stats(), model.output.stats()]);
  }

  toString(): string {
    return this.#name;
  }
}

function same(what: string, found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected)) throw new Error(`${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}

function client({ clients }: Real, name: string): Broker {
  const found = clients[name];
  if (!found) throw new Error(`there is no client '${name}'`);
  return found;
}

const publisher = (real: Real): Broker => client(real, 'p');

async function countsOf(broker: Broker): Promise<TopicStats[]> {
  const stats = await broker.stats();
  return ['in', 'out'].flatMap((name) => stats.filter(({ topic }) => topic === name));
}

const who = (consumer: string): { group: string; consumer: string } => ({ group: 'g', consumer });
const facts = (messages: readonly DeliveredMessage[]): unknown =>
  messages.map(({ seq, token, attempt, id, payload }) => [seq, token, attempt, id, payload.length]);

/** Takes one of the held messages out, to settle it. */
function pickHeld(model: Model, pick: number): Held {
  const [held] = model.held.splice(pick % model.held.length, 1);
  if (!held) throw new Error('no message is held');
  model.settled.push(held);
  return held;
}

const holds = ({ held }: Model): boolean => held.length > 0;
const hasSettled = ({ settled }: Model): boolean => settled.length > 0;

/** Settles one delivery together with an output of its own. */
async function commitOne(model: Model, real: Real, { consumer, message }: Held, bytes: number): Promise<readonly [unknown, unknown]> {
  const output = numbered(model.outputs++, bytes);
  const acks = [{ topic: 'in', ...who(consumer), tickets: [message] }];
  const { committed } = await client(real, consumer).commit({ acks, messages: [{ topic: 'out', message: output }] });
  const acked = model.input.ack('g', consumer, message);
  if (acked) model.output.push(output);
  return [acked, committed];
}

const steps = {
  push: (bytes: number) =>
    new Step(`push(${bytes} B)`, async (model, real) => {
      const message = numbered(model.sent.length, bytes);
      model.sent.push(message);
      return [model.input.push(message), await publisher(real).push('in', message)];
    }),
  repeat: (pick: number) =>
    new Step(
      `push again(${pick})`,
      async (model, real) => {
        const message = model.sent[pick % model.sent.length] ?? numbered(0);
        return [model.input.push(message), await publisher(real).push('in', message)];
      },
      ({ sent }) => sent.length > 0,
    ),
  pop: (consumer: string, count: number, strict: boolean) =>
    new Step(`pop(${consumer}, ${count}${strict ? ', strict' : ''})`, async (model, real) => {
      const expected = model.input.pop('g', consumer, count, strict, 0);
      const popped = await client(real, consumer).pop('in', { ...who(consumer), count, strict, waitMs: 0 });
      model.held.push(...popped.map((message) => ({ consumer, message })));
      return [facts(expected), facts(popped)];
    }),
  ack: (pick: number) =>
    new Step(
      `ack(${pick})`,
      async (model, real) => {
        const { consumer, message } = pickHeld(model, pick);
        const { fenced } = await client(real, consumer).ack('in', who(consumer), [message]);
        return [model.input.ack('g', consumer, message), fenced.length === 0];
      },
      holds,
    ),
  ackAgain: (pick: number) =>
    new Step(
      `ack what was settled(${pick})`,
      async (model, real) => {
        const { consumer, message } = model.settled[pick % model.settled.length] ?? pickHeld(model, 0);
        const { fenced } = await client(real, consumer).ack('in', who(consumer), [message]);
        return [model.input.ack('g', consumer, message), fenced.length === 0];
      },
      hasSettled,
    ),
  nack: (pick: number, retry: boolean) =>
    new Step(
      `${retry ? 'retry' : 'give up'}(${pick})`,
      async (model, real) => {
        const { consumer, message } = pickHeld(model, pick);
        const failure = { error: 'failed', retryAfterMs: retry ? 0 : undefined };
        const given = await client(real, consumer).nack('in', who(consumer), message, failure);
        return [model.input.nack('g', consumer, message, failure, 0, 0), given];
      },
      holds,
    ),
  commit: (pick: number, bytes: number) =>
    new Step(`commit(${pick}, ${bytes} B)`, (model, real) => commitOne(model, real, pickHeld(model, pick), bytes), holds),
  commitLate: (pick: number) =>
    new Step(
      `commit what was settled(${pick})`,
      (model, real) => commitOne(model, real, model.settled[pick % model.settled.length] ?? pickHeld(model, 0), 5_000),
      hasSettled,
    ),
  release: (consumer: string) =>
    new Step(`release(${consumer})`, async (model, real) => {
      model.input.release('g', consumer);
      await client(real, consumer).release('in', who(consumer));
      forget(model, consumer);
      return [0, 0];
    }),
  crash: (consumer: string) =>
    new Step(`crash(${consumer})`, async (model, real) => {
      const next = await real.store.connect();
      if (next === client(real, consumer)) {
        // The store is the object: nobody takes anything back but by a release.
        model.input.release('g', consumer);
        await next.release('in', who(consumer));
      } else {
        // The first pop takes back what the process before had open; those deliveries count as attempts.
        model.input.takeBack('g', consumer);
        real.clients[consumer] = next;
        const expected = model.input.pop('g', consumer, 1, false, 0);
        const popped = await next.pop('in', { ...who(consumer), count: 1, waitMs: 0 });
        forget(model, consumer);
        model.held.push(...popped.map((message) => ({ consumer, message })));
        return [facts(expected), facts(popped)];
      }
      forget(model, consumer);
      return [0, 0];
    }),
  redrive: (pick: number) =>
    new Step(
      `re-drive(${pick})`,
      async (model, real) => {
        const letters = model.input.deadLetters();
        const letter = letters[pick % letters.length]?.letter ?? 0;
        return [model.input.redrive([letter]), await publisher(real).redrive('in', [letter])];
      },
      ({ input }) => input.deadLetters().length > 0,
    ),
  drop: (pick: number) =>
    new Step(
      `drop a dead letter(${pick})`,
      async (model, real) => {
        const letters = model.input.deadLetters();
        const letter = letters[pick % letters.length]?.letter ?? 0;
        return [model.input.dropDeadLetters([letter]), await publisher(real).dropDeadLetters('in', [letter])];
      },
      ({ input }) => input.deadLetters().length > 0,
    ),
  latest: (reader: string) =>
    new Step(`popLatest(${reader})`, async (model, real) => {
      const expected = model.input.popLatest(reader);
      const taken = await publisher(real).popLatest('in', { reader, consumer: 'a', waitMs: 0 });
      return [expected && [expected.seq, expected.id, expected.payload.length], taken && [taken.seq, taken.id, taken.payload.length]];
    }),
};

/** What the consumer held before is fenced from now on; an ack of it must not count. */
function forget(model: Model, consumer: string): void {
  for (let index = model.held.length - 1; index >= 0; index--)
    if (model.held[index]?.consumer === consumer) model.settled.push(...model.held.splice(index, 1));
}

const consumer = fc.constantFrom('a', 'b');
const pick = fc.nat({ max: 1_000 });
const bytes = fc.constantFrom(0, 10, 5_000);

const arbitraries: fc.Arbitrary<fc.AsyncCommand<Model, Real>>[] = [
  bytes.map(steps.push),
  bytes.map(steps.push),
  pick.map(steps.repeat),
  fc.tuple(consumer, fc.integer({ min: 1, max: 4 }), fc.boolean()).map((args) => steps.pop(...args)),
  fc.tuple(consumer, fc.integer({ min: 1, max: 4 }), fc.constant(false)).map((args) => steps.pop(...args)),
  pick.map(steps.ack),
  pick.map(steps.ackAgain),
  fc.tuple(pick, fc.boolean()).map((args) => steps.nack(...args)),
  fc.tuple(pick, bytes).map((args) => steps.commit(...args)),
  pick.map(steps.commitLate),
  consumer.map(steps.release),
  consumer.map(steps.crash),
  pick.map(steps.redrive),
  pick.map(steps.drop),
  fc.constantFrom('r', 's').map(steps.latest),
];

/**
 * Property of random histories: the broker answers every step as the model does, and counts as it does after each.
 *
 * @throws Error with the seed and the shrunk history where it does not.
 */
export async function checkHistories(harness: BrokerHarness): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.commands(arbitraries, { maxCommands: 60 }), (history) =>
      withStore(harness, async ({ broker, store }) => {
        const declarations = [
          { topic: 'in', groups: ['g', 'h'], readers: ['r', 's'] },
          { topic: 'out', groups: ['o'] },
        ] as const;
        const [input, output] = [new TopicLog('in', 10_000), new TopicLog('out', 10_000)];
        for (const declaration of declarations) await broker.declare(declaration);
        input.declare(declarations[0]);
        output.declare(declarations[1]);
        const clients = { p: broker, a: await store.connect(), b: await store.connect() };
        await fc.asyncModelRun(
          () => ({ model: { input, output, sent: [], held: [], settled: [], outputs: 0 }, real: { clients, store } }),
          history,
        );
        same('orphans after a sweep', await broker.sweep({ graceMs: 0 }), { orphans: 0 });
      }),
    ),
    { numRuns: harness.runs ?? 30 },
  );
}

/** The property as a test. */
export function modelConformance(harness: BrokerHarness): void {
  test('random histories: same answers and counts as the model', () => checkHistories(harness), 120_000);
}
