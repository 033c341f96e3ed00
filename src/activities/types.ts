import type { BackfillStep } from '../sync/backfillVerdict';
import type { BackfillTallies } from '../sync/backfillTally';
import type { Cause } from '../sync/journalCauses';
import type { CanonicalKey } from '../sync/canonicalKey';
import type { Lane } from '../sync/lane';
import type { HoldId, HoldState } from '../sync/holds';
import type { LinkStatus } from '../sync/link';
import type { Tidied } from '../sync/disorder';
import type { AllFindings, ReconcileReport } from '../sync/findings';
import type { EntityType, RefKey, Side } from '../sync/record';
import type { Resolution } from '../sync/resolution';

/** What workflows and activities exchange: ids and summaries, never a record's values. */

/** "This record may have changed." A null version says nothing of what it is now. */
export interface Hint {
  ref: RefKey;
  version: string | null;
  /** It ended, as its side says in so many words, or as two complete reconciles found. */
  gone?: true;
}

/** What a workflow's inbox holds. */
export interface Inbox {
  hints: Hint[];
  /** Read both records again, whatever is known of them. */
  force: boolean;
  /** How often this inbox was handed from pair to pair. */
  hops: number;
  /** Why, for the journal: ids and names only. Absent in messages of releases before it was kept. */
  causes?: Cause[];
  /** Absent: somebody waits for it, unless it is sent from within background work. */
  lane?: Lane;
}

/** What came of this turn's reads, for the next plan. */
export interface TurnFindings {
  fresh: RefKey[];
  gone: RefKey[];
  /** Present once counterparts were looked for. */
  looked: { matches: RefKey[]; rivals: RefKey[] } | null;
}

export interface PlanInput extends Inbox, TurnFindings {
  key: CanonicalKey;
  /** Whether this begins a turn: its hints and force are news. */
  first: boolean;
}

/** The one thing to do next. */
export type Step =
  | { next: 'read'; side: Side; refs: RefKey[] }
  | { next: 'look'; origin: RefKey }
  /** `words`: what is written on each side, with names of properties and no value; for the Web UI. */
  | { next: 'write'; sides: Side[]; words?: Partial<Record<Side, string>> }
  /** Nothing more to do until somebody speaks up: `state` says how the pair stands. */
  | { next: 'rest'; state: PairSummary };

export interface PairSummary {
  key: CanonicalKey;
  status: LinkStatus | 'ignored' | 'handed over' | 'paused' | 'unknown';
  zendesk: string | null;
  pms: string | null;
  /** Why it is not `linked`; for a person. */
  reason: string | null;
}

/** What the Web UI's list shows of a pair. */
export type Standing = Pick<PairSummary, 'status' | 'zendesk' | 'pms'>;

export interface ReadOutcome {
  fresh: RefKey[];
  gone: RefKey[];
}

/** `again`: something else came to light, plan once more with these findings. */
export type WriteOutcome = { next: 'done'; state: PairSummary } | ({ next: 'again' } & ReadOutcome);

/** A look for the records that match a pair's origin, or its counterparts. */
export interface MatchesWanted {
  key: CanonicalKey;
  origin: RefKey;
  counterparts?: RefKey[];
}

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
  /** Keeps a person's decision for the pair's next turn. @returns its id. Fails as `Refused` where it cannot be acted on. */
  decide(input: { key: CanonicalKey; resolution: Resolution }): Promise<string>;
  /** Fails as `Refused` where the decision was not acted on and cannot be any more. */
  expectActedOn(input: { key: CanonicalKey; resolution: Resolution; id: string }): Promise<void>;
}

