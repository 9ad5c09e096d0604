import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { EdgeFlowError } from '../errors.js';
import { RecordingReader } from '../recording/format.js';
import type { Recorded } from '../recording/format.js';
import { chosenRecords, replayTopics } from '../recording/replayTopics.js';
import { endSignal } from './endSignal.js';
import { progressBar } from './progress.js';
import { addStoreOptions, withBroker } from './storeOption.js';
import type { StoreFlags } from './storeOption.js';

interface ReplayFlags extends StoreFlags {
  readonly speed?: number;
  readonly topic?: string;
  readonly as?: string;
  readonly sameSkips?: boolean | string;
  readonly print?: boolean;
}

/** Behind `--same-skips`, which may be without one, the file looks like its own. */
function replayFile(file: string | undefined, flags: ReplayFlags, command: Command): Promise<void> {
  if (file !== undefined) return replay(file, flags);
  if (typeof flags.sameSkips === 'string') return replay(flags.sameSkips, { ...flags, sameSkips: true });
  return command.error("error: missing required argument 'file'");
}

async function replay(file: string, { speed, topic, as, sameSkips = false, print = false, ...flags }: ReplayFlags): Promise<void> {
  const end = endSignal();
  try {
    const only = typeof sameSkips === 'string' ? await idsOf(sameSkips, end.signal) : undefined;
    const choice = { signal: end.signal, speed: speed ?? (print ? Infinity : 1), topic, only };
    await withRecording(file, end.signal, async (reader) => {
      if (print) {
        for await (const record of chosenRecords(reader, choice)) console.log(JSON.stringify(printed(record)));
        tellQuiet(reader, topic, end.signal);
        return;
      }
      const bar = progressBar('[{bar}] {percentage}%', reader.size);
      try {
        const told = await withBroker(flags, (broker) =>
          replayTopics(broker, reader, { ...choice, as, lockstep: sameSkips !== false, onProgress: () => bar?.update(reader.end) }),
        );
        bar?.stop();
        if (flags.json) console.log(JSON.stringify({ file: resolve(file), topics: told }, undefined, 2));
        else console.log(told.map(({ topic: name, published }) => `${name}: ${published} published`).join('\n') || 'nothing published');
        tellQuiet(reader, topic, end.signal);
        if (end.signal.aborted) console.error('ended before the end of the recording; what is told was published');
      } finally {
        bar?.stop();
      }
    });
  } catch (error) {
    // Ctrl-C while a value was waited for.
    if (!end.signal.aborted) throw error;
  } finally {
    end.release();
  }
}

/** Who asked for a topic of which there is nothing is told why nothing came. */
function tellQuiet(reader: RecordingReader, topic: string | undefined, signal: AbortSignal): void {
  const notice = topic === undefined || signal.aborted ? undefined : reader.quietNotice(topic);
  if (notice !== undefined) console.error(notice);
}

async function withRecording<R>(file: string, signal: AbortSignal, work: (reader: RecordingReader) => Promise<R>): Promise<R> {
  const reader = await RecordingReader.open(resolve(file), 'edgeflow replay');
  try {
    const result = await work(reader);
    // A replay that was ended early has not come to the end of the file.
    if (!signal.aborted && reader.tornNotice !== undefined) console.error(reader.tornNotice);
    return result;
  } finally {
    await reader.close();
  }
}

/** The messages that a node was given, as its own recording has them. */
async function idsOf(file: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  return withRecording(file, signal, async (reader) => {
    const ids = new Set<string>();
    for (let record = await reader.next(); record; record = await reader.next()) if (record.from.id !== undefined) ids.add(record.from.id);
    if (ids.size === 0)
      throw new EdgeFlowError(
        'OPTIONS_INVALID',
        `${resolve(file)} names no messages: expected a recording that recordTo made at the input of a node`,
      );
    return ids;
  });
}

function printed({ at, value, from }: Recorded): unknown {
  return { time: new Date(at).toISOString(), ...from, value: withoutBytes(value) };
}

function withoutBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, part instanceof Uint8Array ? `${part.length} bytes` : part]));
}

function parseSpeed(text: string): number {
  if (text === 'max') return Infinity;
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError("expected a number above 0, such as 1 or 2, or 'max'.");
}

/** Adds `edgeflow replay`. */
export function addReplayCommand(program: Command): void {
  addStoreOptions(
    program
      .command('replay')
      .description('publish what was recorded to the topics of a System, or print it')
      .usage('[options] <file>')
      .argument('[file]', 'made by edgeflow record, or by recordTo')
      .option(
        '--speed <times>',
        "1: as recorded, 2: twice as fast, 'max': as fast as the topics take it; default: 1, with --print max",
        parseSpeed,
      )
      .option('--topic <topic>', 'the recorded topic that is meant; otherwise all')
      .option('--as <topic>', 'publish to this topic instead')
      .option(
        '--same-skips [file]',
        'let REALTIME readers skip nothing of it; with a recording of recordTo: and replay what that node was given',
      )
      .option('--print', 'print a line of JSON for each value, without its bytes, and publish nothing'),
  ).action(replayFile);
}
