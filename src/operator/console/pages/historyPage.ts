import { z } from 'zod';
import type { JournalEntry } from '../../../sync/journal';
import type { CanonicalKey } from '../../../sync/canonicalKey';
import { ENTITY_TYPES } from '../../../sync/record';
import { pairNamed } from '../../findPairs';
import { HISTORY_COLUMNS, historyPage as loadPage, linesOf, type HistoryPage } from '../../history';
import type { ConsoleContext } from '../consoleContext';
import { criteriaForm } from '../criteriaForm';
import { html, type Html } from '../html';
import { pageLinks } from '../pageLinks';
import { pairLink, table, time, value, type Page } from '../layout';

/** What the sync wrote: all of it by filters, or that of one pair. */

const PAGE = 50;
/** Of a pair, on its own page. */
const LATEST = 20;
const text = z.string().trim().min(1).max(400).optional().catch(undefined);
const querySchema = z.object({
  pair: text,
  entity: z.enum(ENTITY_TYPES).optional().catch(undefined),
  since: z.string().datetime({ offset: true }).optional().catch(undefined),
  cause: text,
  row: text,
  after: text,
});
type Query = z.output<typeof querySchema>;

export type HistoryList = HistoryPage & { query: Query };

export async function loadHistory(context: ConsoleContext, asked: unknown): Promise<HistoryList> {
  const { store } = await context.database();
  const query = querySchema.parse(asked);
  const { pair, after, ...rest } = query;
  const wanted = Object.fromEntries(Object.entries(rest).filter(([, it]) => it !== undefined));
  const key = pair === undefined ? undefined : await pairNamed({ store, mapping: context.mapping() }, pair);
  const filter = { ...wanted, ...(key !== undefined && { key }) };
  return { ...(await loadPage(store, filter, after ?? null, PAGE)), query };
}

/** The latest writes of one pair. */
export async function latestOf(context: ConsoleContext, key: CanonicalKey): Promise<JournalEntry[]> {
  const { store } = await context.database();
  return store.journal.page({ key }, null, LATEST);
}

export function historyPage({ entries, next, query }: HistoryList, root: string): Page {
  const body = html`
    ${criteriaForm(`${root}/history`, query, { name: 'Filter the history', button: 'Filter' })}
    ${entries.length === 0 ? html`<p>${NOTHING}</p>` : entriesTable(entries, root)}
    ${pageLinks(`${root}/history`, query, next)} ${undoLink(root, query)}
  `;
  return { title: 'History', current: '/history', body };
}

/** The same choice, where it says what to undo: an entity alone does not. */
function undoLink(root: string, { pair, entity, since, cause, row }: Query): Html | null {
  if ([pair, since, cause, row].every((each) => each === undefined)) return null;
  const asked = Object.entries({ pair, entity, since, cause, row }).filter(([, it]) => it !== undefined);
  const query = new URLSearchParams(asked as [string, string][]).toString();
  return html`<p><a href="${root}/undo?${query}">Undo these writes: show what would be put back</a></p>`;
}

/** For a pair's page. */
export function writesSection(key: CanonicalKey, entries: readonly JournalEntry[], root: string): Html {
  if (entries.length === 0) return html`<p>${NOTHING}</p>`;
  return html`${entriesTable(entries, root)}
    <p><a href="${root}/history?pair=${encodeURIComponent(key)}">All writes of this pair</a></p>`;
}

const NOTHING = 'Nothing was written, or it is no longer in the journal.';

function entriesTable(entries: readonly JournalEntry[], root: string): Html {
  return table(
    'What the sync wrote, latest first',
    HISTORY_COLUMNS,
    entries.flatMap(linesOf).map(
      (line) =>
        html`<tr>
          <td>${time(line.at)}</td>
          <th scope="row">${pairLink(root, line.key)}</th>
          <td>${line.record}</td>
          <td>${line.what}</td>
          <td>${line.row}</td>
          <td>${line.row === '' ? '—' : value(line.before)}</td>
          <td>${line.row === '' ? '—' : value(line.after)}</td>
          <td>${line.why}</td>
          <td>${line.outcome}</td>
        </tr>`,
    ),
  );
}
