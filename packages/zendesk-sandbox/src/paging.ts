import type { Fields, Query } from './model';
import { Refusal, badRequest } from './refusal';
import type { Rules } from './rules/switches';

const OFFSET_LIMIT = 10_000;
const SIZE_LIMIT = 100;

/**
 * Pages a list like Zendesk: by cursor if the request has `page[size]` or `page[after]`, else by page number.
 * https://developer.zendesk.com/api-reference/introduction/pagination/
 */
export function paged(
  name: string,
  items: readonly Fields[],
  query: Query,
  { url, rules }: { url: string; rules: Rules },
): Fields {
  const byCursor = ['page[size]', 'page[after]', 'page[before]'].some((key) => query[key] !== undefined);
  return byCursor ? cursorPage(name, items, query, { url, rules }) : offsetPage(name, items, query, url);
}

/**
 * On the last page `has_more` is false, although `after_cursor` and `links.next` are not null (rule 12 [R AF]): the
 * switch `trailingCursor`.
 */
function cursorPage(
  name: string,
  items: readonly Fields[],
  query: Query,
  { url, rules }: { url: string; rules: Rules },
): Fields {
  const size = Number(query['page[size]'] ?? SIZE_LIMIT);
  if (!Number.isInteger(size) || size < 1 || size > SIZE_LIMIT)
    throw badRequest('InvalidPaginationParameter', `page[size] must be between 1 and ${SIZE_LIMIT}`);
  const before = query['page[before]'];
  const end = before === undefined ? undefined : locate(items, before);
  const from = end === undefined ? after(items, query['page[after]']) : Math.max(0, end - size);
  const page = items.slice(from, end ?? from + size);
  const last = from + page.length - 1;
  const link = (key: string, cursor: string) =>
    linkTo(url, query, { 'page[size]': String(size), [key]: cursor });
  const afterCursor = page.length === 0 ? null : cursorAt(items, last);
  const beforeCursor = page.length === 0 ? null : cursorAt(items, from);
  return {
    [name]: page,
    meta: {
      has_more: end === undefined ? last + 1 < items.length : from > 0,
      after_cursor: afterCursor,
      before_cursor: beforeCursor,
    },
    links: {
      next:
        afterCursor !== null && (rules.trailingCursor || last + 1 < items.length)
          ? link('page[after]', afterCursor)
          : null,
      prev: beforeCursor !== null && from > 0 ? link('page[before]', beforeCursor) : null,
    },
  };
}

function offsetPage(name: string, items: readonly Fields[], query: Query, url: string): Fields {
  const given = (key: string, fallback: number) => {
    const value = Number(query[key] ?? fallback);
    return Number.isInteger(value) && value > 0 ? value : fallback;
  };
  const perPage = Math.min(SIZE_LIMIT, given('per_page', SIZE_LIMIT));
  const page = given('page', 1);
  if (page * perPage > OFFSET_LIMIT) throw tooDeep(page);
  const link = (to: number) => linkTo(url, query, { page: String(to), per_page: String(perPage) });
  return {
    [name]: items.slice((page - 1) * perPage, page * perPage),
    next_page: page * perPage < items.length ? link(page + 1) : null,
    previous_page: page > 1 ? link(page - 1) : null,
    count: items.length,
  };
}

/** Rule 49 [R CSA §5.5]: one of the envelopes that errors come in. */
function tooDeep(page: number): Refusal {
  const detail = `Page ${page} is beyond the ${OFFSET_LIMIT} records that offset paging reaches`;
  const title = 'Pagination depth is too deep';
  return new Refusal(400, { errors: [{ code: 'InvalidPaginationDepth', title, detail }] });
}

/** The same list with other paging, but the same filters and order. */
function linkTo(url: string, query: Query, paging: Record<string, string>): string {
  const params = new URLSearchParams();
  // A parameter that is repeated, such as `role[]`, has several values.
  for (const [key, values] of Object.entries(query))
    for (const value of [values].flat())
      if (value !== undefined && !/^(page(\[\w+\])?|per_page)$/.test(key)) params.append(key, value);
  for (const [key, value] of Object.entries(paging)) params.set(key, value);
  return `${url}?${params.toString()}`;
}

/** A record's place and id: the place alone would skip one when an earlier record goes. */
function cursorAt(items: readonly Fields[], index: number): string {
  return Buffer.from(`${index}/${String(items[index]?.['id'])}`).toString('base64url');
}

function after(items: readonly Fields[], cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const index = locate(items, cursor);
  return String(items[index]?.['id']) === split(cursor).id ? index + 1 : index;
}

function locate(items: readonly Fields[], cursor: string): number {
  const { index, id } = split(cursor);
  if (String(items[index]?.['id']) === id) return index;
  const moved = items.findIndex((item) => String(item['id']) === id);
  return moved === -1 ? index : moved;
}

function split(cursor: string): { index: number; id: string } {
  const [index = '', id = ''] = Buffer.from(cursor, 'base64url').toString().split('/');
  if (!/^\d+$/.test(index)) throw badRequest('InvalidPaginationParameter', 'The cursor is not valid');
  return { index: Number(index), id };
}
