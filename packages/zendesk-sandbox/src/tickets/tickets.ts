import {
  VIA_API,
  type Audit,
  type AuditEvent,
  type Comment,
  type Fields,
  type Ticket,
  type User,
} from '../model';
import { Refusal, invalid, notFound, parseRecord } from '../refusal';
import { blankValue, shownTicketFields } from '../fields/fieldValues';
import { anyPublic } from '../rules/visibility';
import type { Store } from '../store';
import { secondsOf } from '../text';
import { blankTicket } from './blankTicket';
import { Comments, commentBody, type CommentBody, type Uploads } from './comments';
import { Deletions } from './deletions';
import { mergeTickets, type MergeWords } from './merging';
import { changeEvents, creationEvents } from './ticketAudits';
import { ticketBody, type TicketBody } from './ticketBody';
import { TicketNews } from './ticketNews';
import { TicketValues } from './ticketValues';

interface UpdateOptions {
  /** `additional_tags` and `remove_tags` count, as with `update_many?ids=` and the tag endpoints. */
  tagKeys?: boolean;
  /** Tags of closed tickets may change, as in Update Many Tickets. */
  tagsOfClosed?: boolean;
  via?: unknown;
}

/** A business rule's part in a write (rule 14), which is in the same audit. */
export interface TriggerEffect {
  via: unknown;
  change: TicketBody;
}

/** https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/ */
export class Tickets {
  readonly comments: Comments;
  readonly deletions: Deletions;
  private readonly values: TicketValues;

  constructor(
    private readonly store: Store,
    uploads: Uploads = () => [],
    private readonly effects: (created: boolean) => TriggerEffect[] = () => [],
  ) {
    this.comments = new Comments(store, uploads);
    this.values = new TicketValues(store);
    this.deletions = new Deletions(store, this.comments, (id) => this.get(id));
  }

  get(ticketId: number): Ticket {
    const ticket = this.store.tickets.get(ticketId);
    if (!ticket || ticket.status === 'deleted') throw notFound();
    return ticket;
  }

  /** A ticket as the API returns it, with the present custom fields. */
  shown(ticket: Ticket): Fields {
    const fields = shownTicketFields(this.store.ticketFields.list(), ticket.custom_fields);
    const values = this.store.purged.has(ticket.id) ? [] : fields;
    const hasIncidents = this.store.incidentsOf(ticket.id).length > 0;
    return { ...ticket, has_incidents: hasIncidents, custom_fields: values, fields: values };
  }

  live(): Ticket[] {
    return [...this.store.tickets.values()].filter((ticket) => ticket.status !== 'deleted');
  }

  byExternalId(externalId: string): Ticket[] {
    const found = this.store.externalIds.ticket.get(externalId.toLowerCase()) ?? new Set();
    return [...found].flatMap((each) => this.store.tickets.get(each) ?? []);
  }

  create(input: unknown, actor: User): { ticket: Ticket; audit: Audit } {
    const { comment: given, metadata = {}, description, ...fields } = parseRecord(ticketBody, input);
    const comment = given ?? commentBody.parse({ body: description ?? '' });
    this.checkComment(null, comment);
    const fresh = blankTicket(this.store.newTicketId(), this.store.baseUrl(), this.store.now());
    const asked = fields.requester ? fields : { ...fields, requester_id: fields.requester_id ?? actor.id };
    const applied = this.values.apply(
      { ...fresh, submitter_id: fields.submitter_id ?? actor.id, custom_fields: this.blankFields() },
      asked,
      {
        created: true,
      },
    );
    applied.description = this.comments.textOf(comment, applied).body;
    this.finish(applied);
    // The audit's first events are those of the person's ticket; the triggers' events follow.
    const { ticket, events } = this.triggered(applied, true);
    ticket.updated_at = ticket.created_at;
    // "The submitter always becomes the author of the first comment"; by default that is the requester.
    const author = comment.author_id ?? fields.submitter_id ?? ticket.requester_id;
    this.store.tickets.set(ticket.id, ticket);
    const audit = this.comments.add(
      ticket.id,
      { ...comment, author_id: author },
      { authorId: actor.id, metadata, events: [...creationEvents(this.store, applied), ...events] },
    );
    ticket['is_public'] = anyPublic(this.comments.of(ticket.id));
    this.store.putTicket(ticket, null);
    new TicketNews(this.store, ticket, actor).tell('ticket.created');
    return { ticket, audit };
  }

