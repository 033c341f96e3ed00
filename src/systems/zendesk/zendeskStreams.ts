import type { ChangePage, WalkPage } from '../port';
import { exportBeginningNow, secondsOf } from './exportCursor';
import type { ZendeskComments } from './zendeskComments';
import type { ZendeskOrganizations } from './zendeskOrganizations';
import { SINCE } from './ticketPosition';
import type { ZendeskTickets } from './zendeskTickets';

export const STREAMS = ['organizations', 'tickets', 'comments'] as const;

/**
 * Reads the changes of a kind, or all of its records.
 * https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/
 */
export class ZendeskStreams {
  constructor(
    private readonly tickets: ZendeskTickets,
    private readonly organizations: ZendeskOrganizations,
    private readonly comments: ZendeskComments,
  ) {}

  changes(stream: string, cursor: string | null): Promise<ChangePage> {
    if (stream === 'tickets') return this.tickets.changes(cursor);
    return stream === 'organizations' ? this.organizations.changes(cursor) : this.comments.changes(cursor);
  }

  cursorNow(stream: string): string {
    return this.cursorAt(stream, exportBeginningNow());
  }

  cursorAt(stream: string, since: Date): string {
    return stream === 'tickets' ? `${SINCE}${secondsOf(since)}` : secondsOf(since);
  }

  /** Reads tickets and comments from the exports, up to 1,000 a call; organizations from their list, as they are few. */
  async walk(kind: string, cursor: string | null, since: Date | null): Promise<WalkPage> {
    if (kind === 'organization') return this.organizations.walk(cursor);
    const stream = kind === 'ticket' ? 'tickets' : 'comments';
    const page = await this.changes(stream, cursor ?? (since && this.cursorAt(stream, since)));
    const { records, unreadable } = page;
    return { records, ...(unreadable && { unreadable }), cursor: page.more ? page.cursor : null };
  }
}
