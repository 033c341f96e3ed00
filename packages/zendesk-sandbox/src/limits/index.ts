import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Refusal } from '../refusal';
import { endpointOf, type Endpoint } from './endpoints';
import type { LimitOptions } from './options';
import { FixedWindows, SlidingCounts, type Counted } from './windows';

export { DEFAULT_LIMITS, NO_LIMITS, limitsOf, type LimitOptions } from './options';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const TEN_MINUTES_MS = 10 * MINUTE_MS;
const PREFIX = '/api/v2';
const TICKETS_UPDATE = 'zendesk-ratelimit-tickets-update';

type Headers = Record<string, string>;

/** https://developer.zendesk.com/api-reference/introduction/rate-limits/, zendesk-rules.md rules 4 to 7 */
export class Limits {
  private readonly account: FixedWindows;
  private readonly exports: FixedWindows;
  private readonly userExports: FixedWindows;
  private readonly ticketUpdates: FixedWindows;
  private readonly ofOneTicket: SlidingCounts;
  private readonly ofOneOrganization: FixedWindows;
  private readonly ofOneUser: FixedWindows;
  private readonly userUpdates: FixedWindows;
  private readonly ticketFields: FixedWindows;
  private readonly attachments: FixedWindows;
  private readonly looseUploads: FixedWindows;

  constructor(
    private readonly options: LimitOptions,
    clock: () => number,
  ) {
    const each = (limit: number, windowMs = MINUTE_MS) => new FixedWindows(limit, windowMs, clock);
    this.account = each(options.rateLimitPerMinute);
    this.exports = each(options.incrementalPerMinute);
    this.userExports = each(options.userExportsPerMinute);
    this.ticketUpdates = each(options.ticketUpdatesPerMinute);
    this.ofOneTicket = new SlidingCounts(options.updatesOfOneTicket, TEN_MINUTES_MS, clock);
    this.ofOneOrganization = each(options.updatesOfOneOrganization);
    this.ofOneUser = each(options.updatesOfOneUser);
    this.userUpdates = each(options.userUpdatesPerSecond, SECOND_MS);
    this.ticketFields = each(options.ticketFieldsPerMinute);
    this.attachments = each(options.attachmentsPerMinute);
    this.looseUploads = each(options.looseUploadPerMinute);
  }

  /** Counts every call of the API, and reports its limits in the answer's headers. */
  install(api: FastifyInstance, actor: (request: FastifyRequest) => { id: number }): void {
    api.addHook('onRequest', async (_request, reply) => {
      const counted = this.account.take();
      const headers = this.accountHeaders(counted);
      reply.headers(headers);
      if (!counted.allowed) throw refusedByAccount(counted, headers);
    });
    // The ticket of a redaction is only in the body.
    api.addHook('preHandler', async (request, reply) => {
      const route = (request.routeOptions.url ?? '').slice(PREFIX.length);
      const params = request.params as Record<string, string>;
      const endpoint = endpointOf(request.method, route, params, request.body);
      if (endpoint) reply.headers(this.count(endpoint, actor(request).id));
    });
  }

  /**
   * Counts an edit in the agent interface: it uses the limit of ticket updates, but not the account's limit of calls.
   * https://support.zendesk.com/hc/en-us/articles/8638126078234 @throws Refusal 429
   */
  agentEdit(userId: number, ticketId: number): void {
    this.ticketUpdate(`${userId}/${ticketId}`);
  }

  /** One ticket of a bulk update (zendesk-rules.md rule 7). @throws Refusal 429 */
  bulkUpdate(userId: number, ticketId: number): void {
    const counted = this.ofOneTicket.take(`${userId}/${ticketId}`);
    if (!counted.allowed) throw refused(counted, {});
    if (!this.options.bulkUpdatesCount) return;
    const ofAll = this.ticketUpdates.take();
    if (!ofAll.allowed) throw refused(ofAll, this.told(TICKETS_UPDATE, 'ticketUpdatesPerMinute', ofAll));
  }

  /** Counts a download of a file. @param loose whether the file belongs to no ticket yet @throws Refusal 429 */
  attachment(key: string, loose: boolean): void {
    const counted = loose ? this.looseUploads.look(key) : null;
    if (counted && !counted.allowed) throw refused(counted, {});
    const ofAll = this.attachments.take();
    if (!ofAll.allowed) throw refused(ofAll, {});
    if (loose) this.looseUploads.take(key);
  }

