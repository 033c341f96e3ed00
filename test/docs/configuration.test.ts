import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { settingsPage } from '../support/settingsPage';

/** `UPDATE_DOCS=1 npm test -- test/docs/configuration.test.ts` rewrites the page. */

const PAGE = path.resolve(__dirname, '../../docs/configuration.md');

test('docs/configuration.md agrees with the schemas', () => {
  const page = settingsPage();
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, page);
  expect(readFileSync(PAGE, 'utf8')).toBe(page);
});
