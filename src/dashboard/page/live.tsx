import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Snapshot } from '../wire.js';
import * as format from './format.js';
import { useLive } from './liveStream.js';
import type { LiveTile } from './liveStream.js';
import { Picture } from './picture.js';
import { hrefOf } from './store.js';

/** Nodes that read nothing are the cameras, as a rule: they are shown first. */
function topicsOf(snapshot: Snapshot): { readonly cameras: string[]; readonly others: string[] } {
  const publishing = snapshot.nodes.filter(({ topic }) => topic);
  return {
    cameras: publishing.filter(({ inputs }) => inputs.length === 0).map(({ name }) => name),
    others: publishing.filter(({ inputs }) => inputs.length > 0).map(({ name }) => name),
  };
}

/** Points that a picture has on this screen, or the next more that the server makes. */
function widthOf(count: number): number {
  if (count > 4) return 320;
  return count > 1 || innerWidth * devicePixelRatio <= 640 ? 640 : 1_280;
}

/** The newest picture of every camera side by side, or the newest value of one topic. */
export function LiveView({ snapshot, only }: { readonly snapshot: Snapshot; readonly only: string | undefined }): JSX.Element {
  const { cameras, others } = topicsOf(snapshot);
  const all = [...cameras, ...others];
  const chosen = only !== undefined && all.includes(only) ? [only] : cameras;
  const { tiles, trouble } = useLive(chosen, widthOf(chosen.length));
  return (
    <section aria-labelledby="live-title">
      <h2 id="live-title">Live</h2>
      <nav class="chips" aria-label="Topics">
        <a href={hrefOf('live')} aria-current={only === undefined ? 'true' : undefined}>
          all cameras
        </a>
        {all.map((topic) => (
          <a key={topic} href={hrefOf('live', topic)} aria-current={topic === only ? 'true' : undefined}>
            {topic}
          </a>
        ))}
      </nav>
      {trouble !== undefined && <p role="alert">{trouble}</p>}
      {tiles.size === 0 && <p class="empty">Waiting for the next message …</p>}
      <div class={`tiles ${chosen.length > 4 ? 'many' : chosen.length > 1 ? 'some' : 'one'}`}>
        {[...tiles]
          .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
          .map(([key, tile]) => (
            <Tile key={key} tile={tile} />
          ))}
      </div>
    </section>
  );
}

function Tile({ tile: { item, shown } }: { readonly tile: LiveTile }): JSX.Element {
  const { topic, source, seq, index, id, time, overlays } = item;
  const rate = useRate(seq);
  const objects = overlays.reduce((sum, overlay) => sum + overlay.objects.length, 0);
  return (
    <article class="card tile">
      {shown ? (
        <Picture shown={shown} label={`Camera ${topic}`} />
      ) : (
        <pre tabIndex={0} aria-label={`Newest value of ${topic}`}>
          {item.text}
        </pre>
      )}
      <footer>
        <strong>{topic}</strong>
        {source !== '' && source !== topic && <span class="small source">{source.split('/').at(-1)}</span>}
        <a href={hrefOf('find', id)} title="Where did it go?">
          {index === undefined ? `message ${format.count(seq)}` : `frame ${format.count(index)}`}
        </a>
        <span class="small">{format.clock(time)}</span>
        <span class="small">{rate} shown</span>
        {objects > 0 && <span class="small">{objects} found</span>}
      </footer>
    </article>
  );
}

/** How many pictures a second this browser draws. */
function useRate(seq: number): string {
  const [rate, setRate] = useState(0);
  const [times] = useState<number[]>([]);
  useEffect(() => {
    const now = performance.now();
    times.push(now);
    while ((times[0] ?? now) < now - 3_000) times.shift();
    const [first = now] = times;
    if (times.length > 2) setRate(((times.length - 1) * 1_000) / (now - first));
  }, [seq]);
  return format.rate(rate);
}
