import { z } from 'zod';
import {
  VIA_API,
  omit,
  type Attachment,
  type Audit,
  type AuditEvent,
  type Comment,
  type Fields,
} from './model';
import { badRequest, invalid, notFound } from './refusal';
import type { Store } from './store';
import { htmlOf, sanitised, textOf } from './text';

const COMMENT_LIMIT = 5_000;
/** 64 KB of text. https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/ */
const LENGTH_LIMIT = 65_536;
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

/** What an audit is made of besides the comment. */
export interface AuditParts {
  authorId: number | null;
  metadata: Fields;
  events: AuditEvent[];
  createdAt?: string;
  id?: number;
  via?: unknown;
}

/** Where the files are that a comment names by token. */
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

  /** @throws Refusal 422 where the comment could not be added */
  check(ticketId: number | null, { body, html_body: html, author_id: author }: CommentBody): void {
    if (ticketId !== null && this.of(ticketId).length >= COMMENT_LIMIT)
      throw invalid('base', `Ticket: has reached the limit of ${COMMENT_LIMIT} comments`, 'TooManyComments');
    if (author != null && !this.store.users.has(author))
      throw invalid('comment', 'Author: is not valid', 'InvalidValue');
    if ((html ?? body ?? '').length > LENGTH_LIMIT)
      throw invalid(
        'comment',
        `Comment: is too long (maximum is ${LENGTH_LIMIT} characters)`,
        'ValueTooLong',
      );
    if (body === undefined && html === undefined)
      throw invalid('comment', 'Comment: cannot be blank', 'BlankValue');
  }

  /** The audit's comment event refers to the comment, which may change later. */
  add(ticketId: number, given: CommentBody & { author_id: number | null }, audit: AuditParts): Audit {
    const body = bodyOf(given);
    return this.keep(
      ticketId,
      {
        author_id: given.author_id,
        body,
        html_body: given.html_body === undefined ? htmlOf(body) : sanitised(given.html_body),
        public: given.public ?? true,
        attachments: given.uploads.flatMap(this.uploads),
      },
      audit,
    );
  }

  /** Also for loaded rows, whose ticket may be missing. */
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
      metadata: { system: {}, custom: audit.metadata },
      ...fields,
      id: fields.id ?? this.store.newId(),
      audit_id: auditId,
      created_at: createdAt,
    };
    this.store.addComment(ticketId, comment);
    const events = [{ id: comment.id, type: 'Comment' }, ...audit.events];
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
      metadata: { system: {}, custom: metadata },
      events,
      via,
    };
    this.store.addAudit(audit);
    return audit;
  }

  /** An audit with its comment as that is now: what was redacted shows nowhere. */
  shownAudit(audit: Audit): Fields {
    const events = audit.events.map((event) => {
      if (event.type !== 'Comment') return event;
      const comment = this.store.commentById.get(event.id)?.comment;
      return comment ? omit(comment, 'created_at', 'metadata') : event;
    });
    return { ...audit, events };
  }

  /** Each character of the words becomes a block, as the older endpoint does it. */
  redactWords(comment: Comment, words: string): Comment {
    if (words === '') throw badRequest('InvalidParameter', 'text is empty');
    const hide = (text: string) => text.split(words).join(BLACK.repeat([...words].length));
    const body = hide(comment.body);
    return { ...comment, body, plain_body: hide(comment.plain_body), html_body: htmlOf(body) };
  }

  /** `html_body` is the comment's with `<redact>` around what goes; without it, all goes. */
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
    const redacted = { ...file, file_name: 'redacted.txt', content_type: 'text/plain', size: 0 };
    return {
      ...comment,
      attachments: comment.attachments.map((each) => (each === file ? redacted : each)),
    };
  }
}

/** HTML counts where both are given. */
export function bodyOf({ body, html_body: html }: CommentBody): string {
  return html === undefined ? (body ?? '') : textOf(html);
}
