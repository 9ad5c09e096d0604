import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { EdgeFlowError } from '../errors.js';
import { RecordingWriter } from '../recording/format.js';
import { recordTopics } from '../recording/recordTopics.js';
import type { RecordedTopic } from '../recording/recordTopics.js';
import { parseDuration } from './duration.js';
import { endSignal } from './endSignal.js';
import { progressBar } from './progress.js';
import { addStoreOptions, withBroker } from './storeOption.js';
import type { StoreFlags } from './storeOption.js';

interface RecordFlags extends StoreFlags {
  readonly out: string;
  /** Milliseconds. */
  readonly for?: number;
  readonly stored?: boolean;
  readonly complete?: boolean;
}

async function record(topics: readonly string[], { out, for: forMs, stored, complete = false, ...flags }: RecordFlags): Promise<void> {
  const twice = topics.find((topic, index) => topics.indexOf(topic) !== index);
  if (twice !== undefined) throw new EdgeFlowError('OPTIONS_INVALID', `edgeflow record: topic '${twice}' is named twice; name each once`);
  const path = resolve(out);
  const group = complete ? `recording-${process.pid}` : undefined;
  if (group !== undefined)
    console.error(
      `every message is held for the group '${group}' until it is recorded; should this process be killed, free it with: ` +
        topics.map((topic) => `edgeflow groups drop ${topic} ${group}`).join('; '),
    );
  const end = endSignal(forMs);
  const writer = new RecordingWriter(path);
  const begun = performance.now();
  const bar = progressBar(forMs === undefined ? '{told}' : '[{bar}] {told}', forMs ?? 1);
  try {
    await mkdir(dirname(path), { recursive: true });
    const told = await withBroker(flags, async (broker) => {
      // Where nothing comes, nothing would show that the file cannot be written.
      await writer.open();
      return recordTopics(broker, topics, writer, {
        signal: end.signal,
        stored: stored ?? false,
        group,
        onProgress: (soFar) => bar?.update(Math.min(forMs ?? 0, performance.now() - begun), { told: soFar.map(line).join('; ') }),
      });
    });
    bar?.stop();
    if (flags.json) console.log(JSON.stringify({ file: path, topics: told }, undefined, 2));
    else console.log([...told.map(line), `recorded in ${path}`].join('\n'));
    const missed = told.filter((each) => each.missed > 0);
    if (missed.length > 0)
      console.error(
        `${missed.map(({ topic }) => `'${topic}'`).join(', ')}: what nobody needed any more was gone before it was looked at; ` +
          'give the node retain: { seconds: 1 }, or record with --complete',
      );
  } catch (cause) {
    if (cause instanceof EdgeFlowError) throw cause;
    throw new EdgeFlowError('STORE_FAILED', `edgeflow record: ${path} could not be written: ${String(cause)}`, { cause });
  } finally {
    bar?.stop();
    end.release();
    await writer.close();
  }
}

function line({ topic, recorded, missed, unreadable }: RecordedTopic): string {
  const others = [missed > 0 ? `${missed} missed` : '', unreadable > 0 ? `${unreadable} unreadable` : ''].filter((text) => text !== '');
  return `${topic}: ${[`${recorded} recorded`, ...others].join(', ')}`;
}

/** Adds `edgeflow record`. */
export function addRecordCommand(program: Command): void {
  addStoreOptions(
    program
      .command('record')
      .description('record topics of a running System from outside, into one file')
      .argument('<topics...>', 'names of nodes')
      .requiredOption('--out <file>', 'where to; a recording that exists is continued')
      .option('--for <duration>', 'end after this time, such as 10s or 5m; otherwise by Ctrl-C', parseDuration)
      .option('--stored', 'begin with what the topics store already')
      .option('--complete', 'miss nothing, by holding each message until it is recorded'),
  ).action(record);
}
