import { isNativeError } from 'node:util/types';
import { ApplicationFailure } from '@temporalio/common';
import { TooLarge } from '../links/documentSize';
import { NewerStore } from '../links/migrations/storedSchema';
import { StaleLink } from '../links/staleLink';
import { isPassing } from '../platform/mongoErrors';
import { parseCanonicalKey, type CanonicalKey } from '../sync/canonicalKey';
import { newLink } from '../sync/link';
import type { Reason } from '../sync/reasons';
import { NeedsHuman, RetryLater, publicMessage } from '../systems/errors';
import { signalWaitingPairs, originRef, summarise, type ActivityContext } from './activityContext';
import { activityLog } from './log';

/** A wrong credential concerns all records: everything waits until a person corrects it. */
const UNAUTHORIZED_RETRY_MS = 30_000;
/** A document of a newer release needs a worker of that release; the next attempt may reach one. */
const NEWER_RETRY_MS = 2_000;

/**
 * Converts an error to a failure for Temporal, and stores the reason on the link, where a person finds it. `RetryLater`
 * becomes a failure with the delay that the server asked for. An unknown error becomes a bug, which is never retried.
 */
export async function asFailure(
  context: Pick<ActivityContext, 'store' | 'now' | 'log' | 'mapping' | 'metrics' | 'signalPair'>,
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
  // The link gets the whole message, for people. Histories and logs get a message that quotes no content.
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
    // Pairs that wait for this one go on, because it waits for a person.
    if (key) await signalWaitingPairs(context, [originRef(key)]);
    return ApplicationFailure.create({
      message,
      type: 'Bug',
      nonRetryable: true,
      ...(error instanceof Error && error.message === message && { cause: error }),
    });
  }
  // Waiting for the rate limit is no failure, and hundreds of calls may wait.
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

/** Creates a link for a pair that met a bug before it had one, so that a person can see it. */
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

/** Puts a pair into quarantine until its record changes or a person acts. */
async function quarantined(
  context: Pick<ActivityContext, 'store' | 'now' | 'mapping' | 'signalPair'>,
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

/** Whether a later attempt may succeed: a server is unavailable or busy, or a person must correct the credential. */
export function isForLater(error: unknown): boolean {
  return retryDelay(error) !== null;
}

/** Milliseconds; undefined: by the retry policy; null: no retry helps. */
function retryDelay(error: unknown): number | undefined | null {
  // Temporal does not accept a delay of 0.
  if (error instanceof RetryLater)
    return error.options.retryAfterMs === 0 ? undefined : error.options.retryAfterMs;
  // A person corrects the connection, not a record: the credential, or the cursor of a change stream.
  if (error instanceof NeedsHuman && (error.code === 'unauthorized' || error.code === 'cursor_refused'))
    return UNAUTHORIZED_RETRY_MS;
  // A newer release is being rolled out: the next attempt may reach one of its workers.
  if (error instanceof NewerStore) return NEWER_RETRY_MS;
  if (isPassing(error)) return undefined;
  if (error instanceof Error && error.name === 'ServiceError') return undefined;
  // A connection that breaks during a request may cause an error of Node, which no client has wrapped.
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
