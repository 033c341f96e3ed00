import { isNativeError } from 'node:util/types';
import { ApplicationFailure } from '@temporalio/common';
import { TooLarge } from '../links/documentSize';
import { NewerStore } from '../links/migrations/storedSchema';
import { StaleLink } from '../links/staleLink';
import { isPassing } from '../platform/mongoErrors';
import { parseCanonicalKey, type CanonicalKey } from '../sync/canonicalKey';
import { newLink, type Reason } from '../sync/link';
import { NeedsHuman, RetryLater, publicMessage } from '../systems/errors';
import { signalWaitingPairs, originRef, summarise, type ActivityContext } from './activityContext';
import { activityLog } from './log';

/** A wrong credential concerns every record alike; it is mended by a person while everything waits. */
const UNAUTHORIZED_RETRY_MS = 30_000;
/** What a newer release wrote is for its workers; whichever worker is free takes the next attempt. */
const NEWER_RETRY_MS = 2_000;

/**
 * Turns an error into what Temporal understands, and leaves the cause on the link where a person looks.
 * Retry later → a failure with the server's own delay; anything unknown → a bug, which is never retried.
 */
export async function asFailure(
  context: Pick<ActivityContext, 'store' | 'now' | 'log' | 'mapping' | 'metrics' | 'hint'>,
  key: CanonicalKey | null,
  error: unknown,
): Promise<ApplicationFailure> {
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof StaleLink) return ApplicationFailure.retryable(error.message, 'StaleLink');
  if (key && error instanceof TooLarge)
    return quarantined(context, key, new NeedsHuman('too_long', error.message));
  const { store, now, log, metrics } = context;
  if (key && error instanceof NeedsHuman && error.code !== 'unauthorized')
    return quarantined(context, key, error);
  const delay = retryDelay(error);
  // The link, which people read, gets all of it; histories and logs what quotes no content.
  const message = publicMessage(error);
  if (key) {
    const text = error instanceof Error ? error.message : String(error);
    const nextAttempt = delay === null ? null : new Date(now().getTime() + (delay ?? 1_000)).toISOString();
    const code = delay === null ? 'bug' : 'retry_later';
    const reason = { code, text, since: now().toISOString(), nextAttempt } as const;
    await store.noteReason(key, reason);
    if (delay === null) await keepNew(context, key, reason);
  }
  if (delay === null) {
    metrics.activityFailed('Bug');
    activityLog(log, key).error({ err: error }, 'bug');
    // Nobody waits for what waits for a person.
    if (key) await signalWaitingPairs(context, [originRef(key)]);
    return ApplicationFailure.create({
      message,
      type: 'Bug',
      nonRetryable: true,
      ...(error instanceof Error && error.message === message && { cause: error }),
    });
  }
  // Waiting for the API's rate is no failure, and there may be hundreds who do.
  if (error instanceof RetryLater && error.options.queued) activityLog(log, key).debug({ delay }, message);
  else {
    metrics.activityFailed('RetryLater');
    activityLog(log, key).warn({ delay }, message);
  }
  return ApplicationFailure.create({
    message,
    type: 'RetryLater',
    ...(delay !== undefined && { nextRetryDelay: delay }),
  });
}

/** A pair that ended in a bug before it had a link gets one, or nobody would see it. */
async function keepNew(
  { store, mapping }: Pick<ActivityContext, 'store' | 'mapping'>,
  key: CanonicalKey,
  reason: Reason,
): Promise<void> {
  if (await store.get(key)) return;
  const link = newLink(key, parseCanonicalKey(key).entity, mapping.version, reason.since);
  try {
    await store.save({ ...link, reason });
  } catch (error) {
    if (!(error instanceof StaleLink)) throw error;
  }
}

/** The record cannot be read or looked for as it is: the pair rests, visibly, until it changes or a person asks. */
async function quarantined(
  context: Pick<ActivityContext, 'store' | 'now' | 'mapping' | 'hint'>,
  key: CanonicalKey,
  error: NeedsHuman,
): Promise<ApplicationFailure> {
  const { store, now, mapping } = context;
  const since = now().toISOString();
  const link = (await store.get(key)) ?? newLink(key, parseCanonicalKey(key).entity, mapping.version, since);
  try {
    const reason = { code: error.code, text: error.message, since, nextAttempt: null };
    const saved = await store.save({ ...link, status: 'quarantined', reason });
    await signalWaitingPairs(context, [originRef(key)]);
    return ApplicationFailure.nonRetryable(publicMessage(error), 'Quarantined', summarise(key, saved));
  } catch (failure) {
    if (failure instanceof StaleLink) return ApplicationFailure.retryable(failure.message, 'StaleLink');
    throw failure;
  }
}

/** Whether waiting mends it: a server that is away or busy, a credential that a person mends meanwhile. */
export function isForLater(error: unknown): boolean {
  return retryDelay(error) !== null;
}

/** Milliseconds, undefined for "as the retry policy says", null for an error that no retry mends. */
function retryDelay(error: unknown): number | undefined | null {
  // No delay at all is not a delay that Temporal takes.
  if (error instanceof RetryLater)
    return error.options.retryAfterMs === 0 ? undefined : error.options.retryAfterMs;
  // A person corrects the connection, not a record: the credential, or the cursor of a change stream.
  if (error instanceof NeedsHuman && (error.code === 'unauthorized' || error.code === 'cursor_refused'))
    return UNAUTHORIZED_RETRY_MS;
  // While a newer release is being rolled out: one of its workers takes it.
  if (error instanceof NewerStore) return NEWER_RETRY_MS;
  if (isPassing(error)) return undefined;
  if (error instanceof Error && error.name === 'ServiceError') return undefined;
  // A connection that breaks under a request can show as Node's own error, which no client has wrapped.
  if (isNativeError(error) && 'code' in error && BROKEN_CONNECTION.has(String(error.code))) return undefined;
  return null;
}

/** https://nodejs.org/api/errors.html#common-system-errors */
const BROKEN_CONNECTION = new Set([
  'EPIPE',
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
