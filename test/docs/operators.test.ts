import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as operators from 'edgeflow/operators';
import { describe, expect, test } from 'vitest';

const flow = ['fromBroker', 'toBroker', 'mapAsync', 'latestMap', 'batch', 'leased', 'detached', 'fromPull', 'lookBack'];

const docs = resolve(import.meta.dirname, '../../docs');

test('docs/operators.md and docs/operators/ have one section for each operator, and none for others', () => {
  const pages = ['operators.md', ...readdirSync(join(docs, 'operators')).map((file) => join('operators', file))];
  const page = pages
    .filter((file) => file.endsWith('.md'))
    .map((file) => readFileSync(join(docs, file), 'utf8'))
    .join('\n');
  const headings = [...page.matchAll(/^### ([a-z]\w*)$/gm)].map(([, name]) => name);
  expect(headings.sort()).toEqual([...flow, ...Object.keys(operators)].sort());
});

describe('docs/operators/tested.md', () => {
  const repository = resolve(docs, '..');
  const [tested = '', bad = ''] = readFileSync(join(docs, 'operators/tested.md'), 'utf8').split('## Bad input');
  /** The cells of the rows of tables. */
  const rowsOf = (text: string): string[][] =>
    [...text.matchAll(/^\|(.*)\|$/gm)]
      .map(([, row = '']) => row.split('|').map((cell) => cell.trim()))
      .filter(([first]) => !/^(-+|operator|input)$/.test(first ?? ''));
  const quoted = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
  const read = (file: string): string => {
    expect(existsSync(join(repository, file)), file).toBe(true);
    return readFileSync(join(repository, file), 'utf8');
  };

  test('each operator has one row, with tests that are there and name it', () => {
    const rows = rowsOf(tested);
    expect(rows.map(([name = '']) => quoted(name).join()).sort()).toEqual(Object.keys(operators).sort());
    for (const [name = '', , marbles, , , files = ''] of rows) {
      const [operator = ''] = quoted(name);
      const texts = quoted(files).map(read);
      expect(texts.length, operator).toBeGreaterThan(0);
      expect(
        texts.some((text) => new RegExp(`\\b${operator}\\b`).test(text)),
        operator,
      ).toBe(true);
      // Who says so is run in virtual time.
      expect(['marbles', 'no']).toContain(marbles);
      if (marbles === 'marbles')
        expect(
          texts.some((text) => /\b(runMarbles|marbles)\(/.test(text)),
          operator,
        ).toBe(true);
    }
  });

  test('each bad input names operators and tests that there are', () => {
    for (const [input = '', names = '', , files = ''] of rowsOf(bad)) {
      expect(quoted(names).filter((name) => !(name in operators))).toEqual([]);
      expect(quoted(files).length, input).toBeGreaterThan(0);
      quoted(files).forEach(read);
    }
  });
});
