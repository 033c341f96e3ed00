import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../../sync/record';

/** Waits for what the sync is to bring. */

/** One write, of which several things are expected. */
export interface Expected<K> {
  wanted: readonly K[];
  /** What was there before the write: that it is there does not show that the write has arrived. */
  stale?: ReadonlySet<K>;
  /** When the write was answered, in milliseconds. */
  at?: number;
}

export interface Patience {
  /** How long something may take that has not begun to arrive. */
  timeoutMs: number;
  /** Between two looks. */
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
 * Looks again and again at several things that one write brings, until all are there. What has not come along with the
 * rest is given up after a quarter of the time: one write brings them together.
 *
 * @param look looks once, at all of them
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