  update(
    ticketId: number,
    input: unknown,
    actor: User,
    options: UpdateOptions = {},
  ): { ticket: Ticket; audit: Audit } {
    const before = this.get(ticketId);
    const { comment, metadata = {}, ...fields } = parseRecord(ticketBody, input);
    if (before.status === 'closed') checkClosed(input, options);
    checkStamp(before, fields);
    if (comment) this.checkComment(ticketId, comment);
    const applied = this.values.apply(before, fields, options);
    this.finish(applied);
    const own = changeEvents(this.store, before, applied);
    const idle = own.length === 0 && !comment;
    const last = this.store.audits.get(ticketId)?.at(-1);
    // Rule 15 [U zenpy#420]: an update without a change makes no audit, and the answer contains an older one.
    if (idle && last && this.store.rules.emptyUpdate) return { ticket: before, audit: last };
    const { ticket, events } = this.triggered(applied, false);
    ticket.updated_at = this.store.now();
    const all = [...own, ...events];
    const parts = { authorId: actor.id, metadata, events: all, via: options.via ?? VIA_API };
    const audit = comment
      ? this.comments.add(ticketId, { ...comment, author_id: comment.author_id ?? actor.id }, parts)
      : this.comments.audit(ticketId, parts);
    if (comment) ticket['is_public'] = anyPublic(this.comments.of(ticketId));
    this.store.putTicket(ticket, before);
    this.tellUpdate(ticket, actor, all, comment);
    return { ticket, audit };
  }

  remove(ticketId: number, actor: User): void {
    this.deletions.remove(ticketId, actor);
  }

  restore(ticketId: number, actor: User): void {
    this.deletions.restore(ticketId, actor);
  }

  removeForGood(ticketId: number, actor: User): void {
    this.deletions.removeForGood(ticketId, actor);
  }

  /** Closes the losers, with a comment that names the winner. */
  merge(winnerId: number, losers: number[], actor: User, words: MergeWords): void {
    mergeTickets({ store: this.store, tickets: this }, winnerId, losers, actor, words);
  }

  /** An update by the system: the export returns the ticket again, but `updated_at` does not change. */
  touch(ticketId: number): Ticket {
    const before = this.get(ticketId);
    const ticket = { ...before, generated_timestamp: this.store.seconds() };
    this.store.putTicket(ticket, before);
    return ticket;
  }

  /** A change by another part of Zendesk: the deletion of an organization, or triage. */
  changeBy(
    ticketId: number,
    change: Partial<Ticket>,
    { actor, via }: { actor: User | null; via: unknown },
  ): void {
    const before = this.store.tickets.get(ticketId);
    if (!before) return;
    const ticket: Ticket = { ...before, ...change, updated_at: this.store.now() };
    this.finish(ticket);
    const events = changeEvents(this.store, before, ticket);
    this.comments.audit(ticketId, { authorId: actor?.id ?? SYSTEM_USER, metadata: {}, events, via });
    this.store.putTicket(ticket, before);
    new TicketNews(this.store, ticket, actor).tellChanges(events);
  }

  /** The changes that a comment permits, also on closed tickets: redaction and privacy. */
  changeComment(
    ticketId: number,
    commentId: number,
    actor: User,
    {
      type,
      event,
      change,
      more = {},
    }: { type: string; event: string; change: (comment: Comment) => Comment; more?: Fields },
  ): Comment {
    const before = this.get(ticketId);
    const comment = change(this.comments.get(ticketId, commentId));
    this.store.replaceComment(ticketId, comment);
    const ticket: Ticket = { ...before, updated_at: this.store.now() };
    const all = this.comments.of(ticketId);
    // The description is the first comment.
    if (all[0]?.id === commentId) ticket.description = comment.plain_body;
    ticket['is_public'] = anyPublic(all);
    this.finish(ticket);
    const events = [{ id: this.store.newId(), type, comment_id: String(commentId), ...more }];
    this.comments.audit(ticketId, { authorId: actor.id, metadata: {}, events });
    this.store.putTicket(ticket, before);
    new TicketNews(this.store, ticket, actor).tell(event, { comment: { id: String(commentId) } });
    return comment;
  }

