import { afterAll, beforeAll, test } from 'vitest';
import { startRedisServer } from '../support/redisServer.js';
import type { TestRedis } from '../support/redisServer.js';
import { temporaryFolder } from '../support/system.js';
import { killAndResume } from './killAndResume.js';

const folder = temporaryFolder();
let control: TestRedis;
let data: TestRedis;

beforeAll(async () => {
  [control, data] = await Promise.all([startRedisServer(), startRedisServer()]);
});
afterAll(() => Promise.all([control.stop(), data.stop()]));

test('kill -9 of the supervisor on two Redises, then resume: nothing is lost', async () => {
  const where = ['--control', control.endpoint.path ?? '', '--data', data.endpoint.path ?? ''];
  await killAndResume(where, folder.path('all'));
}, 60_000);
