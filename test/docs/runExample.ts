import * as edgeflow from 'edgeflow';
import * as operators from 'edgeflow/operators';
import * as testing from 'edgeflow/testing';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as rxjs from 'rxjs';
import ts from 'typescript';
import type { System } from 'edgeflow';
import { isNode } from '#src/system/node.js';
import { isRecipe } from '#src/system/recipe.js';
import type { Snippet } from './snippets.js';
import { surroundings } from './surroundings.js';

const root = resolve(import.meta.dirname, '../..');
const modules = { edgeflow, 'edgeflow/operators': operators, 'edgeflow/testing': testing, rxjs };
const entries = { edgeflow: 'src/index.ts', 'edgeflow/operators': 'operators/index.ts', 'edgeflow/testing': 'src/testing/index.ts' };

/** Where names of the packages come from; types are marked by `type `. */
const exported = new Map<string, readonly [specifier: string, module: string]>();
for (const [module, { ...values }] of Object.entries(modules)) {
  for (const name of Object.keys(values)) if (!exported.has(name)) exported.set(name, [name, module]);
}
for (const [module, entry] of Object.entries(entries)) {
  const names = [...readFileSync(join(root, entry), 'utf8').matchAll(/export type \{([^}]*)\}/g)].flatMap(
    ([, list = '']) => list.match(/\w+/g) ?? [],
  );
  for (const name of names) if (!exported.has(name)) exported.set(name, [`type ${name}`, module]);
}

/** Names that an example says and does not define itself. */
function openNames(code: string): Set<string> {
  const source = ts.createSourceFile('example.ts', code, ts.ScriptTarget.Latest, true);
  const used = new Set<string>();
  const defined = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const { parent } = node;
      const isMember =
        (ts.isPropertyAccessExpression(parent) && parent.name === node) || (ts.isPropertyAssignment(parent) && parent.name === node);
      const isDefinition =
        (ts.isVariableDeclaration(parent) || ts.isParameter(parent) || ts.isBindingElement(parent) || ts.isTypeAliasDeclaration(parent)) &&
        parent.name === node;
      if (isDefinition) defined.add(node.text);
      else if (!isMember) used.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  for (const name of defined) used.delete(name);
  return used;
}

/** The example as a module of its own, for the compiler: names that it leaves open are imported on a line before it. */
export function asModule(example: Snippet): Snippet {
  const names = [...openNames(example.code)];
  const known = Object.keys(surroundings());
  const imports = names.flatMap((name) => {
    const [specifier, module] = exported.get(name) ?? [];
    return specifier && module ? [`import { ${specifier} } from '${module}';`] : [];
  });
  const given = names.filter((name) => known.includes(name) && !exported.has(name));
  const before = [
    ...imports,
    ...(names.includes('test') ? ["import { test } from 'vitest';"] : []),
    ...(given.length > 0
      ? ["import { surroundings } from '../test/docs/surroundings.js';", `const { ${given.join(', ')} } = surroundings();`]
      : []),
  ];
  return { ...example, code: `${before.join(' ')}\n${example.code}`, line: example.line - 1 };
}

/** What a node gets besides its inputs. */
const nodeContext = {
  ...{ name: 'node', replica: 0, options: { source: 'street.mp4' }, inputs: {} },
  ...{ signal: new AbortController().signal, show: () => undefined },
};

/** What came of an example. */
export interface Outcome {
  /** What its streams emitted, stream by stream. */
  readonly emitted: readonly (readonly unknown[])[];
  /** What it wrote to the console. */
  readonly said: readonly unknown[];
  /** What its other statements gave, each with the comment behind it. */
  readonly given: readonly (readonly [value: unknown, comment: string])[];
  /** The Systems that it exports, or whose recipe it exports; nodes are run as the streams that they are. */
  readonly systems: readonly System[];
  /** The tests that it registers and that passed. */
  readonly passed: readonly string[];
}

/** How an example is run. */
export interface ExampleSettings {
  /** Names in place of those of its surroundings and of the packages. */
  readonly names?: Readonly<Record<string, unknown>>;
  /** After how many values a stream is unsubscribed. @defaultValue 5 */
  readonly values?: number;
}

