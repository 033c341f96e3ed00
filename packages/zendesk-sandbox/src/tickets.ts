import { z } from 'zod';
import { Comments, bodyOf, commentBody, type CommentBody, type Uploads } from './comments';
import { CUSTOM_STATUSES, customStatusOf, mergeTicketFields } from './fields';
import {
  VIA_API,
  type Audit,
  type AuditEvent,
  type Comment,
  type Fields,
  type Ticket,
  type User,
} from './model';
import { Refusal, invalid, notFound, parseRecord } from './refusal';
import type { Store } from './store';
import { isoSeconds, normaliseTags, secondsOf } from './text';

const STATUSES = ['new', 'open', 'pending', 'hold', 'solved', 'closed'] as const;

const text = z.string().nullable();
const id = z.coerce.number().nullable();
const ids = z.array(z.coerce.number());
const person = z.looseObject({ email: z.email(), name: z.string().optional() });
const tags = z.union([z.array(z.string()), z.string().transform((list) => [list])]);
/** Copied as they are. */
const plain = {
  subject: text.optional(),
  priority: z
    .enum(['low', 'normal', 'high', 'urgent'], { error: 'is not included in the list' })
    .nullable()
    .optional(),
  type: z
    .enum(['question', 'incident', 'problem', 'task'], { error: 'is not included in the list' })
    .nullable()
    .optional(),
  external_id: text.optional(),
  recipient: text.optional(),
  problem_id: id.optional(),
  brand_id: z.coerce.number().optional(),
  ticket_form_id: z.coerce.number().optional(),
  collaborator_ids: ids.optional(),
  follower_ids: ids.optional(),
  email_cc_ids: ids.optional(),
};
const body = z.looseObject({
  ...plain,
  description: z.string().optional(),
  comment: commentBody.optional(),
  status: z.enum(STATUSES, { error: 'is not included in the list' }).optional(),
  custom_status_id: z.coerce.number().optional(),
  organization_id: id.optional(),
  requester_id: id.optional(),
  requester: person.optional(),
  submitter_id: id.optional(),
  assignee_id: id.optional(),
  assignee_email: z.string().nullable().optional(),
  group_id: id.optional(),
  due_at: z
    .string()
    .refine((time) => !Number.isNaN(Date.parse(time)), 'is not a date')
    .nullable()
    .optional(),
  tags: tags.optional(),
  additional_tags: tags.optional(),
  remove_tags: tags.optional(),
  custom_fields: z.array(z.looseObject({ id: z.coerce.number(), value: z.json() })).optional(),
  metadata: z.record(z.string(), z.json()).optional(),
  safe_update: z.union([z.boolean(), z.stringbool()]).optional(),
  updated_stamp: z.string().optional(),
});
type Body = z.output<typeof body>;
/** What applies to a ticket's own values. */
type Settable = Body;

/** What an update changes is compared in these; custom fields come one by one. */
const COMPARED = [
  'subject',
  'status',
  'priority',
  'type',
  'organization_id',
  'requester_id',
  'assignee_id',
  'group_id',
  'tags',
  'due_at',
  'external_id',
  'custom_status_id',
];
/** Event types whose name is not just the field's. https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events */
const EVENT_NAMES: Record<string, string> = {
  assignee_id: 'agent_assignment',
  group_id: 'group_assignment',
  organization_id: 'organization',
  requester_id: 'requester',
  due_at: 'task_due_at',
  custom_status_id: 'custom_status',
};

/** https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/ */
export class Tickets {
  readonly comments: Comments;
  private readonly deletions = new Map<number, { actor: User; at: string; status: string }>();

  constructor(
    private readonly store: Store,
    uploads: Uploads = () => [],
  ) {
    this.comments = new Comments(store, uploads);
  }

  get(ticketId: number): Ticket {
    const ticket = this.store.tickets.get(ticketId);
    if (!ticket || ticket.status === 'deleted') throw notFound();
    return ticket;
  }

