import type { Fields, Query, Ticket, User } from '../model';
import { notFound } from '../refusal';
import type { Store } from '../store';
import type { Comments } from './comments';
import { changeEvents } from './ticketAudits';
import { TicketNews } from './ticketNews';

const SORTED_BY = ['id', 'subject', 'deleted_at'];

const compare = (a: unknown, b: unknown): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));

/** Rules 35 and 44: soft deletion, restoring, and permanent deletion. */
export class Deletions {
  private readonly known = new Map<number, { actor: User; at: string; status: string }>();

  constructor(
    private readonly store: Store,
    private readonly comments: Comments,
    private readonly get: (ticketId: number) => Ticket,
  ) {}

  remove(ticketId: number, actor: User): void {
    const before = this.get(ticketId);
    this.known.set(ticketId, { actor, at: this.store.now(), status: before.status });
    this.setStatus(before, 'deleted', actor);
    new TicketNews(this.store, before, actor).tell('ticket.soft_deleted');
  }

  /** https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#list-deleted-tickets */
  list({ sort_by: by = '', sort_order: order }: Query = {}): Fields[] {
    const found = this.deleted();
    if (SORTED_BY.includes(by)) found.sort((a, b) => compare(a[by], b[by]));
    return order === 'desc' ? found.reverse() : found;
  }

  private deleted(): Fields[] {
    return [...this.store.tickets.values()]
      .filter((ticket) => ticket.status === 'deleted' && !this.store.purged.has(ticket.id))
      .map((ticket) => {
        const deletion = this.known.get(ticket.id);
        return {
          id: ticket.id,
          subject: ticket.subject,
          description: ticket.description,
          actor: deletion ? { id: deletion.actor.id, name: deletion.actor.name } : null,
          deleted_at: deletion?.at ?? ticket.updated_at,
          previous_state: deletion?.status ?? 'open',
        };
      });
  }

  restore(ticketId: number, actor: User): void {
    const before = this.softDeleted(ticketId);
    this.setStatus(before, this.known.get(ticketId)?.status ?? 'open', actor);
    this.known.delete(ticketId);
    new TicketNews(this.store, this.get(ticketId), actor).tell('ticket.undeleted');
  }

  /**
   * Rule 35 [R ZP]: the export still lists the ticket without its content; requester, priority and `updated_at` remain.
   */
  removeForGood(ticketId: number, actor: User): void {
    const before = this.softDeleted(ticketId);
    this.store.forgetContent(ticketId);
    this.known.delete(ticketId);
    const scrubbed: Ticket = {
      ...before,
      subject: 'SCRUBBED',
      raw_subject: 'SCRUBBED',
      description: 'X',
      tags: [],
      custom_fields: [],
      fields: [],
      recipient: null,
      generated_timestamp: this.store.seconds(),
    };
    this.store.putTicket(scrubbed, before);
    new TicketNews(this.store, scrubbed, actor).tell('ticket.permanently_deleted');
  }

  private softDeleted(ticketId: number): Ticket {
    const ticket = this.store.tickets.get(ticketId);
    if (ticket?.status !== 'deleted' || this.store.purged.has(ticketId)) throw notFound();
    return ticket;
  }

  /** Sets the status; the custom status does not change. */
  private setStatus(before: Ticket, status: string, actor: User): void {
    const [updatedAt, generated] = [this.store.now(), this.store.seconds()];
    const ticket: Ticket = { ...before, status, updated_at: updatedAt, generated_timestamp: generated };
    const events = changeEvents(this.store, before, ticket);
    this.comments.audit(before.id, { authorId: actor.id, metadata: {}, events });
    this.store.putTicket(ticket, before);
  }
}
