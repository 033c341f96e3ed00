import { NO_PART, type Link } from './link';

/** What a link-store inspection finds out of order with one link. Pure. */
export type Disorder =
  /** An intent that nobody carries out: its workflow was terminated, or failed. */
  | 'abandoned'
  /** Pending without an intent and without anything that it waits for. */
  | 'stuck'
  /** It waits for a record whose pair is linked, or that no pair works on. */
  | 'overlooked'
  /** Its next attempt is long past. */
  | 'overdue';

/** A pair that was at work this lately may be at work still. */
export const AT_WORK_MS = 10 * 60_000;

/** @param parents how the pairs stand that the link waits for: linked, at work, or unknown to the store */
export function disorderOf(
  link: Link,
  parents: readonly ('linked' | 'at work' | 'unknown')[],
  now: Date,
): Disorder | null {
  const idle = (since: string) => now.getTime() - Date.parse(since) > AT_WORK_MS;
  if (link.status === 'conflict' || link.status === 'quarantined' || link.status === 'tombstone') return null;
  // What a person paused is told again when the pause ends.
  if (!idle(link.updatedAt) || link.reason?.code === 'paused') return null;
  // It ended in a bug before it had both its records: it stays in sight for a person.
  if (link.status === 'pending' && link.reason?.code === 'bug') return null;
  if (link.intent) return 'abandoned';
  if (link.waitsFor.length > 0) {
    const overlooked = link.reason?.code === NO_PART ? ['linked'] : ['linked', 'unknown'];
    return parents.some((parent) => overlooked.includes(parent)) ? 'overlooked' : null;
  }
  if (link.status === 'pending') return 'stuck';
  const { nextAttempt = null } = link.reason ?? {};
  return nextAttempt !== null && idle(nextAttempt) ? 'overdue' : null;
}

/** What link hygiene did, in one part of the store. */
export interface Tidied {
  looked: number;
  /** Pairs that were told to look again, by what was found. */
  told: Record<string, number>;
  /** Claims that nobody's link answers for, released. */
  released: number;
  /** Observations that say nothing new, dropped. */
  dropped: number;
}

export function addTidied(a: Tidied, b: Tidied): Tidied {
  const told = { ...a.told };
  for (const [what, count] of Object.entries(b.told)) told[what] = (told[what] ?? 0) + count;
  return {
    looked: a.looked + b.looked,
    told,
    released: a.released + b.released,
    dropped: a.dropped + b.dropped,
  };
}

export function nothingTidied(): Tidied {
  return { looked: 0, told: {}, released: 0, dropped: 0 };
}
