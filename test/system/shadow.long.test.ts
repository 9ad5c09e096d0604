import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { connectBroker, QoS, RecordingReader, RecordingWriter, System } from 'edgeflow';
import { compareOutputs, sameDetections } from 'edgeflow/operators';
import type { Comparison, Detections, Unpaired } from 'edgeflow/operators';
import { until } from 'edgeflow/testing';
import { tap } from 'rxjs';
import { expect, test } from 'vitest';
import { recordTopics } from '#src/recording/recordTopics.js';
import { shared } from '../operators/systemSupport.js';
import { linkOf, nodeFile, onBothBrokers, runsOfFile, temporaryFolder } from '../support/system.js';

const video = shared('media/vtest_20s.mp4');
const model = shared('models/yolox_nano.onnx');
const recipe = (node: string): string => resolve(import.meta.dirname, '../../recipes/street/nodes', node);
const folder = temporaryFolder();
const run = runsOfFile();

onBothBrokers((makeBroker) => {
  test.skipIf(video.absent || model.absent)(
    'a detector with a higher threshold looks on: it differs where it must, and the live one is recorded from outside meanwhile',
    async () => {
      const comparisons: Comparison<Detections>[] = [];
      const alone: Unpaired<Detections>[] = [];
      const system = new System('street');
      const camera = system.node(nodeFile('looping'), { name: 'camera', source: video.path, retain: { seconds: 5 } });
      const yolo = { model: model.path };
      const live = system.node(recipe('yolo.ts'), { ...yolo, name: 'live', scoreThreshold: 0.4, retain: { seconds: 60 } });
      const log = system.node(nodeFile('recorder'), { name: 'log', file: folder.path('log') });
      const candidate = system.node(recipe('yolo.ts'), { ...yolo, name: 'candidate', scoreThreshold: 0.5 });
      const crashing = { file: folder.path('seen'), how: 'exit', after: 2, maxRestarts: 2 } as const;
      const compare = system.node(
        (_, { input }) =>
          compareOutputs<Detections>(
            { live: input('live'), candidate: input('candidate') },
            { equal: sameDetections({ minIou: 0.99 }), onUnpaired: (unpaired) => alone.push(unpaired) },
          ).pipe(tap((comparison) => comparisons.push(comparison))),
        { name: 'compare', isolation: 'inline' },
      );
      system.link(camera).to(live, QoS.REALTIME).to(log, QoS.DURABLE);
      system.link(camera).shadow(candidate).to(compare, QoS.DURABLE);
      system.link(live).shadow(compare);
      system.link(camera).shadow(system.node(nodeFile('crashing'), { name: 'crashing', ...crashing }));

      const broker = makeBroker();
      const config = await broker.open();
      if (!config) throw new Error('other processes cannot reach this broker');
      const started = await run(system, broker);
      const outside = await connectBroker(config);
      const end = new AbortController();
      const writer = new RecordingWriter(folder.path('session.rec'));
      const recording = recordTopics(outside, ['camera', 'live'], writer, { signal: end.signal, stored: true });
      const isGivenUp = (): boolean => started.status().some(({ node, state }) => node === 'crashing' && state === 'failed');
      await until('much is compared, and one shadow given up', () => comparisons.length >= 30 && isGivenUp(), 120_000);
      end.abort();
      const recorded = await recording;
      await outside.close();
      await writer.close();
      await started.stop();
      const { ledger } = await started.done;

      expect(ledger.balanced).toBe(true);
      expect(linkOf(ledger, 'live', 'log')).toMatchObject({ pending: 0, dead: 0, balanced: true });
      expect(linkOf(ledger, 'camera', 'candidate')).toMatchObject({ shadow: true, balanced: true });
      // The same model on the same frame: what the candidate finds is what the live one finds above its threshold.
      expect(comparisons.length).toBeGreaterThan(0);
      for (const { live: one, candidate: other, same } of comparisons) {
        expect(other.index).toBe(one.index);
        expect(other.objects).toEqual(one.objects.filter(({ score }) => score >= 0.5));
        expect(same).toBe(other.objects.length === one.objects.length);
      }
      const handle = await open(folder.path('session.rec'));
      const reader = await RecordingReader.of('session.rec', handle);
      const seqs: Record<string, number[]> = { camera: [], live: [] };
      for (let record = await reader.next(); record; record = await reader.next())
        seqs[record.from.topic ?? '']?.push(record.from.seq ?? 0);
      await handle.close();
      // However slow the recorder was: what it has is in order, and what it has not is counted.
      for (const { topic, recorded: count, missed, unreadable } of recorded) {
        const found = seqs[topic] ?? [];
        expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
        expect({ topic, count, all: count + missed, unreadable }).toEqual({
          topic,
          count: found.length,
          all: (found.at(-1) ?? 0) - (found[0] ?? 1) + 1,
          unreadable: 0,
        });
      }
    },
    240_000,
  );
});
