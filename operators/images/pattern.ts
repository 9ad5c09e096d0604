import { readdir, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { EdgeFlowError } from 'edgeflow';

/** Names that are taken for pictures where a folder is given. */
const pictureName = /^[^.].*\.(?:jpe?g|png|webp|gif|tiff?|avif)$/i;

/** Which files are meant: those below `folder` whose path from there `matches`. */
export interface FilePattern {
  readonly folder: string;
  readonly deep: boolean;
  readonly matches: (path: string) => boolean;
}

/** A regular expression for one part of a path. A `*` at the beginning takes no hidden file, as in a shell. */
function partSource(part: string): string {
  const hidden = /^[*?]/.test(part) ? '(?!\\.)' : '';
  const source = part.replace(/\{([^{}]*)\}|[\s\S]/g, (sign, choices?: string) => {
    if (choices !== undefined) return `(?:${choices.split(',').map(literal).join('|')})`;
    if (sign === '*') return '[^/]*';
    return sign === '?' ? '[^/]' : literal(sign);
  });
  return hidden + source;
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/**
 * Reads a pattern: a folder, a file, or a path with `*` and `?` (any signs, one sign, of a name), `{a,b}` (one of these) and
 * `**` (any folders).
 *
 * @throws EdgeFlowError `SOURCE_MISSING` where the pattern is no pattern and names nothing.
 */
export async function parsePattern(pattern: string): Promise<FilePattern> {
  const path = resolve(pattern);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return { folder: path, deep: false, matches: (name) => pictureName.test(name) };
  const parts = path.split(sep);
  const first = found ? parts.length - 1 : parts.findIndex((part) => /[*?{]/.test(part));
  if (first < 0) throw new EdgeFlowError('SOURCE_MISSING', `images: there is no file and no folder at ${path}`);
  const fixed = parts.slice(first);
  const last = fixed.length - 1;
  const source = found
    ? literal(fixed.join('/'))
    : fixed
        .map((part, at) => (part === '**' ? (at === last ? '.*' : '(?:[^/.][^/]*/)*') : partSource(part) + (at < last ? '/' : '')))
        .join('');
  const whole = new RegExp(`^${source}$`, 's');
  return { folder: parts.slice(0, first).join(sep) || sep, deep: last > 0 || fixed[0] === '**', matches: (name) => whole.test(name) };
}

/**
 * Paths of the files that are there now, in the order of their names.
 *
 * @throws EdgeFlowError `SOURCE_MISSING` where there is no such folder.
 */
export async function listFiles({ folder, deep, matches }: FilePattern): Promise<string[]> {
  const entries = await readdir(folder, { recursive: deep, withFileTypes: true }).catch((cause: unknown) => {
    throw new EdgeFlowError('SOURCE_MISSING', `images: the folder ${folder} cannot be read; a relative path starts at ${process.cwd()}`, {
      cause,
    });
  });
  // Numbers in names count as numbers: `2.jpg` comes before `10.jpg`, on every machine.
  const order = new Intl.Collator('en', { numeric: true });
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter(matches)
    .sort((a, b) => order.compare(a, b) || (a < b ? -1 : 1))
    .map((path) => join(folder, path));
}
