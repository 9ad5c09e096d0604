/** Options of a recipe, by name; each value is TypeScript. */
export type Settings = ReadonlyMap<string, string>;

/** Stands for the path of the street's model. */
const streetModel = 'streetModelPath';

/** Options that name a file or a folder to write to. */
const written = new Set(['directory', 'file', 'report', 'output']);

/** How often a test writes what is written now and then, in milliseconds. */
const testEveryMs = 500;

/** What a test puts in the place of nodes, by their usual names, where it has neither device nor server. */
const stands: Readonly<Record<string, string>> = {
  webcam: '() => camera({ source: street })',
  sensor: '() => EMPTY',
  mqtt: '(values: Observable<unknown>) => values',
  webhook: '(values: Observable<unknown>) => values',
};

/** What lets a recipe run without a camera and without a network, as far as that is possible. */
export function offlineSettings(defaults: Readonly<Record<string, unknown>>): Settings {
  const settings = new Map<string, string>();
  for (const [name, value] of Object.entries(defaults)) {
    if (name === 'source' && !isGenerated(value)) settings.set(name, text('street:1'));
    if (name === 'sources' && !Object.values(value as object).every(isGenerated)) settings.set(name, streets(value as object, ''));
    if (value === 'yolox-nano') settings.set(name, streetModel);
  }
  return settings;
}

/** The same for a test: a street that ends, and a folder of its own for what is written. */
export function testSettings(defaults: Readonly<Record<string, unknown>>): Settings {
  const settings = new Map<string, string>();
  for (const [name, value] of Object.entries(defaults)) {
    if (name === 'source') settings.set(name, 'street');
    if (name === 'sources') settings.set(name, streets(value as object, '?frames=30'));
    if (name === 'model' || value === 'yolox-nano') settings.set(name, streetModel);
    if (name === 'port') settings.set(name, '0');
    // What is written every minute would make each run take one.
    if (/everyMs$/i.test(name) && Number(value) > testEveryMs) settings.set(name, String(testEveryMs));
    if (written.has(name) && typeof value === 'string') settings.set(name, `join(folder, ${text(name)})`);
  }
  return settings;
}

/** What stands for nodes in a test. */
export function testNodes(nodes: readonly string[]): Settings {
  return new Map(nodes.flatMap((name) => (stands[name] === undefined ? [] : [[name, stands[name]]])));
}

/** An object literal. */
export function literal(settings: Settings): string {
  if (settings.size === 0) return '{}';
  return `{\n${[...settings].map(([name, value]) => (name === value ? `  ${name},\n` : `  ${name}: ${value},\n`)).join('')}}`;
}

/** A text in single quotes. */
export function text(value: string): string {
  return `'${JSON.stringify(value)
    .slice(1, -1)
    .replaceAll("'", String.raw`\'`)
    .replaceAll(String.raw`\"`, '"')}'`;
}

/** Another street for each of the sources, in a list or by their names. */
function streets(sources: object, query: string): string {
  const each = Object.keys(sources).map((name, place) => [name, text(`street:${place + 1}${query}`)] as const);
  return Array.isArray(sources)
    ? `[${each.map(([, street]) => street).join(', ')}]`
    : `{ ${each.map((pair) => pair.join(': ')).join(', ')} }`;
}

function isGenerated(source: unknown): boolean {
  return typeof source === 'string' && /^(street|lavfi):/.test(source);
}
