import type { CanonicalKey } from '../canonicalKey';
import type { Intent } from '../link';
import type { RefKey, Side, SyncRecord, Values } from '../record';
import type { LinkedPair } from './plannedPair';

/**
 * The phases of a pair, with what is found in each. They are listed in the order in which they are looked for: the first
 * that fits is the pair's phase. docs/planner.md has the table.
 */
export interface PhaseFindings {
  /** A person keeps the record by itself. */
  detaching: object;
  /** A person took the pair apart and has not joined it again. */
  detached: object;
  /** A person gave a detached pair another counterpart; the former one is still on the link. */
  switching: { former: Side };

  /** One record: another pair has claimed it. */
  claimed: { owner: CanonicalKey };
  /** One record or both: an intent was begun, and what it did is unknown. */
  resuming: { intent: Intent };
  /** One record: nobody has seen it yet. */
  unseen: { ref: RefKey };
  /** One record: an export shows that it ended, which may be out of date. */
  maybeEnded: { ref: RefKey };
  /** One record: it ended before it was linked. */
  endedAlone: { reason: string };
  /** One record: it takes no part. */
  outside: { reason: string };
  /** One record: a person chose its counterpart, which is still to be read. */
  chosenUnread: { chosen: RefKey };
  /** One record: a person chose its counterpart, which ended. */
  chosenEnded: { origin: SyncRecord; chosen: RefKey; counterpart: SyncRecord | null };
  /** One record: its back-reference says that another pair made it. */
  madeElsewhere: { owner: CanonicalKey };
  /** One record: a sibling goes first. */
  queued: { sibling: RefKey };
  /** One record: a value does not fit the mapping. */
  unmapped: { problems: string[] };
  /** One record: it points to records that are not linked. */
  waiting: { parents: RefKey[] };
  /** One record: whether it has a counterpart is not known. */
  looking: { origin: SyncRecord };
  /** One record: another pair is about to be linked with a record that matches. */
  contested: { matches: RefKey[] };
  /** One record: it cannot be told which record is the counterpart. */
  ambiguous: { reason: string; candidates: RefKey[] };
  /** One record: its counterpart was found, or chosen. */
  joining: { origin: SyncRecord; counterpart: SyncRecord };
  /** One record: it has no counterpart. `canonical` has its values by row. */
  creating: { origin: SyncRecord; canonical: Values };

  /** Both records: one of them was not found, and nothing else says that it ended. */
  absent: { ref: RefKey };
  /** Both records: one of them ended. `record` is null where nothing is left of it. */
  ended: { linked: LinkedPair; side: Side; record: SyncRecord | null };
  /** Both records: some row was never agreed on, and a side was not just read. */
  unread: { refs: RefKey[] };
  /** Both records: the pair ended, and what ended is there again. */
  returned: { refs: RefKey[] };
  /** Both records: it cannot be told whether an observation is old or a change. */
  doubtful: { refs: RefKey[] };
  /** Both records: a parent that they cannot be without is not linked. */
  orphaned: { parents: RefKey[] };
  /** Both records are known as far as need be. */
  merging: { linked: LinkedPair };
}

export type Phase = keyof PhaseFindings;

/** A phase with what was found in it. */
export type Found<P extends Phase = Phase> = { [K in P]: { phase: K; found: PhaseFindings[K] } }[P];
