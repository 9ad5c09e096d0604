import { closeSync, fdatasync, fdatasyncSync, fstatSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { syncFolder } from '../../../syncFolder.js';
import { knownFreeBytes, leastFreeBytes, writeZeros } from '../space.js';
import { encodeHeader, segmentHeaderBytes, segmentName } from './format.js';
import type { SegmentHeader } from './format.js';

/**
 * What is written ahead of the records: a file that grows is twice the work to sync, and acks find room here when another program
 * has taken all the rest.
 */
const aheadBytes = 1024 * 1024;

/** A segment of a journal. Written to by whoever is in a transaction, synced by all. */
export class SegmentFile {
  readonly segment: number;
  readonly #directory: string;
  readonly #file: number;
  /** The file is at least as long. */
  #length = 0;
  #syncing = 0;
  #closed = false;

  private constructor(directory: string, segment: number, flags: 'w+' | 'r+') {
    this.#directory = directory;
    this.segment = segment;
    this.#file = openSync(path.join(directory, segmentName(segment)), flags, 0o600);
  }

  /** Makes a new one, whose name the disk has when it returns. What a transaction that was not committed left in its place is gone. */
  static create(directory: string, header: SegmentHeader): SegmentFile {
    const file = new SegmentFile(directory, header.segment, 'w+');
    try {
      file.write(encodeHeader(header), 0);
      syncFolder(directory);
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  static open(directory: string, segment: number): SegmentFile {
    return new SegmentFile(directory, segment, 'r+');
  }

  /** Only in a transaction. @throws Error `ENOSPC`, having written nothing that counts */
  write(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.length;
    this.#makeRoom(end);
    if (end > this.#length) throw Object.assign(new Error('ENOSPC: no space left for the journal'), { code: 'ENOSPC' });
    for (let written = 0; written < bytes.length;)
      written += writeSync(this.#file, bytes, written, bytes.length - written, offset + written);
  }

  /** Resolves when all that was written by now is on the disk. */
  sync(): Promise<void> {
    this.#syncing++;
    return new Promise((resolve, reject) => {
      fdatasync(this.#file, (error) => {
        this.#syncing--;
        if (this.#closed) this.#release();
        if (error) reject(error);
        else resolve();
      });
    });
  }

  syncNow(): void {
    fdatasyncSync(this.#file);
  }

  close(): void {
    this.#closed = true;
    this.#release();
  }

  #release(): void {
    if (this.#syncing === 0) closeSync(this.#file);
  }

  #makeRoom(end: number): void {
    if (end + aheadBytes / 2 <= this.#length) return;
    this.#length = fstatSync(this.#file).size;
    if (end + aheadBytes / 2 <= this.#length) return;
    // On a full disk what is left of it is for acks, and for the environment that they change.
    if (knownFreeBytes(this.#directory) >= leastFreeBytes) this.#length = writeZeros(this.#file, this.#length, end + aheadBytes);
    else if (end <= segmentHeaderBytes) this.#length = writeZeros(this.#file, this.#length, end);
  }
}
