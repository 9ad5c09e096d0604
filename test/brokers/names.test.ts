import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { DualRedisBroker, RedisBroker } from '#src/brokers/redis/redisBroker.js';
import { temporaryStore } from './embedded/harness.js';

const badNames = ['', '../escaped', '/tmp/escaped', 'a/b', 'a\\b', 'a\0b', 'a b', 'a\n', 'a:b', 'a*', '\u00e9', 'x'.repeat(200)];

test.each(badNames)('neither a store nor a namespace is named %j', (name) => {
  expect(() => new EmbeddedBroker({ name })).toThrow(expect.objectContaining({ code: 'TOPIC_INVALID' }));
  for (const make of [() => new RedisBroker({ namespace: name }), () => new DualRedisBroker({ namespace: name })])
    expect(make).toThrow(expect.objectContaining({ code: 'BROKER_CONFIG' }));
});

test('the folder of a store is not named by a way out of where it should be', () => {
  for (const name of ['.', '..']) expect(() => new EmbeddedBroker({ name })).toThrow(expect.objectContaining({ code: 'TOPIC_INVALID' }));
});

test('a topic that nobody declared makes no file outside the store', async () => {
  const around = temporaryStore();
  const directory = path.join(around, 'inside', 'store');
  mkdirSync(directory, { recursive: true });
  const broker = new EmbeddedBroker({ directory });
  try {
    for (const topic of ['../escaped', '../../escaped', '../../../escaped', path.join(around, 'escaped')]) {
      await expect(broker.pop(topic, { group: 'g', consumer: 'a', count: 1, waitMs: 0 })).rejects.toMatchObject({ code: 'TOPIC_INVALID' });
      await expect(broker.popLatest(topic, { reader: 'r', consumer: 'a', waitMs: 0 })).rejects.toMatchObject({ code: 'TOPIC_INVALID' });
    }
    expect(readdirSync(around)).toEqual(['inside']);
    expect(readdirSync(path.join(around, 'inside'))).toEqual(['store']);
    expect(readdirSync(directory).filter((name) => name.includes('escaped'))).toEqual([]);
  } finally {
    await broker.close();
    rmSync(around, { recursive: true });
  }
});
