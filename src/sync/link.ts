import { filesReason, type LinkedFile } from './pairFiles';
import { refKey, type CanonicalKey } from './canonicalKey';
import { heldSets, type HeldSet } from './heldSets';
import type { BrakeMark } from './holds';
import { orAbsent, type NotTaken } from './notTaken';
import type { Cause } from './journalCauses';
import {
  SIDES,
  type EntityType,
  type Json,
  type Names,
  type RefKey,
  type Side,
  type SyncRecord,
  type Values,
} from './record';
import type { ReasonCode } from './reasons';

export const LINK_STATUSES = ['pending', 'linked', 'conflict', 'quarantined', 'tombstone'] as const;
export type LinkStatus = (typeof LINK_STATUSES)[number];

/** What the link knows of one of its two records. */
export interface LinkedSide extends SeenVersion {
  /** Canonical values of the rows where this side rightly differs from the snapshot (immutable, parked, refused). */
  residue: Values;
  /** Whether this record carries our back-reference. */
  backRef: boolean;
}

/** The code of a link that waits for a parent that takes no part in the sync: the parent's pair tells once it does. */
export const NO_PART = 'no_part' satisfies ReasonCode;

/** Why a link is in its state, in words for a person, and when it will be tried again. */
export interface Reason {
  code: ReasonCode;
  text: string;
  since: string;
  /** ISO time of the next attempt by itself; null when it waits for a change or a person. */
  nextAttempt: string | null;
}

/** Two values of one property that only a person can decide between. */
export interface ParkedConflict {
  row: string;
  zendesk: Json;
  pms: Json;
  since: string;
  /** The cause that left it to a person, whatever the row's winner is: `undo:ID`. Absent for any other. */
  by?: Cause;
}

/** A value that a declared winner, or a person, overruled. */
export interface OverruledValue {
  at: string;
  row: string;
  side: Side;
  lost: Json;
  kept: Json;
  rule: string;
}

/** One write towards one side. Sent exactly as stored, also when it is sent again. */
export interface PlannedWrite {
  side: Side;
  op: 'create' | 'update' | 'followUp' | 'archive' | 'redact' | 'attach' | 'detach';
  /** The record to write; null for a create. */
  ref: RefKey | null;
  /** The precondition; null for a create or follow-up. */
  version: string | null;
  /** The side's own property names and values. */
  values: Values;
  /** The back-reference that this write leaves on the record; null when it is already there or may not be. */
  backRef: RefKey | null;
  idempotencyKey: string;
  /** Rows that this write sets. */
  rows: string[];
  /** Canonical values, by row, that the plan saw on this side and that the write replaces. */
  expects: Values;
  /** Look up by back-reference before sending: the record, or an earlier attempt's, may already exist. */
  lookFirst: boolean;
  /** A person asked for a new record although others match or are taken: those are not looked at again. */
  insisted: boolean;
  done: boolean;
  /** Values that an undo puts back: the row that once wrote them, and what is there now, in the side's own form. */
  restores?: { row: string; property: string; before: Json }[];
  /** The names of people whom the values name; absent where none is known. */
  names?: Names;
  /** The file to attach or detach: its place among the link's, and its id where it is now. */
  file?: { place: number; source: string };
}

/** A write that sets nothing yet. */
export function blankWrite(side: Side, op: PlannedWrite['op']): PlannedWrite {
  return {
    side,
    op,
    ref: null,
    version: null,
    values: {},
    backRef: null,
    idempotencyKey: '',
    rows: [],
    expects: {},
    lookFirst: false,
    insisted: false,
    done: false,
  };
}

/** Who writes a pair's intent in the place of its workflow: a page of a backfill. */
export interface Hold {
  /** Names the page; the same for all attempts at it. */
  by: string;
  /** ISO time after which the pair's own workflow takes over, looking first. */
  until: string;
}

/** A plan in execution: what is being written, and the state of the link once all of it is. */
export interface Intent {
  id: string;
  writes: PlannedWrite[];
  next: Agreement;
  /** What the link becomes once every write is done. */
  then: 'linked' | 'tombstone';
  /** What the plan was based on, by side, and the answers to the writes that are done. */
  seen: Partial<Record<Side, SeenVersion>>;
  /** Digests of the observations that the plan took in, by record: once it is done, just these are dropped. */
  takenIn?: Record<RefKey, string>;
  /** Why the pair was planned, for the journal; absent in intents of releases before it was kept. */
  causes?: Cause[];
  /** The undo that it carries out; absent for all else. */
  undo?: string;
  /** The decisions that the plan was made by, as `Decisions.ids`; absent where there was none. */
  decided?: [row: string, id: string | null][];
  /** Absent where the pair's workflow itself carries it out. */
  hold?: Hold;
}

