import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../../sync/record';

/** Waits until expected values arrive. */

/** One write, and the values that it should cause. */
export interface Expected<K> {
  wanted: readonly K[];
  /** Values that were there before the write, so that their presence does not prove its arrival. */
  stale?: ReadonlySet<K>;
  /** When the write was answered, in milliseconds. */
  at?: number;
}

export interface Patience {
  /** The longest wait for the first value. */
  timeoutMs: number;
  /** The pause between two looks. */
  lookMs: number;
  signal: AbortSignal;
}

export interface Look {
  arrived: boolean;
  found: Json | undefined;
}

export interface Arrival extends Look {
  seconds: number;
}

/**
 * Polls until all values of a write have arrived. One write should cause all its values together, so the rest is
 * given up a quarter of the timeout after the latest arrival.
 *
 * @param look reads the present state of all values
 */
export async function watch<K>(
  { wanted, stale, at = Date.now() }: Expected<K>,
  look: () => Promise<Map<K, Look>>,
  { timeoutMs, lookMs, signal }: Patience,
): Promise<Map<K, Arrival>> {
  const begun = Date.now();
  const arrivals = new Map<K, Arrival>();
  let lastArrival: number | null = null;
  for (;;) {
    signal.throwIfAborted();
    const seen = await look();
    const now = Date.now();
    for (const key of wanted) {
      const it = seen.get(key);
      if (!it || arrivals.get(key)?.arrived) continue;
      arrivals.set(key, { ...it, seconds: (now - at) / 1000 });
      if (it.arrived && !stale?.has(key)) lastArrival = now;
    }
    const waiting = wanted.some((key) => !arrivals.get(key)?.arrived);
    const deadline = Math.min(
      begun + timeoutMs,
      lastArrival === null ? Infinity : lastArrival + timeoutMs / 4,
    );
    if (!waiting || now >= deadline) return arrivals;
    await sleep(lookMs, undefined, { signal });
  }
}
