import { AsyncLocalStorage } from 'node:async_hooks';
import type { Lane } from '../sync/lane';

/** The context of all calls of a piece of work. It is passed implicitly, and not through each adapter's methods. */
export interface CallContext {
  lane: Lane;
  /** Aborts a wait for the rate limit, e.g. when the worker shuts down. */
  signal?: AbortSignal;
  /** The present attempt; absent outside of activities, because their failures are not retried automatically. */
  attempt?: Attempt;
}

/** One attempt at a piece of work that is retried if it fails. */
export interface Attempt {
  /** Whether a budget scheduled this attempt, because the previous one had to wait for its turn. */
  readonly awaited: boolean;
  /** Whether a write was sent, perhaps with unknown outcome. */
  wrote: boolean;
}

const storage = new AsyncLocalStorage<CallContext>();

/** Runs work in a context, which also applies to its signals to other pairs. Absent parts are inherited. */
export function inCallContext<T>(context: CallContext, work: () => T): T {
  return storage.run({ ...storage.getStore(), ...context }, work);
}

/** The present lane. Outside of activities it is interactive, e.g. for a check at the start or a command. */
export function currentLane(): Lane {
  return storage.getStore()?.lane ?? 'interactive';
}

/** The attempt that the present work belongs to; null if the work is not retried. */
export function currentAttempt(): Attempt | null {
  return storage.getStore()?.attempt ?? null;
}

export function currentSignal(): AbortSignal | undefined {
  return storage.getStore()?.signal;
}
