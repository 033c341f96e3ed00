import { AlreadyExists, NeedsHuman, PreconditionFailed, RecordGone, RetryLater } from '../errors';
import type { Answer, HttpClient, Request } from '../http';
import { CUSTOM_FIELD } from './zendeskProperties';
import { errorAnswer } from './zendeskSchemas';

/** Refusal statuses of a write that concern the record. The HTTP client handles the others. */
export const REFUSALS = [400, 404, 409, 422];

/**
 * Zendesk answers 409 for an outdated `updated_stamp` of a `safe_update`, for a collision in its database, for two
 * requests that create the same requester, and perhaps for a repeat of a running create. Only the first concerns the
 * record; the others require a repeat, and their outcome is unknown (zendesk-rules.md rule 8).
 */
function collision({ body }: Request, words: string, code: string): PreconditionFailed | RetryLater {
  const isBound = /"updated_stamp":/.test(JSON.stringify(body ?? null));
  return code === 'UpdateConflict' && isBound
    ? new PreconditionFailed(words)
    : new RetryLater(words, { unknownOutcome: true });
}

/** The error for a refused write: PreconditionFailed, AlreadyExists, RecordGone, NeedsHuman or RetryLater. */
export function refusal(http: HttpClient, request: Request, { status, body }: Answer): Error {
  const { error, description, details } = http.parse(errorAnswer, request, body ?? {});
  const code = typeof error === 'string' ? error : (error?.message ?? '');
  const call = `Zendesk ${request.method} ${request.path}`;
  if (status === 409) return collision(request, `${call}: ${description ?? code}`, code);
  if (status === 404) return new RecordGone(`${call}: not found`);
  // An earlier request with this key had another body. Its record is found by the back-reference.
  if (code === 'IdempotentRequestError')
    return new RetryLater(`${call}: the idempotency key was used before`, { unknownOutcome: true });
  const faults = Object.entries(details ?? {}).flatMap(([field, list]) =>
    list.map((fault) => ({ field, ...fault })),
  );
  const [first] = faults;
  const words = faults.map((fault) => fault.description ?? fault.field).join('; ') || (description ?? code);
  if (first?.error === 'DuplicateValue') return new AlreadyExists(`${call}: ${words}`, first.field);
  if (first?.field === 'status' && /closed/i.test(words))
    return new NeedsHuman('closed_ticket', `${call}: ${words}`, 'status');
  const properties = new Set(faults.map((fault) => propertyAt(fault, request.body)));
  return new NeedsHuman('invalid_field', `${call}: ${words}`, [...properties]);
}

interface Fault {
  /** The key of `details`. */
  field: string;
  ticket_field_id?: number | null | undefined;
  ticket_field_type?: string | null | undefined;
}

/** The sync's property names for differing keys of `details`. */
const NAMES: Record<string, string> = {
  organization: 'organization_id',
  assignee_id: 'assignee',
  requester_id: 'requester',
};
/** System fields, by `ticket_field_type`. */
const SYSTEM_FIELDS: Record<string, string> = {
  FieldSubject: 'subject',
  FieldDescription: 'description',
  FieldStatus: 'status',
  FieldTicketType: 'type',
  FieldPriority: 'priority',
  FieldAssignee: 'assignee',
  FieldGroup: 'group',
};

/**
 * The refused property. If a ticket lacks a field that is required for solving, Zendesk names the missing field; the
 * refused property is then the status (zendesk-rules.md rules 10 and 11). Error texts may be in any language.
 */
function propertyAt({ field, ticket_field_id: id, ticket_field_type: type }: Fault, body: unknown): string {
  if (field !== 'base') return NAMES[field] ?? field;
  const { ticket = {} } = (body ?? {}) as { ticket?: Record<string, unknown> };
  const named = SYSTEM_FIELDS[type ?? ''] ?? (id == null ? field : `${CUSTOM_FIELD}${id}`);
  return ticket['status'] === 'solved' && !hasValue(ticket, named) ? 'status' : named;
}

/** Whether a ticket's body gives a property a value. */
function hasValue(ticket: Record<string, unknown>, property: string): boolean {
  const custom = (ticket['custom_fields'] ?? []) as { id: number; value: unknown }[];
  const value = property.startsWith(CUSTOM_FIELD)
    ? custom.find(({ id }) => `${CUSTOM_FIELD}${id}` === property)?.value
    : (ticket[property] ?? ticket[`${property}_id`]);
  return value != null && value !== '';
}
