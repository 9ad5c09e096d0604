// The consumer process of bench/durable.ts.
import { clockMs } from '../support/clock.js';
import { playRole } from '../support/role.js';
import type { DurableProtocol } from './driver.js';
import { loadDriver } from './drivers.js';

playRole<DurableProtocol>(async (setup) => {
  const end = await (await loadDriver(setup.driver)).consumer(setup);
  return {
    run: async (phase) => {
      await end.run(phase);
      return { ms: clockMs() };
    },
    close: () => end.close(),
  };
});
