import { z } from 'zod';
import { exchange } from './http';

/** The address of an API, and the credential. */
export interface Access {
  /** Without path, e.g. `https://acme.zendesk.com`. */
  url: string;
  /** A bearer. */
  token: string;
}

const MAX_ATTEMPTS = 12;
const REQUEST_TIMEOUT_MS = 30_000;
const LONGEST_WAIT_MS = 65_000;
const PAGE_SIZE = 100;

export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    message: string,
    readonly status: number,
    readonly body: string,
  ) {
    super(message);
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A client of one JSON API that waits and retries after 429 and 503. */
export class JsonApi {
  constructor(
    private readonly base: string,
    private readonly authorization: string,
  ) {}

  async call<T>(method: Method, path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> {
    return (await this.exchange(method, path, schema, body)).data;
  }

  /** Like {@link call}, with the answer's ETag. */
  async exchange<T>(
    method: Method,
    path: string,
    schema: z.ZodType<T>,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ data: T; etag: string | null }> {
    const url = /^https?:/.test(path) ? path : this.base + path;
    if (new URL(url).origin !== new URL(this.base).origin) throw new Error(`Refusing to follow ${url}`);
    for (let attempt = 1; ; attempt++) {
      const answer = await exchange(url, {
        method,
        headers: { authorization: this.authorization, accept: 'application/json', ...headers },
        body,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const { status, text } = answer;
      if ((status === 429 || status === 503) && attempt < MAX_ATTEMPTS) {
        await sleep(retryAfterMs(answer.headers.get('retry-after'), attempt));
        continue;
      }
      if (status < 200 || status > 299) {
        const { pathname } = new URL(url);
        throw new ApiError(`${method} ${pathname} answered ${status}: ${text.slice(0, 300)}`, status, text);
      }
      const data = schema.parse(text === '' ? null : JSON.parse(text));
      return { data, etag: answer.headers.get('etag') };
    }
  }
}

export function zendeskApi({ url, token }: Access): JsonApi {
  return new JsonApi(`${url.replace(/\/+$/, '')}/api/v2`, `Bearer ${token}`);
}

export function pmsApi({ url, token }: Access): JsonApi {
  return new JsonApi(`${url.replace(/\/+$/, '')}/api/v1`, `Bearer ${token}`);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function retryAfterMs(header: string | null, attempt: number): number {
  const seconds = Number(header);
  const wait = header !== null && Number.isFinite(seconds) ? seconds * 1_000 : 250 * 2 ** attempt;
  return Math.min(Math.max(wait, 50), LONGEST_WAIT_MS);
}

/** Runs `work` over all items, some at a time; results are in the order of the items. */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const runner = async (): Promise<void> => {
    for (let n = next++; n < items.length; n = next++) results[n] = await work(items[n] as T);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runner));
  return results;
}

const zendeskPosition = z.object({ has_more: z.boolean(), after_cursor: z.string().nullish() });

/** Reads a Zendesk list to its end by cursor. */
export async function listZendesk<T>(
  api: JsonApi,
  path: string,
  key: string,
  item: z.ZodType<T>,
): Promise<T[]> {
  const page = z.looseObject({
    [key]: z.array(item),
    meta: zendeskPosition,
  });
  const separator = path.includes('?') ? '&' : '?';
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const after: string = cursor === null ? '' : `&page[after]=${encodeURIComponent(cursor)}`;
    const answer: z.infer<typeof page> = await api.call(
      'GET',
      `${path}${separator}page[size]=${PAGE_SIZE}${after}`,
      page,
    );
    items.push(...(answer[key] as T[]));
    const { has_more: more, after_cursor: next } = answer.meta as z.infer<typeof zendeskPosition>;
    cursor = more ? (next ?? null) : null;
  } while (cursor !== null);
  return items;
}

/** Reads a PMS list to its end by cursor. */
export async function listPms<T>(api: JsonApi, path: string, item: z.ZodType<T>): Promise<T[]> {
  const page = z.object({ items: z.array(item), nextCursor: z.string().nullish() });
  const separator = path.includes('?') ? '&' : '?';
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer: z.infer<typeof page> = await api.call(
      'GET',
      `${path}${separator}limit=${PAGE_SIZE}${after}`,
      page,
    );
    items.push(...answer.items);
    cursor = answer.nextCursor ?? null;
  } while (cursor !== null);
  return items;
}
