import { once } from 'node:events';
import { expect, test } from 'vitest';
import { runModule } from '../support/runModule.js';
import { places } from '../support/system.js';
import { sameInEach } from './sameInEach.js';

sameInEach(places.filter(({ isolation }) => isolation === 'inline'));

test('a node that is killed because it does not end in time leaves nothing that keeps the process', async ({ onTestFinished }) => {
  const process = runModule(`
    import { MemoryBroker, QoS, System } from 'edgeflow';
    import { NEVER, of } from 'rxjs';
    const system = new System('never', { broker: new MemoryBroker(), isolation: 'inline' });
    const source = system.node(() => of(1), { name: 'source' });
    system.link(source).to(system.node(() => NEVER, { name: 'never' }), QoS.DURABLE);
    const running = await system.run({ drainMs: 10 });
    await running.stop();
    console.log('stopped');
  `);
  onTestFinished(() => process.kill());
  const exited = once(process.child, 'exit');
  await process.line('stopped');
  expect(await exited).toEqual([0, null]);
});
