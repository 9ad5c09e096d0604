/**
 * The main module of a worker, a process or a thread: gets its plan from the supervisor, runs one node, and exits. A process
 * also exits when its supervisor is gone.
 */
import { workerData } from 'node:worker_threads';
import type { Broker, BrokerConfig } from '../brokers/broker.js';
import { connectBroker } from '../brokers/connect.js';
import { deferred } from '../deferred.js';
import { EdgeFlowError } from '../errors.js';
import { Gate } from '../flow/gate.js';
import { runtime } from '../flow/runtime.js';
import { findTelemetry } from '../observe/openTelemetry.js';
import { failureOf } from './child.js';
import { loadEntryNode } from './entryNode.js';
import { endStart, optimiseWhenBusy } from './frugalStart.js';
import type { LogFields } from './log.js';
import { loadNode } from './nodeModule.js';
import { NodeRunner } from './nodeRunner.js';
import { PortBroker } from './portBroker/portBroker.js';
import type { ThreadData, ToWorker, WorkerPlan } from './protocol.js';
import { runNode } from './runNode.js';
import { listen, tell } from './workerChannel.js';

/** How long a worker whose supervisor is gone may still settle what it has open. */
const orphanMs = 2_000;

const stop = new AbortController();
const go = deferred<undefined>();
const gate = new Gate(() => void tell({ type: 'paused' }));

async function fail(error: unknown): Promise<void> {
  await tell(failureOf(error));
  process.exit(1);
}

async function brokerOf({ node }: WorkerPlan, config: BrokerConfig | undefined): Promise<Broker> {
  if (config) return connectBroker(config);
  const { broker: port } = (workerData ?? {}) as Partial<ThreadData>;
  if (port) return new PortBroker(port);
  throw new EdgeFlowError('BROKER_CONFIG', `node '${node}' was given no broker`);
}

async function run(plan: WorkerPlan, config: BrokerConfig | undefined): Promise<void> {
  const broker = await brokerOf(plan, config);
  await broker.open();
  runtime.broker = broker;
  runtime.consumer = plan.consumer;
  const operator = plan.module === undefined ? await loadEntryNode(plan) : await loadNode(plan.node, plan.module);
  const log = (line: string, fields?: LogFields): void => void tell({ type: 'log', line, fields });
  const telemetry = await findTelemetry(plan.node);
  await runNode(new NodeRunner(plan, operator, broker, { stop: stop.signal, gate, log, telemetry }), {
    go: go.promise,
    onReady: () => {
      endStart();
      void tell({ type: 'ready' });
    },
    onReport: (report) => {
      optimiseWhenBusy(report.cpuMs);
      void tell({ type: 'report', report });
    },
  });
  await broker.close();
  await tell({ type: 'done' });
  process.exit(0);
}

function end(): void {
  stop.abort();
  go.resolve(undefined);
}

// The terminal sends Ctrl-C to the whole group; the supervisor decides the order in which nodes stop.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.on('uncaughtException', (error) => void fail(error));
process.on('unhandledRejection', (error) => void fail(error));
listen(
  (message: ToWorker) => {
    if (message.type === 'plan') run(message.plan, message.broker).catch(fail);
    else if (message.type === 'pause') gate.pause();
    else if (message.type === 'resume') gate.resume();
    else if (message.type === 'go') go.resolve(undefined);
    else end();
  },
  () => {
    end();
    setTimeout(() => process.exit(1), orphanMs);
  },
);
