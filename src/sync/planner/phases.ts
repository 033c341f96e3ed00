import type { CanonicalKey } from '../canonicalKey';
import type { Intent } from '../link';
import type { RefKey, Side, SyncRecord, Values } from '../record';
import type { LinkedPair } from './plannedPair';

/**
 * The phases of a pair, with the findings that the plan of each needs. The planner tests them in this order and takes
 * the first that fits. docs/planner.md has the table.
 */
export interface PhaseFindings {
  /** A person wants the record without a counterpart. */
  detaching: object;
  /** A person unlinked the pair and has not linked it again. */
  detached: object;
  /** A person chose another counterpart for a detached pair. The link still has the one on the side `former`. */
  switching: { former: Side };

  /** One record: another pair has claimed it. */
  claimed: { owner: CanonicalKey };
  /** One record or both: an intent was begun, and its outcome is unknown. */
  resuming: { intent: Intent };
  /** One record: it was never seen. */
  unseen: { ref: RefKey };
  /** One record: an export shows that it ended, which may be out of date. */
  maybeEnded: { ref: RefKey };
  /** One record: it ended before it was linked. */
  endedAlone: { reason: string };
  /** One record: it is out of scope. */
  outside: { reason: string };
  /** One record: a person chose its counterpart, which is still to be read. */
  chosenUnread: { chosen: RefKey };
  /** One record: a person chose its counterpart, which ended. */
  chosenEnded: { origin: SyncRecord; chosen: RefKey; counterpart: SyncRecord | null };
  /** One record: its back-reference names the record of another pair, which created it. */
  madeElsewhere: { owner: CanonicalKey };
  /** One record: an earlier sibling is not written yet. */
  queued: { sibling: RefKey };
  /** One record: a value does not fit the mapping. */
  unmapped: { problems: string[] };
  /** One record: it points to records that are not linked. */
  waiting: { parents: RefKey[] };
  /** One record: no look-up was made yet whether a matching record exists. */
  looking: { origin: SyncRecord };
  /** One record: another pair is about to be linked with a record that matches. */
  contested: { matches: RefKey[] };
  /** One record: several records may be the counterpart. */
  ambiguous: { reason: string; candidates: RefKey[] };
  /** One record: its counterpart was found, or chosen. */
  joining: { origin: SyncRecord; counterpart: SyncRecord };
  /** One record: it has no counterpart. `canonical`: its values by row id. */
  creating: { origin: SyncRecord; canonical: Values };

  /** Both records: one of them was not found, and nothing else says that it ended. */
  absent: { ref: RefKey };
  /** Both records: one of them ended. `record`: null if its side no longer has it. */
  ended: { linked: LinkedPair; side: Side; record: SyncRecord | null };
  /** Both records: the values of both are to be compared, and one was not just read. */
  unread: { refs: RefKey[] };
  /** Both records: the pair is a tombstone, its records exist again, and one was not just read. */
  returned: { refs: RefKey[] };
  /** Both records: an observation may be old, or a change; or a write of unknown outcome went to the side. */
  doubtful: { refs: RefKey[] };
  /** Both records: a required parent is not linked. */
  orphaned: { parents: RefKey[] };
  /** Both records: none of the above. */
  merging: { linked: LinkedPair };
}

export type Phase = keyof PhaseFindings;

/** A phase with what was found in it. */
export type Found<P extends Phase = Phase> = { [K in P]: { phase: K; found: PhaseFindings[K] } }[P];
