import type { CanonicalKey } from '../canonicalKey';
import type { Overruling } from '../abandonedIntent';
import type { BrakeMark, Holds } from '../holds';
import type { Agreement, Intent, Link, SeenVersion } from '../link';
import type { RefKey, Side, SyncRecord } from '../record';
import type { ReasonCode } from '../reasons';
import type { Decisions } from '../resolution';
import type { PairUndo, Undone } from '../undo';
import type { References } from '../values';

/** What the planner is given, and what it answers. */

/** What was seen of a record. `fresh` means read by the pair's own workflow, not by an export that may lag. */
export type Observation =
  | { record: SyncRecord; fresh: boolean }
  /**
   * `unproven`: it was not found, and nothing else says that it ended. A permission that was lost, another account behind
   * the address, or a proxy's answer look the same.
   */
  | { record: null; fresh: true; unproven?: true };

/** What a look for existing counterparts found. */
export interface Candidates {
  /** Free records on the other side that match the origin record. */
  free: SyncRecord[];
  /** Matching records on the other side that belong to another pair. */
  taken: { ref: RefKey; key: CanonicalKey; settled: boolean }[];
  /** Other records on the origin's own side that share a match value with it, or with a free one of these. */
  rivals: RefKey[];
}

export interface PairState {
  key: CanonicalKey;
  link: Link | null;
  observed: Partial<Record<Side, Observation>>;
  /** Absent until the look was done. */
  candidates?: Candidates;
  /** The pair that the origin record is claimed for, when it is not this one. */
  claimedBy?: CanonicalKey;
  /** What a person decided and this pair has not acted on yet. */
  decisions?: Decisions;
  /** A sibling that was made before this pair's origin and is still to be written to the other side. */
  olderSibling?: RefKey;
  /** What an undo asks of the pair; absent where none does. */
  undo?: PairUndo;
  /** What the brake holds of the pair's entity; absent where it holds nothing. */
  holds?: Holds;
  references: References;
  /** How often this pair was handed on already; stops two records that name each other from passing it on. */
  hops: number;
  /** ISO time. Records created before it may already have a counterpart that no link knows of. */
  linksSince: string;
  now: string;
}

export type Plan =
  | {
      do: 'settled';
      agreement: Agreement;
      seen: Partial<Record<Side, SyncRecord>>;
      overruling?: Overruling;
      /** What became of the values that an undo is about. */
      undone?: Undone[];
    }
  | { do: 'read'; refs: RefKey[] }
  | { do: 'look'; origin: SyncRecord }
  | { do: 'join'; origin: SyncRecord; counterpart: SyncRecord }
  | { do: 'write'; intent: Intent; overruling?: Overruling; undone?: Undone[] }
  | { do: 'wait'; waitsFor: RefKey[]; reason: string }
  | { do: 'redirect'; to: CanonicalKey }
  | { do: 'ignore'; reason: string }
  | { do: 'conflict'; code: ReasonCode; reason: string; candidates: RefKey[] }
  /** A person keeps the record by itself. */
  | { do: 'unlink' }
  /** Lets go of a former counterpart, because a person chose another. */
  | { do: 'part'; from: Side }
  /** Nothing to do until a person says otherwise. */
  | { do: 'rest' }
  | { do: 'quarantine'; code: ReasonCode; reason: string }
  /** A record was not found, and may be there all the same: the pair rests as it is. */
  | { do: 'absent'; reason: string }
  /** A record ended, and the brake holds that: the pair rests as it is. */
  | { do: 'brake'; mark: BrakeMark; reason: string }
  /** `ended`: how the link knows the record from now on. */
  | { do: 'bury'; reason: string; intent: Intent | null; ended?: Ended; overruling?: Overruling };

/** A linked record that ended. */
export interface Ended {
  side: Side;
  seen: SeenVersion;
}
