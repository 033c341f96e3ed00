import { z } from 'zod';
import type { JournalEntry } from '../../../sync/journal';
import type { CanonicalKey } from '../../../sync/canonicalKey';
import { ENTITY_TYPES } from '../../../sync/record';
import { pairNamed } from '../../findPairs';
import { historyPage as loadPage, linesOf, type HistoryLine, type HistoryPage } from '../../history';
import { loadPairsNaming, type PairsNaming } from '../../naming';
import { inTitles, rowName, type Naming } from '../../titles';
import type { ConsoleContext } from '../consoleContext';
import { html, type Html, type Part } from '../html';
import { criteriaForm } from '../criteriaForm';
import { pageLinks } from '../pageLinks';
import { breakable, mark, namedPair, outside, table, time, value, type Page } from '../layout';

/** The writes of the sync: all of them with filters, or those of one pair. */

const PAGE = 50;
/** The number of writes on a pair's own page. */
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

export type HistoryList = HistoryPage & { query: Query; naming: PairsNaming };

export async function loadHistory(context: ConsoleContext, asked: unknown): Promise<HistoryList> {
  const { store } = await context.database();
  const query = querySchema.parse(asked);
  const { pair, after, ...rest } = query;
  const wanted = Object.fromEntries(Object.entries(rest).filter(([, it]) => it !== undefined));
  const key = pair === undefined ? undefined : await pairNamed({ store, mapping: context.mapping() }, pair);
  const filter = { ...wanted, ...(key !== undefined && { key }) };
  const page = await loadPage(store, filter, after ?? null, PAGE);
  const mapping = context.mapping();
  const links = await store.getMany(page.entries.map((entry) => entry.key));
  const naming = await loadPairsNaming({ store, mapping }, [...links.values()]);
  return { ...page, query, naming };
}

/** The latest writes of one pair. */
export async function latestOf(context: ConsoleContext, key: CanonicalKey): Promise<JournalEntry[]> {
  const { store } = await context.database();
  return store.journal.page({ key }, null, LATEST);
}

export function historyPage(
  { entries, next, query, naming }: HistoryList,
  { root, links }: Pick<ConsoleContext, 'root' | 'links'>,
): Page {
  const columns = ['When', 'Pair', 'Write', 'Changes', 'Why'];
  const rows = entries.map((entry) => {
    const title = naming.pairs.get(entry.key) ?? '';
    return entryRow(entry, naming, links, html`<th scope="row">${namedPair(root, entry.key, title)}</th>`);
  });
  const body = html`
    ${criteriaForm(`${root}/history`, query, { name: 'Filter the history', button: 'Filter' })}
    ${entries.length === 0 ? html`<p>${NOTHING}</p>` : table('What the sync wrote, latest first', columns, rows)}
    ${pageLinks(`${root}/history`, query, next)} ${undoLink(root, query)}
  `;
  return { title: 'History', current: '/history', body };
}

/** A link to the undo page with the same filters, if they say what to undo; an entity alone does not. */
function undoLink(root: string, { pair, entity, since, cause, row }: Query): Html | null {
  if ([pair, since, cause, row].every((each) => each === undefined)) return null;
  const asked = Object.entries({ pair, entity, since, cause, row }).filter(([, it]) => it !== undefined);
  const query = new URLSearchParams(asked as [string, string][]).toString();
  return html`<p><a href="${root}/undo?${query}">Undo these writes: show what would be put back</a></p>`;
}

/** The section of a pair's page. */
export function writesSection(
  key: CanonicalKey,
  entries: readonly JournalEntry[],
  naming: Naming,
  { root, links }: Pick<ConsoleContext, 'root' | 'links'>,
): Html {
  if (entries.length === 0) return html`<p>${NOTHING}</p>`;
  const rows = entries.map((entry) => entryRow(entry, naming, links, null));
  return html`${table('Latest first', ['When', 'Write', 'Changes', 'Why'], rows)}
    <p><a href="${root}/history?pair=${encodeURIComponent(key)}">All writes of this pair</a></p>`;
}

const NOTHING = 'Nothing was written, or it is no longer in the journal.';
/** A write with more properties is folded. */
const PROPERTIES_AT_ONCE = 4;
const CHARACTERS_AT_ONCE = 160;

function entryRow(
  entry: JournalEntry,
  naming: Naming,
  links: ConsoleContext['links'],
  pair: Html | null,
): Html {
  const lines = linesOf(entry);
  const [line] = lines;
  if (!line) return html``;
  const { at, record, what, why, result } = line;
  const { entity } = entry;
  const place = entry.ref === null ? null : links.record(entry.ref);
  return html`<tr>
    <td>${time(at)}</td>
    ${pair}
    <td>
      ${what} ${entry.outcome !== 'done' && mark('refused', entry.outcome)}
      <div class="id">${outside(place, breakable(record)) ?? breakable(record)}</div>
    </td>
    <td class="long block">
      ${changes(lines, entry, naming)}
      ${result !== 'done' && html`<div class="soft">${inTitles(naming, entity, result)}</div>`}
    </td>
    <td class="id">${breakable(why)}</td>
  </tr>`;
}

function changes(lines: readonly HistoryLine[], { op, entity }: JournalEntry, naming: Naming): Part {
  const rows = lines.filter(({ row }) => row !== '');
  if (rows.length === 0) return null;
  const list = html`<dl class="changes">
    ${rows.map(
      ({ row, before, after, notes }) =>
        html`<dt>${rowName(naming, entity, row)}</dt>
          <dd>
            ${op !== 'create' && html`<del>${value(before, CHARACTERS_AT_ONCE)}</del> → `}
            ${value(after, CHARACTERS_AT_ONCE)}
            ${notes.length > 0 && html`<span class="soft">(${notes.join('; ')})</span>`}
          </dd>`,
    )}
  </dl>`;
  if (rows.length <= PROPERTIES_AT_ONCE) return list;
  return html`<details>
    <summary>${rows.length} properties</summary>
    ${list}
  </details>`;
}
