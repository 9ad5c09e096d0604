import { spawnSync } from 'node:child_process';

/** Stops the whole run with one message where the programs that tests need are missing. */
export default function setup(): void {
  const { error, status } = spawnSync('redis-server', ['--version'], { stdio: 'ignore' });
  if (error || status !== 0)
    throw new Error('redis-server not found: run `npm run setup`, or install Redis 7 or newer and put redis-server on the PATH');
}
