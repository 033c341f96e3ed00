import { z } from 'zod';
import type { LinkFilter } from '../../../links/links';
import { LINK_STATUSES, type Link } from '../../../sync/link';
import { ENTITY_TYPES, SIDES, type RefKey } from '../../../sync/record';
import { searchLinks } from '../../findPairs';
import { loadPairsNaming, reasonWords, type PairsNaming } from '../../naming';
import { inWordsOf, rowName, titleRows } from '../../titles';
import type { ConsoleContext } from '../consoleContext';
import { html, type Html, type Part } from '../html';
import { filterForm } from '../filterForm';
import { pageLinks } from '../pageLinks';
import {
  form,
  mark,
  outside,
  namedPair,
  pairUrl,
  recordName,
  table,
  time,
  value,
  type Page,
  type Viewer,
} from '../layout';
import { commandLine } from '../../../platform/commandLine';

/** Lists of pairs: all of them with filters, those in conflict, those in quarantine. */

const PAGE = 50;
const text = z.string().trim().min(1).max(200).optional().catch(undefined);
const querySchema = z.object({
  entity: z.enum(ENTITY_TYPES).optional().catch(undefined),
  status: z.enum(LINK_STATUSES).optional().catch(undefined),
  code: text,
  text,
  after: text,
});
type Query = z.output<typeof querySchema>;

export interface PairList {
  links: Link[];
  query: Query;
  /** The key after which the next page begins; null on the last one. */
  next: string | null;
  /** Whether the search reached its time limit before it had read all pairs. */
  isPartial: boolean;
  naming: PairsNaming;
}

/**
 * There is no index for a search by text. A page shows the pairs that were found within this time; the next page
 * continues.
 */
const SEARCH_MS = 4_000;

/** @param fixed filters of the page itself, which override those of its address */
export async function loadPairs(
  context: ConsoleContext,
  asked: unknown,
  fixed: LinkFilter = {},
): Promise<PairList> {
  const { store } = await context.database();
  const mapping = context.mapping();
  const query = { ...querySchema.parse(asked), ...fixed };
  const { after = null, ...wanted } = query;
  const filter: LinkFilter = Object.fromEntries(Object.entries(wanted).filter(([, it]) => it !== undefined));
  const where = filter.text === undefined ? {} : { titles: titleRows(mapping) };
  const limits = { after, limit: PAGE, withinMs: SEARCH_MS };
  const { links, more, stoppedAt } = await searchLinks(store, { ...filter, ...where }, limits);
  const last = stoppedAt ?? links.at(-1)?._id ?? null;
  return {
    links,
    query,
    next: more ? last : null,
    isPartial: stoppedAt !== null,
    naming: await loadPairsNaming({ store, mapping }, links),
  };
}

function pairName({ naming }: PairList, { _id }: Link, root: string): Html {
  return namedPair(root, _id, naming.pairs.get(_id) ?? '');
}

export function pairsPage(list: PairList, { links, root }: Pick<ConsoleContext, 'links' | 'root'>): Page {
  const body = html`
    ${filters(`${root}/pairs`, list.query, true)}
    ${
      list.links.length === 0
        ? html`<p class="notice wait">
            ${list.isPartial ? 'Nothing found so far; the next page continues the search.' : 'No pair found.'}
          </p>`
        : table(
            `${list.links.length} pairs, in the order of their keys`,
            ['Pair', 'State', 'Zendesk', 'PMS', 'Reason', 'Changed'],
            list.links.map(
              (link) =>
                html`<tr>
                  <th scope="row">${pairName(list, link, root)}</th>
                  <td>${mark(link.status)}</td>
                  ${SIDES.map((side) => html`<td>${recordCell(link.sides[side]?.ref, links)}</td>`)}
                  <td class="long block">${reasonWords(list.naming, link)}</td>
                  <td>${time(link.updatedAt)}</td>
                </tr>`,
            ),
          )
    }
    ${pageLinks(`${root}/pairs`, list.query, list.next)}
  `;
  return { title: 'Pairs', current: '/pairs', body };
}

export function conflictsPage(list: PairList, { root }: Pick<ConsoleContext, 'root'>): Page {
  const body = html`
    ${filters(`${root}/conflicts`, list.query, false)}
    ${
      list.links.length === 0
        ? html`<p class="notice">${nothing(list, 'No conflicts: there is nothing to decide.')}</p>`
        : table(
            'A person must decide these',
            ['Pair', 'Property', 'Zendesk', 'PMS', 'Since', 'Action'],
            list.links.map((link) => conflictRows(link, root, list)),
          )
    }
    ${pageLinks(`${root}/conflicts`, list.query, list.next)}
  `;
  return { title: 'Conflicts', current: '/conflicts', body };
}

/**
 * The rows of a pair, one for each property in conflict. The pair's name and the commands are in the first row only.
 */
