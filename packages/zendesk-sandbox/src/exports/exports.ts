import type { ChangeLog, Position } from '../changeLog';
import type { Fields, Organization, Query, Ticket, User } from '../model';
import { Refusal, badRequest } from '../refusal';
import type { Store } from '../store';
import { shownAudit } from '../tickets/ticketAudits';
import { sideloads } from './sideloads';
import { ticketEvent } from './ticketEvents';

const PER_PAGE = 1_000;
const SAMPLE = 50;
const MINIMUM_AGE_SECONDS = 60;

/** With the switch `exportLag`, ticket exports omit the last minute (rule 27). */
const LAG_SECONDS = 60;
const AUDITS_PER_PAGE = 100;

/**
 * Incremental exports: everything that changed since a time, up to now. (Including the last minute is the harder case for
 * a client, because the same second may be read twice.)
 * https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/
 */
export class Exports {
  constructor(
    private readonly store: Store,
    private readonly show: {
      ticket: (ticket: Ticket) => Fields;
      organization: (organization: Organization) => Fields;
      user: (user: User) => Fields;
    },
  ) {}

  /** By cursor: the position after the last record read. */
  ticketsByCursor(query: Query, staleSeconds: number): Fields {
    const { items, ...page } = this.byCursor(query, this.store.ticketLog, 'tickets', this.lag(staleSeconds));
    return { ...this.ticketsOf(items, query), ...page };
  }

  usersByCursor(query: Query, staleSeconds: number): Fields {
    const { items, ...page } = this.byCursor(query, this.store.userLog, 'users', staleSeconds);
    return { users: this.usersOf(items), ...page };
  }

  ticketsByTime(query: Query, staleSeconds: number): Fields {
    const { items, ...page } = this.byTime(query, this.store.ticketLog, 'tickets', this.lag(staleSeconds));
    return { ...this.ticketsOf(items, query), ...page };
  }

  private usersOf(ids: readonly number[]): Fields[] {
    return ids.flatMap((id) => this.store.users.get(id) ?? []).map((user) => this.show.user(user));
  }

  organizations(query: Query, staleSeconds: number): Fields {
    const { items, ...page } = this.byTime(query, this.store.organizationLog, 'organizations', staleSeconds);
    const found = items.flatMap((id) => this.store.organizations.get(id) ?? []);
    return { organizations: found.map((each) => this.show.organization(each)), ...page };
  }

  users(query: Query, staleSeconds: number): Fields {
    const { items, ...page } = this.byTime(query, this.store.userLog, 'users', staleSeconds);
    return { users: this.usersOf(items), ...page };
  }

  /** Each event is a ticket's audit; its child events contain comments if the request includes them. */
  ticketEvents(query: Query, staleSeconds: number): Fields {
    const { items, ...page } = this.byTime(
      query,
      this.store.eventLog,
      'ticket_events',
      this.lag(staleSeconds),
    );
    const withComments = (query['include'] ?? '').split(',').includes('comment_events');
    const kept = items.filter((audit) => !this.store.purged.has(audit.ticket_id));
    return { ticket_events: kept.map((audit) => ticketEvent(this.store, audit, withComments)), ...page };
  }

  /** The sample export: up to 50 records. */
  sample(resource: string, query: Query): Fields | null {
    const small = { ...query, per_page: String(SAMPLE) };
    switch (resource) {
      case 'tickets':
        return this.ticketsByTime(small, 0);
      case 'organizations':
        return this.organizations(small, 0);
      case 'users':
        return this.users(small, 0);
      case 'ticket_events':
        return this.ticketEvents(small, 0);
      default:
        return null;
    }
  }

  /**
   * Audits of all tickets, newest first; archived tickets are left out (rule 12).
   * https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_audits/#list-all-ticket-audits
   */
  audits(query: Query): Fields {
    const all = [...this.store.audits.values()].flat().sort((a, b) => b.id - a.id);
    const before = Number(query['cursor'] ?? NaN);
    const rest = Number.isNaN(before) ? all : all.filter(({ id }) => id < before);
    const limit = Math.min(limitOf({ per_page: query['limit'] }), AUDITS_PER_PAGE);
    const page = rest.slice(0, limit);
    const last = page.at(-1)?.id;
    const isMore = rest.length > limit;
    const next = isMore ? String(last) : null;
    const url = `${this.store.baseUrl()}/ticket_audits.json?cursor=`;
    return {
      audits: page.map((audit) => shownAudit(this.store, audit)),
      before_url: next === null ? null : `${url}${next}&limit=${limit}`,
      after_url: null,
      before_cursor: next,
      after_cursor: null,
    };
  }

  private lag(staleSeconds: number): number {
    return this.store.rules.exportLag ? Math.max(staleSeconds, LAG_SECONDS) : staleSeconds;
  }

