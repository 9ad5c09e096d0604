import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Overlay } from '../wire.js';
import { drawOverlay } from './overlay.js';
import type { Trails } from './overlay.js';

export interface Shown {
  readonly bitmap: ImageBitmap;
  readonly overlays: readonly Overlay[];
}

/** Pixels of a canvas, at most. */
const maxSide = 2_560;

/** A picture on a canvas, with boxes, zones and trails drawn over it. */
export function Picture({ shown, label }: { readonly shown: Shown; readonly label: string }): JSX.Element {
  const place = useRef<HTMLCanvasElement>(null);
  const trails = useRef<Trails>(new Map());
  useEffect(() => {
    const canvas = place.current;
    const context = canvas?.getContext('2d');
    if (!canvas || !context) return undefined;
    const { bitmap, overlays } = shown;
    // As many points as the screen has: lines and letters stay sharp over a picture that is enlarged.
    const width = Math.max(1, Math.min(maxSide, Math.round(canvas.clientWidth * devicePixelRatio)));
    const height = Math.max(1, Math.round((width * bitmap.height) / bitmap.width));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.drawImage(bitmap, 0, 0, width, height);
    for (const overlay of overlays) drawOverlay(context, overlay, trails.current, devicePixelRatio);
    // Its memory is not the collector's to see.
    return () => {
      bitmap.close();
    };
  }, [shown]);
  const objects = shown.overlays.flatMap((overlay) => overlay.objects);
  const words = objects.length > 0 ? `${label}, ${objects.map((object) => object.label).join(', ')}` : label;
  return <canvas ref={place} role="img" aria-label={words} />;
}
