import { Refusal, type Audit, type ChangeLog, type Fields, type Organization, type Store } from './store';

const PER_PAGE = 1_000;
/** https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/ */
const MINIMUM_AGE_SECONDS = 60;

/** Incremental exports: everything that changed from a time on, up to now. */
export class Exports {
  constructor(
    private readonly store: Store,
    private readonly baseUrl: () => string,
  ) {}

  /** By cursor: the position after the last record read. */
  tickets(query: Record<string, string | undefined>): Fields {
    const limit = Math.min(PER_PAGE, Number(query['per_page'] ?? PER_PAGE));
    const from =
      query['cursor'] === undefined ? { time: this.startTime(query) } : parseCursor(query['cursor']);
    const { found, more } = this.store.ticketLog.read(from, limit, (id) => id);
    const last = found.at(-1);
    const cursor = last
      ? encodeCursor(last)
      : (query['cursor'] ?? encodeCursor({ time: from.time, seq: -1 }));
    return {
      tickets: found.flatMap(({ item }) => this.store.tickets.get(item) ?? []),
      after_cursor: cursor,
      after_url: `${this.baseUrl()}/incremental/tickets/cursor.json?cursor=${cursor}`,
      before_cursor: null,
      before_url: null,
      end_of_stream: !more,
    };
  }

  organizations(query: Record<string, string | undefined>): Fields {
    const page = this.byTime(query, this.store.organizationLog, (id) => id, 'organizations');
    const organizations: Organization[] = page.items.flatMap((id) => this.store.organizations.get(id) ?? []);
    return { organizations, ...page.envelope };
  }

  /** Each event is a ticket's audit; comments are among its child events when they are asked for. */
  ticketEvents(query: Record<string, string | undefined>): Fields {
    const page = this.byTime(query, this.store.eventLog, () => null, 'ticket_events');
    const withComments = (query['include'] ?? '').includes('comment_events');
    return { ticket_events: page.items.map((audit) => this.event(audit, withComments)), ...page.envelope };
  }

  private event(audit: Audit, withComments: boolean): Fields {
    const { events, created_at: createdAt, author_id: updater, ...rest } = audit;
    const children = events.filter((event) => withComments || event['event_type'] !== 'Comment');
    return {
      ...rest,
      created_at: createdAt,
      timestamp: Date.parse(createdAt) / 1000,
      updater_id: updater,
      event_type: 'Audit',
      child_events: children.map((event) => {
        // A comment is exported as it is now: a redaction reaches the past.
        const current = (this.store.comments.get(audit.ticket_id) ?? []).find(
          (comment) => comment.id === event['id'],
        );
        return event['event_type'] === 'Comment' && current ? { ...event, ...current } : event;
      }),
    };
  }

  private byTime<T>(
    query: Record<string, string | undefined>,
    log: ChangeLog<T>,
    idOf: (item: T) => number | null,
    path: string,
  ): { items: T[]; envelope: Fields } {
    const start = this.startTime(query);
    const limit = Math.min(PER_PAGE, Number(query['per_page'] ?? PER_PAGE));
    let { found, more } = log.read({ time: start }, limit, idOf);
    // Records of one second are never torn apart: a page ends with its last full second, or takes all of it.
    const end = found.at(-1)?.time ?? start;
    if (more && found[0]?.time === end)
      ({ found, more } = log.read({ time: start }, Number.MAX_SAFE_INTEGER, idOf));
    const endTime = found.at(-1)?.time ?? start;
    const envelope = {
      count: found.length,
      end_of_stream: !more,
      end_time: endTime,
      next_page: `${this.baseUrl()}/incremental/${path}.json?start_time=${endTime}`,
    };
    return { items: found.map(({ item }) => item), envelope };
  }

  private startTime(query: Record<string, string | undefined>): number {
    const time = Number(query['start_time']);
    if (query['start_time'] === undefined || !Number.isFinite(time)) {
      throw new Refusal(400, { error: 'StartTimeMissing', description: 'You must include a start_time.' });
    }
    if (time > this.store.seconds() - MINIMUM_AGE_SECONDS) {
      throw new Refusal(422, {
        error: 'InvalidValue',
        description: `Too recent start_time. Use a start_time older than ${MINIMUM_AGE_SECONDS} seconds`,
      });
    }
    return time;
  }
}

function encodeCursor({ time, seq }: { time: number; seq: number }): string {
  return Buffer.from(`${time}||${seq}`).toString('base64url');
}

function parseCursor(cursor: string): { time: number; seq: number } {
  const [time, seq] = Buffer.from(cursor, 'base64url').toString().split('||').map(Number);
  if (time === undefined || seq === undefined || Number.isNaN(time + seq)) {
    throw new Refusal(400, { error: 'InvalidCursor', description: 'The cursor is not valid' });
  }
  return { time, seq };
}
