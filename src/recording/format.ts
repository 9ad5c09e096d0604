import { randomInt } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { claimFile, releaseFile } from '../claimFile.js';
import { packr } from '../codec.js';
import { crc32 } from '../crc32.js';
import { EdgeFlowError, errorMessage } from '../errors.js';

/** The first bytes of a recording: what it is, and the version of its form. */
const magic = Buffer.from('EFREC 1\n');
/** Length of the body, checksum of that length, checksum of the body: three numbers of 32 bits, little endian. */
const headBytes = 12;

/** Which message a recorded value came in. */
export interface RecordedFrom {
  /** Its id; undefined where the value came from no broker. */
  readonly id?: string | undefined;
  /** The topic and the position in it, in a recording of topics. */
  readonly topic?: string | undefined;
  readonly seq?: number | undefined;
}

/** A value of a recording. */
export interface Recorded {
  /** When it was recorded or, in a recording of topics, published; in milliseconds since the epoch. */
  readonly at: number;
  readonly value: unknown;
  /** @defaultValue nothing is known of it */
  readonly from?: RecordedFrom;
}

/** What stands in a body: a value, or the topics whose values are recorded from there on. */
type Entry = readonly [at: number, value: unknown, from?: RecordedFrom] | { readonly topics: readonly string[] };

function entryOf({ at, value, from = {} }: Recorded): Entry {
  const known = Object.fromEntries(Object.entries(from).filter(([, part]) => part !== undefined));
  // What has no origin stays as it was before recordings told it.
  return Object.keys(known).length > 0 ? [at, value, known] : [at, value];
}

function encode(entry: Entry): Buffer {
  const body = packr.pack(entry);
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(body.length, 0);
  head.writeUInt32LE(crc32(head.subarray(0, 4)), 4);
  head.writeUInt32LE(crc32(body), 8);
  return Buffer.concat([head, body]);
}

/** Where a record lies, and where the one after it begins. */
interface Found {
  readonly body: Buffer;
  readonly end: number;
}

/**
 * Reads a recording from its beginning, and tells a record that was cut off at its end from damage.
 *
 * @example
 * ```ts
 * const reader = await RecordingReader.open('yolo.rec', 'count');
 * let count = 0;
 * while (await reader.next()) count++;
 * await reader.close();
 * console.log(count);
 * ```
 */
export class RecordingReader {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #size: number;
  #offset = magic.length;
  #records = 0;
  /** Those that a record was of. */
  readonly #topics = new Set<string>();
  /** Those that were recorded, also where nothing came. */
  readonly #recorded = new Set<string>();

  private constructor(path: string, file: FileHandle, size: number) {
    this.#path = path;
    this.#file = file;
    this.#size = size;
  }

