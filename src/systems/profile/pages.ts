import type { Json } from '../../sync/record';
import { textOf } from '../../sync/values';
import { NeedsHuman } from '../errors';
import type { Request } from '../http';
import type { PageSize, Paging } from './callSchemas';
import { isTrue, type Expression } from './expression';
import type { Api, ApiAnswer } from './profileApi';
import { queryOf } from './template';

const SAME_HOST = 'http://same.host';

/** Reads long lists page by page. A cursor is text that means "continue after this page". */

export interface Page extends ApiAnswer {
  items: Json[];
  next: string | null;
}

export interface List {
  paging: Paging;
  pageSize?: PageSize | undefined;
  /** Finds the items in the answer. */
  items: Expression;
  /** Identifies an item. */
  idOf: (item: Json) => Json;
  /** For a list that may not be paged like the others: a page on which the `more` expression fails is the last. */
  lenient?: boolean;
  /** Sends a request. The default is {@link Api.get}, which retries or throws on any refusal. */
  send?: (request: Request) => Promise<ApiAnswer>;
}

export async function readPage(
  api: Api,
  request: Request,
  list: List & { cursor: string | null },
): Promise<Page> {
  const { paging, pageSize, items, idOf, cursor } = list;
  const send = list.send ?? ((each: Request) => api.get(each));
  const query = {
    ...(pageSize && paging.by !== 'none' && { [pageSize.param]: pageSize.most }),
    ...request.query,
  };
  const page = async (more: Record<string, string | number>): Promise<ApiAnswer & { items: Json[] }> => {
    const answer = await send({ ...request, query: { ...query, ...more } });
    return { ...answer, items: api.itemsOf(answer, items) };
  };
  switch (paging.by) {
    case 'none':
      return { ...(await page({})), next: null };
    case 'cursor': {
      const answer = await page(cursor === null ? {} : { [paging.param]: cursor });
      const next = api.valueOf(paging.next, answer.body, answer.call);
      return { ...answer, next: isTrue(next) ? onward(cursor, textOf(next)) : null };
    }
    case 'page':
      return numbered(
        paging.first,
        list,
        (number) => page({ [paging.param]: number }),
        (answer) => hasMore(api, paging.more, answer, list.lenient),
      );
    case 'offset': {
      const more = (answer: ApiAnswer & { items: Json[] }) => hasMore(api, paging.more, answer, list.lenient);
      const from = cursor === null ? null : (JSON.parse(cursor) as { offset: number; last: Json });
      const { offset, ...answer } = await atOffset(from, idOf, (at) => page({ [paging.param]: at }), more);
      const last = answer.items.at(-1);
      const next =
        last !== undefined && more(answer)
          ? JSON.stringify({ offset: offset + answer.items.length, last: idOf(last) })
          : null;
      return { ...answer, next };
    }
    case 'link': {
      const answer =
        cursor === null
          ? await page({})
          : await send({ method: 'GET', ...addressOf(cursor) }).then((each) => ({
              ...each,
              items: api.itemsOf(each, items),
            }));
      return { ...answer, next: onward(cursor, nextLink(api, paging.next, answer, request.path)) };
    }
  }
}

/** Reads the pages of a list until the last, or until `enough` returns true. */
export async function readPages(
  api: Api,
  request: Request,
  list: List,
  onPage: (page: Page) => unknown,
  enough: () => boolean = () => false,
): Promise<void> {
  let cursor: string | null = null;
  do {
    const page: Page = await readPage(api, request, { ...list, cursor });
    await onPage(page);
    cursor = page.next;
  } while (cursor !== null && !enough());
}

/** A page whose next cursor is its own is the last: otherwise, reading would never end. */
function onward(cursor: string | null, next: string | null): string | null {
  return next === cursor ? null : next;
}

interface Numbered {
  page: number;
  /** Ids of the previous page. */
  before: Json[];
}

/**
 * Pages by number. A list that ignores the number returns the same page for every number, which counts as its end. A
 * page may also repeat because a page's worth of records was inserted before it. So the list has ended only if the
 * page after the repeated page repeats, too.
 */
