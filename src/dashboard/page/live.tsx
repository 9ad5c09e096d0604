import type { JSX } from 'preact';
import type { Snapshot } from '../wire.js';
import * as format from './format.js';
import { useLive } from './liveStream.js';
import type { LiveTile } from './liveStream.js';
import { Picture } from './picture.js';
import { hrefOf } from './store.js';

/** Nothing new for so long is told. */
const stillMs = 5_000;

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

function Tile({ tile: { item, shown, times } }: { readonly tile: LiveTile }): JSX.Element {
  const { topic, source, seq, index, id, time, overlays } = item;
  const { words, still } = paceOf(times);
  const objects = overlays.reduce((sum, overlay) => sum + overlay.objects.length, 0);
  return (
    <article class={still ? 'card tile still' : 'card tile'}>
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
        <span class="small clock">{format.clock(time)}</span>
        <span class={still ? 'sign stalled' : 'small'}>{words}</span>
        {objects > 0 && <span class="small">{objects} found</span>}
      </footer>
    </article>
  );
}

/** How often this browser draws it, or for how long nothing came: a picture that stands still looks like any other. */
function paceOf(times: readonly number[]): { readonly words: string; readonly still: boolean } {
  const [first = 0] = times;
  const last = times.at(-1) ?? first;
  const silentMs = performance.now() - last;
  if (silentMs > stillMs) return { words: `nothing for ${Math.round(silentMs / 1_000)} s`, still: true };
  return { words: `${format.rate(last > first ? ((times.length - 1) * 1_000) / (last - first) : 0)} shown`, still: false };
}
