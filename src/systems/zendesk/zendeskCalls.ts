import type { z } from 'zod';
import { RetryLater } from '../errors';
import type { Answer, Expected, HttpClient, Request } from '../http';
import { REFUSALS, refusal } from './zendeskRefusal';

/** The most ids of a `show_many`, items of a page, and items of a bulk write. */
export const IDS_PER_CALL = 100;

const ONE_TICKET = /^\/api\/v2\/tickets\//;

/** The calls that all kinds of records share: writes with explained refusals, and lists by cursor. */
export class ZendeskCalls {
  constructor(readonly http: HttpClient) {}

  /** @throws PreconditionFailed, AlreadyExists, RecordGone, NeedsHuman, RetryLater */
  async write(request: Request): Promise<unknown> {
    const answer = await this.http.send(request, REFUSALS);
    if (answer.status < 300) return answer.body;
    throw refusal(this.http, request, answer);
  }

  /**
   * A write whose refusal is returned, not thrown.
   * @param expected statuses that concern the record, in addition to the usual ones
   * @throws RetryLater
   */
  async attempt(request: Request, expected: Expected): Promise<Answer> {
    const answer = await this.http.send(request, [...REFUSALS, ...expected]);
    if (answer.status === 409) throw refusal(this.http, request, answer);
    return answer;
  }

  /**
   * All items of a list; an empty list if its parent does not exist.
   *
   * @throws RetryLater if a further page does not exist: the list is then incomplete
   */
  async pages<
    P extends { meta?: { has_more: boolean; after_cursor?: string | null | undefined } | undefined },
    T,
  >(path: string, schema: z.ZodType<P>, itemsOf: (page: P) => T[]): Promise<T[]> {
    const items: T[] = [];
    let after: string | null = null;
    do {
      const request: Request = {
        method: 'GET',
        path,
        ...(ONE_TICKET.test(path) && { readsOne: true }),
        query: { 'page[size]': IDS_PER_CALL, ...(after !== null && { 'page[after]': after }) },
      };
      const answer = await this.http.send(request, [404]);
      if (answer.status === 404) {
        if (after === null) return [];
        throw new RetryLater(`Zendesk GET ${path}: answered 404 to a further page`, {
          unknownOutcome: false,
        });
      }
      const page: P = this.http.parse(schema, request, answer.body);
      items.push(...itemsOf(page));
      // On the last page `after_cursor` need not be null (zendesk-rules.md rule 12).
      after = page.meta?.has_more ? (page.meta.after_cursor ?? null) : null;
    } while (after !== null);
    return items;
  }
}
