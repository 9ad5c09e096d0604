interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size of a source's pictures. A camera may come to give others, and places in pixels are then elsewhere. */
export class PictureSize {
  #size: Size | undefined;

  /** By which factors places have moved since the last picture; undefined where it was as large. */
  grownTo({ width, height }: Size): readonly [x: number, y: number] | undefined {
    const before = this.#size ?? { width, height };
    this.#size = { width, height };
    return before.width === width && before.height === height ? undefined : [width / before.width, height / before.height];
  }
}