/** Whether somebody else than the pair's workflow is at work on its intent. */
export function isHeld(link: Link, now: Date): boolean {
  return link.intent?.hold !== undefined && Date.parse(link.intent.hold.until) > now.getTime();
}

/** The intent for the pair's own workflow to go on with. */
export function releasedIntent({ hold: _hold, ...intent }: Intent): Intent {
  return intent;
}

/** A record's state without its values. */
export interface SeenVersion {
  ref: RefKey;
  version: string;
  order: number;
  state: SyncRecord['state'];
  /** ISO time of the last change by the record's own side's clock. */
  updatedAt: string;
  /** Sets of the record, by property, as far as their canonical form does not say all of them. */
  sets?: Record<string, HeldSet>;
}

/** What both sides agree on after a plan: the snapshot, and where each side rightly differs. */
export interface Agreement {
  snapshot: Values;
  residue: Record<Side, Values>;
  /** By row id, what the row was bound to when it was agreed on; absent in intents of releases up to 0.2.0. */
  bound?: Record<string, string>;
  /** Rows that rest; absent where none does. */
  rested?: string[];
  conflicts: ParkedConflict[];
  overruled: OverruledValue[];
  /** The other system's records this pair waits for although it is linked, e.g. a new organization. */
  waitsFor: RefKey[];
  /** Rows whose values were redacted: what the link's history keeps of them goes, too. */
  redacted?: string[];
  /** Absent where the pair has none. */
  files?: LinkedFile[];
  /** Rows that are not agreed on, because a side did not take them; absent where there is none. */
  notTaken?: NotTaken[];
  /** Rows that are not agreed on, because the brake holds them; absent where it holds none. */
  braked?: BrakeMark[];
}

export function emptyAgreement(): Agreement {
  return { snapshot: {}, residue: { zendesk: {}, pms: {} }, conflicts: [], overruled: [], waitsFor: [] };
}

export type Attempts = Partial<Record<Side, Record<string, Json[]>>>;

/** Values that writes may have left, and what their rows were bound to. */
export type Tried = Required<Pick<Link, 'attempted'>> & Pick<Link, 'attemptedAs'>;

/** The MongoDB document that joins two records. */
export interface Link {
  _id: CanonicalKey;
  entity: EntityType;
  status: LinkStatus;
  sides: Partial<Record<Side, LinkedSide>>;
  /** Canonical values, by row id, that both sides last agreed on; null before the first agreement. */
  snapshot: Values | null;
  /** By row id, a digest of what the row was bound to when its value was agreed on; absent up to 0.2.0. */
  bound?: Record<string, string>;
  /** Rows that rested when the pair was last planned: a side may have changed since without being compared. */
  rested?: string[];
  conflicts: ParkedConflict[];
  /** Where a person must say which record is the counterpart: those to choose from. */
  candidates: RefKey[];
  /** A person took the pair apart (or keeps the record by itself); only a person joins it again. */
  unlinked: boolean;
  /** Latest last; at most {@link HISTORY_LIMIT}. */
  history: OverruledValue[];
  reason: Reason | null;
  waitsFor: RefKey[];
  /** Absent where neither record had any. */
  files?: LinkedFile[];
  /** Values that one side did not take; absent where there is none. */
  notTaken?: NotTaken[];
  /** What the brake holds of the pair; absent where it holds nothing. */
  braked?: BrakeMark[];
  intent: Intent | null;
  /**
   * Values, by side and row, that writes since the last agreement may have left there: their outcome was never learned.
   * What is found there and is one of these is ours, and no person's edit.
   */
  attempted?: Attempts;
  /** By row id, what the row was bound to when these values were written; absent where nothing was. */
  attemptedAs?: Record<string, string>;
  /** What updates may have overruled whose outcome was never learned; absent where there is none. */
  unconfirmed?: OverruledValue[];
  mappingVersion: string;
  rev: number;
  createdAt: string;
  updatedAt: string;
}

export const HISTORY_LIMIT = 50;
/** Of all its values together; a document of MongoDB has 16 MB. */
export const HISTORY_CHARACTERS = 2_000_000;

