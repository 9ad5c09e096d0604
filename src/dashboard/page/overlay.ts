import type { Overlay, OverlayObject } from '../wire.js';

interface Trail {
  readonly points: [number, number][];
  /** Number of the frame that it was seen in last. */
  last: number;
}

/** Where each tracked object was, by topic and id. */
export type Trails = Map<string, Trail>;

const maxPoints = 40;
/** A track that was not seen for so many frames is forgotten. */
const maxGap = 45;

/** Told apart by most people, and seen on dark and on bright pictures. */
const palette = ['#4fc3f7', '#ffd54f', '#ff8a65', '#81e08a', '#e1a6ff', '#ff9ec7', '#b2ebf2', '#d4e157'] as const;
const maxColours = 512;
const colours = new Map<string, string>();

/** A colour for each label or track, in the order in which they are seen. */
function colourOf(text: string): string {
  const known = colours.get(text);
  if (known !== undefined) return known;
  if (colours.size >= maxColours) colours.clear();
  const colour = palette[colours.size % palette.length] ?? palette[0];
  colours.set(text, colour);
  return colour;
}

/**
 * Draws what was found over a picture of any size.
 *
 * @param ratio - points of the screen for each pixel of the page.
 */
export function drawOverlay(context: CanvasRenderingContext2D, overlay: Overlay, trails: Trails, ratio: number): void {
  const { width, height } = context.canvas;
  const scaleX = width / overlay.width;
  const scaleY = height / overlay.height;
  const unit = ratio * (width / ratio < 400 ? 0.85 : 1);
  context.lineJoin = 'round';
  context.font = `600 ${Math.round(12 * unit)}px system-ui, sans-serif`;
  for (const { name, points } of overlay.zones) {
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x * scaleX, y * scaleY);
    context.closePath();
    context.fillStyle = 'rgb(255 255 255 / 14%)';
    context.fill();
    stroke(context, '#fff', 1.5 * unit, [6 * unit, 4 * unit]);
    const [first] = points;
    if (first) tag(context, name, first[0] * scaleX, first[1] * scaleY, '#fff', unit);
  }
  remember(overlay, trails);
  for (const object of overlay.objects) {
    const { label, id, score, box, zones, found } = object;
    const colour = colourOf(id ?? label);
    const [x1, y1, x2, y2] = [box[0] * scaleX, box[1] * scaleY, box[2] * scaleX, box[3] * scaleY];
    const trail = id === undefined ? undefined : trails.get(`${overlay.topic} ${id}`);
    if (trail && trail.points.length > 1) {
      context.beginPath();
      for (const [x, y] of trail.points) context.lineTo(x * scaleX, y * scaleY);
      stroke(context, colour, 2 * unit, []);
    }
    context.beginPath();
    context.rect(x1, y1, x2 - x1, y2 - y1);
    stroke(context, colour, 2 * unit, found ? [] : [3 * unit, 4 * unit]);
    tag(
      context,
      [
        label,
        id === undefined ? '' : `#${id}`,
        score === undefined ? '' : `${Math.round(score * 100)}%`,
        ...zones.map((zone) => `in ${zone}`),
      ]
        .filter(Boolean)
        .join(' '),
      x1,
      y1,
      colour,
      unit,
    );
  }
}

function remember({ topic, index, objects }: Overlay, trails: Trails): void {
  for (const [key, { last }] of trails) if (index - last > maxGap || index < last) trails.delete(key);
  for (const { id, box } of objects.filter((object): object is OverlayObject & { readonly id: string } => object.id !== undefined)) {
    const key = `${topic} ${id}`;
    const trail = trails.get(key) ?? { points: [], last: -1 };
    trails.set(key, trail);
    if (trail.last === index) continue;
    trail.last = index;
    // Where it stands.
    trail.points.push([(box[0] + box[2]) / 2, box[3]]);
    if (trail.points.length > maxPoints) trail.points.shift();
  }
}

/** In colour on black, so that it is seen on any picture. */
function stroke(context: CanvasRenderingContext2D, colour: string, width: number, dash: number[]): void {
  context.setLineDash(dash);
  context.strokeStyle = 'rgb(0 0 0 / 55%)';
  context.lineWidth = width * 2;
  context.stroke();
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
  context.setLineDash([]);
}

function tag(context: CanvasRenderingContext2D, text: string, x: number, y: number, colour: string, unit: number): void {
  if (text === '') return;
  const height = 16 * unit;
  const top = Math.max(0, y - height);
  const width = context.measureText(text).width + 8 * unit;
  const left = Math.max(0, Math.min(x - unit, context.canvas.width - width));
  context.fillStyle = colour;
  context.fillRect(left, top, width, height);
  context.fillStyle = '#111';
  context.fillText(text, left + 4 * unit, top + 12.5 * unit);
}
