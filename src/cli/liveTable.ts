import type { Ledger, LinkLedger } from '../observe/ledger.js';
import { QoS } from '../qos.js';
import type { RunningSystem } from '../system/runningSystem.js';
import type { NodeStatus } from '../system/replica.js';
import { columns } from './columns.js';
import { linkLabel } from './graph/labels.js';

const refreshMs = 1_000;
/** Between tables where they can't replace each other. */
const plainRefreshMs = 5_000;

const clearScreen = '\x1b[H\x1b[J';

const milliseconds = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

/** Draws the state of a running system: a row a link, a row a node's replica. */
export class LiveTable {
  readonly #system: RunningSystem;
  readonly #title: string;
  readonly #output: NodeJS.WriteStream;
  #last: { readonly time: number; readonly ledger: Ledger } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #drawing = false;
  #stopped = false;

  constructor(system: RunningSystem, title: string, output: NodeJS.WriteStream = process.stdout) {
    this.#system = system;
    this.#title = title;
    this.#output = output;
  }

  start(): void {
    this.#timer = setInterval(() => void this.draw(), this.#output.isTTY ? refreshMs : plainRefreshMs);
  }

  /** Nothing is drawn any more, also where a table was on its way. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  async draw(): Promise<void> {
    if (this.#drawing) return;
    this.#drawing = true;
    try {
      const ledger = await this.#system.ledger();
      if (this.#stopped) return;
      const time = performance.now();
      this.#output.write(`${this.#output.isTTY ? clearScreen : ''}${this.#render(ledger, time)}\n`);
      this.#last = { time, ledger };
    } catch {
      // The broker is away or closing: the next table tells.
    } finally {
      this.#drawing = false;
    }
  }

  #render(ledger: Ledger, time: number): string {
    const status = this.#system.status();
    const links = columns(
      [
        ['LINK', 'QOS', 'RATE', 'DELIVERED', 'SKIPPED', 'PENDING', 'DEAD', 'AGE P50', 'AGE P99'],
        ...ledger.links.map((link) => this.#linkRow(link, time, status)),
      ],
      new Set(['LINK', 'QOS']),
    );
    const nodes = columns(
      [['NODE', 'STATE', 'PID', 'RESTARTS', 'MEMORY', 'LAST'], ...status.map(nodeRow)],
      new Set(['NODE', 'STATE', 'LAST']),
    );
    return [this.#title, '', ...links, '', ...nodes, ''].join('\n');
  }

  #linkRow(link: LinkLedger, time: number, status: readonly NodeStatus[]): string[] {
    const { source, target, qos, shadow, acked, dead, delivered, skipped, pending } = link;
    const done = acked + delivered;
    const before = this.#last?.ledger.links.find((row) => row.source === source && row.target === target);
    const seconds = this.#last ? (time - this.#last.time) / 1_000 : 0;
    const rate = before && seconds > 0 ? (done - before.acked - before.delivered) / seconds : 0;
    const counts = status.filter(({ node }) => node === target).flatMap(({ report }) => report?.inputs[source] ?? []);
    const worst = (key: 'ageP50' | 'ageP99'): string =>
      counts.length > 0 ? milliseconds(Math.max(...counts.map((count) => count[key]))) : '–';
    const durable = qos === QoS.DURABLE;
    return [
      `${source} → ${target}`,
      linkLabel(qos, shadow ?? false),
      `${rate.toFixed(1)}/s`,
      String(done),
      durable ? '–' : String(skipped),
      String(pending),
      durable ? String(dead) : '–',
      worst('ageP50'),
      worst('ageP99'),
    ];
  }
}

function nodeRow({ node, replica, state, pid, restarts, report }: NodeStatus): string[] {
  return [
    replica > 0 ? `${node}-${replica}` : node,
    state,
    pid === undefined ? '–' : String(pid),
    String(restarts),
    report ? `${Math.round(report.rss / 1024 / 1024)} MB` : '–',
    report?.note ?? '',
  ];
}