  /** Rule 34 [D]: tickets of AI agents are omitted unless the request includes them. */
  private ticketsOf(ids: number[], query: Query): Fields {
    const scope = query['support_type_scope'] ?? 'agent';
    const tickets = ids
      .flatMap((id) => this.store.tickets.get(id) ?? [])
      .filter((ticket) => query['exclude_deleted'] !== 'true' || ticket.status !== 'deleted')
      .filter((ticket) => scope === 'all' || (ticket['support_type'] ?? 'agent') === scope);
    const more = sideloads(this.store, tickets, query);
    const shown = tickets.map((ticket) => ({
      encoded_id: encodedId(ticket.id),
      support_type: 'agent',
      ...this.show.ticket(ticket),
      ...more.ofTicket(ticket),
    }));
    return { tickets: shown, ...more.lists };
  }

  private byCursor<T>(query: Query, log: ChangeLog<T>, path: string, staleSeconds: number) {
    const from =
      query['cursor'] === undefined
        ? { time: this.startTime(query) }
        : parseCursor(query['cursor'], this.store.rules.cursorRefusal);
    const { found, more } = log.read(from, {
      limit: limitOf(query),
      until: this.store.seconds() - staleSeconds,
    });
    const cursor = encodeCursor(found.at(-1) ?? { seq: -1, ...from });
    return {
      items: found.map(({ item }) => item),
      after_cursor: cursor,
      after_url: `${this.store.baseUrl()}/incremental/${path}/cursor.json?cursor=${cursor}${without(query, 'cursor', 'start_time')}`,
      before_cursor: null,
      before_url: null,
      end_of_stream: !more,
    };
  }

  /**
   * A page extends to the end of its last second, because otherwise some of its records could not be reached by time;
   * `end_time` is then the next second. At the end of the stream, `end_time` is the last record's own time, so the record
   * repeats (rule 26 [R AF, ZP]), and `next_page` is not null (rule 36).
   */
  private byTime<T>(query: Query, log: ChangeLog<T>, path: string, staleSeconds: number) {
    const start = this.startTime(query);
    const { found, more } = log.read(
      { time: start },
      { limit: limitOf(query), until: this.store.seconds() - staleSeconds, wholeSeconds: true },
    );
    const last = found.at(-1)?.time ?? start;
    const endTime = more ? last + 1 : last;
    const rest = without(query, 'start_time');
    return {
      items: found.map(({ item }) => item),
      count: found.length,
      end_of_stream: !more,
      end_time: endTime,
      next_page: `${this.store.baseUrl()}/incremental/${path}.json?start_time=${endTime}${rest}`,
    };
  }

  private startTime(query: Query): number {
    const time = Number(query['start_time'] || NaN);
    if (!Number.isInteger(time) || time < 0)
      throw badRequest('StartTimeMissing', 'You must include a start_time in Unix epoch time');
    if (time > this.store.seconds() - MINIMUM_AGE_SECONDS)
      throw new Refusal(422, {
        error: 'InvalidValue',
        description: `Too recent start_time. Use a start_time older than ${MINIMUM_AGE_SECONDS} seconds`,
      });
    return time;
  }
}

/** An encoded id like `ABC12-D3EFG`, derived from the id, so that it does not change. */
function encodedId(id: number): string {
  const letters = ((id * 2_654_435_761) % 2 ** 40).toString(36).toUpperCase().padStart(10, '0');
  return `${letters.slice(0, 5)}-${letters.slice(5, 10)}`;
}

function limitOf(query: Query): number {
  const limit = Number(query['per_page'] ?? PER_PAGE);
  return Number.isInteger(limit) && limit > 0 ? Math.min(PER_PAGE, limit) : PER_PAGE;
}

/** The other parameters, for the link to the next page. */
function without(query: Query, ...names: string[]): string {
  const rest = Object.entries(query).filter(([name]) => !names.includes(name));
  return rest.map(([name, value = '']) => `&${name}=${encodeURIComponent(value)}`).join('');
}

/**
 * Rule 26 [R AF]: base64 of `{generated_timestamp}.0||{ticket id}|`. The sandbox uses a sequence number instead of the id:
 * otherwise, a ticket that changes twice within a second would move before a reader's position.
 */
function encodeCursor({ time, seq }: Position): string {
  return Buffer.from(`${time}.0||${seq}|`).toString('base64url');
}

/** The text of the refusal is not recorded; the switch `cursorRefusal` chooses one. */
function parseCursor(cursor: string, refusal: string): Position {
  const parts = /^(\d+)\.0\|\|(-?\d+)\|$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (!parts) throw badRequest(refusal, 'The cursor is not valid');
  return { time: Number(parts[1]), seq: Number(parts[2]) };
}
