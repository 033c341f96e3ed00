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

/** "This record may have changed." */
export interface Hint {
  ref: RefKey;
  /** The version that was seen; null if it is not known. */
  version: string | null;
  /** The record ended: its side reported the deletion, or two complete reconciles did not find the record. */
  gone?: true;
}

/** What a workflow's inbox holds. */
export interface Inbox {
  hints: Hint[];
  /** Read both records again, even if nothing is known to have changed. */
  force: boolean;
  /** How often this message was handed on from one pair to another. */
  hops: number;
  /** Why the message was sent, for the journal: ids and names only. Earlier releases sent none. */
  causes?: Cause[];
  /** Absent: interactive, unless background work sends the message. */
  lane?: Lane;
}

/** The results of this turn's reads and look-ups, for the next plan. */
export interface TurnFindings {
  /** Records that this turn has read. */
  fresh: RefKey[];
  /** Records that this turn did not find. */
  gone: RefKey[];
  /** The result of the look-up of counterparts; null before it. */
  looked: { matches: RefKey[]; rivals: RefKey[] } | null;
}

export interface PlanInput extends Inbox, TurnFindings {
  key: CanonicalKey;
  /** Whether this is the first plan of a turn, for which `hints` and `force` are new. */
  first: boolean;
}

/** The next step of a pair. */
export type Step =
  | { next: 'read'; side: Side; refs: RefKey[] }
  | { next: 'look'; origin: RefKey }
  /**
   * `words`: a summary of the write for each side, for the Web UI. It names properties and contains no values. `rev`: the
   * revision of the link with the plan; steps of releases before 0.3.0 do not have it.
   */
  | { next: 'write'; sides: Side[]; words?: Partial<Record<Side, string>>; rev?: number }
  /** Nothing is left to do until the next message. `state`: the state of the pair. */
  | { next: 'rest'; state: PairSummary };

export interface PairSummary {
  key: CanonicalKey;
  status: LinkStatus | 'ignored' | 'handed over' | 'paused' | 'unknown';
  zendesk: string | null;
  pms: string | null;
  /** Why the pair is not `linked`, in words for a person; null if it is. */
  reason: string | null;
}

/** A pair's search attributes, which Temporal's list of workflows shows. */
export type ListedPair = Pick<PairSummary, 'status' | 'zendesk' | 'pms'>;

export interface ReadOutcome {
  fresh: RefKey[];
  gone: RefKey[];
}

/**
 * `again`: the write was not carried out as planned; plan again with these findings. `rev`: the revision of the link
 * with the plan's remaining writes, if it has any.
 */
export type WriteOutcome =
  { next: 'done'; state: PairSummary; rev?: number } | ({ next: 'again' } & ReadOutcome);

/** The input of a look-up: records that match the pair's origin or, if given, these counterparts of it. */
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

/** The outcome of one reading of hints. */
export interface HintOutcome {
  /** Hints that were processed. */
  hints: number;
  /** Records that were read. For the other hints, the link already had the change. */
  read: number;
  /** Pairs that were signalled. */
  hinted: number;
  /** Whether more hints may wait. */
  more: boolean;
}

/** Activities on the service's own task queue: the link store, and no API. */
export interface PairActivities {
  planPair(input: PlanInput): Promise<Step>;
  /**
   * Stores a person's decision for the pair's next turn. Fails as `Refused` if the decision cannot be carried out.
   * @returns the id of the decision
   */
  decide(input: { key: CanonicalKey; resolution: Resolution }): Promise<string>;
  /** Fails as `Refused` if the decision was not carried out and cannot be carried out any more. */
  expectActedOn(input: { key: CanonicalKey; resolution: Resolution; id: string }): Promise<void>;
}

/** Activities on one API's task queue, which is where that API's rate limit is kept. */
export interface SystemActivities {
  readRecords(input: { key: CanonicalKey; refs: RefKey[] }): Promise<ReadOutcome>;
  /**
   * Records of this side that match the origin, or any of these records of the other side.
   * @returns null if a look-up was impossible because the link store has no observation of the origin
   */
  lookForMatches(input: MatchesWanted): Promise<RefKey[] | null>;
  /** @param input `rev`: the revision of the link that the plan or the write before has saved, if it is known */
  writePlanned(input: { key: CanonicalKey; rev?: number }): Promise<WriteOutcome>;
  pollStream(input: { stream: string }): Promise<PollOutcome>;
  listStreams(): Promise<string[]>;
  readHinted(): Promise<HintOutcome>;
}

/** The progress of a remap. */
export interface RemapProgress {
  /** The mapping that is applied to the pairs. */
  version: string;
  /** Pairs that were signalled to read both records again. */
  told: number;
  /** Signalled pairs that still have another mapping and make no progress: they wait for a person or another pair. */
  left: number;
  /** The key up to which links were walked. */
  after: CanonicalKey | null;
  /** `superseded`: another mapping came into use meanwhile. */
  state: 'running' | 'done' | 'superseded';
}

/** Activities of the remap workflow: the link store, and no API. */
export interface RemapActivities {
  /** Makes the mapping the one in use, also if the file is older than the one in use. */
  beginRemap(input: { version: string }): Promise<void>;
  remapPage(input: {
    version: string;
    after: CanonicalKey | null;
    limit: number;
  }): Promise<{ keys: CanonicalKey[]; superseded: boolean }>;
  countOutdated(input: { version: string; keys: CanonicalKey[] }): Promise<number>;
}