  private count({ kind, record }: Endpoint, userId: number): Headers {
    switch (kind) {
      case 'exports':
        return this.take(this.exports, 'zendesk-ratelimit-incremental-exports', 'incrementalPerMinute');
      case 'userExports':
        return this.take(
          this.userExports,
          'zendesk-ratelimit-incremental-exports-cursor',
          'userExportsPerMinute',
        );
      case 'ticketFields':
        return this.take(this.ticketFields, 'zendesk-ratelimit-ticket-fields-index', 'ticketFieldsPerMinute');
      case 'ticketUpdate':
        return this.ticketUpdate(`${userId}/${record ?? ''}`);
      case 'organizationUpdate': {
        const counted = this.ofOneOrganization.take(record ?? '');
        if (!counted.allowed) throw refused(counted, {});
        return {};
      }
      case 'userUpdate':
        return this.userUpdate(record ?? '');
    }
  }

  /** Zendesk has no header for the limit per ticket and user, so such a refusal shows that updates remain. */
  private ticketUpdate(key: string): Headers {
    const ofAll = this.ticketUpdates.look();
    const ofOne = this.ofOneTicket.look(key);
    if (ofAll.allowed && !ofOne.allowed)
      throw refused(ofOne, this.told(TICKETS_UPDATE, 'ticketUpdatesPerMinute', ofAll));
    const headers = this.take(this.ticketUpdates, TICKETS_UPDATE, 'ticketUpdatesPerMinute');
    this.ofOneTicket.take(key);
    return headers;
  }

  /** The header reports the limit per user, not the account's limit per second. */
  private userUpdate(key: string): Headers {
    const ofOne = this.ofOneUser.look(key);
    const told = (counted: Counted) =>
      this.told('zendesk-ratelimit-create-update-user', 'updatesOfOneUser', counted);
    if (!ofOne.allowed) throw refused(ofOne, told(ofOne));
    const ofAll = this.userUpdates.take();
    if (!ofAll.allowed) throw refused(ofAll, told(ofOne));
    return told(this.ofOneUser.take(key));
  }

  private take(windows: FixedWindows, header: string, option: NumberOption): Headers {
    const counted = windows.take();
    const headers = this.told(header, option, counted);
    if (!counted.allowed) throw refused(counted, headers);
    return headers;
  }

  private told(header: string, option: NumberOption, { remaining, resets }: Counted): Headers {
    return { [header]: `total=${this.options[option]}; remaining=${remaining}; resets=${resets}` };
  }

  private accountHeaders({ remaining, resets }: Counted): Headers {
    const limit = String(this.options.rateLimitPerMinute);
    const name = this.options.olderHeaders ? 'rate-limit' : 'ratelimit';
    return {
      'x-rate-limit': limit,
      'x-rate-limit-remaining': String(remaining),
      [this.options.olderHeaders ? 'rate-limit' : 'ratelimit-limit']: limit,
      [`${name}-remaining`]: String(remaining),
      [`${name}-reset`]: String(resets),
    };
  }
}

type NumberOption = {
  [K in keyof LimitOptions]: LimitOptions[K] extends number ? K : never;
}[keyof LimitOptions];

const OVER = 'Number of allowed API requests per minute exceeded';

/** Rule 50 [U airbyte#11035, zendesk-java-client#319]: the account's limit answers plain text. */
function refusedByAccount({ resets }: Counted, headers: Headers): Refusal {
  const body = { error: 'APIRateLimitExceeded', description: OVER };
  return new Refusal(429, body, { ...headers, 'retry-after': String(resets) }, OVER);
}

/** An endpoint's limit answers JSON (rule 50, airbyte#11899). */
function refused({ resets }: Counted, headers: Headers): Refusal {
  const isExport = Object.keys(headers).some((name) => name.includes('incremental-exports'));
  const description = isExport ? OVER.replace('API', 'incremental export API') : OVER;
  const body = { error: 'APIRateLimitExceeded', description };
  return new Refusal(429, body, { ...headers, 'retry-after': String(resets) });
}
