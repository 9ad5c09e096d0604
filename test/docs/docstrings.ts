import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { extractSnippets } from './snippets.js';
import type { Snippet } from './snippets.js';

const root = resolve(import.meta.dirname, '../..');

/** A docstring of something that a file exports. */
export interface Docstring {
  /** What it is of; of a member, with the name of its class before it. */
  readonly name: string;
  /** The blocks of code of its `@example` tags. */
  readonly examples: readonly Snippet[];
}

/** The docstrings of the functions, and of the classes and their members, that the files of a folder export. */
export function docstringsOf(folder: string): Docstring[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .flatMap((file) => docstringsIn(join(folder, file)));
}

function docstringsIn(file: string): Docstring[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
  return source.statements.flatMap((statement) => {
    if (!isExported(statement)) return [];
    if (ts.isFunctionDeclaration(statement)) return docstring(statement, statement.name?.text ?? '');
    if (!ts.isClassDeclaration(statement)) return [];
    const name = statement.name?.text ?? '';
    const members = statement.members.filter((member) => member.name && ts.isIdentifier(member.name));
    return [...docstring(statement, name), ...members.flatMap((member) => docstring(member, `${name}.${member.name?.getText() ?? ''}`))];
  });
}

function docstring(node: ts.Node, name: string): Docstring[] {
  const source = node.getSourceFile();
  const doc = ts.getJSDocCommentsAndTags(node).find(ts.isJSDoc);
  if (!doc) return [];
  const lineOf = (position: number): number => source.getLineAndCharacterOfPosition(position).line + 1;
  const tags = doc.tags?.filter(({ tagName }) => tagName.text === 'example') ?? [];
  const examples = tags.flatMap((tag) => {
    // Without what stands before each line, so that lines and columns of code stay.
    const code = tag
      .getText()
      .replaceAll(/^\s*\* ?/gm, '')
      .replace(/\*\/$/, '');
    return extractSnippets(source.fileName, code).map((snippet) => ({ ...snippet, line: lineOf(tag.getStart()) + snippet.line - 1 }));
  });
  return [{ name, examples }];
}

function isExported(node: ts.Statement): boolean {
  return ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
}
