/** The observations of each check. `verdict.ts` judges them. */

/** What the check did, and each difference between the system's answers and the expected outcome. */
export interface Outcome {
  did: string;
  faults: readonly string[];
}

export interface TextOutcome extends Outcome {
  /** Samples that the system refused. A refusal is no fault. */
  refused: readonly string[];
}

export interface Evidence {
  properties: { missing: readonly string[]; readOnly: readonly string[] };
  create: Outcome;
  update: Outcome;
  values: {
    /** The tested properties, each with the number of its values. */
    tried: readonly string[];
    faults: readonly string[];
    /** Values that the system refused. A refusal is no fault. */
    refused: readonly string[];
    /** Properties, or values of properties, that were not tested, with the reason. */
    untried: readonly string[];
  };
  precondition: {
    claimed: boolean;
    /** The writes that the system accepted although they were based on an old version. */
    accepted: readonly string[];
    /** The number of concurrent writes based on the same version, and how many of them succeeded. */
    racers: number;
    winners: number;
  };
  repeat: {
    claimed: boolean;
    /** The result of a repeated create: the first record, a refusal, or a second record. */
    again: 'same' | 'refused' | 'second';
    /** The number of different records that two concurrent creates returned. */
    together: number;
  };
  lookUp: Outcome & { seconds: number };
  unique: { claimed: boolean; second: 'refused' | 'made' };
  match: Outcome & { property: string; offered: boolean };
  /** `records`: the number of records that existed before and after the walk and were not changed during it. */
  walk: {
    /** The number of pages with at least one record. */
    pages: number;
    records: number;
    missing: readonly string[];
    ended: boolean;
    /** The number of records that the check made, and those of them that no page contained. */
    made: number;
    unlisted: readonly string[];
    /** Whether records of the kind are listed inside other records, so that the pages are those of the inner lists. */
    inside: boolean;
  };
  feed: {
    offered: boolean;
    /** Whether the feed reports records of other kinds. */
    reportsOthers: boolean;
    records: number;
    /** Records that were never reported, not even when the feed was read again from the beginning. */
    missing: readonly string[];
    /** Records that only a second reading reported: their entries were inserted before the reader's position. */
    passedOver: readonly string[];
    /** The time from the last write until every record was reported. */
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
  followUp: { claimed: boolean; shown: boolean; copies: number };
  file: Outcome;
  detach: Outcome;
  fileRepeat: { claimed: boolean; copies: number };
  version: { exact: boolean; orders: readonly number[]; versions: readonly string[] };
  clock: {
    /** The `Date` header minus our clock; null if the system sends no such header. */
    dateSkewSeconds: number | null;
    /** The `updatedAt` of a new record minus our clock. */
    stampSkewSeconds: number;
  };
}
