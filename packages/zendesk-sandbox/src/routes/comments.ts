import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { includesOf } from '../exports/sideloads';
import type { AuditEvent, Comment, Fields } from '../model';
import { parseRequest } from '../refusal';
import { isArchived } from '../rules/archive';
import { checkOlderRedaction, fileRedactionEvent, redactionEvent } from '../rules/redaction';
import { shownAudit } from '../tickets/ticketAudits';
import { idOf, listing, queryOf, type Context } from './context';

const redaction = z.looseObject({
  ticket_id: z.coerce.number(),
  html_body: z.string().optional(),
  external_attachment_urls: z.array(z.string()).default([]),
});
const wordsBody = z.looseObject({ text: z.string().min(1) });

/**
 * There is no endpoint to create comments: a ticket's create or update contains them.
 * https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/
 */
export function commentRoutes(api: FastifyInstance, context: Context): void {
  readRoutes(api, context);
  privacyRoutes(api, context);
  redactionRoutes(api, context);
}

/** Sorts oldest first by default. */
const ordered = <T>(items: readonly T[], request: FastifyRequest): T[] => {
  const query = queryOf(request);
  return query['sort_order'] === 'desc' || query['sort'] === '-created_at'
    ? [...items].reverse()
    : [...items];
};

type Change = (
  request: FastifyRequest,
  event: Omit<AuditEvent, 'id'> & { type: string },
  news: string,
  how: (comment: Comment) => Comment,
  ticketId?: number,
) => Comment;

const changing =
  ({ tickets, actor }: Context): Change =>
  (request, { type, ...more }, event, change, ticketId = idOf(request)) =>
    tickets.changeComment(ticketId, idOf(request, 'comment'), actor(request), { type, event, change, more });

function readRoutes(api: FastifyInstance, context: Context): void {
  const { tickets } = context;
  const { comments } = tickets;
  const list = listing(context);
  api.get('/tickets/:id/comments', async (request) => {
    const { id } = tickets.get(idOf(request));
    const page = list(request, 'comments', ordered(comments.of(id), request));
    if (!includesOf(queryOf(request)).includes('users')) return page;
    // Rule 63: the authors.
    const authors = new Set((page['comments'] as Comment[]).map(({ author_id: author }) => author ?? 0));
    const people = [...authors].flatMap((author) => context.store.users.get(author) ?? []);
    return { ...page, users: people.map((each) => context.users.shown(each)) };
  });
  api.get('/tickets/:id/comments/count', async (request) => {
    const { id, updated_at: at } = tickets.get(idOf(request));
    return { count: { value: comments.of(id).length, refreshed_at: at } };
  });
  api.get('/tickets/:id/audits', async (request) => {
    const ticket = tickets.get(idOf(request));
    const audits = ordered(context.store.audits.get(ticket.id) ?? [], request);
    const shown = audits.map((audit) => shownAudit(context.store, audit));
    return isArchived(context.store, ticket) ? { audits: shown } : list(request, 'audits', shown);
  });
  api.get('/ticket_audits', async (request) => context.exports.audits(queryOf(request)));
}

function privacyRoutes(api: FastifyInstance, context: Context): void {
  const { comments } = context.tickets;
  const change = changing(context);
  const makePrivate = (request: FastifyRequest) => {
    const event = { type: 'CommentPrivacyChange', comment_id: idOf(request, 'comment'), public: false };
    const hide = (comment: Comment) => ({ ...comment, public: false });
    change(request, event, 'ticket.comment_made_private', hide);
  };
  // Rule 21: an empty body.
  api.put('/tickets/:id/comments/:comment/make_private', async (request, reply) => {
    makePrivate(request);
    return reply.code(200).send('');
  });
  api.put('/tickets/:id/audits/:audit/make_private', async (request, reply) => {
    const audit = idOf(request, 'audit');
    const comment = comments.of(idOf(request)).find((each) => each.audit_id === audit);
    Object.assign(request.params as object, { comment: String(comment?.id) });
    makePrivate(request);
    return reply.code(200).send('');
  });
}

function redactionRoutes(api: FastifyInstance, context: Context): void {
  const { tickets, uploads } = context;
  const { comments } = tickets;
  const change = changing(context);
  const redact = (request: FastifyRequest, how: (comment: Comment) => Comment, ticketId?: number): Fields => {
    const event = redactionEvent(idOf(request, 'comment'));
    return { comment: change(request, event, 'ticket.comment_redacted', how, ticketId) };
  };
  api.put('/tickets/:id/comments/:comment/redact', async (request) => {
    const { text } = parseRequest(wordsBody, request.body);
    checkOlderRedaction(tickets.get(idOf(request)).status);
    return redact(request, (comment) => comments.redactWords(comment, text));
  });
  api.put('/tickets/:id/comments/:comment/attachments/:attachment/redact', async (request) => {
    const attachment = idOf(request, 'attachment');
    checkOlderRedaction(tickets.get(idOf(request)).status);
    const before = comments.get(idOf(request), idOf(request, 'comment'));
    change(
      request,
      fileRedactionEvent(before.id, attachment),
      'ticket.attachment_redacted_from_comment',
      (each) => comments.redactAttachment(each, attachment),
    );
    uploads.forget(attachment);
    // The answer shows the file before its redaction (rule 22 [R ZP]).
    return { attachment: before.attachments.find(({ id }) => id === attachment) };
  });
  api.put('/comment_redactions/:comment', async (request) => {
    const {
      ticket_id: ticketId,
      html_body: html,
      external_attachment_urls: urls,
    } = parseRequest(redaction, request.body);
    return redact(
      request,
      (comment) => {
        const files = comment.attachments.filter(({ content_url: url }) => urls.includes(url));
        for (const { id } of files) uploads.forget(id);
        const stripped = files.reduce((each, { id }) => comments.redactAttachment(each, id), comment);
        // The request names only files, so the text remains.
        return html === undefined && files.length > 0 ? stripped : comments.redactMarked(stripped, html);
      },
      ticketId,
    );
  });
}
