import type { Audit, Comment, Fields, SatisfactionRating, Ticket, User } from '../model';
import { invalid } from '../refusal';
import type { Store } from '../store';
import { htmlOf } from '../text';
import { Ratings } from './ratings';
import { TicketNews } from './ticketNews';
import { SYSTEM_USER, type Tickets } from './tickets';

/** Changes of tickets by channels other than the API, for tests, which cannot make a phone call or a chat. */
export class OtherChannels {
  readonly ratings: Ratings;

  constructor(
    private readonly store: Store,
    private readonly tickets: Tickets,
  ) {
    this.ratings = new Ratings({
      now: () => store.now(),
      newId: () => store.newId(),
      baseUrl: store.baseUrl,
    });
  }

  /** Rule 23 [R][D]: the comment of a phone call is like any other, with the call in `data`. */
  voiceComment(
    ticketId: number,
    { body, author, isPublic }: { body: string; author: User; isPublic: boolean },
  ): Comment {
    const before = this.tickets.get(ticketId);
    this.tickets.comments.keep(
      ticketId,
      {
        type: 'VoiceComment',
        author_id: author.id,
        body,
        html_body: htmlOf(body),
        public: isPublic,
        data: { from: '+15550100', to: '+15550199', recording_url: null, call_duration: 42 },
      },
      { authorId: author.id, metadata: {}, events: [], via: { channel: 'voice', source: {} } },
    );
    const times = { updated_at: this.store.now(), generated_timestamp: this.store.seconds() };
    const ticket = { ...before, is_public: before['is_public'] === true || isPublic, ...times };
    this.store.putTicket(ticket, before);
    const comment = this.tickets.comments.of(ticketId).at(-1) as Comment;
    new TicketNews(this.store, ticket, author).tellComment(comment);
    return comment;
  }

  /**
   * Adds an audit with an event that concerns no field: a messaging transcript (`ChatStartedEvent`, rule 23), or an
   * unknown type, which clients must ignore (rule 38).
   */
  event(ticketId: number, event: Fields & { type: string }): Audit {
    const before = this.tickets.get(ticketId);
    const audit = this.tickets.comments.audit(ticketId, {
      authorId: before.requester_id,
      metadata: {},
      events: [{ ...event, id: this.store.newId() }],
      via: { channel: 'chat', source: {} },
    });
    this.store.putTicket({ ...before, generated_timestamp: this.store.seconds() }, before);
    return audit;
  }

  /**
   * The exception of rule 13 [R AF]: values of fields that Zendesk's triage fills have no tags in `tags`; the audit is
   * "Intelligent Triage", by user -1.
   */
  triage(ticketId: number, fieldId: number, value: string): void {
    const before = this.tickets.get(ticketId);
    const others = before.custom_fields.filter(({ id }) => id !== fieldId);
    const change = { custom_fields: [...others, { id: fieldId, value }] };
    this.tickets.changeBy(ticketId, change, { actor: null, via: { channel: 'triage', source: {} } });
  }

  /**
   * Rule 55 [D Z:satisfaction_ratings]: after a ticket was solved, Zendesk asks for a rating (`offered`) or the requester
   * gives one. A rating is no field of the ticket; its audit event has a separate type.
   */
  rate(ticketId: number, { score, comment }: Pick<SatisfactionRating, 'score' | 'comment'>): Ticket {
    const before = this.tickets.get(ticketId);
    if (!this.wasSolved(before)) throw invalid('status', 'Ticket is not solved', 'InvalidValue');
    const isAsked = score === 'offered';
    const actor = isAsked ? null : (this.store.users.get(before.requester_id ?? 0) ?? null);
    const given = { score, ...(comment !== undefined && { comment }) };
    const rating = this.ratings.record(before, given);
    this.tickets.comments.audit(ticketId, {
      authorId: actor?.id ?? SYSTEM_USER,
      metadata: {},
      events: [
        {
          id: this.store.newId(),
          type: 'SatisfactionRating',
          score,
          assignee_id: before.assignee_id,
          body: comment ?? null,
        },
      ],
      via: { channel: isAsked ? 'rule' : 'web', source: {} },
    });
    const times = { updated_at: this.store.now(), generated_timestamp: this.store.seconds() };
    const ticket = { ...before, satisfaction_rating: rating, ...times };
    this.store.putTicket(ticket, before);
    const news = { satisfaction_score: { score, comment: comment ?? '' } };
    new TicketNews(this.store, ticket, actor).tell(`ticket.csat_${isAsked ? 'requested' : 'received'}`, news);
    return ticket;
  }

  private wasSolved({ id, status }: Ticket): boolean {
    const solvedIn = ({ events }: Audit) =>
      events.some(({ field_name: field, value }) => field === 'status' && value === 'solved');
    return status === 'solved' || (this.store.audits.get(id) ?? []).some(solvedIn);
  }

  /** Adds a tag like Zendesk itself, as user -1 (rule 14), such as `system_email_notification_failure`. */
  systemTag(ticketId: number, tag: string): void {
    const before = this.tickets.get(ticketId);
    const tags = [...new Set([...before.tags, tag])].sort();
    this.tickets.changeBy(ticketId, { tags }, { actor: null, via: { channel: 'rule', source: {} } });
  }
}
