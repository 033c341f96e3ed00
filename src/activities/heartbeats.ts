import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { z } from 'zod';
import type { Lane } from '../sync/lane';
import { inCallContext } from '../systems/callContext';
import { RetryLater } from '../systems/errors';

const HEARTBEAT_MS = 3_000;

/** Heartbeat details: how many attempts only waited for the rate limit, and the number of the last such attempt. */
const waitedSchema = z.object({ waited: z.number(), last: z.number() });
type Waited = z.output<typeof waitedSchema>;

/**
 * Does an activity's work in a lane, with heartbeats, so that the death of a worker is noticed within seconds. A dry
 * run does the same work outside of an activity, without heartbeats.
 */
export async function whileAlive<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
  const activity = asyncLocalStorage.getStore();
  if (!activity) return inCallContext({ lane }, work);
  const { info, cancellationSignal: signal } = activity;
  const before = waitedBefore(activity);
  const timer = setInterval(() => activity.heartbeat(before), HEARTBEAT_MS);
  const attempt = { awaited: before.last === info.attempt - 1 && before.waited > 0, wrote: false };
  try {
    return await inCallContext({ lane, signal, attempt }, work);
  } catch (error) {
    if (error instanceof RetryLater && error.options.queued)
      activity.heartbeat({ waited: before.waited + 1, last: info.attempt } satisfies Waited);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

function waitedBefore({ info }: Context): Waited {
  return waitedSchema.safeParse(info.heartbeatDetails).data ?? { waited: 0, last: 0 };
}

/** The number of this attempt, from 1. Attempts that only waited for the rate limit are not counted. */
export function attemptNumber(): number {
  const activity = asyncLocalStorage.getStore();
  return activity ? activity.info.attempt - waitedBefore(activity).waited : 1;
}

/** Whether an earlier attempt may have done a part of the work. */
export function isRepeated(): boolean {
  return attemptNumber() > 1;
}
