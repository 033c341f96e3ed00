import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PAGES, ROOT } from '../support/shellBlocks';

/** The rules of docs/style.md that a program can check, and the names of files and tests in the documents. */

const COLUMNS = 100;
const CELL = 80;
const ROOT_PAGES = ['CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'];
const STYLE = 'docs/style.md';

const textOf = (page: string) => readFileSync(path.join(ROOT, page), 'utf8');
const pages = [...PAGES, ...ROOT_PAGES].map((page) => ({ page, lines: proseLines(textOf(page)) }));

/** Lines outside of code blocks and comments, with their numbers. */
function proseLines(markdown: string): { number: number; text: string }[] {
  let fenced = false;
  return markdown.split('\n').flatMap((text, at) => {
    if (/^ *(```|~~~)/.test(text)) {
      fenced = !fenced;
      return [];
    }
    return fenced || text.startsWith('<!--') ? [] : [{ number: at + 1, text }];
  });
}

const isRow = (text: string) => text.startsWith('|');
const lengthOf = (text: string) => [...text].length;

/** A link or a code span that is too long to break its line. */
const hasLongWord = (text: string) =>
  text
    .replace(/`[^`]*`/g, (code) => code.replace(/ /g, '_'))
    .split(' ')
    .some((word) => lengthOf(word) > 50);

test('prose has at most 100 columns', () => {
  const long = pages.flatMap(({ page, lines }) =>
    lines
      .filter(({ text }) => !isRow(text) && lengthOf(text) > COLUMNS && !hasLongWord(text))
      .map(({ number }) => `${page}:${number}`),
  );
  expect(long).toEqual([]);
});

test('a table cell has at most 80 characters', () => {
  const long = pages.flatMap(({ page, lines }) =>
    lines
      .filter(({ text }) => isRow(text))
      .flatMap(({ number, text }) =>
        text
          .split(/(?<!\\)\|/)
          .filter((cell) => lengthOf(cell.trim()) > CELL && !/^[ :-]+$/.test(cell))
          .map((cell) => `${page}:${number}: ${cell.trim().slice(0, 40)}…`),
      ),
  );
  expect(long).toEqual([]);
});

test('no page uses a phrase that the style page replaces', () => {
  const [, table = ''] = textOf(STYLE).split('## Phrases to replace');
  const phrases = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, phrase = '']) => phrase);
  expect(phrases.length).toBeGreaterThan(10);
  const found = pages
    .filter(({ page }) => page !== STYLE)
    .flatMap(({ page, lines }) => {
      // A phrase may cross the end of a line. Code is excluded, because it quotes programs.
      const prose = lines
        .map(({ text }) => text)
        .join(' ')
        .replace(/`[^`]*`/g, '')
        .replace(/\s+/g, ' ');
      return phrases
        .filter((phrase) => new RegExp(`\\b${phrase}`, 'i').test(prose))
        .map((phrase) => `${page}: "${phrase}"`);
    });
  expect(found).toEqual([]);
});

test('files that the documents name exist', () => {
  const named = pages.flatMap(({ page }) =>
    [
      ...textOf(page).matchAll(
        /`((?:src|test|packages|apps|docs|scripts|profiles|deploy|examples)\/[\w./-]*\w)`/g,
      ),
    ].map(([, file = '']) => ({ page, file })),
  );
  expect(named.length).toBeGreaterThan(50);
  const missing = named.filter(
    ({ file }) => ![file, `${file}.ts`].some((it) => existsSync(path.join(ROOT, it))),
  );
  expect(missing.map(({ page, file }) => `${page}: ${file}`)).toEqual([]);
});

test.each(['docs/architecture.md', 'docs/planner.md'])(
  '%s: each invariant has a test of that name',
  (page) => {
    const [, section = ''] = textOf(page).split('\n## Invariants\n');
    const text = (section.split('\n## ')[0] ?? '').replace(/\s+/g, ' ');
    const items = text.split(/ (?=\d+\. \*\*)/).slice(1);
    expect(items.length).toBeGreaterThanOrEqual(10);
    for (const item of items) {
      const tests = [...item.matchAll(/`(test\/[^`]+)`: ((?:"[^"]+"(?:, )?)+)/g)];
      // docs/planner.md names one file by a letter.
      if (tests.length === 0) expect(item).toContain('(`P`)');
      for (const [, file = '', names = ''] of tests) {
        const source = textOf(file);
        for (const [, name = ''] of names.matchAll(/"([^"]+)"/g))
          expect([file, source.includes(name)]).toEqual([file, true]);
      }
    }
  },
);
