import { z } from 'zod';
import {
  Refusal,
  escapeHtml,
  invalid,
  isoSeconds,
  normaliseTags,
  notFound,
  type Audit,
  type Comment,
  type Fields,
  type Json,
  type Store,
  type Ticket,
  type User,
} from './store';

const STATUSES = ['new', 'open', 'pending', 'hold', 'solved', 'closed'] as const;
const COMMENT_LIMIT = 5_000;
const CUSTOM_STATUS: Record<string, number> = {
  new: 1,
  open: 2,
  pending: 3,
  hold: 4,
  solved: 5,
  closed: 5,
  deleted: 6,
};

const text = z.string().nullable();
const id = z.coerce.number().nullable();
const commentBody = z.looseObject({
  body: z.string().optional(),
  html_body: z.string().optional(),
  public: z.boolean().default(true),
  author_id: id.optional(),
  uploads: z.array(z.string()).default([]),
});
const body = z.looseObject({
  subject: text.optional(),
  description: z.string().optional(),
  comment: commentBody.optional(),
  status: z.enum(STATUSES, { error: 'is not included in the list' }).optional(),
  priority: z.enum(['low', 'normal', 'high', 'urgent']).nullable().optional(),
  type: z.enum(['question', 'incident', 'problem', 'task']).nullable().optional(),
  external_id: text.optional(),
  organization_id: id.optional(),
  requester_id: id.optional(),
  requester: z.looseObject({ email: z.email(), name: z.string().optional() }).optional(),
  submitter_id: id.optional(),
  assignee_id: id.optional(),
  assignee_email: z.string().nullable().optional(),
  group_id: id.optional(),
  due_at: text.optional(),
  tags: z.array(z.string()).optional(),
  additional_tags: z.array(z.string()).optional(),
  remove_tags: z.array(z.string()).optional(),
  custom_fields: z.array(z.looseObject({ id: z.number(), value: z.json() })).optional(),
  metadata: z.record(z.string(), z.json()).optional(),
  safe_update: z.union([z.boolean(), z.literal('true')]).optional(),
  updated_stamp: z.string().optional(),
});
type Body = z.output<typeof body>;

/** https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/ */
export class Tickets {
  /** Uploaded files, by token. */
  readonly uploads = new Map<string, Fields>();
  /** Their contents. */
  readonly files = new Map<string, Buffer>();

  constructor(
    private readonly store: Store,
    private readonly baseUrl: () => string,
  ) {}

  get(ticketId: number): Ticket {
    const ticket = this.store.tickets.get(ticketId);
    if (!ticket || ticket.status === 'deleted') throw notFound();
    return ticket;
  }

  byExternalId(externalId: string): Ticket[] {
    const ids = this.store.externalIds.ticket.get(externalId) ?? new Set();
    return [...ids].flatMap((each) => this.store.tickets.get(each) ?? []);
  }

  comments(ticketId: number): Comment[] {
    this.get(ticketId);
    return this.store.comments.get(ticketId) ?? [];
  }

  audits(ticketId: number): Audit[] {
    this.get(ticketId);
    return this.store.audits.get(ticketId) ?? [];
  }

  create(input: unknown, actor: User, channel = 'api'): { ticket: Ticket; audit: Audit } {
    const fields = this.parse(input);
    const comment =
      fields.comment ??
      (fields.description === undefined ? undefined : commentBody.parse({ body: fields.description }));
    const words = comment && plain(comment);
    if (!comment || words === undefined || words.trim() === '')
      throw invalid('base', 'Description: cannot be blank', 'BlankValue');
    const ticketId = this.store.newTicketId();
    const now = this.store.now();
    const requester = fields.requester
      ? this.store.personOf(fields.requester.email, fields.requester.name).id
      : (fields.requester_id ?? actor.id);
    if (!this.store.users.has(requester))
      throw invalid('requester', 'Requester: is not valid', 'InvalidValue');
    const fresh: Ticket = {
      ...blank(ticketId, this.baseUrl(), now, channel),
      subject: null,
      description: words,
      requester_id: requester,
      submitter_id: fields.submitter_id ?? actor.id,
      organization_id:
        (this.store.users.get(requester)?.['organization_id'] as number | null | undefined) ?? null,
      is_public: comment.public,
      custom_fields: this.store.ticketFields.map((field) => ({ id: field.id, value: null })),
    };
    const { metadata, ...rest } = fields;
    const ticket = this.apply(fresh, rest, true);
    // Assigning a new ticket opens it.
    if (ticket.assignee_id !== null && fields.status === undefined) ticket.status = 'open';
    finish(ticket, this.store.seconds());
    const author = comment.author_id ?? requester;
    const events = [{ type: 'Create', event_type: 'Create', field_name: 'status', value: ticket.status }];
    const audit = this.record(ticket, actor, metadata ?? {}, events, { ...comment, author_id: author });
    this.store.putTicket(ticket, null);
    this.store.onEvent('ticket.created', `ticket:${ticketId}`, {});
    return { ticket, audit };
  }