/** Activities on one API's task queue, which is where that API's rate limit is kept. */
export interface SystemActivities {
  readRecords(input: { key: CanonicalKey; refs: RefKey[] }): Promise<ReadOutcome>;
  /** Records of this side that match the origin, or any of these records of the other side. */
  lookForMatches(input: MatchesWanted): Promise<RefKey[]>;
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

/** How far the end of a hold has come: ids and counts. */
export interface HoldProgress {
  hold: HoldId;
  how: Extract<HoldState, 'releasing' | 'discarding'>;
  /** Pairs that were told to go on. */
  told: number;
  /** Those of them that are still marked and do not move: they are paused, or wait for a person. */
  left: number;
  /** The key up to which marked pairs were walked. */
  after: CanonicalKey | null;
}

/** Activities that end a hold of the brake: the link store, and no API. */
export interface BrakeActivities {
  beginEnd(input: Pick<HoldProgress, 'hold' | 'how'>): Promise<void>;
  tellHeld(input: { hold: HoldId; after: CanonicalKey | null; limit: number }): Promise<CanonicalKey[]>;
  countHeld(input: { hold: HoldId; keys: CanonicalKey[] }): Promise<number>;
  finishEnd(input: Pick<HoldProgress, 'hold' | 'how' | 'left'>): Promise<void>;
}

/** How far an undo has come: ids and counts. */
export interface UndoProgress {
  /** Pairs that were told. */
  told: number;
  /** Those of them that did not answer. */
  left: number;
  /** The key up to which pairs were told. */
  after: CanonicalKey | null;
  state: 'gathering' | 'working' | 'done';
}

/** Activities of an undo: the link store, and no API. */
export interface UndoActivities {
  /** Finds its pairs, and holds its rows. Fails as `Refused` where the cause of what is to be undone still stands. */
  beginUndo(input: { id: string }): Promise<void>;
  /** Tells a page of pairs that are not done. @returns those that were told, and where the next page begins; null at the end */
  tellUndo(input: {
    id: string;
    after: CanonicalKey | null;
    limit: number;
  }): Promise<{ keys: CanonicalKey[]; after: CanonicalKey | null }>;
  countUndo(input: { id: string; keys: CanonicalKey[] }): Promise<number>;
  /** Gives up pairs that do not answer: they are paused, or wait for a person. */
  leaveUndo(input: { id: string; keys: CanonicalKey[] }): Promise<void>;
  endUndo(input: { id: string }): Promise<void>;
}

/** One kind of records to walk. */
export interface ReconcileStep {
  side: Side;
  kind: string;
  /** ISO time; records that did not change since may be left out. Null: all of them. */
  since: string | null;
}

/** Where a walk goes on (null: it is done), and what it found on the way. */
export interface WalkOutcome {
  cursor: string | null;
  findings: AllFindings;
}

/** Activities that walk one API's records, on its background task queue. */
export interface WalkActivities {
  walkRecords(
    input: { run: string; cursor: string | null } & Pick<ReconcileStep, 'kind' | 'since'>,
  ): Promise<WalkOutcome>;
  /** Looks for the records of links that no walk of this run met. */
  sweepUnseen(input: { run: string; kinds: string[]; after: RefKey | null }): Promise<WalkOutcome>;
}

/** Parts of the link store, in the order in which hygiene looks at them. */
export type StorePart = 'links' | 'claims' | 'observations' | 'journal';

/** Which pairs to bring into agreement, whatever is known of them. What is absent does not matter. */
export interface ResyncFilter {
  entity?: EntityType;
  /** A record of either side that stands for an organization: `zendesk:organization:12`. */
  organization?: RefKey;
  /** ISO time: pairs with a record that changed since. */
  since?: string;
}

export interface PauseState {
  /** ISO times since when. */
  paused: Partial<Record<EntityType, string>>;
  /** Pairs that wait for the end of a pause. */
  heldBack: Partial<Record<EntityType, number>>;
}

/** Activities on the service's own task queue that keep the link store in order and steer the sync. */
export interface UpkeepActivities {
  reconcileSteps(input: { full: boolean }): Promise<ReconcileStep[]>;
  saveReport(report: ReconcileReport): Promise<void>;
  tidy(input: { part: StorePart; after: string | null }): Promise<{ after: string | null; tidied: Tidied }>;
}

export interface ControlActivities {
  setPaused(input: { entities: EntityType[]; paused: boolean }): Promise<PauseState>;
  pauseState(): Promise<PauseState>;
  /** Tells the pairs what came for them during the pause. @returns how many were told */
  releaseHeld(input: { entities: EntityType[] }): Promise<number>;
  /** Tells a page of pairs to look again. @returns where to go on, null at the end, and how many were told */
  resyncPage(input: { filter: ResyncFilter; after: CanonicalKey | null }): Promise<{
    after: CanonicalKey | null;
    told: number;
  }>;
}

/** What one page of a backfill's reading came to. */
export interface BackfillPage {
  /** Where the next page begins; null after the last. */
  cursor: string | null;
  /** Whether there is anything to write. */
  empty: boolean;
  tallies: BackfillTallies;
  /** ISO time of the last record's last change: about how far through the account this is. */
  reached: string | null;
}

/** Activities of a backfill that touch no API. */
export interface BackfillActivities {
  /** Clears away what an earlier run left. @returns what there is to do, in order */
  planBackfill(): Promise<BackfillStep[]>;
  /** Tells pairs that wait for what is linked by now. @returns how many */
  wakeWaiting(): Promise<number>;
  endBackfill(): Promise<void>;
}

/** Activities of a backfill on one API's background task queue. */
export interface BackfillSystemActivities {
  /** Has the side's polls go on from now, unless they have come to the present already. */
  beginBackfillOn(): Promise<void>;
  readBackfillPage(input: {
    run: string;
    kind: string;
    page: number;
    cursor: string | null;
  }): Promise<BackfillPage>;
  /** Writes to this side a page that was read from the other. `paused`: an operator paused one of its entity types. */
  writeBackfillPage(input: {
    run: string;
    page: number;
  }): Promise<{ state: 'done' | 'paused'; tallies: BackfillTallies }>;
}
