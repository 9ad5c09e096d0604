import { checkBox } from '../pictures/boxes.js';
import { checkPoints } from './marks.js';
import type { MarkedBox, MarkedPath, Marks } from './marks.js';

/** Colours that can be told from each other and from most pictures, after Okabe and Ito, also by those who see fewer. */
const palette = ['#e69f00', '#56b4e9', '#00c08a', '#f0e442', '#4d9de0', '#ff6f3c', '#e07bb8', '#ffffff'];

const zoneColour = '#00c08a';

/** Farther points are drawn nearer, as far as the renderer counts. */
const farthest = 1e6;

/** Longer texts are cut. */
const mostSigns = 80;

/** Width of a sign as a share of its size; a little more than the mean of a sans serif. */
const signWidth = 0.62;

function colourOf({ track, label }: { readonly track?: number | string; readonly label?: string }): string {
  let sum = 0;
  if (typeof track === 'number') sum = Math.abs(Math.round(track));
  else for (const sign of track ?? label ?? '') sum = (sum * 31 + (sign.codePointAt(0) ?? 0)) % 65_521;
  return palette[sum % palette.length] ?? '#ffffff';
}

function near(value: number): number {
  return Math.max(-farthest, Math.min(farthest, value));
}

/** Text that is text in XML, whatever it says. */
function escapeText(text: string): string {
  return Array.from(text.replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, ' '))
    .slice(0, mostSigns)
    .join('')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

/** A picture of the marks alone, to be laid over one of this size. */
export class Overlay {
  readonly #width: number;
  readonly #height: number;
  readonly #line: number;
  readonly #size: number;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.#line = Math.max(1.5, Math.min(width, height) / 220);
    this.#size = Math.max(11, Math.min(width, height) / 30);
  }

  /** @throws EdgeFlowError `BOX_INVALID` */
  draw({ zones, paths, boxes, title }: Marks): string {
    const parts = [
      ...zones.map(({ points, label }) => this.#polygon(points, label)),
      ...paths.map((path) => this.#path(path)),
      ...boxes.map((box) => this.#box(box)),
      ...(title === '' ? [] : [this.#text(title, '#ffffff', this.#line, this.#size * 1.4 + this.#line)]),
    ];
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${this.#width}" height="${this.#height}">${parts.join('')}</svg>`;
  }

  #box(mark: MarkedBox): string {
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = checkBox(mark.box, 'annotate').map(near);
    const colour = colourOf(mark);
    const { label = '', score, track } = mark;
    const text = [label, track === undefined ? '' : `#${track}`, score === undefined ? '' : score.toFixed(2)]
      .filter((word) => word !== '')
      .join(' ');
    const shape = `<rect x="${x1}" y="${y1}" width="${x2 - x1}" height="${y2 - y1}" fill="none" stroke="${colour}" stroke-width="${this.#line}"/>`;
    return text === '' ? shape : shape + this.#text(text, colour, x1, y1);
  }

  #path({ points, label, ...mark }: MarkedPath): string {
    const colour = colourOf(label === undefined ? mark : { ...mark, label });
    const end = points.at(-1);
    const shape = `<polyline ${this.#points(points)} fill="none" stroke="${colour}" stroke-width="${this.#line}" stroke-linejoin="round" stroke-linecap="round"/>`;
    return label === undefined || !end ? shape : shape + this.#text(label, colour, ...end);
  }

  #polygon(points: MarkedPath['points'], label: string | undefined): string {
    const shape = `<polygon ${this.#points(points)} fill="${zoneColour}" fill-opacity="0.15" stroke="${zoneColour}" stroke-width="${this.#line}"/>`;
    const [first] = points;
    return label === undefined || !first ? shape : shape + this.#text(label, zoneColour, ...first);
  }

  #points(points: MarkedPath['points']): string {
    checkPoints(points);
    return `points="${points.map(([x, y]) => `${near(x)},${near(y)}`).join(' ')}"`;
  }

  /** A text on its ground, above a point where there is room, and always within the picture. */
  #text(text: string, colour: string, x: number, y: number): string {
    const high = this.#size * 1.4;
    const wide = (Math.min(mostSigns, text.length) + 1) * this.#size * signWidth;
    const left = Math.max(0, Math.min(x, this.#width - wide));
    const top = Math.max(0, Math.min(y - high, this.#height - high));
    return (
      `<rect x="${left}" y="${top}" width="${wide}" height="${high}" fill="#101418" fill-opacity="0.7"/>` +
      `<text x="${left + this.#size * 0.3}" y="${top + this.#size * 1.05}" fill="${colour}" font-size="${this.#size}" ` +
      `font-family="DejaVu Sans, Liberation Sans, Arial, sans-serif">${escapeText(text)}</text>`
    );
  }
}