  update(ticketId: number, input: unknown, actor: User): { ticket: Ticket; audit: Audit } {
    const before = this.get(ticketId);
    const fields = this.parse(input);
    if (before.status === 'closed')
      throw invalid('status', 'Status: closed prevents ticket update', 'InvalidValue');
    if (
      fields.safe_update !== undefined &&
      fields.safe_update !== false &&
      fields.updated_stamp !== undefined
    ) {
      if (Date.parse(fields.updated_stamp) !== Date.parse(before.updated_at)) {
        throw new Refusal(409, {
          error: 'UpdateConflict',
          description: `Safe Update prevented the update due to outdated ticket data: updated_stamp is ${fields.updated_stamp}, updated_at is ${before.updated_at}`,
        });
      }
    }
    const { comment, metadata, ...rest } = fields;
    if (comment && (this.store.comments.get(ticketId)?.length ?? 0) >= COMMENT_LIMIT) {
      throw invalid('base', `Ticket: has reached the limit of ${COMMENT_LIMIT} comments`, 'TooManyComments');
    }
    const ticket = this.apply(before, rest, false);
    finish(ticket, this.store.seconds());
    ticket.updated_at = this.store.now();
    const events = changeEvents(before, ticket);
    const audit = this.record(
      ticket,
      actor,
      metadata ?? {},
      events,
      comment && { ...comment, author_id: comment.author_id ?? actor.id },
    );
    this.store.putTicket(ticket, before);
    if (comment) this.store.onEvent('ticket.comment_added', `ticket:${ticketId}`, {});
    for (const event of events)
      this.store.onEvent(`ticket.${String(event['field_name'])}_changed`, `ticket:${ticketId}`, {});
    return { ticket, audit };
  }

  remove(ticketId: number): void {
    const before = this.get(ticketId);
    this.setStatus(before, 'deleted', { status_before_deletion: before.status });
    this.store.onEvent('ticket.soft_deleted', `ticket:${ticketId}`, {});
  }

  restore(ticketId: number): void {
    const before = this.store.tickets.get(ticketId);
    if (before?.status !== 'deleted') throw notFound();
    this.setStatus(before, (before['status_before_deletion'] as string | undefined) ?? 'open', {});
    this.store.onEvent('ticket.undeleted', `ticket:${ticketId}`, {});
  }

  removeForGood(ticketId: number): void {
    if (this.store.tickets.get(ticketId)?.status !== 'deleted') throw notFound();
    this.store.tickets.delete(ticketId);
    this.store.comments.delete(ticketId);
  }

  /** The losers are closed with a comment that names the winner. */
  merge(winnerId: number, losers: number[], actor: User): void {
    const winner = this.get(winnerId);
    for (const loserId of losers) {
      this.update(
        loserId,
        { comment: { body: `This request was closed and merged into request #${winnerId}.`, public: false } },
        actor,
      );
      this.setStatus(this.get(loserId), 'closed', { merged_into: winnerId });
      this.store.onEvent('ticket.merged', `ticket:${loserId}`, { target_ticket_id: winnerId });
    }
    const names = losers.map((loser) => `#${loser}`).join(', ');
    this.update(
      winner.id,
      { comment: { body: `Requests ${names} were closed and merged into this request.`, public: false } },
      actor,
    );
  }

  /** Replaces a comment's text; the original is gone for good. */
  redact(ticketId: number, commentId: number, words: string | null, actor: User): Comment {
    return this.changeComment(ticketId, commentId, actor, 'CommentRedactionEvent', (comment) => {
      const body = words === null ? '▇'.repeat(8) : comment.body.split(words).join('▇'.repeat(words.length));
      return { ...comment, body, plain_body: body, html_body: html(body) };
    });
  }

