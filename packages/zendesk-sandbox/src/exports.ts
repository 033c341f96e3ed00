import type { ChangeLog, Position } from './changeLog';
import { omit, type Audit, type AuditEvent, type Fields, type Query } from './model';
import { Refusal, badRequest } from './refusal';
import type { Store } from './store';
import { secondsOf } from './text';

const PER_PAGE = 1_000;
const SAMPLE = 50;
const MINIMUM_AGE_SECONDS = 60;

/**
 * Incremental exports: everything that changed from a time on, right up to now. (The live API may leave out the last
 * minute; to give it is the harder case, as the same second may be read twice.)
 * https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/
 */
export class Exports {
  constructor(private readonly store: Store) {}

  /** By cursor: the position after the last record read. */
  ticketsByCursor(query: Query, staleSeconds: number): Fields {
    const { items, ...page } = this.byCursor(query, this.store.ticketLog, 'tickets', staleSeconds);
    return { tickets: this.ticketsOf(items, query), ...page };
  }

  usersByCursor(query: Query, staleSeconds: number): Fields {
    const { items, ...page } = this.byCursor(query, this.store.userLog, 'users', staleSeconds);
    return { users: items.map((id) => this.store.users.get(id)), ...page };
  }

  ticketsByTime(query: Query, staleSeconds: number): Fields {
    const { items, ...page } = this.byTime(query, this.store.ticketLog, 'tickets', staleSeconds);
    return { tickets: this.ticketsOf(items, query), ...page };
  }

  organizations(query: Query, staleSeconds: number): Fields {
    const { items, ...page } = this.byTime(query, this.store.organizationLog, 'organizations', staleSeconds);
    return { organizations: items.map((id) => this.store.organizations.get(id)), ...page };
  }

  users(query: Query, staleSeconds: number): Fields {
    const { items, ...page } = this.byTime(query, this.store.userLog, 'users', staleSeconds);
    return { users: items.map((id) => this.store.users.get(id)), ...page };
  }

  /** Each event is a ticket's audit; comments are among its child events when they are asked for. */
  ticketEvents(query: Query, staleSeconds: number): Fields {
    const { items, ...page } = this.byTime(query, this.store.eventLog, 'ticket_events', staleSeconds);
    const withComments = (query['include'] ?? '').split(',').includes('comment_events');
    const kept = items.filter((audit) => !this.store.purged.has(audit.ticket_id));
    return { ticket_events: kept.map((audit) => this.event(audit, withComments)), ...page };
  }

  /** Up to 50 records, for trying out. */
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

  private ticketsOf(ids: number[], query: Query): Fields[] {
    const tickets = ids.flatMap((id) => this.store.tickets.get(id) ?? []);
    return query['exclude_deleted'] === 'true'
      ? tickets.filter((ticket) => ticket.status !== 'deleted')
      : tickets;
  }

  private event(audit: Audit, withComments: boolean): Fields {
    const { events, author_id: updater, ...rest } = audit;
    return {
      ...rest,
      timestamp: secondsOf(audit.created_at),
      updater_id: updater,
      event_type: 'Audit',
      system: audit.metadata.system,
      child_events: events.flatMap((event) => {
        if (event.type === 'Comment') return withComments ? [this.commentEvent(event, audit)] : [];
        return [changeEvent(event, audit)];
      }),
    };
  }

  /** A comment is exported as it is now: a redaction reaches the past. */
  private commentEvent({ id }: AuditEvent, audit: Audit): Fields {
    const comment = this.store.commentById.get(id)?.comment;
    const shown = comment ? omit(comment, 'metadata') : { id, type: 'Comment', created_at: audit.created_at };
    return { ...shown, event_type: 'Comment' };
  }

  private byCursor<T>(query: Query, log: ChangeLog<T>, path: string, staleSeconds: number) {
    const from =
      query['cursor'] === undefined ? { time: this.startTime(query) } : parseCursor(query['cursor']);
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

  private byTime<T>(query: Query, log: ChangeLog<T>, path: string, staleSeconds: number) {
    const start = this.startTime(query);
    // A second is never torn apart, or its records could not all be reached by time.
    const { found, more } = log.read(
      { time: start },
      { limit: limitOf(query), until: this.store.seconds() - staleSeconds, wholeSeconds: true },
    );
    const endTime = found.at(-1)?.time ?? start;
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

/** The changed field is a key of its own: `{ event_type: 'Change', status: 'open', previous_value: 'new' }`. */
function changeEvent({ field_name: field, value, type, ...event }: AuditEvent, { via }: Audit): Fields {
  const isCustom = typeof field === 'string' && /^\d+$/.test(field);
  const change =
    typeof field !== 'string'
      ? {}
      : isCustom
        ? { custom_ticket_fields: { [field]: value } }
        : { [field]: value };
  return { via, via_reference_id: null, ...event, ...change, event_type: type };
}

function limitOf(query: Query): number {
  const limit = Number(query['per_page'] ?? PER_PAGE);
  return Number.isInteger(limit) && limit > 0 ? Math.min(PER_PAGE, limit) : PER_PAGE;
}

/** The other parameters, to be carried on to the next page. */
function without(query: Query, ...names: string[]): string {
  const rest = Object.entries(query).filter(([name]) => !names.includes(name));
  return rest.map(([name, value = '']) => `&${name}=${encodeURIComponent(value)}`).join('');
}

function encodeCursor({ time, seq }: Position): string {
  return Buffer.from(`${time}||${seq}`).toString('base64url');
}

function parseCursor(cursor: string): Position {
  const parts = Buffer.from(cursor, 'base64url').toString().split('||');
  const [time, seq] = parts.map(Number);
  if (parts.length !== 2 || time === undefined || seq === undefined || Number.isNaN(time + seq))
    throw badRequest('InvalidCursor', 'The cursor is not valid');
  return { time, seq };
}
