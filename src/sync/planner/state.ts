import type { CanonicalKey } from '../canonicalKey';
import type { Overruling } from '../abandonedIntent';
import type { BrakeMark, Holds } from '../holds';
import type { Agreement, Intent, Link, SeenVersion } from '../link';
import type { RefKey, Side, SyncRecord } from '../record';
import type { ReasonCode } from '../reasons';
import type { Decisions } from '../resolution';
import type { PairUndo, Undone } from '../undo';
import type { References } from '../values';

/** The input and the output of the planner. */

/**
 * A record as it was last seen. `fresh`: the pair's own workflow read it; otherwise it is from an export, which may
 * lag.
 */
export type Observation =
  | { record: SyncRecord; fresh: boolean }
  /**
   * The record was not found. `unproven`: nothing else says that it ended. A lost permission, another account behind
   * the address, or the answer of a proxy look the same.
   */
  | { record: null; fresh: true; unproven?: true };

/** The result of a look-up of existing counterparts. */
export interface Candidates {
  /** Free records on the other side that match the origin record. */
  free: SyncRecord[];
  /** Matching records on the other side that belong to another pair. `settled`: that pair has both its records. */
  taken: { ref: RefKey; key: CanonicalKey; settled: boolean }[];
  /** Other records on the origin's side that share a match value with the origin, or with a free record. */
  rivals: RefKey[];
}

export interface PairState {
  key: CanonicalKey;
  link: Link | null;
  observed: Partial<Record<Side, Observation>>;
  /** Absent until the look-up was made. */
  candidates?: Candidates;
  /** The pair that has claimed the origin record; absent if this pair has, or if no pair has. */
  claimedBy?: CanonicalKey;
  /** A person's decisions that this pair has not carried out yet. */
  decisions?: Decisions;
  /** A sibling that was created before this pair's origin, and is not written to the other side yet. */
  olderSibling?: RefKey;
  /** The former values that an undo puts back in this pair; absent if no undo concerns it. */
  undo?: PairUndo;
  /** The brake's holds of the pair's entity; absent if there are none. */
  holds?: Holds;
  references: References;
  /** How often the inbox was handed on already. The limit stops two records with each other's back-reference. */
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
      /** The outcome of an undo, for each of its values. */
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
  /** A person wants the record without a counterpart. */
  | { do: 'unlink' }
  /** Releases the former counterpart on the side `from`, because a person chose another one. */
  | { do: 'part'; from: Side }
  /** There is nothing to do until a person decides something new. */
  | { do: 'rest' }
  | { do: 'quarantine'; code: ReasonCode; reason: string }
  /** A record was not found, but may still exist: the pair rests as it is. */
  | { do: 'absent'; reason: string }
  /** A record ended, and the brake holds the end of the pair: the pair rests as it is. */
  | { do: 'brake'; mark: BrakeMark; reason: string }
  /** The pair ends. `ended`: the version of the ended record that the link keeps. */
  | { do: 'bury'; reason: string; intent: Intent | null; ended?: Ended; overruling?: Overruling };

/** A linked record that ended. */
export interface Ended {
  side: Side;
  seen: SeenVersion;
}
