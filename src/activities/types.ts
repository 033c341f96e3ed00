import type { CanonicalKey } from '../sync/keys';
import type { LinkStatus } from '../sync/link';
import type { RefKey, Side } from '../sync/record';
import type { Resolution } from '../sync/resolution';

/** What workflows and activities exchange: ids and summaries, never a record's values. */

/** "This record may have changed." A null version says nothing of what it is now. */
export interface Hint {
  ref: RefKey;
  version: string | null;
}

/** What a workflow's inbox holds. */
export interface Inbox {
  hints: Hint[];
  /** Read both records again, whatever is known of them. */
  force: boolean;
  /** How often this inbox was handed from pair to pair. */
  hops: number;
}

/** What came of this turn's reads, for the next plan. */
export interface Findings {
  fresh: RefKey[];
  gone: RefKey[];
  /** Present once counterparts were looked for. */
  looked: { matches: RefKey[]; rivals: RefKey[] } | null;
}

export interface PlanInput extends Inbox, Findings {
  key: CanonicalKey;
  /** Whether this begins a turn: its hints and force are news. */
  first: boolean;
}

/** The one thing to do next. */
export type Step =
  | { next: 'read'; side: Side; refs: RefKey[] }
  | { next: 'look'; origin: RefKey }
  | { next: 'write'; sides: Side[] }
  /** Nothing more to do until somebody speaks up: `state` says how the pair stands. */
  | { next: 'rest'; state: PairSummary };

export interface PairSummary {
  key: CanonicalKey;
  status: LinkStatus | 'ignored' | 'handed over';
  zendesk: string | null;
  pms: string | null;
  /** Why it is not `linked`; for a person. */
  reason: string | null;
}

export interface ReadOutcome {
  fresh: RefKey[];
  gone: RefKey[];
}

/** `again`: something else came to light, plan once more with these findings. */
export type WriteOutcome = { next: 'done'; state: PairSummary } | ({ next: 'again' } & ReadOutcome);

export interface PollOutcome {
  pages: number;
  records: number;
  hinted: number;
}

/** What one reading of hints came to. */
export interface HintOutcome {
  /** Hints that were dealt with. */
  hints: number;
  /** Records that were read for them; the others told of nothing new. */
  read: number;
  /** Pairs that were told. */
  hinted: number;
  /** More hints may wait. */
  more: boolean;
}

/** Activities on the service's own task queue: the link store, and no API. */
export interface PairActivities {
  planPair(input: PlanInput): Promise<Step>;
  /** Keeps a person's decision for the pair's next turn. Fails as `Refused` where it cannot be acted on. */
  decide(input: { key: CanonicalKey; resolution: Resolution }): Promise<void>;
}

/** Activities on one API's task queue, which is where that API's rate limit is kept. */
export interface SystemActivities {
  readRecords(input: { key: CanonicalKey; refs: RefKey[] }): Promise<ReadOutcome>;
  /** Records of this side that match the origin, or any of these records of the other side. */
  lookForMatches(input: { key: CanonicalKey; origin: RefKey; counterparts?: RefKey[] }): Promise<RefKey[]>;
  writePlanned(input: { key: CanonicalKey }): Promise<WriteOutcome>;
  pollStream(input: { stream: string }): Promise<PollOutcome>;
  listStreams(): Promise<string[]>;
  readHinted(): Promise<HintOutcome>;
}

/** How far a remap has come: ids and counts. */
export interface RemapProgress {
  /** The mapping that pairs are brought to. */
  version: string;
  /** Pairs that were told to read both records again. */
  told: number;
  /** Those of them that were not brought to it and do not move: they wait for a person or for another pair. */
  left: number;
  /** The key up to which links were walked. */
  after: CanonicalKey | null;
  /** `superseded`: another mapping came into use meanwhile. */
  state: 'running' | 'done' | 'superseded';
}

/** Activities of the remap workflow: the link store, and no API. */
export interface RemapActivities {
  /** Takes the mapping into use again where an older file was put back. */
  beginRemap(input: { version: string }): Promise<void>;
  remapPage(input: {
    version: string;
    after: CanonicalKey | null;
    limit: number;
  }): Promise<{ keys: CanonicalKey[]; superseded: boolean }>;
  countOutdated(input: { version: string; keys: CanonicalKey[] }): Promise<number>;
}