  /** @throws EdgeFlowError `MESSAGE_CORRUPT` for a file that is no recording. */
  static async of(path: string, file: FileHandle): Promise<RecordingReader> {
    const { size } = await file.stat();
    const reader = new RecordingReader(path, file, size);
    // A recording whose first bytes a kill cut off is one too; a shorter file of somebody else's is not, and is not written over.
    const begun = Math.min(size, magic.length);
    if (!(await reader.#read(0, begun)).equals(magic.subarray(0, begun)))
      throw new EdgeFlowError('MESSAGE_CORRUPT', `${path} is no recording: it does not begin as one that recordTo has written`);
    return reader;
  }

  /**
   * Opens a recording, which the caller closes.
   *
   * @param who - who asks, for the error's text.
   * @throws EdgeFlowError `SOURCE_MISSING` where there is no such file, `MESSAGE_CORRUPT` for one that is no recording.
   */
  static async open(path: string, who: string): Promise<RecordingReader> {
    const missing = (found: string, cause?: unknown): EdgeFlowError =>
      new EdgeFlowError('SOURCE_MISSING', `${who}: ${found}; expected a file that recordTo or 'edgeflow record' has written`, { cause });
    const file = await open(path).catch((cause: unknown) => {
      const absent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
      throw missing(absent ? `there is no file ${path}` : `${path} cannot be opened (${errorMessage(cause)})`, cause);
    });
    try {
      if ((await file.stat()).isDirectory()) throw missing(`${path} is a folder`);
      return await RecordingReader.of(path, file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Closes the file. */
  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Where the last whole record ends, once `next` has given undefined. */
  get end(): number {
    return Math.min(this.#offset, this.#size);
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#size;
  }

  /** Bytes behind it: a record that was being written when its process was killed. */
  get torn(): number {
    return this.#size < magic.length ? this.#size : this.#size - this.end;
  }

  /**
   * The next record, or undefined at the end.
   *
   * @throws EdgeFlowError `MESSAGE_CORRUPT` for bytes that are not those that were written.
   */
  async next(): Promise<Required<Recorded> | undefined> {
    for (;;) {
      const found = await this.#find();
      if (!found) return undefined;
      this.#offset = found.end;
      const entry = packr.unpack(found.body) as Entry;
      if ('topics' in entry) {
        for (const topic of entry.topics) this.#recorded.add(topic);
        continue;
      }
      const [at, value, from = {}] = entry;
      this.#records++;
      if (from.topic !== undefined) this.#topics.add(from.topic);
      return { at, value, from };
    }
  }

  /**
   * Checks, once `next` has given undefined, that a topic was recorded, if nothing came of it; an empty recording may be of any.
   *
   * @param who - who asks, for the error's text.
   * @throws EdgeFlowError `OPTIONS_INVALID` for a topic that was not recorded.
   */
  checkTopic(topic: string, who: string): void {
    const topics = new Set([...this.#recorded, ...this.#topics]);
    if (topics.has(topic) || (topics.size === 0 && this.#records === 0)) return;
    const found = topics.size > 0 ? `it has ${[...topics].join(', ')}` : 'its records tell no topic, as is so with those of recordTo';
    throw new EdgeFlowError('OPTIONS_INVALID', `${who}: ${this.#path} has nothing of topic '${topic}'; ${found}`);
  }

  /** Says, once `next` has given undefined, that nothing came of a topic while it was recorded; undefined where something did. */
  quietNotice(topic: string): string | undefined {
    return this.#topics.has(topic) ? undefined : `${this.#path}: nothing came of topic '${topic}' while it was recorded`;
  }

  /** Says that a record at the end of the file was cut off, once `next` has given undefined; undefined where none was. */
  get tornNotice(): string | undefined {
    if (this.torn === 0) return undefined;
    return `${this.#path}: the last record is not whole, as when a process is killed; its ${this.torn} bytes are left out`;
  }

  /** Warns of {@link tornNotice}. */
  warnOfTorn(): void {
    if (this.tornNotice !== undefined) process.emitWarning(this.tornNotice, 'EdgeFlowWarning');
  }

  async #find(): Promise<Found | undefined> {
    const start = this.#offset + headBytes;
    if (start > this.#size) return undefined;
    const head = await this.#read(this.#offset, headBytes);
    if (crc32(head.subarray(0, 4)) !== head.readUInt32LE(4)) throw this.#damaged();
    const end = start + head.readUInt32LE(0);
    if (end > this.#size) return undefined;
    const body = await this.#read(start, end - start);
    if (crc32(body) === head.readUInt32LE(8)) return { body, end };
    // After a loss of power the last record may have its length, but not all of its bytes.
    if (end === this.#size) return undefined;
    throw this.#damaged();
  }

  async #read(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length);
    for (let read = 0; read < length;) {
      const { bytesRead } = await this.#file.read(buffer, read, length - read, position + read);
      if (bytesRead === 0) throw this.#damaged();
      read += bytesRead;
    }
    return buffer;
  }

  #damaged(): EdgeFlowError {
    return new EdgeFlowError(
      'MESSAGE_CORRUPT',
      `${this.#path} is damaged at byte ${this.#offset}: what stands there is not what was recorded; take the file from a copy, or record anew`,
    );
  }
}

/** Files of this process that are being closed, by their paths: the next writer waits, as where a stream is subscribed anew. */
const closing = new Map<string, Promise<void>>();

/**
 * Appends records to a file; made on the first one, and no other writer's until it is closed. One at a time: `write` is called when the one before has resolved.
 *
 * @example
 * ```ts
 * const writer = new RecordingWriter('doors.rec');
 * await writer.write({ at: Date.now(), value: { open: true } });
 * await writer.close();
 * replay('doors.rec')
 * ```
 */
export class RecordingWriter {
  readonly #path: string;
  /** Drawn, since threads of one process count each for itself. */
  readonly #session = randomInt(2 ** 47);
  #file: Promise<FileHandle> | undefined;
  #end = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Makes the file, or goes to the end of what it holds; the first `write` does so otherwise.
   *
   * @throws EdgeFlowError `MESSAGE_CORRUPT` for a file that is no recording.
   */
  async open(): Promise<void> {
    await (this.#file ??= this.#open());
  }

  /** Appends one record. */
  async write(record: Recorded): Promise<void> {
    await this.#append(encode(entryOf(record)));
  }

  /** Notes that topics are recorded: whoever reads can tell one of which nothing came from one that is not there. */
  async writeTopics(topics: readonly string[]): Promise<void> {
    await this.#append(encode({ topics }));
  }

  async #append(bytes: Buffer): Promise<void> {
    const file = await (this.#file ??= this.#open());
    try {
      await writeAll(file, bytes, this.#end);
    } catch (error) {
      // What it has left, as on a full disk, would stand behind a shorter record, and be taken for damage.
      await file.truncate(this.#end);
      throw error;
    }
    this.#end += bytes.length;
  }

  /** Closes the file. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (!file) return;
    const closed = this.#closed(file);
    closing.set(this.#path, closed);
    try {
      await closed;
    } finally {
      if (closing.get(this.#path) === closed) closing.delete(this.#path);
    }
  }

  async #closed(file: Promise<FileHandle>): Promise<void> {
    try {
      await (await file).close();
    } finally {
      releaseFile(this.#lock, this.#session);
    }
  }

  get #lock(): string {
    return `${this.#path}.lock`;
  }

  async #open(): Promise<FileHandle> {
    try {
      await closing.get(this.#path)?.catch(() => undefined);
      if (!claimFile(this.#lock, this.#session))
        throw new EdgeFlowError(
          'STORE_FAILED',
          `${this.#path} is being recorded to by another stream or process; give each a file of its own, replicas too`,
        );
      return await this.#opened();
    } catch (error) {
      this.#file = undefined;
      releaseFile(this.#lock, this.#session);
      throw error;
    }
  }

  async #opened(): Promise<FileHandle> {
    const file = await open(this.#path, 'a').then(async (made) => {
      await made.close();
      return open(this.#path, 'r+');
    });
    try {
      const reader = await RecordingReader.of(this.#path, file);
      while (await reader.next());
      reader.warnOfTorn();
      this.#end = reader.end;
      if (this.#end < magic.length) {
        await writeAll(file, magic, 0);
        this.#end = magic.length;
      }
      await file.truncate(this.#end);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}
