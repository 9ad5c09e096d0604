import { met } from './report.js';
import type { Results } from './report.js';

const width = 960;
const margin = 24;
/** One target: a line of text and a bar. */
const rowHeight = 40;
const barHeight = 10;
const headHeight = 34;
/** Left of the targets' line, for those that are missed; and right of it, for the figure behind the longest bar. */
const left = 120;
const right = 150;
const marks = [0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

/** Colours for a light page, and for a dark one. */
const style = `
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.head { font-weight: 600 }
.small { font-size: 11px; fill: #59636e }
.met { fill: #1a7f37 }
.missed { fill: #bc4c00 }
.mark { stroke: #d1d9e0 }
.target { stroke: #1f2328; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .small { fill: #9198a1 }
  .met { fill: #3fb950 }
  .missed { fill: #f0883e }
  .mark { stroke: #3d444d }
  .target { stroke: #f0f6fc }
}`;

/**
 * The ratios of the benches over their targets, as an SVG: bars on a logarithmic scale that begin at the target, to the
 * right where it is met and to the left where it is missed.
 */
export function pictureOf(benches: readonly Pick<Results, 'name' | 'targets'>[]): string {
  const shares = benches.flatMap(({ targets }) => targets.map(({ ratio, atLeast }) => ratio / atLeast)).filter(Number.isFinite);
  const least = Math.min(0.5, ...shares);
  const most = Math.max(2, ...shares);
  const unit = Math.min((width - margin - left - right) / Math.log(most), (left - margin) / -Math.log(least));
  const x = (share: number): number => Math.round((left + unit * Math.log(share)) * 10) / 10;

  const body: string[] = [];
  let y = headHeight;
  for (const { name, targets } of benches) {
    y += headHeight;
    body.push(`<text class="head" x="${margin}" y="${y - 8}">${escape(name)}</text>`);
    for (const { statement, ratio, atLeast } of targets) {
      const share = ratio / atLeast;
      const kind = met({ ratio, atLeast }) ? 'met' : 'missed';
      const from = Math.min(x(1), x(share));
      const length = Math.max(2, Math.abs(x(share) - x(1)));
      body.push(
        `<text x="${left + 8}" y="${y + 14}">${escape(statement)}</text>`,
        `<rect class="${kind}" x="${from}" y="${y + 20}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`,
        `<text class="small" x="${Math.max(x(share), x(1)) + 6}" y="${y + 29}">${ratio}x, target ${atLeast}x: ${kind}</text>`,
      );
      y += rowHeight;
    }
  }
  const bottom = y + 8;
  const scale = marks
    .filter((mark) => mark >= least && mark <= most)
    .flatMap((mark) => [
      `<line class="${mark === 1 ? 'target' : 'mark'}" x1="${x(mark)}" x2="${x(mark)}" y1="${headHeight}" y2="${bottom}"/>`,
      `<text class="small" text-anchor="middle" x="${x(mark)}" y="${headHeight - 8}">${mark === 1 ? 'target' : `${mark} × target`}</text>`,
    ]);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 12}" role="img" aria-label="Measured ratios over their targets">`,
    `<style>${style}\n</style>`,
    ...scale,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
