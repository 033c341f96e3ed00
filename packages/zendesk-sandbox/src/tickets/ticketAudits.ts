import { omit, type Audit, type AuditEvent, type Comment, type Fields, type Ticket } from '../model';
import type { Store } from '../store';

/**
 * The fields with an event each in an audit; custom fields have separate events, named by their ids. The order is that of
 * a creation's events by REST (rule 39, ZP).
 */
const COMPARED = [
  'subject',
  'requester_id',
  'priority',
  'tags',
  'type',
  'status',
  'assignee_id',
  'group_id',
  'organization_id',
  'brand_id',
  'ticket_form_id',
  'custom_status_id',
  'due_at',
  'external_id',
  'problem_id',
  'recipient',
  'collaborator_ids',
  'follower_ids',
  'email_cc_ids',
];
const EMPTY = [null, undefined, false, ''];

export function creationEvents(store: Store, ticket: Ticket): AuditEvent[] {
  const event = (field: string, value: unknown): AuditEvent[] => {
    const isEmpty = EMPTY.includes(value as null) || (Array.isArray(value) && value.length === 0);
    // An empty type has an event, too (AF).
    return isEmpty && field !== 'type'
      ? []
      : [{ id: store.newId(), type: 'Create', field_name: field, value: value ?? null }];
  };
  return [
    ...COMPARED.flatMap((key) => event(key, ticket[key])),
    ...ticket.custom_fields.flatMap(({ id, value }) => event(String(id), value)),
  ];
}

export function changeEvents(store: Store, before: Ticket, after: Ticket): AuditEvent[] {
  const event = (field: string, previous: unknown, value: unknown): AuditEvent[] =>
    JSON.stringify(previous) === JSON.stringify(value)
      ? []
      : [{ id: store.newId(), type: 'Change', field_name: field, previous_value: previous, value }];
  const earlier = new Map(before.custom_fields.map((field) => [field.id, field.value]));
  return [
    ...COMPARED.flatMap((key) => event(key, before[key], after[key])),
    ...after.custom_fields.flatMap(({ id, value }) =>
      // A field that was added later was empty before.
      event(String(id), earlier.get(id) ?? (value === false ? false : null), value),
    ),
  ];
}

/** @returns the present comment of an audit's event, so that redacted text is not shown */
export function commentOf(store: Store, event: AuditEvent): Comment | null {
  if (event.type !== 'Comment' && event.type !== 'VoiceComment') return null;
  return store.commentById.get(event.id)?.comment ?? null;
}

/** An audit as REST returns it (rule 38 [R ZP]): ids are texts in events, `via` is an object. */
export function shownAudit(store: Store, audit: Audit): Fields {
  const events = audit.events.map((event) => {
    const comment = commentOf(store, event);
    if (comment) return omit(comment, 'created_at', 'metadata');
    const { value, previous_value: previous, ...rest } = event;
    return {
      ...rest,
      ...('value' in event && { value: asText(value) }),
      ...('previous_value' in event && { previous_value: asText(previous) }),
    };
  });
  return { ...audit, events };
}

const asText = (value: unknown): unknown =>
  typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
