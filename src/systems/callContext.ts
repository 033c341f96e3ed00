import { AsyncLocalStorage } from 'node:async_hooks';
import type { Lane } from '../sync/lane';

/** What every call made during a piece of work shares, without being handed through each adapter's methods. */
export interface CallContext {
  lane: Lane;
  /** Ends a wait for the API's rate, e.g. when the worker shuts down. */
  signal?: AbortSignal;
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

export function currentSignal(): AbortSignal | undefined {
  return storage.getStore()?.signal;
}
