import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

/** Limits for files that are not what they seem. */
const maxFields = 10_000;
const maxEntryBytes = 1 << 20;
/** A tag and a length, each a varint of at most ten bytes. */
const maxHeaderBytes = 20;

/** Field numbers of onnx.proto3: ModelProto.metadata_props, and key and value of StringStringEntryProto. */
const metadataProps = 14;
const entryKey = 1;
const entryValue = 2;

interface Field {
  readonly number: number;
  /** Where the content starts, and how long it is, for strings and messages; length 0 for plain numbers. */
  readonly start: number;
  readonly length: number;
  readonly next: number;
}

/**
 * Reads the metadata of an ONNX file, such as the class names that Ultralytics writes, without loading the weights:
 * onnxruntime-node does not expose it.
 *
 * It walks the top level of the protocol buffer and skips everything else by its length. A file that is no protocol
 * buffer gives what was read before the first nonsense: whether the file is a model is for the runtime to say.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export async function readOnnxMetadata(path: string): Promise<ReadonlyMap<string, string>> {
  const file = await open(path, 'r');
  try {
    return await walk(file);
  } finally {
    await file.close();
  }
}

async function walk(file: FileHandle): Promise<ReadonlyMap<string, string>> {
  const metadata = new Map<string, string>();
  const { size } = await file.stat();
  for (let at = 0, count = 0; at < size && count < maxFields; count++) {
    const field = readField(await read(file, at, maxHeaderBytes), 0);
    if (!field) break;
    if (field.number === metadataProps && field.length <= maxEntryBytes) {
      const entry = parseEntry(await read(file, at + field.start, field.length));
      if (entry) metadata.set(entry[0], entry[1]);
    }
    at += field.next;
  }
  return metadata;
}

async function read(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const { bytesRead } = await handle.read(bytes, 0, length, position);
  return bytes.subarray(0, bytesRead);
}

/** A varint of at most 2^53: longer ones are negative numbers, whose value nobody here needs. */
function readVarint(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } | undefined {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, next: at + i + 1 };
  }
  return undefined;
}

function readField(bytes: Uint8Array, at: number): Field | undefined {
  const tag = readVarint(bytes, at);
  if (!tag) return undefined;
  const number = Math.floor(tag.value / 8);
  const content = tag.next;
  switch (tag.value % 8) {
    case 0: {
      const skipped = readVarint(bytes, content);
      return skipped && { number, start: content, length: 0, next: skipped.next };
    }
    case 1:
      return { number, start: content, length: 0, next: content + 8 };
    case 2: {
      const length = readVarint(bytes, content);
      if (!length || !Number.isSafeInteger(length.value)) return undefined;
      return { number, start: length.next, length: length.value, next: length.next + length.value };
    }
    case 5:
      return { number, start: content, length: 0, next: content + 4 };
    default:
      return undefined;
  }
}

function parseEntry(bytes: Uint8Array): [key: string, value: string] | undefined {
  const text = new TextDecoder();
  const found = new Map<number, string>();
  for (let at = 0; at < bytes.length;) {
    const field = readField(bytes, at);
    if (!field) return undefined;
    found.set(field.number, text.decode(bytes.subarray(field.start, field.start + field.length)));
    at = field.next;
  }
  const key = found.get(entryKey);
  return key === undefined ? undefined : [key, found.get(entryValue) ?? ''];
}
