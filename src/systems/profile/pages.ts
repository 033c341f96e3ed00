import type { Json } from '../../sync/record';
import { textOf } from '../../sync/values';
import { NeedsHuman } from '../errors';
import type { Request } from '../http';
import type { PageSize, Paging } from './callSchemas';
import { isTrue, type Expression } from './expression';
import type { Api, Told } from './profileApi';
import { queryOf } from './template';

const SAME_HOST = 'http://same.host';

/** Long lists, page by page. A cursor is text of ours, good for going on after its page. */

export interface Page extends Told {
  items: Json[];
  next: string | null;
}

export interface List {
  paging: Paging;
  pageSize?: PageSize | undefined;
  /** Where the items are in the answer. */
  items: Expression;
  /** Tells items apart. */
  idOf: (item: Json) => Json;
  /** Of a list that is not known to be paged as others are: a page for which `more` makes no sense is its last. */
  lenient?: boolean;
  /** Sends one of its requests; a refusal is no answer where this is not given. */
  send?: (request: Request) => Promise<Told>;
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
  const page = async (more: Record<string, string | number>): Promise<Told & { items: Json[] }> => {
    const told = await send({ ...request, query: { ...query, ...more } });
    return { ...told, items: api.itemsOf(told, items) };
  };
  switch (paging.by) {
    case 'none':
      return { ...(await page({})), next: null };
    case 'cursor': {
      const told = await page(cursor === null ? {} : { [paging.param]: cursor });
      const next = api.valueOf(paging.next, told.body, told.call);
      return { ...told, next: isTrue(next) ? onward(cursor, textOf(next)) : null };
    }
    case 'page':
      return numbered(
        paging.first,
        list,
        (number) => page({ [paging.param]: number }),
        (told) => hasMore(api, paging.more, told, list.lenient),
      );
    case 'offset': {
      const more = (told: Told & { items: Json[] }) => hasMore(api, paging.more, told, list.lenient);
      const from = cursor === null ? null : (JSON.parse(cursor) as { offset: number; last: Json });
      const { offset, ...told } = await atOffset(from, idOf, (at) => page({ [paging.param]: at }), more);
      const last = told.items.at(-1);
      const next =
        last !== undefined && more(told)
          ? JSON.stringify({ offset: offset + told.items.length, last: idOf(last) })
          : null;
      return { ...told, next };
    }
    case 'link': {
      const told =
        cursor === null
          ? await page({})
          : await send({ method: 'GET', ...addressOf(cursor) }).then((each) => ({
              ...each,
              items: api.itemsOf(each, items),
            }));
      return { ...told, next: onward(cursor, nextLink(api, paging.next, told, request.path)) };
    }
  }
}

/** All pages of a list, until `enough` says that no more of them is needed. */
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

/** A page that names itself as the next one is the last. */
function onward(cursor: string | null, next: string | null): string | null {
  return next === cursor ? null : next;
}

interface Numbered {
  page: number;
  /** Ids of the page before it. */
  before: Json[];
}

/**
 * Pages by number. A list that takes no notice of the number answers with the same again and again: that is its end. A
 * page comes a second time also where as many records were inserted before it; then the one after it is another.
 */
async function numbered<T extends Told & { items: Json[] }>(
  first: number,
  { idOf, cursor }: Pick<List, 'idOf'> & { cursor: string | null },
  page: (number: number) => Promise<T>,
  hasMoreAfter: (told: T) => boolean,
): Promise<T & { next: string | null }> {
  const { page: asked, before } = numberedFrom(cursor, first);
  let number = asked;
  let told = await page(number);
  const isAgain = () => told.items.length > 0 && same(told.items.map(idOf), before);
  if (isAgain()) {
    number += 1;
    told = await page(number);
    if (isAgain()) return { ...told, items: [], next: null };
  }
  const next: Numbered = { page: number + 1, before: told.items.map(idOf) };
  return { ...told, next: hasMoreAfter(told) ? JSON.stringify(next) : null };
}

/** Cursors that were stored earlier are the page's number alone. */
function numberedFrom(cursor: string | null, first: number): Numbered {
  if (cursor === null) return { page: first, before: [] };
  const read = JSON.parse(cursor) as number | Numbered;
  return typeof read === 'number' ? { page: read, before: [] } : read;
}

function same(ids: readonly Json[], before: readonly Json[]): boolean {
  return ids.length === before.length && ids.every((id, n) => id === before[n]);
}

/**
 * A list that is counted off moves up where records before the page end or move away, and then leaves some out. So each
 * page begins with the last record of the page before it; where that is not so, it is gone back until it is found.
 */
async function atOffset<T extends { items: Json[] }>(
  from: { offset: number; last: Json } | null,
  idOf: (item: Json) => Json,
  page: (offset: number) => Promise<T>,
  hasMoreAfter: (told: T) => boolean,
): Promise<T & { offset: number }> {
  if (!from) return { ...(await page(0)), offset: 0 };
  for (let offset = from.offset - 1, step = 1; ; offset = Math.max(0, offset - step), step *= 2) {
    const told = await page(offset);
    const found = told.items.findIndex((item) => idOf(item) === from.last);
    if (found < 0 && offset > 0) continue;
    const after = offset + found + 1;
    const items = told.items.slice(found + 1);
    // Pages of one record: that with the last one has nothing else on it.
    if (items.length === 0 && told.items.length === 1 && hasMoreAfter(told))
      return { ...(await page(after)), offset: after };
    return { ...told, offset: after, items };
  }
}

/** Where nothing says that there is more, a page with nothing on it is the last. */
function hasMore(
  api: Api,
  more: Expression | undefined,
  { call, body, items }: Told & { items: Json[] },
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

/** By the answer, or RFC 8288. @returns path and query alone: whatever host it names, the credential goes to ours */
function nextLink(api: Api, next: Expression | undefined, told: Told, path: string): string | null {
  const { header, call } = told;
  const said = next
    ? api.valueOf(next, told.body, call)
    : (/<([^<>]*)>(?=[^,]*;\s*rel="?next\b)/i.exec(header('link') ?? '')?.[1] ?? null);
  if (!isTrue(said)) return null;
  const target = textOf(said);
  const place = next?.text ?? 'Link';
  const from = `${SAME_HOST}${api.prefix}${path}`;
  if (!URL.canParse(target, from))
    throw new NeedsHuman(
      'unexpected_response',
      `${call}: ${place}: found "${target}", expected an address`,
      place,
    );
  const url = new URL(target, from);
  // Some systems repeat the credential that came in the query: a cursor is stored, and must not hold it.
  for (const name of api.secretParams) if (url.searchParams.has(name)) url.searchParams.delete(name);
  const { pathname, search } = url;
  return `${pathname.startsWith(api.prefix) ? pathname.slice(api.prefix.length) : pathname}${search}`;
}
