import type { Broker } from 'edgeflow';
import { runModule } from './runModule.js';
import type { RunningModule } from './runModule.js';

/**
 * Runs the text of a module in a process of its own that has a client of the same store as the constant `broker`, and
 * `jump(ms)`, which moves its wall clock.
 */
export async function brokerProcess(broker: Broker, text: string, data: object = {}): Promise<RunningModule> {
  return runModule(
    `
    import { connectBroker } from '#src/brokers/connect.js';
    const clock = Date.now;
    let moved = 0;
    Date.now = () => clock() + moved;
    const jump = (ms) => (moved += ms);
    const broker = await connectBroker(data.config);
    ${text}`,
    { ...data, config: await broker.open() },
  );
}
