import { z } from 'zod';
import type { LinkFilter } from '../../../links/links';
import { LINK_STATUSES, type Link } from '../../../sync/link';
import { ENTITY_TYPES, SIDES } from '../../../sync/record';
import type { Mapping } from '../../../sync/mapping';
import { searchLinks } from '../../findPairs';
import { inWordsOf, rowName, titleOf, titleRows } from '../../titles';
import type { ConsoleContext } from '../consoleContext';
import { html, type Html } from '../html';
import { pageLinks } from '../pageLinks';
import {
  form,
  mark,
  outside,
  namedPair,
  pairUrl,
  table,
  time,
  value,
  type Page,
  type Viewer,
} from '../layout';

/** Lists of pairs: all of them by filters, those in conflict, those in quarantine. */

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
  /** Whether the search ran out of time before it had looked at all pairs. */
  isPartial: boolean;
  mapping: Mapping;
}

/** A text is looked for without an index: a page shows what was found until then, and the next one goes on. */
const SEARCH_MS = 4_000;

/** @param fixed what the page itself says, whatever its address does */
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
  const titles = filter.text === undefined ? {} : { titles: titleRows(mapping) };
  const limits = { after, limit: PAGE, withinMs: SEARCH_MS };
  const { links, more, stoppedAt } = await searchLinks(store, { ...filter, ...titles }, limits);
  const last = stoppedAt ?? links.at(-1)?._id ?? null;
  return { links, query, next: more ? last : null, isPartial: stoppedAt !== null, mapping };
}

export function pairsPage(list: PairList, { links, root }: Pick<ConsoleContext, 'links' | 'root'>): Page {
  const body = html`
    ${filters(`${root}/pairs`, list.query, true)}
    ${
      list.links.length === 0
        ? html`<p>${list.isPartial ? 'Nothing found so far; the next page goes on.' : 'No pair found.'}</p>`
        : table(
            `${list.links.length} pairs, in the order of their keys`,
            ['Pair', 'State', 'Zendesk', 'PMS', 'Reason', 'Changed'],
            list.links.map(
              (link) =>
                html`<tr>
                  <th scope="row">${namedPair(root, link._id, titleOf(list.mapping, link))}</th>
                  <td>${mark(link.status)}</td>
                  ${SIDES.map((side) => html`<td>${recordCell(link.sides[side]?.ref, links)}</td>`)}
                  <td class="long">${link.reason?.text}</td>
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
        ? html`<p>No conflicts.</p>`
        : table(
            'Conflicts that a person must decide',
            ['Pair', 'What', 'Zendesk', 'PMS', 'Since', 'Action'],
            list.links.flatMap((link) => conflictRows(link, root, list.mapping)),
          )
    }
    ${pageLinks(`${root}/conflicts`, list.query, list.next)}
  `;
  return { title: 'Conflicts', current: '/conflicts', body };
}

function conflictRows(link: Link, root: string, mapping: Mapping): Html[] {
  const pair = namedPair(root, link._id, titleOf(mapping, link));
  const rowOf = (id: string) => mapping.entities[link.entity].rows.find((row) => row.id === id);
  const decide = html`<a href="${pairUrl(root, link._id)}#decide"
    >Decide<span class="soft"> ${link._id}</span></a
  >`;
  if (link.conflicts.length === 0)
    return [
      html`<tr>
        <th scope="row">${pair}</th>
        <td>${link.reason?.code}</td>
        <td colspan="2">${link.reason?.text}</td>
        <td>${time(link.reason?.since)}</td>
        <td>${decide}</td>
      </tr>`,
    ];
  return link.conflicts.map(
    (parked) =>
      html`<tr>
        <th scope="row">${pair}</th>
        <td>${rowName(rowOf(parked.row), parked.row)}</td>
        <td>${value(inWordsOf(rowOf(parked.row), 'zendesk', parked.zendesk))}</td>
        <td>${value(inWordsOf(rowOf(parked.row), 'pms', parked.pms))}</td>
        <td>${time(parked.since)}</td>
        <td>${decide}</td>
      </tr>`,
  );
}

export function quarantinePage(list: PairList, viewer: Viewer, { root }: Pick<ConsoleContext, 'root'>): Page {
  const body = html`
    ${filters(`${root}/quarantine`, list.query, false)}
    ${
      list.links.length === 0
        ? html`<p>Nothing is in quarantine.</p>`
        : table(
            'Pairs that cannot be synced as they are',
            ['Pair', 'Code', 'Reason', 'Since', 'Action'],
            list.links.map(
              (link) =>
                html`<tr>
                  <th scope="row">${namedPair(root, link._id, titleOf(list.mapping, link))}</th>
                  <td>${link.reason?.code}</td>
                  <td class="long">${link.reason?.text}</td>
                  <td>${time(link.reason?.since)}</td>
                  <td>${resyncForm(viewer, link._id, 'retry')}</td>
                </tr>`,
            ),
          )
    }
    ${pageLinks(`${root}/quarantine`, list.query, list.next)}
    <p class="soft">
      To retry many at once: <code>zendesk-pms-sync quarantine retry --code …</code> or <code>--all</code>
    </p>
  `;
  return { title: 'Quarantine', current: '/quarantine', body };
}

/** Both read the records again; what a person means by it differs. */
export function resyncForm(viewer: Viewer, key: string, what: 'retry' | 'resync'): Html {
  return form(
    viewer,
    '/pair/resync',
    html`<input type="hidden" name="key" value="${key}" /><input type="hidden" name="what" value="${what}" />
      <button aria-label="${what === 'retry' ? 'Retry' : 'Resync'} ${key}">
        ${what === 'retry' ? 'Retry' : 'Resync'}
      </button>`,
  );
}

function recordCell(ref: string | undefined, links: ConsoleContext['links']): Html | string {
  if (ref === undefined) return '—';
  return outside(links.record(ref), ref) ?? ref;
}

function filters(url: string, query: Query, withStatus: boolean): Html {
  const options = (all: readonly string[], chosen: string | undefined) =>
    html`<option value="">any</option>
      ${all.map(
        (each) => html`<option value="${each}" ${each === chosen && html` selected`}>${each}</option>`,
      )}`;
  return html`<form class="row" action="${url}" role="search" aria-label="Filter the pairs">
    <label
      >Entity<br /><select name="entity">
        ${options(ENTITY_TYPES, query.entity)}
      </select></label
    >
    ${
      withStatus &&
      html`<label
        >State<br /><select name="status">
          ${options(LINK_STATUSES, query.status)}
        </select></label
      >`
    }
    <label>Reason code<br /><input name="code" value="${query.code}" size="16" /></label>
    <label
      >Title or id, or part of it<br /><input name="text" type="search" value="${query.text}" size="24"
    /></label>
    <button>Filter</button>
  </form>`;
}
