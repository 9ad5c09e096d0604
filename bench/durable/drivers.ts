import type { Driver, DriverName } from './driver.js';

/** Loads one driver and nothing of the others. */
export async function loadDriver(name: DriverName): Promise<Driver> {
  switch (name) {
    case 'broker':
      return (await import('./broker.js')).driver;
    case 'flow':
      return (await import('./flow.js')).driver;
    case 'bullmq':
      return (await import('./bullmq.js')).driver;
    case 'stream':
      return (await import('./stream.js')).driver;
  }
}
