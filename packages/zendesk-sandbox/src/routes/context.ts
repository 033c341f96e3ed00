import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Access, ApiTokens } from '../access';
import type { Agents } from '../agents';
import type { Exports } from '../exports/exports';
import type { Idempotency } from '../idempotency';
import type { Jobs } from '../jobs';
import type { Limits } from '../limits';
import type { Fields, Query, User } from '../model';
import type { OAuth, TokenFaults } from '../oauth';
import type { Organizations } from '../organizations';
import { paged } from '../paging';
import { notFound, parseRequest, tooMany } from '../refusal';
import type { Store } from '../store';
import type { OtherChannels } from '../tickets/otherChannels';
import type { Tickets } from '../tickets/tickets';
import type { Triggers } from '../triggers';
import type { Uploads } from '../uploads';
import type { Users } from '../users';
import type { Webhooks } from '../webhooks/webhooks';

/** Shared by all routes. */
export interface Context {
  store: Store;
  organizations: Organizations;
  tickets: Tickets;
  channels: OtherChannels;
  users: Users;
  uploads: Uploads;
  exports: Exports;
  agents: Agents;
  jobs: Jobs;
  limits: Limits;
  idempotency: Idempotency;
  webhooks: Webhooks;
  triggers: Triggers;
  oauth: OAuth;
  access: Access;
  apiTokens: ApiTokens;
  /** The caller. @throws Refusal 401 */
  actor(this: void, request: FastifyRequest): User;
  /** The delay of the answer's data, by a fault rule. */
  staleSeconds(this: void, request: FastifyRequest): number;
  /** The faults of the token that a call requests, by a fault rule; otherwise, the switches apply. */
  tokenFaults(this: void, request: FastifyRequest): TokenFaults;
}

const IDS_AT_MOST = 100;

export const queryOf = (request: FastifyRequest): Query => request.query as Query;

/** A numeric id from the path. @throws Refusal 404 if it is not numeric */
export function idOf(request: FastifyRequest, name = 'id'): number {
  const id = Number((request.params as Record<string, string>)[name]);
  if (!Number.isInteger(id)) throw notFound();
  return id;
}

export const textOfPath = (request: FastifyRequest, name = 'id'): string =>
  (request.params as Record<string, string>)[name] ?? '';

/** Comma-separated values, 100 at most. */
export function listOf(value: string | undefined): string[] {
  const values = (value ?? '').split(',').filter((each) => each.trim() !== '');
  if (values.length > IDS_AT_MOST) throw tooMany(IDS_AT_MOST);
  return values.map((each) => each.trim());
}

export const idList = (value: string | undefined): number[] => listOf(value).map(Number);

/** The record within its envelope, `{"ticket": {…}}`. @throws Refusal 400 */
export function envelope(request: FastifyRequest, name: string): Fields {
  const body = parseRequest(z.looseObject({ [name]: z.record(z.string(), z.unknown()) }), request.body);
  return body[name] as Fields;
}

/** The records within their envelope, `{"tickets": […]}`. @throws Refusal 400 */
export function envelopes(request: FastifyRequest, name: string): Fields[] {
  const body = parseRequest(
    z.looseObject({ [name]: z.array(z.record(z.string(), z.unknown())) }),
    request.body,
  );
  return body[name] as Fields[];
}

/** The changes of Update Many: separate ones for each record (`tickets`), or the same for all `ids` (`ticket`). */
export function manyChanges(request: FastifyRequest, one: string, many: string): Fields[] {
  const { ids } = queryOf(request);
  if (ids === undefined) return envelopes(request, many);
  return idList(ids).map((id) => ({ ...envelope(request, one), id }));
}

/** Answers with a page of records. @param show converts a stored record for the answer */
export function listing({ store }: Context) {
  return <T extends Fields>(
    request: FastifyRequest,
    name: string,
    items: readonly T[],
    show: (item: T) => Fields = (item) => item,
  ): Fields => {
    const path = (request.url.split('?')[0] ?? '').replace(/^\/api\/v2/, '');
    const url = `${store.baseUrl()}${path}.json`;
    const page = paged(name, items, queryOf(request), { url, rules: store.rules });
    return { ...page, [name]: (page[name] as T[]).map(show) };
  };
}

export const noContent = (reply: FastifyReply): FastifyReply => reply.code(204).send();
