import type { Audit, Comment, Fields, User } from '../model';
import type { Store } from '../store';
import { htmlOf } from '../text';
import { TicketNews } from './ticketNews';
import type { Tickets } from './tickets';

/** What comes to a ticket by other ways than the API; for tests, which cannot make a call or a chat. */
export class OtherChannels {
  constructor(
    private readonly store: Store,
    private readonly tickets: Tickets,
  ) {}

  /** Rule 23 [R][D]: a call's comment is like any other, with the call in `data`. */
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
   * An audit with an event that no field stands behind: a messaging transcript (`ChatStartedEvent`, rule 23), or a type
   * that nobody knows, which clients must ignore (rule 38).
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
   * Rule 13's exception [R AF]: fields that Zendesk's triage fills hold values whose tags are not in `tags`; the audit
   * is "Intelligent Triage", by -1.
   */
  triage(ticketId: number, fieldId: number, value: string): void {
    const before = this.tickets.get(ticketId);
    const others = before.custom_fields.filter(({ id }) => id !== fieldId);
    const change = { custom_fields: [...others, { id: fieldId, value }] };
    this.tickets.changeBy(ticketId, change, { actor: null, via: { channel: 'triage', source: {} } });
  }

  /** Tags that Zendesk itself adds later (rule 14), such as `system_email_notification_failure`, by -1. */
  systemTag(ticketId: number, tag: string): void {
    const before = this.tickets.get(ticketId);
    const tags = [...new Set([...before.tags, tag])].sort();
    this.tickets.changeBy(ticketId, { tags }, { actor: null, via: { channel: 'rule', source: {} } });
  }
}
