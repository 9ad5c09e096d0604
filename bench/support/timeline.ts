import type { TraceStep } from 'edgeflow';

/** A frame of the camera, and what nodes did with it. */
export interface TracedFrame {
  readonly index: number;
  readonly steps: readonly TraceStep[];
}

const width = 960;
const left = 120;
const right = 24;
const lanes = { camera: 64, realtime: 130, durable: 210 } as const;
const barHeight = 16;
const height = 292;

/** Colours for a light page, and for a dark one. */
const style = `
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.head { font-weight: 600 }
.small { font-size: 11px; fill: #59636e }
.on { fill: #ffffff; font-size: 11px }
.taken { fill: #0969da }
.skipped { fill: none; stroke: #bc4c00; stroke-width: 2 }
.kept { fill: #1a7f37 }
.way { stroke: #0969da; stroke-width: 1 }
.mark { stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .small { fill: #9198a1 }
  .on { fill: #0d1117 }
  .taken { fill: #4493f8 }
  .skipped { stroke: #f0883e }
  .kept { fill: #3fb950 }
  .way { stroke: #4493f8 }
  .mark { stroke: #3d444d }
}`;

/** Which frames a REALTIME node took, and which a DURABLE one, over time. */
export function timelineOf(frames: readonly TracedFrame[], nodes: { readonly realtime: string; readonly durable: string }): string {
  const stepOf = ({ steps }: TracedFrame, node: string): TraceStep | undefined => steps.findLast((step) => step.node === node);
  const times = frames.flatMap(({ steps }) => steps.flatMap(({ published, settled }) => [published, settled]));
  const known = times.filter((time) => time !== undefined);
  const from = Math.min(...known);
  const until = Math.max(...known);
  const x = (time: number): number => Math.round((left + ((time - from) / (until - from)) * (width - left - right)) * 10) / 10;

  const body: string[] = [];
  const ends: number[] = [];
  let skips = 0;
  for (const frame of frames) {
    const published = frame.steps.find((step) => step.published !== undefined)?.published ?? NaN;
    const [live, kept] = [stepOf(frame, nodes.realtime), stepOf(frame, nodes.durable)];
    const taken = live?.outcome === 'settled' && live.started !== undefined && live.settled !== undefined;
    if (!taken) skips++;
    body.push(
      `<circle class="${taken ? 'taken' : 'skipped'}" cx="${x(published)}" cy="${lanes.camera}" r="5"/>`,
      `<text class="small" text-anchor="middle" x="${x(published)}" y="${lanes.camera - 12}">${frame.index}</text>`,
    );
    if (taken)
      body.push(
        `<line class="way" x1="${x(published)}" y1="${lanes.camera + 5}" x2="${x(live.started)}" y2="${lanes.realtime}"/>`,
        ...bar('taken', x(live.started), x(live.settled), lanes.realtime, frame.index),
      );
    if (kept?.started === undefined || kept.settled === undefined) continue;
    // Several may be open at once: each goes to the first row that is free.
    const [begin, end] = [x(kept.started), Math.max(x(kept.settled), x(kept.started) + 18)];
    const free = ends.findIndex((last) => last <= begin);
    const row = free < 0 ? ends.length : free;
    ends[row] = end;
    body.push(...bar('kept', begin, end, lanes.durable + row * (barHeight + 3), frame.index));
  }

  const seconds = Array.from({ length: Math.floor((until - from) / 250) + 1 }, (_, at) => at * 250);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${frames.length} frames: ${skips} skipped by the detector, none by the recorder">`,
    `<style>${style}\n</style>`,
    ...seconds.map((ms) => `<line class="mark" x1="${x(from + ms)}" x2="${x(from + ms)}" y1="32" y2="${height - 28}"/>`),
    ...seconds.map((ms) => `<text class="small" text-anchor="middle" x="${x(from + ms)}" y="${height - 10}">${ms} ms</text>`),
    `<text class="head" x="8" y="${lanes.camera + 5}">camera</text>`,
    `<text class="head" x="8" y="${lanes.realtime + 12}">${nodes.realtime}</text>`,
    `<text class="small" x="8" y="${lanes.realtime + 28}">REALTIME</text>`,
    `<text class="head" x="8" y="${lanes.durable + 12}">${nodes.durable}</text>`,
    `<text class="small" x="8" y="${lanes.durable + 28}">DURABLE</text>`,
    `<circle class="taken" cx="${left + 6}" cy="14" r="5"/><text class="small" x="${left + 18}" y="18">taken by ${nodes.realtime}: ${frames.length - skips}</text>`,
    `<circle class="skipped" cx="${left + 146}" cy="14" r="5"/><text class="small" x="${left + 158}" y="18">skipped: ${skips}</text>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

function bar(kind: string, from: number, to: number, y: number, index: number): string[] {
  const length = Math.max(to - from, 18);
  return [
    `<rect class="${kind}" x="${from}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`,
    `<text class="on" text-anchor="middle" x="${(from + length / 2).toFixed(1)}" y="${y + 12}">${index}</text>`,
  ];
}
