/** What the server tells the page. Plain data: it travels as JSON, and both sides compile against it. */

/** How a link does, worst first. */
export type LinkHealth = 'down' | 'stalled' | 'behind' | 'idle' | 'ok';

export interface ReplicaView {
  readonly replica: number;
  readonly state: string;
  readonly pid: number | undefined;
  readonly restarts: number;
  /** Messages that it published a second. */
  readonly publishedPerSecond: number;
  /** Messages that it took a second, of all inputs. */
  readonly takenPerSecond: number;
  /** Share of one processor, from 0; nodes that share a process report the same. */
  readonly cpuShare: number | undefined;
  readonly rssBytes: number | undefined;
  readonly note: string | undefined;
}

export interface NodeView {
  readonly name: string;
  readonly isolation: string;
  /** Whether it publishes. */
  readonly topic: boolean;
  readonly inputs: readonly string[];
  readonly replicas: readonly ReplicaView[];
}

export interface LinkView {
  readonly source: string;
  readonly target: string;
  readonly qos: string;
  readonly published: number;
  readonly acked: number;
  readonly dead: number;
  readonly delivered: number;
  readonly skipped: number;
  readonly pending: number;
  readonly balanced: boolean;
  /** Skipped messages by reason; they add up to `skipped`. */
  readonly skippedBy: Readonly<Record<string, number>>;
  readonly donePerSecond: number;
  readonly skippedPerSecond: number;
  readonly ageP50Ms: number | undefined;
  readonly ageP99Ms: number | undefined;
  readonly health: LinkHealth;
}

export interface TopicView {
  readonly topic: string;
  readonly published: number;
  readonly publishedPerSecond: number;
  readonly entries: number;
  readonly bytes: number;
  readonly deadLetters: number;
}

/** The whole system at one moment. */
export interface Snapshot {
  readonly system: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Whether the page may act: pause, restart, re-drive. */
  readonly control: boolean;
  /** Whether another process runs it: then nodes cannot be acted on, and the ways of messages are not known. */
  readonly outside: boolean;
  readonly balanced: boolean;
  readonly nodes: readonly NodeView[];
  readonly links: readonly LinkView[];
  readonly topics: readonly TopicView[];
}

export interface OverlayObject {
  readonly label: string;
  readonly score: number | undefined;
  /** Left, top, right, bottom, in pixels of the overlay's own width and height. */
  readonly box: readonly [number, number, number, number];
  readonly id: string | undefined;
  /** Names of the zones that it is in. */
  readonly zones: readonly string[];
  /** False: not seen in this frame, and drawn where it is expected to be. */
  readonly found: boolean;
}

export interface OverlayZone {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

/** What is drawn over a picture: found in a frame of the same source. */
export interface Overlay {
  readonly topic: string;
  readonly width: number;
  readonly height: number;
  readonly index: number;
  readonly objects: readonly OverlayObject[];
  readonly zones: readonly OverlayZone[];
}

/** The newest message of one source of a topic: a picture, or a value as text. */
export interface LiveItem {
  readonly topic: string;
  readonly source: string;
  readonly seq: number;
  readonly id: string;
  readonly index: number | undefined;
  readonly time: number;
  readonly width: number;
  readonly height: number;
  /** Bytes of its JPEG, which follow the head in the order of the items; 0 where it is no picture. */
  readonly bytes: number;
  /** The value, where it is no picture. */
  readonly text: string | undefined;
  readonly overlays: readonly Overlay[];
}

export interface LetterView {
  readonly topic: string;
  readonly letter: number;
  readonly id: string;
  readonly seq: number;
  readonly group: string;
  readonly error: string;
  readonly stack: string | undefined;
  readonly attempts: number;
  readonly firstTime: number;
  readonly deadTime: number;
  readonly bytes: number;
  /** Whether its value can be shown as a picture. */
  readonly picture: boolean;
  /** The value without its large bytes. */
  readonly text: string;
}

export type { TraceStep } from '../observe/trace.js';
export type { TraceSummary } from '../observe/traceStore.js';

export const nodeActions = ['pause', 'resume', 'restart', 'drain'] as const;
export type NodeAction = (typeof nodeActions)[number];
