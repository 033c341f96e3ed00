import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { REASONS, wordsOf } from '../../src/sync/reasons';
import { reasonsPage } from '../support/reasonsPage';

/** `UPDATE_DOCS=1 npm test -- test/docs/reasons.test.ts` rewrites the page. */

const ROOT = path.resolve(__dirname, '../..');
const PAGE = path.join(ROOT, 'docs/reasons.md');

test('docs/reasons.md agrees with the table of reason codes', () => {
  const page = reasonsPage();
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, page);
  expect(readFileSync(PAGE, 'utf8')).toBe(page);
});

test('each code has a cause and a fix, in whole sentences', () => {
  const broken = Object.entries(REASONS).filter(
    ([, { cause, fix }]) => !/^[A-Z].*\.$/.test(cause) || !/^[A-Z].*\.$/.test(fix),
  );
  expect(broken).toEqual([]);
});

test('a code that this release does not know has no description, and causes no error', () => {
  expect([wordsOf('an_adapters_own'), wordsOf('toString'), wordsOf('')]).toEqual([null, null, null]);
});

test('codes that troubleshooting.md and cli.md show are in the table', () => {
  const shown = ['troubleshooting.md', 'cli.md', 'conflicts.md'].flatMap((page) => {
    const text = readFileSync(path.join(ROOT, 'docs', page), 'utf8');
    const causes = [...text.matchAll(/^ +cause +.*\((\w+)\)$/gm)];
    const filters = [...text.matchAll(/--code (\w+)/g)];
    return [...causes, ...filters].map(([, code = '']) => code);
  });
  expect(shown.length).toBeGreaterThan(3);
  expect(shown.filter((code) => wordsOf(code) === null)).toEqual([]);
});
