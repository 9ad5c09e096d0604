export type Argument = string | Buffer | number;

/** Bytes that the count of words takes, and what stands around each of them. */
const frameBytes = 16;

/**
 * A command as Redis reads it (RESP), in one piece: a text where all of its words are such. ioredis would make a Buffer of
 * each word, and then one of all: of small messages, that is a sixth of what a push takes here.
 */
export function encodeCommand(words: readonly Argument[]): string | Buffer {
  let bytes: Buffer | undefined;
  let at = 0;
  // What stands between two Buffers is written at once: each call costs more than the few bytes that it writes.
  let text = `*${words.length}\r\n`;
  for (const word of words) {
    if (typeof word === 'object') {
      bytes ??= Buffer.allocUnsafe(mostBytes(words));
      at += bytes.write(`${text}$${word.length}\r\n`, at);
      bytes.set(word, at);
      at += word.length;
      text = '\r\n';
    } else if (typeof word === 'number') {
      const digits = String(word);
      text += `$${digits.length}\r\n${digits}\r\n`;
    } else {
      text += `$${Buffer.byteLength(word)}\r\n${word}\r\n`;
    }
  }
  if (!bytes) return text;
  at += bytes.write(text, at);
  return bytes.subarray(0, at);
}

function mostBytes(words: readonly Argument[]): number {
  let most = frameBytes;
  for (const word of words) most += frameBytes + (typeof word === 'number' ? 24 : typeof word === 'string' ? 3 * word.length : word.length);
  return most;
}