  makePrivate(ticketId: number, commentId: number, actor: User): Comment {
    return this.changeComment(ticketId, commentId, actor, 'CommentPrivacyChange', (comment) => ({
      ...comment,
      public: false,
    }));
  }

  findComment(commentId: number): { ticketId: number; comment: Comment } | null {
    for (const [ticketId, comments] of this.store.comments) {
      const comment = comments.find((each) => each.id === commentId);
      if (comment) return { ticketId, comment };
    }
    return null;
  }

  /** Adds a comment and its audit without a ticket's rules; also for loaded rows whose ticket is missing. */
  addComment(
    ticketId: number,
    fields: Partial<Comment> & { body: string; author_id: number | null; public: boolean },
    createdAt: string,
    metadata: Fields,
    events: Fields[],
  ): Audit {
    const auditId = this.store.newId();
    const comment: Comment = {
      type: 'Comment',
      html_body: html(fields.body),
      plain_body: fields.body,
      attachments: [],
      via: { channel: 'api', source: { from: {}, to: {}, rel: null } },
      metadata: {},
      ...fields,
      id: fields.id ?? this.store.newId(),
      audit_id: auditId,
      created_at: createdAt,
    };
    this.store.comments.set(ticketId, [...(this.store.comments.get(ticketId) ?? []), comment]);
    const audit: Audit = {
      id: auditId,
      ticket_id: ticketId,
      created_at: createdAt,
      author_id: comment.author_id,
      metadata: { system: {}, custom: metadata },
      events: [...events, { ...comment, event_type: 'Comment' }],
      via: comment['via'],
    };
    this.store.addAudit(audit);
    return audit;
  }

  private changeComment(
    ticketId: number,
    commentId: number,
    actor: User,
    event: string,
    change: (comment: Comment) => Comment,
  ): Comment {
    const before = this.get(ticketId);
    const comments = this.comments(ticketId);
    const known = comments.find((comment) => comment.id === commentId);
    if (!known) throw notFound();
    const comment = change(known);
    this.store.comments.set(
      ticketId,
      comments.map((each) => (each.id === commentId ? comment : each)),
    );
    const events = [{ id: this.store.newId(), type: event, event_type: event, comment_id: commentId }];
    this.record(before, actor, {}, events, undefined);
    const ticket = { ...before, updated_at: this.store.now() };
    finish(ticket, this.store.seconds());
    this.store.putTicket(ticket, before);
    return comment;
  }

  private parse(input: unknown): Body {
    const result = body.safeParse(input);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    const field = String(issue?.path[0] ?? 'base');
    throw invalid(field, `${field}: ${issue?.message ?? 'is invalid'}`, 'InvalidValue');
  }

  private apply(before: Ticket, fields: Body, fresh: boolean): Ticket {
    const after: Ticket = { ...before };
    for (const key of [
      'subject',
      'priority',
      'type',
      'external_id',
      'due_at',
      'group_id',
      'status',
    ] as const) {
      if (fields[key] !== undefined) Object.assign(after, { [key]: fields[key] });
    }
    after['raw_subject'] = after.subject;
    if (fields.due_at) after['due_at'] = isoSeconds(Math.floor(Date.parse(fields.due_at) / 1000));
    if (fields.organization_id !== undefined) {
      if (fields.organization_id !== null && !this.store.organizations.has(fields.organization_id)) {
        throw invalid('organization', 'Organization: is not valid', 'InvalidValue');
      }
      after.organization_id = fields.organization_id;
    }
    if (fields.requester && !fresh)
      after.requester_id = this.store.personOf(fields.requester.email, fields.requester.name).id;
    else if (fields.requester_id) after.requester_id = fields.requester_id;
    const assignee =
      fields.assignee_email === null
        ? null
        : fields.assignee_email
          ? (this.store.userByEmail.get(fields.assignee_email.toLowerCase())?.id ?? -1)
          : fields.assignee_id;
    if (assignee !== undefined) {
      if (assignee !== null && !this.store.isAgent(assignee))
        throw invalid('assignee', 'Assignee: is not an agent', 'InvalidValue');
      after.assignee_id = assignee;
      if (assignee !== null && after.status === 'new' && fields.status === undefined) after.status = 'open';
    }
    if (fields.tags) after.tags = normaliseTags(fields.tags);
    if (fields.additional_tags) after.tags = normaliseTags([...after.tags, ...fields.additional_tags]);
    if (fields.remove_tags) {
      const removed = new Set(normaliseTags(fields.remove_tags));
      after.tags = after.tags.filter((tag) => !removed.has(tag));
    }
    if (fields.custom_fields)
      after.custom_fields = this.customFields(after.custom_fields, fields.custom_fields);
    after['fields'] = after.custom_fields;
    return after;
  }

