import { refKey } from '../../sync/canonicalKey';
import { textOf } from '../../sync/values';
import type { Json, RecordRef, SyncRecord, Values } from '../../sync/record';
import { NeedsHuman, RecordGone, ReferenceGone, RetryLater } from '../errors';
import type { Request } from '../http';
import type { ChangePage, CreateOptions } from '../port';
import { isOfOneRecord, parseEach, type Parsed, type Unreadable } from '../unreadable';
import { guarded } from './commentText';
import { isCutShort, position, startTime } from './exportCursor';
import { EDITED, saysAlready } from './followUps';
import type { People, Person } from './people';
import type { ZendeskCalls } from './zendeskCalls';
import { MARKS, commentId, commentRecord, marksOf, parseCommentId } from './zendeskRecords';
import {
  auditsPage,
  commentSchema,
  commentsPage,
  eventExport,
  ticketEventSchema,
  type Audit,
  type Comment,
  type TicketEvent,
} from './zendeskSchemas';
import type { ZendeskTickets } from './zendeskTickets';

const EVENTS = '/api/v2/incremental/ticket_events';

/** Events that report the change of a comment without its new content. */
const CHANGES_OF_COMMENTS: ReadonlySet<string> = new Set([
  'CommentRedactionEvent',
  'AttachmentRedactionEvent',
  'CommentPrivacyChange',
]);

/**
 * An event without children may mean that a comment was made private. SLA updates look the same, but their updater is the
 * system, whose id is negative (zendesk-rules.md rule 21, recorded traffic of 2026).
 */
function mayHavePrivacyChange({ child_events: children, updater_id: updater }: TicketEvent): boolean {
  return children.length === 0 && (updater ?? 0) > 0;
}

/** A comment inside of an event. */
interface InEvent {
  raw: Comment;
  event: TicketEvent;
}

/** Whether an event is the creation of a ticket; its comment is then the ticket's first. */
function isCreation({ child_events: children }: TicketEvent): boolean {
  return children.some((child) => child.event_type === 'Create');
}

/**
 * 64 kB of text in UTF-8. Zendesk truncates longer text without an error.
 * https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/
 */
const COMMENT_BYTES = 65_536;

/** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/ */
export class ZendeskComments {
  constructor(
    private readonly calls: ZendeskCalls,
    private readonly people: People,
    private readonly tickets: ZendeskTickets,
  ) {}

  /** All comments of a ticket with their marks; two calls. */
  async ofTicket(ticketId: string): Promise<SyncRecord[]> {
    const comments = await this.raw(ticketId);
    await this.tickets.visibility.memory.learn(
      new Map(comments.slice(0, 1).map((first) => [ticketId, first.public])),
    );
    if (comments.length === 0) return [];
    const marks = await this.marksOn(ticketId, comments);
    const people = await this.people.load(comments.map((comment) => comment.author_id));
    return comments.map((comment, place) =>
      commentRecord(
        comment,
        Number(ticketId),
        people,
        marks(comment),
        place === 0,
        comments.filter((other) => marks(other)[MARKS.of] === String(comment.id)),
      ),
    );
  }

  /**
   * The sync's marks on comments are in the comments' audits. Without its audit, a comment of the sync would look like a
   * person's, and would be copied back to the PMS.
   *
   * @throws RetryLater if a comment's audit is not shown
   */
  private async marksOn(
    ticketId: string,
    comments: readonly Comment[],
  ): Promise<(comment: Comment) => Record<string, Json>> {
    const audits = new Map((await this.shownAudits(ticketId)).map((audit) => [audit.id, audit]));
    const without = comments.find(({ audit_id: id }) => id != null && !audits.has(id));
    if (without)
      throw new RetryLater(
        `Zendesk GET ${auditsPath(ticketId)}: does not show audit ${without.audit_id} of comment ${without.id}`,
        { unknownOutcome: true },
      );
    return ({ audit_id: id }) => audits.get(id ?? -1)?.metadata?.custom ?? {};
  }

  /** The API's comments of a ticket; none if the ticket does not exist. */
  raw(ticketId: string): Promise<Comment[]> {
    return this.calls.pages(`/api/v2/tickets/${ticketId}/comments`, commentsPage, (page) => page.comments);
  }

