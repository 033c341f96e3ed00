import { AlreadyExists, NeedsHuman, PreconditionFailed, RecordGone, RetryLater } from '../errors';
import type { Answer, HttpClient, Request } from '../http';
import { errorAnswer } from './zendeskSchemas';

/** Statuses of a write that say something of the record, rather than of the call. */
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