  live(): Ticket[] {
    return [...this.store.tickets.values()].filter((ticket) => ticket.status !== 'deleted');
  }

  byExternalId(externalId: string): Ticket[] {
    const found = this.store.externalIds.ticket.get(externalId.toLowerCase()) ?? new Set();
    return [...found].flatMap((each) => this.store.tickets.get(each) ?? []);
  }

  create(input: unknown, actor: User): { ticket: Ticket; audit: Audit } {
    const { comment: given, metadata = {}, description, ...fields } = parseRecord(body, input);
    const comment = given ?? commentBody.parse({ body: description ?? '' });
    const words = bodyOf(comment);
    if (words.trim() === '' && comment.uploads.length === 0)
      throw invalid('base', 'Description: cannot be blank', 'BlankValue');
    this.comments.check(null, comment);
    const fresh = blankTicket(this.store.newTicketId(), this.store.baseUrl(), this.store.now());
    const requester = fields.requester ? null : (fields.requester_id ?? actor.id);
    const ticket = this.apply(
      {
        ...fresh,
        description: words,
        requester_id: requester,
        submitter_id: fields.submitter_id ?? actor.id,
        is_public: comment.public ?? true,
        custom_fields: mergeTicketFields(
          this.store.ticketFields,
          [],
          this.store.ticketFields.map((field) => ({ id: field.id, value: null })),
        ),
      },
      requester === null ? fields : { ...fields, requester_id: requester },
    );
    if (fields.organization_id === undefined)
      ticket.organization_id = this.store.users.get(ticket.requester_id ?? 0)?.organization_id ?? null;
    this.finish(ticket);
    ticket.updated_at = ticket.created_at;
    // "The submitter always becomes the author of the first comment"; by default that is the requester.
    const author = comment.author_id ?? fields.submitter_id ?? ticket.requester_id;
    const events = COMPARED.filter((key) => ticket[key] !== null).map((key) => ({
      id: this.store.newId(),
      type: 'Create',
      field_name: key,
      value: ticket[key],
    }));
    const audit = this.comments.add(
      ticket.id,
      { ...comment, author_id: author },
      { authorId: actor.id, metadata, events },
    );
    this.store.putTicket(ticket, null);
    this.announce('ticket.created', ticket, actor);
    return { ticket, audit };
  }

  /** @param tagsOnly where tags of closed tickets may change, as in Update Many Tickets */
  update(ticketId: number, input: unknown, actor: User, tagsOnly = false): { ticket: Ticket; audit: Audit } {
    const before = this.get(ticketId);
    const { comment, metadata = {}, ...fields } = parseRecord(body, input);
    if (before.status === 'closed') {
      // https://developer.zendesk.com/api-reference/ticketing/ticket-management/tags/#tag-endpoint-limitations
      const onlyTags = Object.keys(input as object).every((key) =>
        ['additional_tags', 'remove_tags'].includes(key),
      );
      if (!tagsOnly || !onlyTags)
        throw invalid('status', 'Status: closed prevents ticket update', 'InvalidValue');
    }
    checkStamp(before, fields);
    if (comment) this.comments.check(ticketId, comment);
    const ticket = this.apply(before, fields);
    this.finish(ticket);
    ticket.updated_at = this.store.now();
    if (comment && (comment.public ?? true)) ticket['is_public'] = true;
    const events = this.changes(before, ticket);
    const parts = { authorId: actor.id, metadata, events };
    const audit = comment
      ? this.comments.add(ticketId, { ...comment, author_id: comment.author_id ?? actor.id }, parts)
      : this.comments.audit(ticketId, parts);
    this.store.putTicket(ticket, before);
    this.announceChanges(ticket, actor, events, comment);
    return { ticket, audit };
  }

  remove(ticketId: number, actor: User): void {
    const before = this.get(ticketId);
    this.deletions.set(ticketId, { actor, at: this.store.now(), status: before.status });
    this.setStatus(before, 'deleted', actor);
    this.announce('ticket.soft_deleted', before, actor);
  }

