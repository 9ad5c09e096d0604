/**
 * Cuts frames of one size out of a pipe, as one would write it by hand.
 *
 * @param memory - for the next frame: new, where somebody may keep the last one.
 */
export async function* cutFrames(pipe: AsyncIterable<Buffer>, frameBytes: number, memory: () => Buffer): AsyncGenerator<Buffer> {
  let frame = memory();
  let filled = 0;
  for await (const chunk of pipe)
    for (let at = 0; at < chunk.length;) {
      const copied = chunk.copy(frame, filled, at);
      at += copied;
      filled += copied;
      if (filled < frameBytes) continue;
      yield frame;
      frame = memory();
      filled = 0;
    }
}
