import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { z } from 'zod';
import type { Lane } from '../sync/lane';
import { inCallContext } from '../systems/callContext';
import { RetryLater } from '../systems/errors';

const HEARTBEAT_MS = 3_000;

/** What an attempt hands on to the next: how many did nothing but wait for the API's rate, and which was the last of them. */
const waitedSchema = z.object({ waited: z.number(), last: z.number() });
type Waited = z.output<typeof waitedSchema>;

/**
 * Does an activity's work in a lane. Heartbeats while it goes on, so that a killed worker is noticed in seconds and not at the time-out. A dry run
 * does the same work outside of any activity; nobody waits for its heartbeat.
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

/** Which attempt at this work this is, from 1; those that did nothing but wait for the API's rate are none. */
export function attemptNumber(): number {
  const activity = asyncLocalStorage.getStore();
  return activity ? activity.info.attempt - waitedBefore(activity).waited : 1;
}

/** Whether an earlier attempt at this work may have got somewhere. */
export function isRepeated(): boolean {
  return attemptNumber() > 1;
}