  /**
   * The audits of a ticket: at least the audit of its creation.
   * https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_audits/
   *
   * @throws RecordGone if the ticket shows none
   */
  async auditsOf(ticketId: string): Promise<Audit[]> {
    const audits = await this.shownAudits(ticketId);
    if (audits.length === 0) throw new RecordGone(`zendesk:ticket:${ticketId} is gone: it shows no audits`);
    return audits;
  }

  private shownAudits(ticketId: string): Promise<Audit[]> {
    return this.calls.pages(auditsPath(ticketId), auditsPage, (page) => page.audits);
  }

  async create(values: Values, { idempotencyKey, backRef, staged = [] }: CreateOptions): Promise<SyncRecord> {
    const metadata = marksOf({ idempotencyKey, backRef });
    const path = `/api/v2/tickets/${textOf(values['ticket_id'] ?? '')}`;
    const uploads = staged.map(({ token }) => token);
    const sendAs = async (author: Person | null) => {
      const { comment, byline } = bodyOf(values, author);
      const marks = { ...metadata, ...(byline !== '' && { [MARKS.byline]: byline }) };
      const body = { ticket: { comment: { ...comment, uploads }, metadata: marks } };
      return this.add({ method: 'PUT', path, body });
    };
    try {
      return await this.withAuthor(values, sendAs);
    } catch (error) {
      if (error instanceof RecordGone) throw new ReferenceGone(error.message, 'ticket_id');
      throw error;
    }
  }

  /** @throws NeedsHuman for any other change */
  async makePrivate(ref: RecordRef, changes: Values): Promise<void> {
    const { ticketId, commentId: id } = parseCommentId(ref.id);
    if (Object.keys(changes).length > 0 && changes['public'] !== false) {
      throw new NeedsHuman(
        'immutable',
        `Zendesk comment ${ref.id}: it can only be made private, found a change of ${Object.keys(changes).join(', ')}`,
      );
    }
    if (changes['public'] !== false) return;
    const path = `/api/v2/tickets/${ticketId}/comments/${id}/make_private`;
    await this.calls.write({ method: 'PUT', path });
  }

  /** Safe to repeat, with the same idempotency key or after the link store was lost: see {@link saysAlready}. */
  async followUp(ref: RecordRef, values: Values, options: CreateOptions): Promise<void> {
    const body = guarded(`${EDITED} ${placeOf(ref)}\n\n${textOf(values['text'] ?? '')}`);
    checkLength(body);
    const audits = await this.auditsOf(ticketOf(ref));
    if (sentBefore(audits, options.idempotencyKey) || saysAlready(audits, options.backRef, body)) return;
    await this.say(ref, { body, public: values['public'] === true }, options);
  }

  /** Adds a comment of the sync that belongs to another comment or the description. @returns its audit */
  async say(
    ref: RecordRef,
    comment: { body: string; public: boolean; uploads?: string[] },
    { idempotencyKey, backRef }: Pick<CreateOptions, 'idempotencyKey' | 'backRef'>,
  ): Promise<Audit | null> {
    const of = ref.kind === 'comment' ? { [MARKS.of]: String(parseCommentId(ref.id).commentId) } : {};
    const metadata = { [MARKS.followUp]: backRef, [MARKS.idempotencyKey]: idempotencyKey, ...of };
    const path = `/api/v2/tickets/${ticketOf(ref)}`;
    return (await this.tickets.write({ method: 'PUT', path, body: { ticket: { comment, metadata } } })).audit;
  }

  /**
   * https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/#redact-ticket-comment-in-agent-workspace
   */
  async redact(ref: RecordRef): Promise<Comment> {
    const { ticketId, commentId: id } = parseCommentId(ref.id);
    const comments = await this.raw(ticketId);
    const comment = comments.find((each) => each.id === id);
    if (!comment) throw new RecordGone(`${refKey(ref)} is gone`);
    const html = (comment.html_body ?? '').replace(
      /^(\s*<div[^>]*>)([\s\S]*)(<\/div>\s*)$/,
      '$1<redact>$2</redact>$3',
    );
    const body = { ticket_id: Number(ticketId), html_body: html, external_attachment_urls: [] };
    const path = `/api/v2/comment_redactions/${id}`;
    await this.calls.write({ method: 'PUT', path, body, concerns: ticketId });
    return comment;
  }

