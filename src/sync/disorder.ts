import { NO_PART, type Link } from './link';

/** The disorder that link hygiene finds in one link. Pure. */
export type Disorder =
  /** An intent that no workflow carries out: the workflow was terminated, or failed. */
  | 'abandoned'
  /** The link is pending, has no intent, and waits for nothing. */
  | 'stuck'
  /** The link waits for a record that is linked already, or that no pair has begun. */
  | 'overlooked'
  /** The time of the next attempt has long passed. */
  | 'overdue';

/** A link that changed within this time may still have a running workflow. */
export const AT_WORK_MS = 10 * 60_000;

/** @param parents the states of the pairs that the link waits for: linked, at work, or unknown to the store */
export function disorderOf(
  link: Link,
  parents: readonly ('linked' | 'at work' | 'unknown')[],
  now: Date,
): Disorder | null {
  const idle = (since: string) => now.getTime() - Date.parse(since) > AT_WORK_MS;
  if (link.status === 'conflict' || link.status === 'quarantined' || link.status === 'tombstone') return null;
  // A paused pair is signalled when the pause ends.
  if (!idle(link.updatedAt) || link.reason?.code === 'paused') return null;
  // A pair that met a bug before it had both records stays as it is, for a person.
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

/** The counts of link hygiene, for one part of the store. */
export interface Tidied {
  looked: number;
  /** Pairs that were signalled, by the disorder that was found. */
  told: Record<string, number>;
  /** Claims that were released because no link confirmed them. */
  released: number;
  /** Observations without a change that were dropped, and dropped entries of the journal. */
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
