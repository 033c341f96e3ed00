import { AlreadyExists, NeedsHuman, PreconditionFailed, RecordGone, RetryLater } from '../errors';
import type { Answer, HttpClient, Request } from '../http';
import { CUSTOM_FIELD } from './zendeskRecords';
import { errorAnswer } from './zendeskSchemas';

/** Statuses of a write that concern the record, and not the call. */
export const REFUSALS = [400, 404, 409, 422];

/**
 * Zendesk answers 409 for a lost `safe_update`, for a collision in its database, for two requests that make the same
 * requester, and perhaps for a repeat of a running create. Only the first says something of the record; the others ask
 * for another try, and leave open what became of this one (zendesk-rules.md rule 8).
 */
function collision({ body }: Request, words: string, code: string): PreconditionFailed | RetryLater {
  const isBound = /"updated_stamp":/.test(JSON.stringify(body ?? null));
  return code === 'UpdateConflict' && isBound
    ? new PreconditionFailed(words)
    : new RetryLater(words, { unknownOutcome: true });
}

/** What a refused write means for the pair: PreconditionFailed, AlreadyExists, RecordGone, NeedsHuman or RetryLater. */
export function refusal(http: HttpClient, request: Request, { status, body }: Answer): Error {
  const { error, description, details } = http.parse(errorAnswer, request, body ?? {});
  const code = typeof error === 'string' ? error : (error?.message ?? '');
  const call = `Zendesk ${request.method} ${request.path}`;
  if (status === 409) return collision(request, `${call}: ${description ?? code}`, code);
  if (status === 404) return new RecordGone(`${call}: not found`);
  // The first request with this key was carried out with another body: the back-reference finds its record.
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

/** What we call a property that `details` calls otherwise. */
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
 * The property at fault. A ticket that lacks what is required for solving is refused with the name of what it lacks,
 * and solving it is what was refused (zendesk-rules.md rules 10 and 11; texts come in any language).
 */
function propertyAt({ field, ticket_field_id: id, ticket_field_type: type }: Fault, body: unknown): string {
  if (field !== 'base') return NAMES[field] ?? field;
  const { ticket = {} } = (body ?? {}) as { ticket?: Record<string, unknown> };
  const named = SYSTEM_FIELDS[type ?? ''] ?? (id == null ? field : `${CUSTOM_FIELD}${id}`);
  return ticket['status'] === 'solved' && !says(ticket, named) ? 'status' : named;
}

/** Whether a ticket's body gives a property a value. */
function says(ticket: Record<string, unknown>, property: string): boolean {
  const custom = (ticket['custom_fields'] ?? []) as { id: number; value: unknown }[];
  const value = property.startsWith(CUSTOM_FIELD)
    ? custom.find(({ id }) => `${CUSTOM_FIELD}${id}` === property)?.value
    : (ticket[property] ?? ticket[`${property}_id`]);
  return value != null && value !== '';
}