  private customFields(
    before: Ticket['custom_fields'],
    given: { id: number; value: Json }[],
  ): Ticket['custom_fields'] {
    const values = new Map(before.map((field) => [field.id, field.value]));
    for (const { id: fieldId, value } of given) {
      const field = this.store.ticketFields.find((each) => each.id === fieldId);
      if (!field) continue;
      if (field.type === 'tagger' && value !== null && !field.options.includes(String(value))) {
        throw invalid('base', `${field.title}: ${String(value)} is not a valid option`, 'InvalidFieldValue');
      }
      values.set(fieldId, value);
    }
    return [...values].map(([fieldId, value]) => ({ id: fieldId, value }));
  }

  private setStatus(before: Ticket, status: string, extra: Fields): void {
    const ticket: Ticket = { ...before, ...extra, status, updated_at: this.store.now() };
    finish(ticket, this.store.seconds());
    this.store.putTicket(ticket, before);
  }

  private record(
    ticket: Ticket,
    actor: User,
    metadata: Fields,
    events: Fields[],
    comment: (z.output<typeof commentBody> & { author_id: number | null }) | undefined,
  ): Audit {
    const now = this.store.now();
    if (comment) {
      if (comment.author_id !== null && !this.store.users.has(comment.author_id))
        throw invalid('comment', 'Author: is not valid', 'InvalidValue');
      const attachments = comment.uploads
        .map((token) => this.uploads.get(token))
        .filter((file) => file !== undefined);
      const fields = {
        body: plain(comment),
        public: comment.public,
        author_id: comment.author_id,
        attachments,
        ...(comment.html_body !== undefined && {
          html_body: `<div class="zd-comment" dir="auto">${comment.html_body}</div>`,
        }),
      };
      return this.addComment(ticket.id, fields, now, metadata, events);
    }
    const audit: Audit = {
      id: this.store.newId(),
      ticket_id: ticket.id,
      created_at: now,
      author_id: actor.id,
      metadata: { system: {}, custom: metadata },
      events,
      via: { channel: 'api', source: { from: {}, to: {}, rel: null } },
    };
    this.store.addAudit(audit);
    return audit;
  }
}

/** A ticket with every key that the live API returns. */
export function blank(ticketId: number, baseUrl: string, now: string, channel: string): Ticket {
  return {
    url: `${baseUrl}/tickets/${ticketId}.json`,
    id: ticketId,
    external_id: null,
    via: { channel, source: { from: {}, to: {}, rel: null } },
    created_at: now,
    updated_at: now,
    generated_timestamp: Math.floor(Date.parse(now) / 1000),
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
    custom_status_id: 1,
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

function finish(ticket: Ticket, seconds: number): void {
  ticket.generated_timestamp = seconds;
  ticket['custom_status_id'] = CUSTOM_STATUS[ticket.status] ?? 1;
}

function plain(comment: { body?: string | undefined; html_body?: string | undefined }): string {
  return comment.body ?? (comment.html_body ?? '').replace(/<br\s*\/?>/g, '\n').replace(/<[^>]*>/g, '');
}

function html(words: string): string {
  return `<div class="zd-comment" dir="auto">${escapeHtml(words).replace(/\n/g, '<br>')}<br></div>`;
}

function changeEvents(before: Ticket, after: Ticket): Fields[] {
  const compared = [
    'subject',
    'status',
    'priority',
    'type',
    'organization_id',
    'requester_id',
    'assignee_id',
    'tags',
    'due_at',
    'external_id',
  ];
  return compared
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((key) => ({
      type: 'Change',
      event_type: 'Change',
      field_name: key,
      previous_value: before[key],
      value: after[key],
    }));
}