function conflictRows(link: Link, root: string, list: PairList): Html[] {
  const { naming } = list;
  const height = Math.max(1, link.conflicts.length);
  const pair = html`<th scope="rowgroup" rowspan="${height}">${pairName(list, link, root)}</th>`;
  const decide = html`<td class="act" rowspan="${height}">
    <a class="button" href="${pairUrl(root, link._id)}#decide" aria-label="Decide ${link._id}">Decide</a>
  </td>`;
  if (link.conflicts.length === 0)
    return [
      html`<tr>
        ${pair}
        <td data-title="What">${mark('conflict', link.reason?.code)}</td>
        <td class="long block" colspan="2" data-title="Reason">${reasonWords(list.naming, link)}</td>
        <td>${time(link.reason?.since)}</td>
        ${decide}
      </tr>`,
    ];
  return link.conflicts.map((parked, n) => {
    const row = naming.mapping.entities[link.entity].rows.find(({ id }) => id === parked.row);
    return html`<tr>
      ${n === 0 && pair}
      <td class="strong">${rowName(naming, link.entity, parked.row)}</td>
      <td>${value(inWordsOf(row, 'zendesk', parked.zendesk), SHORT)}</td>
      <td>${value(inWordsOf(row, 'pms', parked.pms), SHORT)}</td>
      <td>${time(parked.since)}</td>
      ${n === 0 && decide}
    </tr>`;
  });
}

const SHORT = 200;

export function quarantinePage(list: PairList, viewer: Viewer, { root }: Pick<ConsoleContext, 'root'>): Page {
  const body = html`
    ${filters(`${root}/quarantine`, list.query, false)}
    ${
      list.links.length === 0
        ? html`<p class="notice">${nothing(list, 'Nothing is in quarantine.')}</p>`
        : table(
            'Pairs that cannot be synced as they are',
            ['Pair', 'Code', 'Reason', 'Since', 'Action'],
            list.links.map(
              (link) =>
                html`<tr>
                  <th scope="row">${pairName(list, link, root)}</th>
                  <td>${mark('quarantined', link.reason?.code)}</td>
                  <td class="long block">${reasonWords(list.naming, link)}</td>
                  <td>${time(link.reason?.since)}</td>
                  <td class="act">${resyncForm(viewer, link._id, 'retry')}</td>
                </tr>`,
            ),
          )
    }
    ${pageLinks(`${root}/quarantine`, list.query, list.next)}
    ${
      list.links.length > 0 &&
      html`<p class="soft">
        To retry many at once: <code>${commandLine('quarantine retry --code …')}</code> or <code>--all</code>
      </p>`
    }
  `;
  return { title: 'Quarantine', current: '/quarantine', body };
}

/** The text of an empty list. If the list has a filter, the text says so. */
function nothing({ query: { entity, code, text: wanted } }: PairList, words: string): Part {
  const isFiltered = entity ?? code ?? wanted;
  return isFiltered === undefined ? words : 'Nothing matches the filter.';
}

/** Both buttons read the records again, but people expect different words in quarantine and elsewhere. */
export function resyncForm(viewer: Viewer, key: string, what: 'retry' | 'resync'): Html {
  return form(
    viewer,
    '/pair/resync',
    html`<input type="hidden" name="key" value="${key}" /><input type="hidden" name="what" value="${what}" />
      <button
        class="${what === 'resync' && 'plain'}"
        aria-label="${what === 'retry' ? 'Retry' : 'Resync'} ${key}"
      >
        ${what === 'retry' ? 'Retry' : 'Resync'}
      </button>`,
  );
}

function recordCell(ref: RefKey | undefined, links: ConsoleContext['links']): Html | string {
  if (ref === undefined) return '—';
  return outside(links.record(ref), recordName(ref)) ?? recordName(ref);
}

function filters(url: string, query: Query, withStatus: boolean): Html {
  const { entity, status, code } = query;
  const options = (all: readonly string[], chosen: string | undefined) =>
    html`<option value="">any</option>
      ${all.map(
        (each) => html`<option value="${each}" ${each === chosen && html` selected`}>${each}</option>`,
      )}`;
  const more = html`<label class="field"
      >Entity
      <select name="entity">
        ${options(ENTITY_TYPES, entity)}
      </select></label
    >
    ${
      withStatus &&
      html`<label class="field"
        >State
        <select name="status">
          ${options(LINK_STATUSES, status)}
        </select></label
      >`
    }
    <label class="field">Reason code <input name="code" value="${code}" size="16" /></label>`;
  return filterForm({
    ...{ url, name: 'Filter the pairs', more, isOpen: [entity, withStatus && status, code].some(Boolean) },
    search: html`<label class="field"
      >Title or id, or part of it <input name="text" type="search" value="${query.text}"
    /></label>`,
  });
}