export function newLink(key: CanonicalKey, entity: EntityType, mappingVersion: string, now: string): Link {
  return {
    _id: key,
    entity,
    status: 'pending',
    sides: {},
    snapshot: null,
    conflicts: [],
    candidates: [],
    unlinked: false,
    history: [],
    reason: null,
    waitsFor: [],
    intent: null,
    mappingVersion,
    rev: 0,
    createdAt: now,
    updatedAt: now,
  };
}

/** The latest values that were overruled, as many as the link has room for. */
export function latest(entries: OverruledValue[]): OverruledValue[] {
  const kept = entries.slice(-HISTORY_LIMIT);
  let size = 0;
  const first = kept.findLastIndex((entry) => {
    size += JSON.stringify([entry.lost, entry.kept]).length;
    return size > HISTORY_CHARACTERS;
  });
  // The last one is kept whatever its size: it is the only place where that value is left.
  return kept.slice(Math.min(first + 1, kept.length - 1));
}

function withoutRows(history: OverruledValue[], redacted: string[]): OverruledValue[] {
  const gone = '[redacted]';
  return history.map((entry) =>
    redacted.includes(entry.row) ? { ...entry, lost: gone, kept: gone } : entry,
  );
}

export function seenVersion(record: SyncRecord): SeenVersion {
  const { ref, version, order, state, updatedAt } = record;
  const sets = heldSets(record);
  const any = Object.keys(sets).length > 0;
  return { ref: refKey(ref), version, order, state, updatedAt, ...(any && { sets }) };
}

function withoutPast({ rested: _rested, attemptedAs: _attemptedAs, braked: _braked, ...link }: Link): Link {
  return link;
}

/** What a person is told of an agreement that leaves something open. */
function openReason(
  { waitsFor, conflicts, notTaken = [], braked = [] }: Agreement,
  failedFiles: string | null,
  since: string,
) {
  const because = (code: ReasonCode, text: string): Reason => ({ code, text, since, nextAttempt: null });
  if (waitsFor.length > 0) return because('waiting', `waits for ${waitsFor.join(', ')}`);
  if (conflicts.length > 0)
    return because('conflict', `both sides changed ${conflicts.map(({ row }) => row).join(', ')}`);
  if (braked.length > 0) return because('brake', brakeText(braked));
  if (failedFiles !== null) return because('attachment', failedFiles);
  if (notTaken.length === 0) return null;
  const words = notTaken.map(
    ({ row, side, words: why }) => `${SIDE_NAMES[side]} did not take ${row}: ${why}`,
  );
  return because('not_taken', words.join('; '));
}

/** The link of a pair of which the brake holds nothing. */
export function withoutMarks({ braked: _braked, ...link }: Link): Link {
  return link;
}

export function brakeText(braked: readonly BrakeMark[]): string {
  const what = braked.map(({ row, gone = '' }) => row ?? `the end of ${gone}`);
  const ids = [...new Set(braked.map(({ hold }) => hold))];
  return `the brake holds ${what.join(', ')}: ${ids.join(', ')}`;
}

const SIDE_NAMES: Record<Side, string> = { zendesk: 'Zendesk', pms: 'the PMS' };

/** The link once both sides agree as planned. */
export function agreed(
  { notTaken: _before, ...link }: Link,
  next: Agreement,
  mappingVersion: string,
  now: string,
): Link {
  const sides = { ...link.sides };
  for (const side of SIDES) if (sides[side]) sides[side] = { ...sides[side], residue: next.residue[side] };
  const reason = openReason(next, filesReason(next.files ?? link.files ?? []), now);
  return {
    ...withoutPast(link),
    ...(next.bound && { bound: next.bound }),
    ...(next.rested && { rested: next.rested }),
    ...(next.files && { files: next.files }),
    ...orAbsent(next.notTaken ?? []),
    ...(next.braked && { braked: next.braked }),
    sides,
    status: next.conflicts.length > 0 ? 'conflict' : 'linked',
    snapshot: next.snapshot,
    conflicts: next.conflicts,
    candidates: [],
    unlinked: false,
    history: latest([...withoutRows(link.history, next.redacted ?? []), ...next.overruled]),
    waitsFor: next.waitsFor,
    reason: reason && link.reason?.text === reason.text ? link.reason : reason,
    intent: null,
    ...(link.attempted && { attempted: {} }),
    ...(link.unconfirmed && { unconfirmed: withoutRows(link.unconfirmed, next.redacted ?? []) }),
    mappingVersion,
  };
}