  /** https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#list-deleted-tickets */
  deleted(): Fields[] {
    return [...this.store.tickets.values()]
      .filter((ticket) => ticket.status === 'deleted' && !this.store.purged.has(ticket.id))
      .map((ticket) => {
        const deletion = this.deletions.get(ticket.id);
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
    this.setStatus(before, this.deletions.get(ticketId)?.status ?? 'open', actor);
    this.deletions.delete(ticketId);
    this.announce('ticket.undeleted', this.get(ticketId), actor);
  }

  /** The export goes on to name the ticket, with nothing left in it. */
  removeForGood(ticketId: number, actor: User): void {
    const before = this.softDeleted(ticketId);
    this.store.forgetContent(ticketId);
    this.deletions.delete(ticketId);
    const scrubbed: Ticket = {
      ...blankTicket(ticketId, this.store.baseUrl(), before.created_at),
      subject: 'SCRUBBED',
      raw_subject: 'SCRUBBED',
      description: 'SCRUBBED',
      status: 'deleted',
      custom_status_id: before.custom_status_id,
      updated_at: this.store.now(),
      generated_timestamp: this.store.seconds(),
    };
    this.store.putTicket(scrubbed, before);
    this.announce('ticket.permanently_deleted', scrubbed, actor);
  }

  /** The losers are closed, with a comment that names the winner. */
  merge(
    winnerId: number,
    losers: number[],
    actor: User,
    words: {
      target?: string | undefined;
      source?: string | undefined;
      targetPublic: boolean;
      sourcePublic: boolean;
    },
  ): void {
    const winner = this.mergeable(winnerId);
    if (losers.length === 0 || losers.includes(winnerId))
      throw invalid('base', 'Merge: a ticket cannot be merged into itself', 'InvalidValue');
    for (const loser of losers) this.mergeable(loser);
    for (const loser of losers) {
      const source = words.source ?? `This request was closed and merged into request #${winnerId}.`;
      this.update(
        loser,
        {
          status: 'closed',
          comment: { body: source, public: words.sourcePublic },
          additional_tags: ['closed_by_merge'],
        },
        actor,
      );
      this.announce('ticket.merged', this.get(loser), actor, { target_ticket_id: String(winnerId) });
    }
    const names = losers.map((loser) => `#${loser}`).join(', ');
    const target = words.target ?? `Requests ${names} were closed and merged into this request.`;
    this.update(winner.id, { comment: { body: target, public: words.targetPublic } }, actor);
  }

  /** A system's own update: the export shows the ticket again, `updated_at` stays. */
  touch(ticketId: number): Ticket {
    const before = this.get(ticketId);
    const ticket = { ...before, generated_timestamp: this.store.seconds() };
    this.store.putTicket(ticket, before);
    return ticket;
  }

  /** Redaction and privacy: what may still be done to a comment. Closed tickets permit it, too. */
  changeComment(
    ticketId: number,
    commentId: number,
    actor: User,
    { type, event, change }: { type: string; event: string; change: (comment: Comment) => Comment },
  ): Comment {
    const before = this.get(ticketId);
    const comment = change(this.comments.get(ticketId, commentId));
    this.store.replaceComment(ticketId, comment);
    const ticket: Ticket = { ...before, updated_at: this.store.now() };
    // The description is the first comment.
    if (this.comments.of(ticketId)[0]?.id === commentId) ticket.description = comment.plain_body;
    this.finish(ticket);
    const events = [{ id: this.store.newId(), type, comment_id: commentId }];
    this.comments.audit(ticketId, { authorId: actor.id, metadata: {}, events });
    this.store.putTicket(ticket, before);
    this.announce(event, ticket, actor, { comment: { id: String(commentId) } });
    return comment;
  }

  private mergeable(ticketId: number): Ticket {
    const ticket = this.get(ticketId);
    if (ticket.status === 'closed')
      throw invalid('status', 'Status: closed prevents ticket update', 'InvalidValue');
    return ticket;
  }

  private softDeleted(ticketId: number): Ticket {
    const ticket = this.store.tickets.get(ticketId);
    if (ticket?.status !== 'deleted' || this.store.purged.has(ticketId)) throw notFound();
    return ticket;
  }

  private apply(before: Ticket, fields: Settable): Ticket {
    const after: Ticket = { ...before };
    for (const key of Object.keys(plain)) if (fields[key] !== undefined) after[key] = fields[key];
    after['raw_subject'] = after.subject;
    if (fields.due_at !== undefined)
      after['due_at'] = fields.due_at === null ? null : isoSeconds(secondsOf(fields.due_at));
    this.applyStatus(after, fields);
    this.applyReferences(after, fields);
    if (fields.tags) after.tags = normaliseTags(fields.tags);
    if (fields.additional_tags) after.tags = normaliseTags([...after.tags, ...fields.additional_tags]);
    if (fields.remove_tags) {
      const removed = new Set(normaliseTags(fields.remove_tags));
      after.tags = after.tags.filter((tag) => !removed.has(tag));
    }
    if (fields.custom_fields)
      after.custom_fields = mergeTicketFields(
        this.store.ticketFields,
        after.custom_fields,
        fields.custom_fields,
      );
    after['fields'] = after.custom_fields;
    // Last, when nothing can be refused any more: it may make a person.
    if (fields.requester)
      after.requester_id = this.store.personOf(fields.requester.email, fields.requester.name).id;
    return after;
  }

  private applyStatus(after: Ticket, { status, custom_status_id: custom }: Settable): void {
    if (custom !== undefined) {
      const known = CUSTOM_STATUSES.find((each) => each.id === custom);
      if (!known) throw invalid('custom_status_id', 'Custom status: is not valid', 'InvalidValue');
      after.status = known.status_category;
      after.custom_status_id = custom;
    }
    if (status !== undefined) after.status = status;
  }

  private applyReferences(after: Ticket, fields: Settable): void {
    if (fields.organization_id !== undefined) {
      const organization = this.store.organizations.get(fields.organization_id ?? 0);
      if (fields.organization_id !== null && (!organization || organization.deleted_at !== null))
        throw invalid('organization', 'Organization: is not valid', 'InvalidValue');
      after.organization_id = fields.organization_id;
    }
    if (fields.group_id !== undefined) {
      if (fields.group_id !== null && !this.store.groups.some((group) => group.id === fields.group_id))
        throw invalid('group', 'Group: is not valid', 'InvalidValue');
      after['group_id'] = fields.group_id;
    }
    if (fields.requester_id != null) {
      if (!this.store.users.has(fields.requester_id))
        throw invalid('requester', 'Requester: is not valid', 'InvalidValue');
      after.requester_id = fields.requester_id;
    }
    if (fields.submitter_id != null && !this.store.users.has(fields.submitter_id))
      throw invalid('submitter', 'Submitter: is not valid', 'InvalidValue');
    const assignee = this.assigneeOf(fields);
    if (assignee === undefined) return;
    if (assignee !== null && !this.store.isAgent(assignee))
      throw invalid('assignee', 'Assignee: is not an agent', 'InvalidValue');
    after.assignee_id = assignee;
    // Assigning a new ticket opens it.
    if (assignee !== null && after.status === 'new' && fields.status === undefined) after.status = 'open';
  }

  private assigneeOf({ assignee_id: assignee, assignee_email: email }: Settable): number | null | undefined {
    if (email === undefined) return assignee;
    return email === null ? null : (this.store.userByEmail.get(email.toLowerCase())?.id ?? -1);
  }

  private setStatus(before: Ticket, status: string, actor: User): void {
    const ticket: Ticket = { ...before, status, updated_at: this.store.now() };
    this.finish(ticket);
    this.comments.audit(before.id, {
      authorId: actor.id,
      metadata: {},
      events: this.changes(before, ticket),
    });
    this.store.putTicket(ticket, before);
  }

  private finish(ticket: Ticket): void {
    ticket.generated_timestamp = this.store.seconds();
    ticket.custom_status_id = customStatusOf(ticket.status, ticket.custom_status_id);
  }

  private changes(before: Ticket, after: Ticket): AuditEvent[] {
    const event = (field: string, previous: unknown, value: unknown): AuditEvent[] =>
      JSON.stringify(previous) === JSON.stringify(value)
        ? []
        : [{ id: this.store.newId(), type: 'Change', field_name: field, previous_value: previous, value }];
    const earlier = new Map(before.custom_fields.map((field) => [field.id, field.value]));
    return [
      ...COMPARED.flatMap((key) => event(key, before[key], after[key])),
      ...after.custom_fields.flatMap((field) =>
        event(String(field.id), earlier.get(field.id) ?? null, field.value),
      ),
    ];
  }

  private announceChanges(
    ticket: Ticket,
    actor: User,
    events: AuditEvent[],
    comment: CommentBody | undefined,
  ): void {
    const added = comment && this.comments.of(ticket.id).at(-1);
    if (added) {
      const shown = {
        id: String(added.id),
        body: added.body,
        is_public: added.public,
        author: { id: String(added.author_id) },
      };
      this.announce('ticket.comment_added', ticket, actor, { comment: shown });
    }
    for (const { field_name: field, previous_value: previous, value } of events) {
      const name = String(field);
      const isCustom = /^\d+$/.test(name);
      const change = { current: value, previous, ...(isCustom && { field: { id: name } }) };
      this.announce(
        `ticket.${isCustom ? 'custom_field' : (EVENT_NAMES[name] ?? name)}_changed`,
        ticket,
        actor,
        change,
      );
    }
    this.announce('ticket.updated', ticket, actor);
  }

  private announce(type: string, record: Ticket, actor: User, change: Fields = {}): void {
    this.store.onEvent({ type, kind: 'ticket', record, actorId: actor.id, change });
  }
}

/**
 * Compared to the second, because `updated_at` has no more.
 * https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#protecting-against-ticket-update-collisions
 */
function checkStamp(before: Ticket, { safe_update: safe, updated_stamp: stamp }: Settable): void {
  if (safe !== true) return;
  // Stricter than documented: a caller that asks for safety and forgets the stamp would have none.
  if (stamp === undefined) throw invalid('updated_stamp', 'Updated stamp: cannot be blank', 'BlankValue');
  if (secondsOf(stamp) === secondsOf(before.updated_at)) return;
  throw new Refusal(409, {
    error: 'UpdateConflict',
    description: `Safe Update prevented the update due to outdated ticket data: updated_stamp is ${stamp}, updated_at is ${before.updated_at}`,
  });
}

/** A ticket with every key that the live API returns. */
export function blankTicket(ticketId: number, baseUrl: string, now: string): Ticket {
  return {
    url: `${baseUrl}/tickets/${ticketId}.json`,
    id: ticketId,
    external_id: null,
    via: VIA_API,
    created_at: now,
    updated_at: now,
    generated_timestamp: secondsOf(now),
    type: null,
    subject: null,
    raw_subject: null,
    description: null,
    priority: null,
    status: 'new',
    recipient: null,
    requester_id: null,
    submitter_id: null,
    assignee_id: null,
    organization_id: null,
    group_id: null,
    collaborator_ids: [],
    follower_ids: [],
    email_cc_ids: [],
    forum_topic_id: null,
    problem_id: null,
    has_incidents: false,
    is_public: true,
    due_at: null,
    tags: [],
    custom_fields: [],
    satisfaction_rating: { score: 'unoffered' },
    sharing_agreement_ids: [],
    custom_status_id: customStatusOf('new', 0),
    fields: [],
    followup_ids: [],
    ticket_form_id: 360000084116,
    deleted_ticket_form_id: null,
    brand_id: 360000358316,
    allow_channelback: false,
    allow_attachments: true,
    from_messaging_channel: false,
  };
}
