import { z } from 'zod';
import { listZendesk, type JsonApi } from './jsonApi';

const id = z.union([z.number(), z.string()]).transform(String);
const idOrNull = z
  .union([z.number(), z.string(), z.null()])
  .optional()
  .transform((given) => (given == null ? null : String(given)));
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');

const zendeskComment = z.object({
  id,
  audit_id: idOrNull,
  body: text,
  public: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
  author_id: idOrNull,
  created_at: text,
});
const auditMetadata = z.object({ custom: z.record(z.string(), z.unknown()).nullish() }).nullish();
const zendeskAudit = z.object({ id, metadata: auditMetadata });

/** A ticket's comment with data from its audit. */
export interface CommentWithAudit extends z.infer<typeof zendeskComment> {
  ticketId: string;
  /** The ticket's first comment, which is its description. */
  first: boolean;
  /** The back-reference that an API client stored with the comment. */
  ref: string | null;
  followUp: boolean;
}

/** Reads a ticket's comments, oldest first, with data from their audits. */
export async function readComments(api: JsonApi, ticketId: string): Promise<CommentWithAudit[]> {
  const comments = await listZendesk(api, `/tickets/${ticketId}/comments.json`, 'comments', zendeskComment);
  // With only the first comment, the audits add nothing.
  const audits =
    comments.length > 1
      ? await listZendesk(api, `/tickets/${ticketId}/audits.json`, 'audits', zendeskAudit)
      : [];
  const custom = new Map(audits.map(({ id, metadata }) => [id, metadata?.custom ?? {}]));
  return comments.map((comment, n) => {
    const meta = custom.get(comment.audit_id ?? '') ?? {};
    const ref = meta['zps_ref'];
    const byline = meta['zps_byline'];
    return {
      ...comment,
      // Removes the author line that the sync writes for an author without a Zendesk account.
      body:
        typeof byline === 'string' && comment.body.startsWith(byline)
          ? comment.body.slice(byline.length)
          : comment.body,
      ticketId,
      first: n === 0,
      ref: typeof ref === 'string' ? ref : null,
      followUp: Boolean(meta['zps_follow_up']),
    };
  });
}
