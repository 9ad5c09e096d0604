/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * What a family of models wants to see. `yolox`: BGR from 0 to 255, picture at the top left. `ultralytics`: RGB from 0
 * to 1, picture in the middle.
 */
export type InputStyle = 'yolox' | 'ultralytics';

/** Where a picture lies in a model's input: `input = source * scale + offset`, a pixel being a unit square. */
export interface LetterboxGeometry {
  readonly source: Size;
  /** Size of the scaled picture within the input, in pixels. */
  readonly scaled: Size;
  readonly scaleX: number;
  readonly scaleY: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

/** Fits a picture into a model's input without distortion (beyond rounding to whole pixels). */
export function letterboxGeometry(source: Size, input: Size, style: InputStyle): LetterboxGeometry {
  const scale = Math.min(input.width / source.width, input.height / source.height);
  // YOLOX cuts the scaled size off, Ultralytics rounds it: a row more or less moves every box.
  const whole = style === 'yolox' ? Math.floor : Math.round;
  // The small addend keeps 416.0 that came out as 415.99999 from being cut to 415.
  const side = (length: number, limit: number): number => Math.min(limit, Math.max(1, whole(length * scale + 1e-6)));
  const scaled = { width: side(source.width, input.width), height: side(source.height, input.height) };
  const centre = (gap: number): number => (style === 'yolox' ? 0 : Math.floor(gap / 2));
  return {
    source,
    scaled,
    scaleX: scaled.width / source.width,
    scaleY: scaled.height / source.height,
    offsetX: centre(input.width - scaled.width),
    offsetY: centre(input.height - scaled.height),
  };
}

/** A box of the model's input in pixels of the source, clipped to the picture. */
export function toSource(
  [x1, y1, x2, y2]: readonly [number, number, number, number],
  geometry: LetterboxGeometry,
): [number, number, number, number] {
  const { source, scaleX, scaleY, offsetX, offsetY } = geometry;
  const clip = (value: number, limit: number): number => Math.min(limit, Math.max(0, value));
  return [
    clip((x1 - offsetX) / scaleX, source.width),
    clip((y1 - offsetY) / scaleY, source.height),
    clip((x2 - offsetX) / scaleX, source.width),
    clip((y2 - offsetY) / scaleY, source.height),
  ];
}
