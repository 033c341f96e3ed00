import { AsyncLocalStorage } from 'node:async_hooks';
import type { Lane } from '../sync/lane';

/** What every call made during a piece of work shares, without being handed through each adapter's methods. */
export interface CallContext {
  lane: Lane;
  /** Ends a wait for the API's rate, e.g. when the worker shuts down. */
  signal?: AbortSignal;
  /** Absent outside of activities, where nobody tries again by himself. */
  attempt?: Attempt;
}

/** One attempt at a piece of work that is tried again later where it fails. */
export interface Attempt {
  /** Whether an earlier attempt was told by a budget to come now. */
  readonly awaited: boolean;
  /** Whether a write was sent; the outcome of one may be unknown. */
  wrote: boolean;
}

const storage = new AsyncLocalStorage<CallContext>();

/** Runs work whose calls, and whose hints to other pairs, belong to a lane. What is not given stays as it is. */
export function inCallContext<T>(context: CallContext, work: () => T): T {
  return storage.run({ ...storage.getStore(), ...context }, work);
}

/** Outside of any lane, somebody waits: a start-up check, or a command. */
export function currentLane(): Lane {
  return storage.getStore()?.lane ?? 'interactive';
}

/** The attempt that the present work belongs to; null where nobody tries it again. */
export function currentAttempt(): Attempt | null {
  return storage.getStore()?.attempt ?? null;
}

export function currentSignal(): AbortSignal | undefined {
  return storage.getStore()?.signal;
}
