/** What each check saw, for a verdict to be made of. */

/** What was done, and each difference between the outcome and the answers. */
export interface Outcome {
  did: string;
  faults: readonly string[];
}

export interface TextOutcome extends Outcome {
  /** Samples that were refused, which is honest. */
  refused: readonly string[];
}

export interface Evidence {
  properties: { missing: readonly string[]; readOnly: readonly string[] };
  create: Outcome;
  update: Outcome;
  values: {
    /** Properties, each with so many of its values. */
    tried: readonly string[];
    faults: readonly string[];
    /** Values that were refused, which is honest. */
    refused: readonly string[];
    /** Properties, or values of them, with the reason. */
    untried: readonly string[];
  };
  precondition: {
    claimed: boolean;
    /** Whether a write based on an earlier version went through; by what was written. */
    accepted: readonly string[];
    /** Of so many writes at once, all based on the same version, so many went through. */
    racers: number;
    winners: number;
  };
  repeat: {
    claimed: boolean;
    /** What came of the same create again. */
    again: 'same' | 'refused' | 'second';
    /** Different records that two at the same time were answered with. */
    together: number;
  };
  lookUp: Outcome & { seconds: number };
  unique: { claimed: boolean; second: 'refused' | 'made' };
  match: Outcome & { property: string; offered: boolean };
  /** `records` existed before and after, and were not changed meanwhile. */
  walk: {
    /** Those with a record on them. */
    pages: number;
    records: number;
    missing: readonly string[];
    ended: boolean;
    /** Records of ours that are there, and those of them that no page told. */
    made: number;
    untold: readonly string[];
    /** Whether the records are parts of others, whose own lists have the pages. */
    inside: boolean;
  };
  feed: {
    offered: boolean;
    /** Whether the feed reports any other kind. */
    tellsOthers: boolean;
    records: number;
    /** Never reported, not even when the feed is read again from the beginning. */
    missing: readonly string[];
    /** Reported only when the feed is read again: they were inserted before the reader's position. */
    passedOver: readonly string[];
    /** From the last write until the last of them was reported. */
    seconds: number;
  };
  feedOrder: { offered: boolean; records: number; stale: readonly string[] };
  feedSince: { offered: boolean; records: number; missing: readonly string[] };
  unicode: TextOutcome;
  markup: TextOutcome;
  length: { keptWhole: number; refusedAt: number | null; cut: { wrote: number; found: number } | null };
  archive: Outcome;
  redact: Outcome;
  parent: Outcome;
  visibility: Outcome;
  followUp: { claimed: boolean; told: boolean; said: number };
  file: Outcome;
  detach: Outcome;
  fileRepeat: { claimed: boolean; copies: number };
  version: { exact: boolean; orders: readonly number[]; versions: readonly string[] };
  clock: {
    /** Its `Date` header less our clock; null where it sends none. */
    dateSkewSeconds: number | null;
    /** The time on a new record less ours. */
    stampSkewSeconds: number;
  };
}
