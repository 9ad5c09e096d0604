import { readFileSync } from 'node:fs';
import { flagOf } from '../../system/recipe.js';
import { loadRecipe } from './recipes.js';
import type { KnownRecipe } from './recipes.js';
import { literal, offlineSettings, testNodes, testSettings } from './settings.js';
import type { Settings } from './settings.js';

type Versions = Readonly<Record<string, string>>;

interface Manifest {
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly dependencies: Versions;
  readonly devDependencies: Versions;
  readonly peerDependencies: Versions;
}

const manifest = JSON.parse(readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')) as Manifest;

/** Optional packages, and the operators that load them. */
const packagesOf: Readonly<Record<string, readonly string[]>> = {
  libsql: ['toSqlite'],
  mqtt: ['toMqtt', 'toHomeAssistant'],
  'csv-stringify': ['toCsv'],
  'hyparquet-writer': ['toParquet'],
  '@aws-sdk/client-s3': ['storeS3', 'loadS3'],
};

/**
 * The files of a project that starts from a recipe.
 *
 * @param project - name of the project.
 * @returns text of each file by its path in the project.
 */
export async function projectFiles(project: string, { name, about, source }: KnownRecipe): Promise<ReadonlyMap<string, string>> {
  const recipe = await loadRecipe(name);
  const { defaults } = recipe;
  const settings = offlineSettings(defaults);
  const options = testSettings(defaults);
  const nodes = testNodes([...recipe().graph().nodes.keys()]);
  const values: Readonly<Record<string, string>> = {
    project,
    recipe: name,
    about,
    node: manifest.engines.node,
    dependencies: json({
      edgeflow: `^${manifest.version}`,
      ...pick(manifest.dependencies, ['rxjs']),
      ...pick(manifest.peerDependencies, optionalOf(source)),
    }),
    devDependencies: json(pick(manifest.devDependencies, ['@types/node', 'fast-check', 'typescript', 'vitest'])),
    modelImport: modelImport([settings]),
    settings: literal(settings),
    testImports: testImports([options, nodes]),
    rxjsImports: rxjsImports([nodes]),
    street: uses([options, nodes], 'street') ? "/** A moment of a generated street. */\nconst street = 'street:1?frames=30';\n\n" : '',
    testOptions: literal(options),
    testNodes: literal(nodes),
    example: Object.hasOwn(defaults, 'source')
      ? '--source rtsp://192.168.1.20/stream1'
      : `--${flagOf(Object.keys(defaults)[0] ?? 'option')} …`,
    options: optionTable(defaults),
  };
  const fill = (template: string): string => filled(template, values);
  return new Map([
    ['package.json', fill('package.json')],
    ['tsconfig.json', fill('tsconfig.json')],
    ['README.md', fill('README.md')],
    ['.gitignore', fill('gitignore')],
    ['.npmrc', fill('npmrc')],
    ['src/main.ts', fill('main.ts')],
    [`src/${name}.ts`, source],
    ['test/main.test.ts', fill('main.test.ts')],
  ]);
}

function filled(template: string, values: Readonly<Record<string, string>>): string {
  const text = readFileSync(new URL(`template/${template}.template`, import.meta.url), 'utf8');
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_, key: string) => {
    const value = values[key];
    if (value === undefined) throw new Error(`the template ${template} asks for '${key}'`);
    return value;
  });
}

/** Optional packages that a recipe, or a part of one that it uses, needs. */
function optionalOf(source: string): string[] {
  return Object.entries(packagesOf).flatMap(([name, operators]) =>
    operators.some((operator) => new RegExp(`\\b${operator}\\b`).test(source)) ? [name] : [],
  );
}

const pick = (versions: Versions, names: readonly string[]): Versions =>
  Object.fromEntries(names.flatMap((name) => (versions[name] === undefined ? [] : [[name, versions[name]]])));

const json = (value: unknown): string => JSON.stringify(value, undefined, 2).replaceAll('\n', '\n  ');

/** Whether a name is used outside of texts. */
const uses = (settings: readonly Settings[], word: string): boolean =>
  settings.some((each) => [...each.values()].some((value) => new RegExp(`\\b${word}\\b`).test(value.replaceAll(/'[^']*'/g, ''))));

function modelImport(settings: readonly Settings[]): string {
  return uses(settings, 'streetModelPath') ? "import { streetModelPath } from 'edgeflow/recipes/street/model';\n" : '';
}

function testImports(settings: readonly Settings[]): string {
  return [uses(settings, 'camera') ? "import { camera } from 'edgeflow/operators';\n" : '', modelImport(settings)].join('');
}

function rxjsImports(settings: readonly Settings[]): string {
  return [
    uses(settings, 'EMPTY') ? "import { EMPTY } from 'rxjs';\n" : '',
    uses(settings, 'Observable') ? "import type { Observable } from 'rxjs';\n" : '',
  ].join('');
}

function optionTable(defaults: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(defaults).map(
    ([name, value]) => `| \`--${flagOf(name)}\` | ${value === undefined ? 'by the source' : `\`${JSON.stringify(value)}\``} |`,
  );
  return ['| option | default |', '| --- | --- |', ...rows].join('\n');
}
