// A client in a process of its own: does what its argument says, and tells its parent what it did.
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { Change } from '#src/brokers/embedded/change.js';
import { Store } from '#src/brokers/embedded/store.js';
import { Transactions } from '#src/brokers/embedded/transactions.js';

/** What a child is to do. */
export interface ChildTask {
  readonly directory: string;
  readonly visibilityMs?: number;
  readonly task: 'push' | 'hold' | 'consume' | 'latest' | 'commit' | 'reopen';
  readonly consumer?: string;
  /** First number to push. */
  readonly from?: number;
  readonly count?: number;
  readonly bytes?: readonly number[];
  /** Kills itself at its last commit: when the payloads are stored, or when all of its rows are written and not committed. */
  readonly dies?: 'after payloads' | 'within';
  /** Breaks its broker: transactions do not look whether they continue the last commit. */
  readonly careless?: boolean;
}

const {
  directory,
  visibilityMs = 30_000,
  task,
  consumer = 'a',
  from = 0,
  count = Infinity,
  bytes = [0],
  dies,
  careless = false,
} = JSON.parse(process.argv[2] ?? '') as ChildTask;
const broker = new EmbeddedBroker({ directory, visibilityMs });
const tell = (message: unknown): void => void process.send?.(message);

/** A payload that shows whether it is whole: its number, over and over. */
function payloadOf(value: number, size: number): Buffer {
  const unit = Buffer.alloc(8);
  unit.writeDoubleLE(value);
  return Buffer.alloc(size, unit);
}

function die(): void {
  const kill = (): never => {
    process.kill(process.pid, 'SIGKILL');
    for (;;);
  };
  if (dies === 'after payloads') Store.prototype.change = kill;
  if (dies === 'within') Change.prototype.save = kill;
}

if (careless) Object.defineProperty(Transactions.prototype, 'lastCommit', { get: () => -1 });

switch (task) {
  case 'push': {
    for (let value = from; value < from + count; value++) {
      const payload = payloadOf(value, bytes[value % bytes.length] ?? 0);
      const meta = Buffer.alloc(8);
      meta.writeDoubleLE(value);
      tell({ trying: value });
      const { seq } = await broker.push('t', { id: `m${value}`, time: Date.now(), meta, payload });
      tell({ pushed: value, seq });
    }
    break;
  }
  case 'hold': {
    const messages = await broker.pop('t', { group: 'g', consumer, count: 10, waitMs: 10_000 });
    tell({ held: messages.map(({ seq }) => seq) });
    await new Promise(() => setInterval(() => undefined, 1_000));
    break;
  }
  case 'consume': {
    for (;;) {
      const messages = await broker.pop('t', { group: 'g', consumer, count: 8, waitMs: 1_000 });
      await broker.ack('t', { group: 'g', consumer }, messages);
      if (messages.length > 0) tell({ acked: messages.map(({ seq }) => seq) });
    }
  }
  case 'commit': {
    for (let done = 1; done <= count; done++) {
      const [message] = await broker.pop('t', { group: 'g', consumer, count: 1, waitMs: 1_000 });
      if (!message) break;
      if (done === count) die();
      // Another id in each life: only the step itself keeps outputs single.
      const outputs = ['u', 'v'].map((topic, index) => ({
        topic,
        message: { ...message, id: `${process.pid}>${message.id}`, payload: payloadOf(message.seq, bytes[index % bytes.length] ?? 0) },
      }));
      await broker.commit({ acks: [{ topic: 't', group: 'g', consumer, tickets: [message] }], messages: outputs });
      tell({ committed: message.seq });
    }
    break;
  }
  case 'reopen': {
    for (let times = 0; times < count; times++) {
      const another = new EmbeddedBroker({ directory, visibilityMs });
      await another.open();
      await another.close();
    }
    break;
  }
  case 'latest': {
    for (;;) {
      const message = await broker.popLatest('t', { reader: 'r', consumer, waitMs: 1_000 });
      if (message) tell({ latest: message.seq });
    }
  }
}
await broker.close();
process.exit(0);