/** The progress of the end of a hold. */
export interface HoldProgress {
  hold: HoldId;
  how: Extract<HoldState, 'releasing' | 'discarding'>;
  /** Pairs that were signalled to go on. */
  told: number;
  /** Signalled pairs that are still marked and make no progress: they are paused, or wait for a person. */
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

/** The progress of an undo. */
export interface UndoProgress {
  /** Pairs that were signalled. */
  told: number;
  /** Signalled pairs that did not answer. */
  left: number;
  /** The key up to which pairs were signalled. */
  after: CanonicalKey | null;
  state: 'gathering' | 'working' | 'done';
}

/** Activities of an undo: the link store, and no API. */
export interface UndoActivities {
  /** Finds the pairs and holds the rows. Fails as `Refused` if the cause of the writes that it undoes still exists. */
  beginUndo(input: { id: string }): Promise<void>;
  /**
   * Signals a page of pairs that are not done.
   * @returns the keys of these pairs, and the key after which the next page begins, null at the end
   */
  tellUndo(input: {
    id: string;
    after: CanonicalKey | null;
    limit: number;
  }): Promise<{ keys: CanonicalKey[]; after: CanonicalKey | null }>;
  countUndo(input: { id: string; keys: CanonicalKey[] }): Promise<number>;
  /** Leaves pairs that do not answer out of the undo: they are paused, or wait for a person. */
  leaveUndo(input: { id: string; keys: CanonicalKey[] }): Promise<void>;
  endUndo(input: { id: string }): Promise<void>;
}

/** One kind of records to walk. */
export interface ReconcileStep {
  side: Side;
  kind: string;
  /** ISO time: records that have not changed since then may be left out. Null: all records are walked. */
  since: string | null;
}

/** The position after a part of a walk (null at the end), and the findings of that part. */
export interface WalkOutcome {
  cursor: string | null;
  findings: AllFindings;
}

/** Activities that walk one API's records, on its background task queue. */
export interface WalkActivities {
  walkRecords(
    input: { run: string; cursor: string | null } & Pick<ReconcileStep, 'kind' | 'since'>,
  ): Promise<WalkOutcome>;
  /** Looks for the records of links that the walks of this run did not find. */
  sweepUnseen(input: { run: string; kinds: string[]; after: RefKey | null }): Promise<WalkOutcome>;
}

/** Parts of the link store, in the order in which hygiene looks at them. */
export type StorePart = 'links' | 'claims' | 'observations' | 'journal';

/** Which pairs are to read both records again. An absent criterion excludes no pair. */
export interface ResyncFilter {
  entity?: EntityType;
  /** An organization, by its record on either side: `zendesk:organization:12`. */
  organization?: RefKey;
  /** ISO time: pairs with a record that changed since. */
  since?: string;
}

export interface PauseState {
  /** The ISO time since when each entity type is paused. */
  paused: Partial<Record<EntityType, string>>;
  /** The number of pairs that wait for the end of a pause. */
  heldBack: Partial<Record<EntityType, number>>;
}

/** Activities on the service's own task queue that maintain the link store. */
export interface UpkeepActivities {
  reconcileSteps(input: { full: boolean }): Promise<ReconcileStep[]>;
  saveReport(report: ReconcileReport): Promise<void>;
  tidy(input: { part: StorePart; after: string | null }): Promise<{ after: string | null; tidied: Tidied }>;
}

export interface ControlActivities {
  setPaused(input: { entities: EntityType[]; paused: boolean }): Promise<PauseState>;
  pauseState(): Promise<PauseState>;
  /** Sends the pairs the messages that arrived during the pause. @returns the number of pairs */
  releaseHeld(input: { entities: EntityType[] }): Promise<number>;
  /**
   * Signals a page of pairs to read both records again.
   * @returns the key after which the next page begins, null at the end, and the number of pairs
   */
  resyncPage(input: { filter: ResyncFilter; after: CanonicalKey | null }): Promise<{
    after: CanonicalKey | null;
    told: number;
  }>;
}

/** The outcome of reading one page of a backfill. */
export interface BackfillPage {
  /** Where the next page begins; null after the last. */
  cursor: string | null;
  /** Whether there is anything to write. */
  empty: boolean;
  tallies: BackfillTallies;
  /** ISO time of the last change of the page's last record. It shows roughly how far the backfill has come. */
  reached: string | null;
}

/** Activities of a backfill that touch no API. */
export interface BackfillActivities {
  /** Removes the leftovers of an earlier run. @returns the steps of this run, in order */
  planBackfill(): Promise<BackfillStep[]>;
  /** Signals pairs that wait for a record that is linked now. @returns the number of pairs */
  wakeWaiting(): Promise<number>;
  endBackfill(): Promise<void>;
}

/** Activities of a backfill on one API's background task queue. */
export interface BackfillSystemActivities {
  /** Sets the side's cursors to the present, unless its polls have reached the present already. */
  beginBackfillOn(): Promise<void>;
  readBackfillPage(input: {
    run: string;
    kind: string;
    page: number;
    cursor: string | null;
  }): Promise<BackfillPage>;
  /** Writes a page of the other side's records to this side. `paused`: an operator paused one of its entity types. */
  writeBackfillPage(input: {
    run: string;
    page: number;
  }): Promise<{ state: 'done' | 'paused'; tallies: BackfillTallies }>;
}
