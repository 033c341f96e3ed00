import { randomUUID } from 'node:crypto';
import type { Fields } from '../model';
import type { SandboxEvent } from '../store';

export const ACCOUNT_ID = 12514403;
export const PREFIX = 'zen:event-type:';

/**
 * Rules 29 and 30 [R ZP]: ids are text, what is empty is `"0"` or `""`, not null; status, priority and type are in
 * capitals. https://developer.zendesk.com/api-reference/webhooks/event-types/webhook-event-types/#event-schema
 */
export function payloadOf(
  { type, kind, record, actorId, change, sequence }: SandboxEvent,
  time: string,
): Fields {
  return {
    account_id: ACCOUNT_ID,
    detail: { ...detailOf(kind, record), ...(kind === 'ticket' && { actor_id: asId(actorId) }) },
    event: { meta: { sequence: sequence ?? { id: randomUUID(), position: 1 } }, ...change },
    id: randomUUID(),
    subject: `zen:${kind}:${record.id}`,
    time,
    type: `${PREFIX}${type}`,
    zendesk_event_version: '2022-11-06',
  };
}

const asId = (id: unknown): string => (typeof id === 'number' ? String(id) : '0');
const capitals = (word: unknown): string => (typeof word === 'string' ? word.toUpperCase() : '');

/** The record without custom fields, comments and domains, which a receiver must read by the API. */
function detailOf(kind: SandboxEvent['kind'], record: Fields & { id: number }): Fields {
  const { id, created_at, updated_at, external_id: externalId } = record;
  const common = { id: String(id), created_at, updated_at, external_id: externalId ?? '' };
  if (kind === 'organization') {
    const { name, shared_comments, shared_tickets, group_id } = record;
    return { ...common, name, shared_comments, shared_tickets, group_id: asId(group_id) };
  }
  if (kind === 'user') {
    const { email, role, organization_id, default_group_id } = record;
    const ids = { organization_id: asId(organization_id), default_group_id: asId(default_group_id) };
    return { ...common, email: email ?? '', role, ...ids };
  }
  const { subject, description, status, priority, type, tags, is_public, via } = record;
  const ids = ['assignee_id', 'brand_id', 'group_id', 'organization_id', 'requester_id', 'submitter_id'];
  const { channel } = (via ?? {}) as { channel?: string };
  return {
    ...common,
    subject: subject ?? '',
    description: description ?? '',
    status: capitals(status),
    priority: capitals(priority),
    type: capitals(type),
    tags,
    is_public,
    custom_status: asId(record['custom_status_id']),
    form_id: asId(record['ticket_form_id']),
    via: { channel: channel === 'api' ? 'web_service' : (channel ?? '') },
    ...Object.fromEntries(ids.map((key) => [key, asId(record[key])])),
  };
}
