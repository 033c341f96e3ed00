import type { Side } from './record';

/** What can become of a delivery. */
export const OUTCOMES = [
  /** Handed over. */
  'accepted',
  /** Handed over before. */
  'duplicate',
  /** Genuine, but of no concern to the sync. */
  'ignored',
  /** No signature, a wrong one, or of a time that is not accepted. */
  'unauthorized',
  /** Signed, and yet not understood. */
  'malformed',
  /** The servers behind are away; the sender tries again. */
  'unavailable',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Counts deliveries by side, outcome and event type, for logs, metrics and tests. */
export class Counts {
  private readonly counts = new Map<string, number>();
  private grown = false;

  /** @param type the event's name, where its sender is known to be genuine */
  add(side: Side, outcome: Outcome, type = ''): void {
    const key = [side, outcome, type].join(' ').trimEnd();
    // Names come from outside, though signed: there are not many.
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

  /** All of them if any grew since the last call. */
  ifGrown(): Record<string, number> | null {
    const grown = this.grown;
    this.grown = false;
    return grown ? this.all() : null;
  }
}
