/** What ffmpeg says whenever it sets up its filters for pictures of a size, which is at the start and at every change. */
const newInput = /\bgraph \d+ input from stream .*\bw:(\d+) h:(\d+)/;

/** A line that is an error at least, and its text without the level. */
const error = /^(\[.*?\] )?\[(?:error|fatal|panic)\] (.*)$/;

const longestLine = 8_192;

/**
 * Reads what ffmpeg says at `-loglevel level+verbose`: the size of the pictures that come in, and its complaints.
 *
 * ffmpeg itself takes a change of size for something to be hidden: it stretches all later pictures to the size of the first.
 */
export class InputSizeWatch {
  #rest = '';
  #first: string | undefined;
  #changed: string | undefined;

  /** The new size, such as `640x480`, once pictures have begun to come in another size than the first. */
  get changed(): string | undefined {
    return this.#changed;
  }

  /** Takes the next of what ffmpeg says, and returns the complaints in it. */
  readonly read = (text: string): string => {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-longestLine);
    return lines.map((line) => this.#line(line)).join('');
  };

  #line(line: string): string {
    const [, width, height] = newInput.exec(line) ?? [];
    if (width !== undefined) {
      const size = `${width}x${height}`;
      this.#first ??= size;
      if (size !== this.#first) this.#changed ??= size;
    }
    const [, context = '', said] = error.exec(line) ?? [];
    return said === undefined ? '' : `${context}${said}\n`;
  }
}