  /**
   * https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/#incremental-ticket-event-export
   */
  async changes(cursor: string | null): Promise<ChangePage> {
    const query = { start_time: startTime(cursor), include: 'comment_events' };
    const page = await this.calls.http.get(eventExport, EVENTS, query);
    // The reference names the event, because an event is no record and has its own id.
    const events = parseEach(
      ticketEventSchema,
      page.ticket_events,
      `Zendesk GET ${EVENTS}: ticket_events`,
      (id) => ({
        side: 'zendesk',
        kind: 'ticket-event',
        id,
      }),
    );
    // Comments that such a page may lack are found by reading all comments of its tickets.
    const cutShort = isCutShort(page, cursor) ? events.records.map((event) => String(event.ticket_id)) : [];
    const { records, unreadable } = await this.inEvents(events.records, new Set(cutShort));
    return {
      records,
      unreadable: [...events.unreadable.map((each) => ({ ...each, ref: null })), ...unreadable],
      gone: [],
      ...position(page, cursor),
    };
  }

  /** @param reread tickets of which all comments are read */
  private async inEvents(events: TicketEvent[], reread: Set<string>): Promise<Parsed<SyncRecord>> {
    const comments: InEvent[] = [];
    const faulty: Unreadable[] = [];
    for (const event of events) {
      if (mayHavePrivacyChange(event)) reread.add(String(event.ticket_id));
      for (const child of event.child_events) {
        const type = child.event_type ?? child.type;
        if (type === 'Comment' || type === 'VoiceComment') {
          const { records: parsed, unreadable } = parseEach(
            commentSchema,
            [{ created_at: event.created_at, ...child }],
            `Zendesk GET ${EVENTS}: event ${event.id}`,
            (id) => ({ side: 'zendesk', kind: 'comment', id: `${event.ticket_id}-${id}` }),
          );
          comments.push(...parsed.map((raw) => ({ event, raw })));
          faulty.push(...unreadable);
        } else if (type != null && CHANGES_OF_COMMENTS.has(type)) reread.add(String(event.ticket_id));
      }
    }
    const people = await this.people.load(comments.map(({ raw }) => raw.author_id));
    const records = comments.map(({ raw, event }) =>
      commentRecord(raw, event.ticket_id, people, event.metadata?.custom ?? {}, isCreation(event)),
    );
    // The events do not contain the new content of these comments.
    for (const ticketId of reread) {
      const { records: all, unreadable } = await this.commentsOrWhyNot(ticketId);
      records.push(...all);
      faulty.push(...unreadable);
    }
    return {
      records: [...(await this.outdatedTickets(comments, reread)), ...records],
      unreadable: faulty,
    };
  }

  private async commentsOrWhyNot(ticketId: string): Promise<Parsed<SyncRecord>> {
    try {
      return { records: await this.ofTicket(ticketId), unreadable: [] };
    } catch (error) {
      if (!isOfOneRecord(error)) throw error;
      const name = `comments of zendesk:ticket:${ticketId}`;
      return { records: [], unreadable: [{ ref: null, name, reason: error.message, bytes: 0 }] };
    }
  }

  /** The first comment decides a ticket's visibility. @returns tickets that were returned with another visibility */
  private async outdatedTickets(
    comments: readonly InEvent[],
    reread: ReadonlySet<string>,
  ): Promise<SyncRecord[]> {
    const { memory: firstComments } = this.tickets.visibility;
    const visibility = new Map<string, boolean>();
    for (const { raw, event } of comments) {
      const ticketId = String(event.ticket_id);
      if (isCreation(event) && !visibility.has(ticketId)) visibility.set(ticketId, raw.public);
    }
    // Comments that were read after the event are newer than the event.
    for (const [id, isPublic] of await firstComments.recall([...reread], false)) visibility.set(id, isPublic);
    return visibility.size === 0 ? [] : this.tickets.outdated(await firstComments.learn(visibility));
  }

