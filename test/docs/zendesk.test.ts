import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** docs/zendesk.md names every path that the adapter and the webhook administration call. */

const ROOT = path.resolve(__dirname, '../..');
const ADAPTER = path.join(ROOT, 'src/systems/zendesk');
const PAGE = readFileSync(path.join(ROOT, 'docs/zendesk.md'), 'utf8');

/** `/tickets/{id}/audits` from `` `/api/v2/tickets/${ticketId}/audits` ``. */
function pathsIn(source: string): string[] {
  return [...source.matchAll(/(['`])\/api\/v2(\/.+?)\1/g)].map(([, , called = '']) => {
    // A placeholder may contain a quoted name.
    const [plain = ''] = called.replace(/\$\{[^}]*\}?/g, '{id}').split(/[ (]/);
    return plain;
  });
}

test('every call to Zendesk is listed', () => {
  const called = new Set(
    readdirSync(ADAPTER).flatMap((file) => pathsIn(readFileSync(path.join(ADAPTER, file), 'utf8'))),
  );
  expect(called.size).toBeGreaterThan(20);
  expect(called).toContain('/tickets/{id}/comments/{id}/make_private');
  const listed = new Set([...PAGE.matchAll(/`(?:[A-Z]+ )?(\/[^`?]+)[^`]*`/g)].map(([, listed]) => listed));
  const missing = [...called].filter(
    (each) => !listed.has(each) && ![...listed].some((one) => one?.endsWith(each.replace('{id}', 'tickets'))),
  );
  expect(missing).toEqual([]);
});
