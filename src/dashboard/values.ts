import { decodeValue } from '../codec.js';
import { describeError } from '../errors.js';
import type { OutgoingMessage } from '../message.js';
import type { Overlay, OverlayObject, OverlayZone } from './wire.js';

/** A picture as a node published it. Seen by its form: the dashboard knows no operator. */
export interface RawPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly format: 'rgb24' | 'gray8' | 'jpeg';
  readonly source: string;
  readonly index: number | undefined;
}

/** What a message holds, as far as the page can show it. */
export interface ShownValue {
  readonly picture: RawPicture | undefined;
  readonly overlay: Omit<Overlay, 'topic'> | undefined;
  readonly source: string;
  /** The value without its large bytes, for people. */
  readonly text: () => string;
}

type Fields = Readonly<Record<string, unknown>>;

const maxSide = 16_384;
const maxObjects = 200;
const maxZones = 50;
const maxZonesOfObject = 4;
const maxPoints = 100;
const maxLabel = 64;
const maxText = 4_000;
/** Entries of a list or of an object, and how deep they lie, that are shown as text. */
const maxEntries = 200;
const maxDepth = 8;
const maxSource = 256;
const bytesPerPixel = { rgb24: 3, gray8: 1 } as const;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);
const isSide = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= maxSide;
const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/** Reads a message. Nodes are free to publish anything: what has another form than expected is shown as text. */
export function showValue(message: Pick<OutgoingMessage, 'meta' | 'payload'>): ShownValue {
  let value: unknown;
  try {
    value = decodeValue(message);
  } catch (error) {
    return { picture: undefined, overlay: undefined, source: '', text: () => describeError(error) };
  }
  const fields = isFields(value) ? value : {};
  const source = typeof fields.source === 'string' ? cut(fields.source, maxSource) : '';
  return { picture: pictureOf(fields, source), overlay: overlayOf(fields), source, text: () => textOf(value) };
}

function pictureOf({ data, width, height, format, index }: Fields, source: string): RawPicture | undefined {
  if (!(data instanceof Uint8Array) || !isSide(width) || !isSide(height)) return undefined;
  const picture = { data, width, height, source, index: numberOf(index) };
  if (format === 'jpeg') return data[0] === 0xff && data[1] === 0xd8 ? { ...picture, format } : undefined;
  if (format !== 'rgb24' && format !== 'gray8') return undefined;
  return data.length === width * height * bytesPerPixel[format] ? { ...picture, format } : undefined;
}

function overlayOf({ objects, zones, width, height, index }: Fields): Omit<Overlay, 'topic'> | undefined {
  if (!isSide(width) || !isSide(height) || (!Array.isArray(objects) && !Array.isArray(zones))) return undefined;
  return {
    width,
    height,
    index: numberOf(index) ?? 0,
    objects: listOf(objects).slice(0, maxObjects).flatMap(objectOf),
    zones: listOf(zones).slice(0, maxZones).flatMap(zoneOf),
  };
}

function objectOf(value: unknown): OverlayObject[] {
  if (!isFields(value) || !Array.isArray(value.box) || value.box.length !== 4) return [];
  const [x1, y1, x2, y2] = value.box.map(numberOf);
  if (x1 === undefined || y1 === undefined || x2 === undefined || y2 === undefined) return [];
  const { label, score, id, trackId, zones, found } = value;
  const named = id ?? trackId;
  return [
    {
      label: typeof label === 'string' ? cut(label, maxLabel) : '',
      score: numberOf(score),
      box: [x1, y1, x2, y2],
      id: typeof named === 'string' || typeof named === 'number' ? cut(String(named), maxLabel) : undefined,
      zones: listOf(zones)
        .slice(0, maxZonesOfObject)
        .flatMap((zone) => (typeof zone === 'string' ? [cut(zone, maxLabel)] : [])),
      found: found !== false,
    },
  ];
}

function zoneOf(value: unknown): OverlayZone[] {
  if (!isFields(value)) return [];
  const points = value.points ?? value.polygon;
  if (!Array.isArray(points)) return [];
  const pairs = points.slice(0, maxPoints).flatMap((point): [number, number][] => {
    const [x, y] = Array.isArray(point) ? point.map(numberOf) : [];
    return x === undefined || y === undefined ? [] : [[x, y]];
  });
  return pairs.length < 2 ? [] : [{ name: typeof value.name === 'string' ? cut(value.name, maxLabel) : '', points: pairs }];
}

function textOf(value: unknown): string {
  // Nothing is published that JSON would leave out but this.
  return value === undefined ? 'undefined' : cut(JSON.stringify(forPeople(value, maxDepth), undefined, 2), maxText);
}

/** Told what it is before JSON is made of it: a frame in a Buffer would be millions of numbers. */
function forPeople(value: unknown, depth: number): unknown {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return cut(value, maxText);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return '…';
  if (Array.isArray(value)) return value.slice(0, maxEntries).map((entry) => forPeople(entry, depth - 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, maxEntries)
      .map(([key, entry]) => [key, forPeople(entry, depth - 1)]),
  );
}
