import { z } from 'zod';
import { VIA_API, type Attachment, type Audit, type AuditEvent, type Comment, type Fields } from '../model';
import { badRequest, invalid, notFound } from '../refusal';
import { cut, plainText, withoutPlaceholders } from '../rules/commentText';
import { redactedFile } from '../rules/redaction';
import { visibilityOf } from '../rules/visibility';
import type { Store } from '../store';
import { htmlOf, sanitised, textOf } from '../text';

const COMMENT_LIMIT = 5_000;
const BLACK = '▇';

export const commentBody = z.looseObject({
  body: z.string().optional(),
  html_body: z.string().optional(),
  public: z.boolean().optional(),
  author_id: z.coerce.number().nullish(),
  uploads: z
    .union([z.string(), z.array(z.string())])
    .default([])
    .transform((tokens) => (typeof tokens === 'string' ? [tokens] : tokens)),
});
export type CommentBody = z.output<typeof commentBody>;

/** The parts of an audit in addition to its comment. */
export interface AuditParts {
  authorId: number | null;
  metadata: Fields;
  events: AuditEvent[];
  createdAt?: string;
  id?: number;
  via?: unknown;
}

/** Finds the files that a comment names by token. */
export type Uploads = (token: string) => Attachment[];

/** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/ */
export class Comments {
  constructor(
    private readonly store: Store,
    private readonly uploads: Uploads,
  ) {}

  of(ticketId: number): Comment[] {
    return this.store.comments.get(ticketId) ?? [];
  }

  get(ticketId: number, commentId: number): Comment {
    const found = this.store.commentById.get(commentId);
    if (found?.ticketId !== ticketId) throw notFound();
    return found.comment;
  }

  /** @throws Refusal 422 if the comment is invalid */
  check(ticketId: number | null, { body, html_body: html, author_id: author }: CommentBody): void {
    if (ticketId !== null && this.of(ticketId).length >= COMMENT_LIMIT)
      throw invalid('base', `Ticket: has reached the limit of ${COMMENT_LIMIT} comments`, 'TooManyComments');
    if (author != null && !this.store.users.has(author))
      throw invalid('comment', 'Author: is not valid', 'InvalidValue');
    if (body === undefined && html === undefined)
      throw invalid('comment', 'Comment: cannot be blank', 'BlankValue');
  }

  /** The audit's comment event refers to the comment, which may change later. */
  add(ticketId: number, given: CommentBody & { author_id: number | null }, audit: AuditParts): Audit {
    const { body, html } = this.textOf(given, this.store.tickets.get(ticketId) ?? { id: ticketId });
    return this.keep(
      ticketId,
      {
        author_id: given.author_id,
        body,
        html_body: html ?? htmlOf(body),
        public: visibilityOf(given.public, this.of(ticketId)[0], this.store.rules),
        attachments: given.uploads.flatMap(this.uploads),
      },
      audit,
    );
  }

  /** The stored texts of a comment. If a request contains both texts, the HTML counts. */
  textOf({ body = '', html_body: html }: CommentBody, ticket: Fields): { body: string; html: string | null } {
    const { plainText: isOn } = this.store.rules;
    if (html === undefined) return { body: cut(isOn ? plainText(body, ticket) : body), html: null };
    const safe = sanitised(cut(isOn ? withoutPlaceholders(html, ticket) : html));
    return { body: textOf(safe), html: safe };
  }

  /** Stores a comment; also used for loaded rows, whose ticket may be missing. */
  keep(
    ticketId: number,
    fields: Partial<Comment> & { author_id: number | null; body: string; public: boolean },
    { id: auditId = this.store.newId(), createdAt = this.store.now(), ...audit }: AuditParts,
  ): Audit {
    const comment: Comment = {
      type: 'Comment',
      html_body: htmlOf(fields.body),
      plain_body: fields.body,
      attachments: [],
      via: audit.via ?? VIA_API,
      via_reference_id: null,
      metadata: { system: SYSTEM, custom: audit.metadata },
      ...fields,
      id: fields.id ?? this.store.newId(),
      audit_id: auditId,
      created_at: createdAt,
    };
    this.store.addComment(ticketId, comment);
    const events = [{ id: comment.id, type: comment.type }, ...audit.events];
    return this.audit(ticketId, { ...audit, id: auditId, createdAt, events });
  }

  audit(
    ticketId: number,
    {
      id = this.store.newId(),
      createdAt = this.store.now(),
      authorId,
      metadata,
      events,
      via = VIA_API,
    }: AuditParts,
  ): Audit {
    const audit = {
      id,
      ticket_id: ticketId,
      created_at: createdAt,
      author_id: authorId,
      metadata: { system: { ...SYSTEM, transaction_id: transactionId(id) }, custom: metadata },
      events,
      via,
    };
    this.store.addAudit(audit);
    return audit;
  }

  /** Replaces each character of the words by a block, like the older endpoint. */
  redactWords(comment: Comment, words: string): Comment {
    if (words === '') throw badRequest('InvalidParameter', 'text is empty');
    const hide = (text: string) => text.split(words).join(BLACK.repeat([...words].length));
    const body = hide(comment.body);
    return { ...comment, body, plain_body: hide(comment.plain_body), html_body: htmlOf(body) };
  }

  /** Redacts the parts of `html_body` inside of `<redact>`; without `html_body`, the whole comment. */
  redactMarked(comment: Comment, html: string | undefined): Comment {
    const marked = [...(html ?? '').matchAll(/<redact\b[^>]*>([\s\S]*?)<\/redact>/g)].map(([, inner = '']) =>
      textOf(inner),
    );
    const words = marked.length > 0 ? marked : [comment.body];
    return words
      .filter((each) => each !== '')
      .reduce((redacted, each) => this.redactWords(redacted, each), comment);
  }

  redactAttachment(comment: Comment, attachmentId: number): Comment {
    const file = comment.attachments.find(({ id }) => id === attachmentId);
    if (!file) throw notFound();
    const redacted = redactedFile(file);
    return {
      ...comment,
      attachments: comment.attachments.map((each) => (each === file ? redacted : each)),
    };
  }
}

/** The origin of a request, as answers contain it (rules 37 and 38). */
const SYSTEM: Fields = { client: null, ip_address: null, location: null, latitude: null, longitude: null };

/** An id like a ULID, derived from the audit's id. */
const transactionId = (id: number): string => `01SANDBOX${String(id).padStart(17, '0')}`.slice(0, 26);