  /**
   * Sends a comment as its author if Zendesk knows the person: an agent, or a customer for a public comment. For other
   * people, the API's own user is the author. The author cannot be changed later, so a cached person who does not fit is
   * looked up again first.
   */
  private async withAuthor<T>(values: Values, send: (author: Person | null) => Promise<T>): Promise<T> {
    const { author } = values;
    if (typeof author !== 'string') return send(null);
    const isFit = (person: Person | null) => person !== null && (person.agent || values['public'] === true);
    const look = async (again: boolean) => {
      const person = await this.people.find(author, { again });
      return isFit(person) ? person : null;
    };
    const isCached = this.people.isCached(author);
    const known = (await look(false)) ?? (isCached ? await look(true) : null);
    if (!known) return send(null);
    try {
      return await send(known);
    } catch (error) {
      if (!(error instanceof NeedsHuman) || error.code !== 'invalid_field') throw error;
      const now = isCached ? await look(true) : null;
      return send(now?.id === known.id ? null : now);
    }
  }

  private async add(request: Request): Promise<SyncRecord> {
    const { ticket, audit } = await this.tickets.write(request);
    const event = audit?.events.find(
      (child) => (child.event_type ?? child.type) === 'Comment' || child.type === 'Comment',
    );
    if (!audit || event?.id === undefined) {
      throw new RetryLater(
        `Zendesk ${request.method} ${request.path}: the answer does not name the new comment`,
        { unknownOutcome: true },
      );
    }
    const parsed = commentSchema.safeParse({ created_at: audit.created_at, ...event });
    if (parsed.success) {
      const people = await this.people.load([parsed.data.author_id]);
      return commentRecord(parsed.data, ticket.id, people, audit.metadata?.custom ?? {}, false);
    }
    const ref: RecordRef = { side: 'zendesk', kind: 'comment', id: commentId(ticket.id, event.id) };
    const found = (await this.ofTicket(String(ticket.id))).find((each) => refKey(each.ref) === refKey(ref));
    if (!found)
      throw new RetryLater(`Zendesk ${request.path}: the new comment cannot be read yet`, {
        unknownOutcome: true,
      });
    return found;
  }
}

/** The body of a comment. If the API's own user is the author, the text begins with the real author's name. */
function bodyOf(values: Values, author: Person | null): { comment: Record<string, unknown>; byline: string } {
  const shown = textOf(values['author_name'] ?? values['author'] ?? '')
    .replace(/\s+/g, ' ')
    .trim();
  const byline = author || shown === '' ? '' : `${shown} wrote:\n\n`;
  const body = guarded(`${byline}${textOf(values['body'] ?? '')}`);
  checkLength(body);
  const isPublic = values['public'] === true;
  return { byline, comment: { body, public: isPublic, ...(author && { author_id: author.id }) } };
}

export function ticketOf(ref: RecordRef): string {
  return ref.kind === 'comment' ? parseCommentId(ref.id).ticketId : ref.id;
}

/** The name of the text that a follow-up belongs to. */
export function placeOf(ref: RecordRef): string {
  return ref.kind === 'comment' ? `comment ${parseCommentId(ref.id).commentId}` : 'description';
}

function auditsPath(ticketId: string): string {
  return `/api/v2/tickets/${ticketId}/audits`;
}

/** Finds an earlier attempt by its mark, because Zendesk supports no idempotency keys for comments. */
export function sentBefore(audits: readonly Audit[], idempotencyKey: string): Audit | undefined {
  return audits.find((audit) => audit.metadata?.custom?.[MARKS.idempotencyKey] === idempotencyKey);
}

/** @throws NeedsHuman for a text that Zendesk would truncate. It is not shortened, as nobody would notice the loss. */
function checkLength(body: string): void {
  const bytes = Buffer.byteLength(body);
  if (bytes <= COMMENT_BYTES) return;
  throw new NeedsHuman(
    'too_long',
    `Zendesk comment: found ${bytes} bytes, expected ${COMMENT_BYTES} at most`,
    'body',
  );
}
