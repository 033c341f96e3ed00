import { asyncLocalStorage } from '@temporalio/activity';
import type { Lane } from '../sync/lane';
import { inCallContext } from '../systems/callContext';

const HEARTBEAT_MS = 3_000;

/**
 * Does an activity's work in a lane. Heartbeats while it goes on, so that a killed worker is noticed in seconds and not at the time-out. A dry run
 * does the same work outside of any activity; nobody waits for its heartbeat.
 */
export async function whileAlive<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
  const activity = asyncLocalStorage.getStore();
  const timer = activity && setInterval(() => activity.heartbeat(), HEARTBEAT_MS);
  try {
    return await inCallContext({ lane, ...(activity && { signal: activity.cancellationSignal }) }, work);
  } finally {
    clearInterval(timer);
  }
}

/** Which attempt at this work this is, from 1. */
export function attemptNumber(): number {
  return asyncLocalStorage.getStore()?.info.attempt ?? 1;
}

/** Whether an earlier attempt at this work may have got somewhere. */
export function isRepeated(): boolean {
  return attemptNumber() > 1;
}
