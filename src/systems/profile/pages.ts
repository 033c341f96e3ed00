import type { Json } from '../../sync/record';
import { textOf } from '../../sync/values';
import { NeedsHuman } from '../errors';
import type { Request } from '../http';
import type { Api, Told } from './profileApi';
import type { Expression } from './expression';

const SAME_HOST = 'http://same.host';

/** Long lists, page by page. A cursor is text of ours, good for going on after its page. */

export interface Page extends Told {
  items: Json[];
  next: string | null;
}

/** @param items where they are in the answer @param idOf tells items apart; for lists that are counted off */
export async function readPage(
  api: Api,
  request: Request,
  { items, idOf, cursor }: { items: Expression; idOf: (item: Json) => Json; cursor: string | null },
): Promise<Page> {
  const { paging, pageSize } = api.profile;
  const query: Record<string, string | number> = {
    ...(pageSize && { [pageSize.param]: pageSize.most }),
    ...request.query,
  };
  const page = async (more: Record<string, string | number>): Promise<Told & { items: Json[] }> => {
    const told = await api.get({ ...request, query: { ...query, ...more } });
    return { ...told, items: api.itemsOf(told, items) };
  };
  switch (paging.by) {
    case 'cursor': {
      const told = await page(cursor === null ? {} : { [paging.param]: cursor });
      const next = api.valueOf(paging.next, told.body, told.call);
      return { ...told, next: next === null || next === '' ? null : textOf(next) };
    }
    case 'page': {
      const number = Number(cursor ?? 1);
      const told = await page({ [paging.param]: number });
      return { ...told, next: hasMore(api, paging.more, told) ? String(number + 1) : null };
    }
    case 'offset': {
      const from = cursor === null ? null : (JSON.parse(cursor) as { offset: number; last: Json });
      const { offset, ...told } = await atOffset(from, idOf, (at) => page({ [paging.param]: at }));
      const last = told.items.at(-1);
      const more = last !== undefined && hasMore(api, paging.more, told);
      const next = more ? JSON.stringify({ offset: offset + told.items.length, last: idOf(last) }) : null;
      return { ...told, next };
    }
    case 'link': {
      const told = cursor === null ? await page({}) : await followed(api, cursor, items);
      return { ...told, next: nextLink(api, told, request.path) };
    }
  }
}

/**
 * A list that is counted off moves up where records before the page end or move away, and then leaves some out. So each
 * page begins with the last record of the page before it; where that is not so, it is gone back until it is found.
 */
async function atOffset<T extends { items: Json[] }>(
  from: { offset: number; last: Json } | null,
  idOf: (item: Json) => Json,
  page: (offset: number) => Promise<T>,
): Promise<T & { offset: number }> {
  if (!from) return { ...(await page(0)), offset: 0 };
  for (let offset = from.offset - 1, step = 1; ; offset = Math.max(0, offset - step), step *= 2) {
    const told = await page(offset);
    const found = told.items.findIndex((item) => idOf(item) === from.last);
    if (found < 0 && offset > 0) continue;
    return { ...told, offset: offset + found + 1, items: told.items.slice(found + 1) };
  }
}

/** Where nothing says that there is more, a page with nothing on it is the last. */
function hasMore(
  api: Api,
  more: Expression | undefined,
  { call, body, items }: Told & { items: Json[] },
): boolean {
  return more ? api.valueOf(more, body, call) === true : items.length > 0;
}

async function followed(api: Api, cursor: string, items: Expression): Promise<Told & { items: Json[] }> {
  const { pathname, searchParams } = new URL(cursor, SAME_HOST);
  const request: Request = { method: 'GET', path: pathname, query: Object.fromEntries(searchParams) };
  const told = await api.get(request);
  return { ...told, items: api.itemsOf(told, items) };
}

/** RFC 8288. @returns path and query alone: whatever host it names, the credential goes to ours */
function nextLink(api: Api, { header, call }: Told, path: string): string | null {
  const target = /<([^<>]*)>(?=[^,]*;\s*rel="?next\b)/i.exec(header('link') ?? '')?.[1];
  if (target === undefined) return null;
  const from = `${SAME_HOST}${api.prefix}${path}`;
  if (!URL.canParse(target, from))
    throw new NeedsHuman(
      'unexpected_response',
      `${call}: Link: found "${target}", expected an address`,
      'Link',
    );
  const { pathname, search } = new URL(target, from);
  return `${pathname.startsWith(api.prefix) ? pathname.slice(api.prefix.length) : pathname}${search}`;
}
