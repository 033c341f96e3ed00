import type { Side } from './record';

/** The outcomes of a delivery. */
export const OUTCOMES = [
  /** Accepted, and handed over. */
  'accepted',
  /** A repeat of a delivery that was handed over before. */
  'duplicate',
  /** Genuine, but irrelevant to the sync. */
  'ignored',
  /** Without a signature, or with a wrong or expired one. */
  'unauthorized',
  /** Correctly signed, but unreadable. */
  'malformed',
  /** MongoDB or Temporal is unavailable; the sender tries again. */
  'unavailable',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Counts deliveries by side, outcome and event type, for logs, metrics and tests. */
export class Counts {
  private readonly counts = new Map<string, number>();
  private grown = false;

  /** @param type the event's name, if the delivery is genuine */
  add(side: Side, outcome: Outcome, type = ''): void {
    const key = [side, outcome, type].join(' ').trimEnd();
    // The names come from outside, so their number is limited, although the delivery is signed.
    if (!this.counts.has(key) && this.counts.size >= 500) return this.add(side, outcome, '(other)');
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    this.grown = true;
  }

  of(side: Side, outcome: Outcome): number {
    let sum = 0;
    for (const [key, count] of this.counts) if (`${key} `.startsWith(`${side} ${outcome} `)) sum += count;
    return sum;
  }

  all(): Record<string, number> {
    return Object.fromEntries(this.counts);
  }

  /** All counts, if any has grown since the last call. */
  ifGrown(): Record<string, number> | null {
    const grown = this.grown;
    this.grown = false;
    return grown ? this.all() : null;
  }
}
