import { numbered } from 'edgeflow/testing';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { nameKey } from '#src/brokers/embedded/keys.js';
import { Store } from '#src/brokers/embedded/store.js';
import { StoredGroup } from '#src/brokers/embedded/storedGroup.js';
import { brokerProcess } from '../../support/brokerProcess.js';
import { freshDirectory } from '../../support/system.js';
import { writeAsFirstVersion } from './harness.js';

const g = { group: 'g', consumer: 'a' };
const h = { group: 'h', consumer: 'a' };
const atOnce = { count: 10, waitMs: 0 };

let directory: string;
let broker: EmbeddedBroker;

beforeEach(() => {
  directory = freshDirectory();
  broker = new EmbeddedBroker({ directory });
  onTestFinished(() => broker.close());
});

async function pushAndAck(value: number): Promise<void> {
  await broker.push('t', numbered(value));
  await broker.ack('t', g, await broker.pop('t', { ...g, ...atOnce }));
}

async function elsewhere(step: string): Promise<void> {
  const other = await brokerProcess(broker, `${step};\nconsole.log('done');\nawait broker.close();`);
  await other.line('done');
}

describe('a process that knows the members of a topic', () => {
  test('keeps a message for a group that another process declared', async () => {
    await broker.declare({ topic: 't', groups: ['g'] });
    await pushAndAck(1);
    await elsewhere(`await broker.declare({ topic: 't', groups: ['h'], readers: ['r'] })`);
    await pushAndAck(2);
    expect((await broker.pop('t', { ...h, ...atOnce })).map(({ seq }) => seq)).toEqual([2]);
    expect((await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 }))?.seq).toBe(2);
  });

  test('frees what a group had that another process dropped', async () => {
    await broker.declare({ topic: 't', groups: ['g', 'h'], readers: ['r'] });
    await pushAndAck(1);
    await elsewhere(`await broker.dropGroup('t', 'h');\nawait broker.dropReader('t', 'r')`);
    await pushAndAck(2);
    expect(await broker.stats()).toMatchObject([{ topic: 't', entries: 0, groups: { g: { acked: 2 } }, readers: {} }]);
  });

  test('looks for them each time in a topic that an earlier version made, which does not say when they change', async () => {
    const store = Store.acquire({ directory, durability: 'process', maxBytes: undefined });
    onTestFinished(() => store.release());
    await broker.declare({ topic: 't', groups: ['g'] });
    await pushAndAck(1);
    const { number, head } = await writeAsFirstVersion(directory, 't');
    await pushAndAck(2);
    await store.change(({ tables }) => {
      tables.groups.putSync(nameKey(number, 'h'), StoredGroup.create('h', tables, number + 100, head + 1).save());
    });
    await pushAndAck(3);
    expect((await broker.pop('t', { ...h, ...atOnce })).map(({ seq }) => seq)).toEqual([3]);
  });
});
