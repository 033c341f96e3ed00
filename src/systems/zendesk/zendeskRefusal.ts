import { AlreadyExists, NeedsHuman, PreconditionFailed, RecordGone, RetryLater } from '../errors';
import type { Answer, HttpClient, Request } from '../http';
import { errorAnswer } from './zendeskSchemas';

/** Statuses of a write that say something of the record, rather than of the call. */
export const REFUSALS = [400, 404, 409, 422];

/** What a refused write means for the pair: PreconditionFailed, AlreadyExists, RecordGone, NeedsHuman or RetryLater. */
export function refusal(http: HttpClient, request: Request, { status, body }: Answer): Error {
  const { error, description, details } = http.parse(errorAnswer, request, body ?? {});
  const code = typeof error === 'string' ? error : (error?.message ?? '');
  const call = `Zendesk ${request.method} ${request.path}`;
  if (status === 409) return new PreconditionFailed(`${call}: ${description ?? code}`);
  if (status === 404) return new RecordGone(`${call}: not found`);
  // The first request with this key went through with another body: what it made is found by its back-reference.
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
  return new NeedsHuman('invalid_field', `${call}: ${words}`, first?.field ?? null);
}
