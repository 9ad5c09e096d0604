/** Where lines go. */
export interface LineSink {
  /** Resolves when the lines are handed to the operating system (or synced). Each line ends in a newline. */
  write(lines: string): Promise<void>;
  close(): Promise<void>;
}

/** Lines to this process's stdout or stderr. */
export function standardSink(name: 'stdout' | 'stderr'): LineSink {
  const stream = process[name];
  return {
    write: (lines) =>
      new Promise((resolve, reject) => {
        // Without a listener, a reader that went away would end the process before the write reports it.
        stream.once('error', reject);
        stream.write(lines, (error) => {
          stream.off('error', reject);
          if (error) reject(error);
          else resolve();
        });
      }),
    close: () => Promise.resolve(),
  };
}

interface Waiting {
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Puts the lines that come while a write is under way into the next one: one write for many lines under load. */
export class GroupedSink {
  readonly #sink: LineSink;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  /** Resolves when the line is written. */
  write(line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line, resolve, reject });
      this.#writing ??= this.#drain();
    });
  }

  /** Closes the sink when what was given to it is written. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writing;
    await this.#sink.close();
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#sink.write(group.map(({ line }) => line).join(''));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#writing = undefined;
  }
}