/**
 * Runs an example as it is written, but that streams are subscribed also where it leaves that out, and that they end after
 * some values. Resolves when all of them have ended; rejects with the first error.
 */
export async function runExample({ code }: Snippet, { names = {}, values = 5 }: ExampleSettings = {}): Promise<Outcome> {
  const outcome = {
    emitted: [] as unknown[][],
    said: [] as unknown[],
    given: [] as [unknown, string][],
    systems: [] as System[],
    passed: [] as string[],
  };
  const ends: Promise<unknown>[] = [];
  const over = new rxjs.Subject<void>();
  const gave = (result: unknown, comment: string): void => {
    if (rxjs.isObservable(result)) subscribed(result);
    else ends.push(Promise.resolve(result).then((value) => outcome.given.push([value, comment])));
  };
  const subscribed = (stream: rxjs.Observable<unknown>, observer?: Partial<rxjs.Observer<unknown>> | ((value: unknown) => void)): void => {
    const emitted: unknown[] = [];
    outcome.emitted.push(emitted);
    ends.push(
      new Promise((resolve, reject) => {
        stream
          .pipe(
            rxjs.take(values),
            rxjs.tap((value) => emitted.push(value)),
            rxjs.catchError((error: Error) => {
              reject(error);
              return rxjs.EMPTY;
            }),
            rxjs.takeUntil(over),
            rxjs.finalize(() => resolve(undefined)),
          )
          .subscribe(observer as Partial<rxjs.Observer<unknown>>);
      }),
    );
  };
  const around = surroundings();
  const scope: Record<string, unknown> = {
    ...{ ...rxjs, ...testing, ...operators, ...edgeflow, ...around },
    console: { log: (...said: unknown[]) => void outcome.said.push(...said) },
    test: (name: string, body: () => Promise<unknown>) => ends.push(body().then(() => outcome.passed.push(name))),
    ...names,
    gave,
    subscribed,
    exported: (value: unknown) => {
      if (isNode(value)) subscribed(value(around.frames, { ...nodeContext, input: around.input }));
      else outcome.systems.push(isRecipe(value) ? value() : (value as System));
    },
  };
  const open = [...openNames(code), 'gave', 'subscribed', 'exported'].filter((name) => name in scope);
  const AsyncFunction = (async () => undefined).constructor as new (...code: string[]) => (...values: unknown[]) => Promise<void>;
  try {
    await new AsyncFunction(...open, asBody(code))(...open.map((name) => scope[name]));
    await Promise.all(ends);
    return outcome;
  } finally {
    over.next();
  }
}

/** The example as the body of a function: what its statements give, subscribe and export goes to these functions. */
function asBody(code: string): string {
  const { factory } = ts;
  const call = (name: string, ...values: readonly ts.Expression[]): ts.Statement =>
    factory.createExpressionStatement(factory.createCallExpression(factory.createIdentifier(name), undefined, values));
  const transformed = ts.transform(ts.createSourceFile('example.ts', code, ts.ScriptTarget.Latest, true), [
    () => (source) =>
      factory.updateSourceFile(
        source,
        source.statements.map((statement) => {
          if (ts.isExportAssignment(statement)) return call('exported', statement.expression);
          if (ts.isVariableStatement(statement)) return factory.createVariableStatement([], statement.declarationList);
          if (!ts.isExpressionStatement(statement)) return statement;
          const { expression } = statement;
          const callee = ts.isCallExpression(expression) ? expression.expression : undefined;
          return ts.isCallExpression(expression) && callee && ts.isPropertyAccessExpression(callee) && callee.name.text === 'subscribe'
            ? call('subscribed', callee.expression, ...expression.arguments)
            : call('gave', expression, factory.createStringLiteral(commentBehind(statement)));
        }),
      ),
  ]);
  const [source] = transformed.transformed;
  return ts.transpile(source ? ts.createPrinter({ removeComments: true }).printFile(source) : '', { target: ts.ScriptTarget.ESNext });
}

function commentBehind(statement: ts.Statement): string {
  const { text } = statement.getSourceFile();
  return (ts.getTrailingCommentRanges(text, statement.end) ?? []).map(({ pos, end }) => text.slice(pos + 2, end).trim()).join(' ');
}
