import { useEffect, useState } from 'preact/hooks';
import { errorMessage } from '../../errors.js';
import type { LiveItem } from '../wire.js';
import { pause } from './pause.js';
import { ask } from './server.js';
import type { Shown } from './picture.js';

export interface LiveTile {
  readonly item: LiveItem;
  readonly shown: Shown | undefined;
  /** When this browser got it and those before, by `performance.now()`. */
  readonly times: readonly number[];
}

/** No browser needs more than this many rounds a second. */
const leastRoundMs = 60;
const retryMs = 1_000;
/** Tiles of topics and sources; those that were silent for longest are forgotten. */
const maxTiles = 128;
/** Over how long the rate of a tile is taken. */
const rateMs = 3_000;

/**
 * The newest of some topics. Asks for what is newer than what it has drawn, and not before that is drawn: a slow browser
 * or a thin line takes fewer pictures, never older ones. A page in the background asks for nothing.
 */
export function useLive(
  topics: readonly string[],
  width: number,
): { readonly tiles: ReadonlyMap<string, LiveTile>; readonly trouble: string | undefined } {
  const [tiles, setTiles] = useState<ReadonlyMap<string, LiveTile>>(new Map());
  const [trouble, setTrouble] = useState<string>();
  const wanted = topics.join(',');
  useEffect(() => {
    const end = new AbortController();
    const { signal } = end;
    const seen = new Map(wanted.split(',').map((topic) => [topic, 0]));
    const round = async (): Promise<void> => {
      const want = [...seen].map(([topic, seq]) => `${topic}:${seq}`).join(',');
      const buffer = await (await ask('/api/live', { want, width: String(width) }, signal)).arrayBuffer();
      const headLength = new DataView(buffer).getUint32(0);
      const items = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, headLength))) as LiveItem[];
      let at = 4 + headLength;
      const news = new Map<string, Omit<LiveTile, 'times'>>();
      for (const item of items) {
        const blob = item.bytes > 0 ? new Blob([new Uint8Array(buffer, at, item.bytes)], { type: 'image/jpeg' }) : undefined;
        at += item.bytes;
        seen.set(item.topic, Math.max(seen.get(item.topic) ?? 0, item.seq));
        news.set(`${item.topic} ${item.source}`, await tileOf(item, blob));
      }
      if (!signal.aborted && news.size > 0) setTiles((before) => withNews(before, news));
    };
    const run = async (): Promise<void> => {
      while (!signal.aborted) {
        const from = performance.now();
        try {
          if (document.hidden) await pause(retryMs);
          else await round();
          setTrouble(undefined);
          await pause(leastRoundMs - (performance.now() - from));
        } catch (error) {
          if (end.signal.aborted) return;
          setTrouble(errorMessage(error));
          await pause(retryMs);
        }
      }
    };
    setTiles(new Map());
    if (wanted !== '') void run();
    return () => {
      end.abort();
    };
  }, [wanted, width]);
  return { tiles, trouble };
}

/** A picture that this browser cannot read is told of, and the others are shown. */
async function tileOf(item: LiveItem, blob: Blob | undefined): Promise<Omit<LiveTile, 'times'>> {
  try {
    return { item, shown: blob && { bitmap: await createImageBitmap(blob), overlays: item.overlays } };
  } catch (error) {
    return { item: { ...item, text: `This picture cannot be shown: ${errorMessage(error)}` }, shown: undefined };
  }
}

function withNews(before: ReadonlyMap<string, LiveTile>, news: ReadonlyMap<string, Omit<LiveTile, 'times'>>): Map<string, LiveTile> {
  const tiles = new Map(before);
  const now = performance.now();
  for (const [key, tile] of news) {
    const times = (before.get(key)?.times ?? []).filter((time) => time > now - rateMs);
    tiles.delete(key);
    tiles.set(key, { ...tile, times: [...times, now] });
  }
  for (const key of tiles.keys()) if (tiles.size > maxTiles) tiles.delete(key);
  return tiles;
}
