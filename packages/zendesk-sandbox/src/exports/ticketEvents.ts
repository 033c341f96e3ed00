import { omit, type Audit, type AuditEvent, type Fields } from '../model';
import type { Store } from '../store';
import { secondsOf } from '../text';
import { commentOf } from '../tickets/ticketAudits';

/** The order of a creation's children (rule 37 [R AF]); what triggers did comes after them. */
const ORDER = [
  'priority',
  'requester_id',
  'subject',
  'tags',
  'type',
  'status',
  'assignee_id',
  'group_id',
  'organization_id',
  'custom_status_id',
  'brand_id',
  'ticket_form_id',
];
const VIA_WORDS: Record<string, string> = {
  api: 'Web service',
  web: 'Web form',
  email: 'Mail',
  rule: 'Rule',
  sla: 'SLA',
  triage: 'Intelligent Triage',
  chat: 'Chat',
  voice: 'Phone call (inbound)',
};
/** An event of this type has no children if the switch says so (rule 21). */
const PRIVACY = 'CommentPrivacyChange';

/**
 * A ticket's audit as the incremental export shows it (rules 21, 24 and 37 [R AF]): one child for each field, `via` in
 * words; a comment's child is the comment as it is now, with a `via` object of its own.
 */
export function ticketEvent(store: Store, audit: Audit, withComments: boolean): Fields {
  const { id, ticket_id: ticketId, created_at: createdAt, author_id: updater, metadata, events } = audit;
  const isSilent = store.rules.silentPrivacy && events.every(({ type }) => type === PRIVACY);
  const via = viaWords(audit.via);
  return {
    id,
    ticket_id: ticketId,
    event_type: 'Audit',
    timestamp: secondsOf(createdAt),
    created_at: createdAt,
    updater_id: updater,
    via,
    system: omit(metadata.system, 'transaction_id', 'ip_address'),
    ...(withComments && { metadata }),
    child_events: isSilent
      ? []
      : inOrder(events).map((event) => childEvent(store, event, { via, withComments, createdAt })),
  };
}

export function viaWords(via: unknown): string {
  const { channel = 'api' } = (via ?? {}) as { channel?: string };
  return VIA_WORDS[channel] ?? 'Web service';
}

function inOrder(events: readonly AuditEvent[]): AuditEvent[] {
  const place = ({ type, field_name: field, via }: AuditEvent): number => {
    if (type !== 'Create') return via ? ORDER.length + 2 : -1;
    const index = ORDER.indexOf(String(field));
    return index === -1 ? ORDER.indexOf('tags') : index;
  };
  return events.some(({ type }) => type === 'Create')
    ? [...events].sort((a, b) => place(a) - place(b))
    : [...events];
}

function childEvent(
  store: Store,
  event: AuditEvent,
  { via, withComments, createdAt }: { via: string; withComments: boolean; createdAt: string },
): Fields {
  if (event.type === 'Comment' || event.type === 'VoiceComment') {
    const comment = commentOf(store, event);
    if (!comment) return { id: event.id, event_type: event.type, created_at: createdAt };
    if (withComments)
      return { ...omit(comment, 'metadata', 'type'), type: event.type, event_type: event.type };
    return {
      id: event.id,
      event_type: event.type,
      comment_present: true,
      comment_public: comment.public,
      via,
      via_reference_id: null,
    };
  }
  const { field_name: field, value, previous_value: previous, type, via: own, ...rest } = event;
  const rule = (own as { source?: { from?: { id?: number } } } | undefined)?.source?.from?.id;
  return {
    ...rest,
    event_type: type,
    via: own ? viaWords(own) : via,
    via_reference_id: rule ?? null,
    ...(rule !== undefined && { rel: 'trigger', revision_id: 1 }),
    ...(typeof field === 'string' && changed(field, value)),
    ...(type === 'Change' && typeof field === 'string' && changedFrom(field, value, previous)),
  };
}

/** The name of the changed field is a key of the event; `custom_status_id` is text. */
function changed(field: string, value: unknown): Fields {
  if (/^\d+$/.test(field)) return { custom_ticket_fields: { [field]: value } };
  return { [field]: field === 'custom_status_id' ? asText(value) : value };
}

function changedFrom(field: string, value: unknown, previous: unknown): Fields {
  if (field === 'tags') {
    const [now, before] = [value, previous].map((tags) => (Array.isArray(tags) ? (tags as string[]) : []));
    return {
      added_tags: (now ?? []).filter((tag) => !before?.includes(tag)),
      removed_tags: (before ?? []).filter((tag) => !now?.includes(tag)),
    };
  }
  if (field === 'priority') return { previous_value: previous ?? '0' };
  const isId = field.endsWith('_id') && field !== 'external_id' && previous !== null;
  return { previous_value: isId ? asText(previous) : (previous ?? null) };
}

const asText = (value: unknown): unknown => (typeof value === 'number' ? String(value) : value);
