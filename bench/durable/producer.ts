// The producer process of bench/durable.ts.
import { clockMs } from '../support/clock.js';
import { playRole } from '../support/role.js';
import type { DurableProtocol } from './driver.js';
import { loadDriver } from './drivers.js';

playRole<DurableProtocol>(async (setup) => {
  const end = await (await loadDriver(setup.driver)).producer(setup);
  return {
    run: async (phase) => {
      const ms = clockMs();
      await end.run(phase);
      return { ms };
    },
    close: () => end.close(),
  };
});