  private checkComment(ticketId: number | null, comment: CommentBody): void {
    const { body } = this.comments.textOf(comment, { id: ticketId ?? 0 });
    if (ticketId === null && body.trim() === '' && comment.uploads.length === 0)
      throw blankDescription(this.store);
    this.comments.check(ticketId, comment);
  }

  private blankFields(): Ticket['custom_fields'] {
    return this.store.ticketFields.active().map((field) => ({ id: field.id, value: blankValue(field) }));
  }

  private finish(ticket: Ticket): void {
    ticket.generated_timestamp = this.store.seconds();
    ticket.custom_status_id = this.store.customStatuses.fitting(ticket.status, ticket.custom_status_id);
    ticket['fields'] = ticket.custom_fields;
  }

  private triggered(applied: Ticket, created: boolean): { ticket: Ticket; events: AuditEvent[] } {
    const events: AuditEvent[] = [];
    const ticket = this.effects(created).reduce((before, { via, change }) => {
      const after = this.values.apply(before, change, { tagKeys: true, byRule: true });
      this.finish(after);
      events.push(...changeEvents(this.store, before, after).map((event) => ({ ...event, via })));
      return after;
    }, applied);
    return { ticket: { ...ticket }, events };
  }

  private tellUpdate(
    ticket: Ticket,
    actor: User,
    events: AuditEvent[],
    comment: CommentBody | undefined,
  ): void {
    const news = new TicketNews(this.store, ticket, actor);
    const added = comment && this.comments.of(ticket.id).at(-1);
    if (added) news.tellComment(added);
    news.tellChanges(events);
    news.tell('ticket.updated');
  }
}

/** The id of Zendesk itself in audits and events. */
export const SYSTEM_USER = -1;

/** Rule 11 [U zendesk_api_client_php#306]. */
function blankDescription(store: Store): Refusal {
  const field = store.ticketFields.list().find(({ type }) => type === 'description');
  return new Refusal(422, {
    error: 'RecordInvalid',
    description: 'Record validation errors',
    details: {
      base: [
        {
          description: 'Description: cannot be blank',
          error: 'BlankValue',
          ticket_field_id: field?.id,
          ticket_field_type: 'FieldDescription',
        },
      ],
    },
  });
}

/** https://developer.zendesk.com/api-reference/ticketing/ticket-management/tags/#tag-endpoint-limitations */
function checkClosed(input: unknown, { tagsOfClosed = false }: UpdateOptions): void {
  const onlyTags = Object.keys(input as object).every((key) =>
    ['additional_tags', 'remove_tags'].includes(key),
  );
  if (!tagsOfClosed || !onlyTags) throw invalid('status', 'closed prevents ticket update', 'InvalidValue');
}

/**
 * Compares in seconds, because `updated_at` has no fractions.
 * https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#protecting-against-ticket-update-collisions
 */
function checkStamp(before: Ticket, { safe_update: safe, updated_stamp: stamp }: TicketBody): void {
  // Rule 8 [D Z:tickets]: `false` acts like `true`; only without the key is a write forced.
  if (safe === undefined) return;
  // Stricter than documented: a `safe_update` without a stamp would not be safe.
  if (stamp === undefined) throw invalid('updated_stamp', 'Updated stamp: cannot be blank', 'BlankValue');
  if (secondsOf(stamp) === secondsOf(before.updated_at)) return;
  throw new Refusal(409, {
    error: 'UpdateConflict',
    description: `Safe Update prevented the update due to outdated ticket data: updated_stamp is ${stamp}, updated_at is ${before.updated_at}`,
  });
}
