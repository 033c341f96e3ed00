import { Refusal, type Fields } from './store';

const OFFSET_LIMIT = 10_000;

/**
 * A list as Zendesk pages it: by cursor where `page[size]` or `page[after]` is given, else by page number.
 * https://developer.zendesk.com/api-reference/introduction/pagination/
 */
export function paged(
  name: string,
  items: readonly Fields[],
  query: Record<string, string | undefined>,
  url: string,
): Fields {
  const size = query['page[size]'];
  if (size !== undefined || query['page[after]'] !== undefined) {
    const length = Math.min(100, Math.max(1, Number(size ?? 100)));
    const from =
      query['page[after]'] === undefined
        ? 0
        : Number(Buffer.from(query['page[after]'], 'base64url').toString());
    const rest = items.slice(from, from + length);
    const after = from + rest.length;
    const more = after < items.length;
    const cursor = rest.length === 0 ? null : Buffer.from(String(after)).toString('base64url');
    const next = more && cursor !== null ? `${url}?page%5Bsize%5D=${length}&page%5Bafter%5D=${cursor}` : null;
    return {
      [name]: rest,
      meta: { has_more: more, after_cursor: cursor, before_cursor: null },
      links: { next, prev: null },
    };
  }
  const perPage = Math.min(100, Math.max(1, Number(query['per_page'] ?? 100)));
  const page = Math.max(1, Number(query['page'] ?? 1));
  if (page * perPage > OFFSET_LIMIT) {
    throw new Refusal(400, {
      error: 'InvalidPaginationDepth',
      description: `Page ${page} is beyond the ${OFFSET_LIMIT} records that offset paging reaches`,
    });
  }
  const rest = items.slice((page - 1) * perPage, page * perPage);
  const next = page * perPage < items.length ? `${url}?page=${page + 1}&per_page=${perPage}` : null;
  return { [name]: rest, next_page: next, previous_page: null, count: items.length };
}
