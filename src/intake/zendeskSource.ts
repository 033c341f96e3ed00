import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { ChangeHint } from '../links/hintStore';
import { ORDER_OF_CREATION } from '../sync/rules/echo';
import { type Event, type Source, irrelevant } from './source';

/**
 * Deliveries of Zendesk: from a webhook with subscribed events, or from a webhook that a trigger calls with the body of
 * docs/webhooks.md. Only ids are taken from them; the records are read through the API.
 *
 * https://developer.zendesk.com/documentation/webhooks/verifying/
 * https://developer.zendesk.com/api-reference/webhooks/event-types/webhook-event-types/
 */

const PREFIX = 'zen:event-type:';
/** Ids are strings or numbers. A Liquid placeholder without a value is an empty string. */
const id = z
  .union([z.string().regex(/^[1-9]\d{0,18}$/), z.number().int().positive()])
  .transform((value) => String(value));
const optionalId = z.union([id, z.literal('').transform(() => null)]).nullish();

const eventSchema = z.object({
  type: z.string().max(200).startsWith(PREFIX),
  subject: z.string().max(200),
  detail: z.looseObject({ updated_at: z.string().max(50).nullish(), actor_id: optionalId.catch(null) }),
  event: z.looseObject({ comment: z.looseObject({ id }).nullish().catch(null) }).nullish(),
});
/** The body of a trigger, as docs/webhooks.md describes it. */
const triggerSchema = z.object({ ticket_id: id, organization_id: optionalId });

const SUBJECT = /^zen:(ticket|organization):([1-9]\d{0,18})$/;
/** Events about a comment, which can be read only with its ticket. */
const OF_COMMENTS = new Set(['comment_added', 'comment_made_private', 'comment_redacted']);
const OF_ATTACHMENTS = new Set(['attachment_linked_to_comment', 'attachment_redacted_from_comment']);
/** Events that concern no property of a mapping. */
const IRRELEVANT = new Set([
  'email_ccs_changed',
  'followers_changed',
  'next_sla_breach_changed',
  'ola_policy_changed',
  'schedule_changed',
  'sla_policy_changed',
]);
/** Events whose version does not show the present state of the record. */
const ENDS = new Set([
  'merged',
  'soft_deleted',
  'permanently_deleted',
  'undeleted',
  'deleted',
  'marked_as_spam',
]);
const DELETIONS = new Set(['soft_deleted', 'permanently_deleted', 'deleted']);

export const zendeskSource: Source = {
  side: 'zendesk',
  headers: {
    timestamp: 'x-zendesk-webhook-signature-timestamp',
    signature: 'x-zendesk-webhook-signature',
    invocation: 'x-zendesk-webhook-invocation-id',
  },
  timeOf: (timestamp) => (/^\d{4}-\d\d-\d\dT/.test(timestamp) ? timeOrNull(timestamp) : null),
  sign: (secret, timestamp, body) =>
    createHmac('sha256', secret).update(timestamp).update(body).digest('base64'),
  parse: (body) => {
    const event = eventSchema.safeParse(body);
    if (event.success) return ofEvent(event.data);
    const trigger = triggerSchema.safeParse(body);
    return trigger.success ? ofTrigger(trigger.data) : null;
  },
};

function ofEvent({ type, subject, detail, event }: z.output<typeof eventSchema>): Event {
  const name = type.slice(PREFIX.length);
  const [domain = '', what = ''] = name.split('.');
  const [, kind, recordId] = SUBJECT.exec(subject) ?? [];
  if (kind === undefined || recordId === undefined || domain !== kind) return irrelevant(name);
  if (IRRELEVANT.has(what)) return irrelevant(name);
  const actor = detail.actor_id ?? null;
  const order = ENDS.has(what) ? null : timeOrNull(detail.updated_at ?? '');
  const record: ChangeHint = {
    ref: `zendesk:${kind}:${recordId}`,
    order,
    actor,
    ...(DELETIONS.has(what) && { ends: true }),
  };
  if (!OF_COMMENTS.has(what) && !OF_ATTACHMENTS.has(what)) return { hints: [record], type: name };
  const commentId = event?.comment?.id;
  if (commentId === undefined) return irrelevant(name);
  const comment: ChangeHint = {
    ref: `zendesk:comment:${recordId}-${commentId}`,
    order: what === 'comment_added' ? ORDER_OF_CREATION : null,
    actor,
  };
  // The first comment is the ticket's description, and shows who may see the ticket.
  const maySpeakForTicket = what === 'comment_redacted' || what === 'comment_made_private';
  return { hints: maySpeakForTicket ? [comment, record] : [comment], type: name };
}

function ofTrigger({ ticket_id, organization_id }: z.output<typeof triggerSchema>): Event {
  const hint = (kind: string, recordId: string): ChangeHint => ({
    ref: `zendesk:${kind}:${recordId}`,
    order: null,
    actor: null,
  });
  return {
    hints: [
      hint('ticket', ticket_id),
      ...(organization_id == null ? [] : [hint('organization', organization_id)]),
    ],
    type: 'trigger',
    mayRecur: true,
  };
}

function timeOrNull(text: string): number | null {
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time;
}