async function numbered<T extends ApiAnswer & { items: Json[] }>(
  first: number,
  { idOf, cursor }: Pick<List, 'idOf'> & { cursor: string | null },
  page: (number: number) => Promise<T>,
  hasMoreAfter: (answer: T) => boolean,
): Promise<T & { next: string | null }> {
  const { page: asked, before } = numberedFrom(cursor, first);
  let number = asked;
  let answer = await page(number);
  const isAgain = () => answer.items.length > 0 && same(answer.items.map(idOf), before);
  if (isAgain()) {
    number += 1;
    answer = await page(number);
    if (isAgain()) return { ...answer, items: [], next: null };
  }
  const next: Numbered = { page: number + 1, before: answer.items.map(idOf) };
  return { ...answer, next: hasMoreAfter(answer) ? JSON.stringify(next) : null };
}

/** Cursors that older versions stored hold only the page's number. */
function numberedFrom(cursor: string | null, first: number): Numbered {
  if (cursor === null) return { page: first, before: [] };
  const read = JSON.parse(cursor) as number | Numbered;
  return typeof read === 'number' ? { page: read, before: [] } : read;
}

function same(ids: readonly Json[], before: readonly Json[]): boolean {
  return ids.length === before.length && ids.every((id, n) => id === before[n]);
}

/**
 * Pages by offset. If records before the offset are deleted or move, later records move up, and the next page would
 * skip some. So each page starts at the last record of the previous page. If that record is not on the page, the
 * offset is moved back, in growing steps, until a page has the record.
 */
async function atOffset<T extends { items: Json[] }>(
  from: { offset: number; last: Json } | null,
  idOf: (item: Json) => Json,
  page: (offset: number) => Promise<T>,
  hasMoreAfter: (answer: T) => boolean,
): Promise<T & { offset: number }> {
  if (!from) return { ...(await page(0)), offset: 0 };
  for (let offset = from.offset - 1, step = 1; ; offset = Math.max(0, offset - step), step *= 2) {
    const answer = await page(offset);
    const found = answer.items.findIndex((item) => idOf(item) === from.last);
    if (found < 0 && offset > 0) continue;
    const after = offset + found + 1;
    const items = answer.items.slice(found + 1);
    // With pages of one record, the page holds only the last record of the previous page.
    if (items.length === 0 && answer.items.length === 1 && hasMoreAfter(answer))
      return { ...(await page(after)), offset: after };
    return { ...answer, offset: after, items };
  }
}

/** Without a `more` expression, an empty page is the last. */
function hasMore(
  api: Api,
  more: Expression | undefined,
  { call, body, items }: ApiAnswer & { items: Json[] },
  lenient = false,
): boolean {
  if (!more) return items.length > 0;
  try {
    return isTrue(api.valueOf(more, body, call));
  } catch (error) {
    if (lenient && error instanceof NeedsHuman) return false;
    throw error;
  }
}

function addressOf(address: string): Pick<Request, 'path' | 'query'> {
  const { pathname, searchParams } = new URL(address, SAME_HOST);
  return { path: pathname, query: queryOf(searchParams) };
}

/**
 * The link to the next page, from the answer's body or its `Link` header (RFC 8288).
 * @returns path and query only: the credential must not go to another host that the link may name
 */
function nextLink(api: Api, next: Expression | undefined, answer: ApiAnswer, path: string): string | null {
  const { header, call } = answer;
  const found = next
    ? api.valueOf(next, answer.body, call)
    : (/<([^<>]*)>(?=[^,]*;\s*rel="?next\b)/i.exec(header('link') ?? '')?.[1] ?? null);
  if (!isTrue(found)) return null;
  const target = textOf(found);
  const place = next?.text ?? 'Link';
  const from = `${SAME_HOST}${api.prefix}${path}`;
  if (!URL.canParse(target, from))
    throw new NeedsHuman(
      'unexpected_response',
      `${call}: ${place}: found "${target}", expected an address`,
      place,
    );
  const url = new URL(target, from);
  // Some systems repeat the query's credential in the link. The cursor is stored, so it must not hold a secret.
  for (const name of api.secretParams) if (url.searchParams.has(name)) url.searchParams.delete(name);
  const { pathname, search } = url;
  return `${pathname.startsWith(api.prefix) ? pathname.slice(api.prefix.length) : pathname}${search}`;
}
