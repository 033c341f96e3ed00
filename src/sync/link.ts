import { filesReason, type LinkedFile } from './pairFiles';
import { refKey, type CanonicalKey } from './canonicalKey';
import { heldSets, type HeldSet, type Reserved } from './heldSets';
import { openReason } from './openReason';
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
import type { Reason, ReasonCode } from './reasons';

export const LINK_STATUSES = ['pending', 'linked', 'conflict', 'quarantined', 'tombstone'] as const;
export type LinkStatus = (typeof LINK_STATUSES)[number];

/** The state of one of the link's two records. */
export interface LinkedSide extends SeenVersion {
  /**
   * Canonical values of the rows in which this side may differ from the snapshot: e.g. it cannot be edited, its value
   * was shortened, the row is parked, or the side did not take an element of a set.
   */
  residue: Values;
  /** Whether this record carries our back-reference. */
  backRef: boolean;
  /** The sync created this record, and the answer was lost; until the next agreement. Absent otherwise. */
  made?: true;
}

/**
 * The reason code of a link whose parent is out of scope. The parent's pair notifies its children when it enters scope.
 */
export const NO_PART = 'no_part' satisfies ReasonCode;

/** Two values of one property that only a person can decide between. */
export interface ParkedConflict {
  row: string;
  zendesk: Json;
  pms: Json;
  since: string;
  /** `undo:ID`, if an undo left the decision to a person although the row may have a winner; otherwise absent. */
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

/** One write to one side. It is sent exactly as it was stored, also when it is repeated. */
export interface PlannedWrite {
  side: Side;
  op: 'create' | 'update' | 'followUp' | 'archive' | 'redact' | 'attach' | 'detach';
  /** The record to write; null for a create. */
  ref: RefKey | null;
  /** The precondition; null for a create, a follow-up or a file. */
  version: string | null;
  /** The side's own property names and values. */
  values: Values;
  /**
   * The back-reference that this write leaves on the record; null if the record has it already, or must not have it.
   * For a follow-up or a file: the record that it comes from.
   */
  backRef: RefKey | null;
  idempotencyKey: string;
  /** Rows that this write sets. */
  rows: string[];
  /** Canonical values, by row, that the plan saw on this side and that the write replaces. */
  expects: Values;
  /**
   * The write may have been done already, by an earlier attempt or before the link store was lost. A create then looks
   * for a record with the back-reference before it is sent.
   */
  lookFirst: boolean;
  /** A person asked for a new record: no record that the match rules find, or that another pair owns, is used. */
  insisted: boolean;
  done: boolean;
  /**
   * Properties in which an undo puts a former value back: the row that wrote the property, and the value that the undo
   * replaces, in the side's own form.
   */
  restores?: { row: string; property: string; before: Json }[];
  /** The names of people whom the values name; absent where none is known. */
  names?: Names;
  /**
   * The file to attach or detach: its index in the link's `files`; and its id, on the other side if it is attached, on
   * this side if it is detached.
   */
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

/** Says that a page of a backfill writes the intent, and not the pair's workflow. This is no hold of the brake. */
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
  /** Digests of the observations that the plan is based on, by record. When the intent is done, these are dropped. */
  takenIn?: Record<RefKey, string>;
  /** Why the pair was planned, for the journal; absent in intents of earlier releases. */
  causes?: Cause[];
  /** The undo that the intent carries out; absent if it is none. */
  undo?: string;
  /** The decisions that the plan is based on, as in `Decisions.ids`; absent if there was none. */
  decided?: [row: string, id: string | null][];
  /** Present while a page of a backfill carries the intent out; absent if the pair's workflow does. */
  hold?: Hold;
}

/** Whether a page of a backfill is writing the pair's intent. */
export function isHeld(link: Link, now: Date): boolean {
  return link.intent?.hold !== undefined && Date.parse(link.intent.hold.until) > now.getTime();
}

/** The intent without the hold of a backfill, for the pair's own workflow. */
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
  /**
   * By property: what the canonical form of a set does not show, i.e. other spellings and elements of other properties.
   */
  sets?: Record<string, HeldSet>;
}

/** The agreement of both sides after a plan: the snapshot, and the residue of each side. */
export interface Agreement {
  snapshot: Values;
  residue: Record<Side, Values>;
  /** By row id, a digest of the fields that the row named at the agreement; absent in intents of 0.2.0 or earlier. */
  bound?: Record<string, string>;
  /** Rows that rest; absent if none does. */
  rested?: string[];
  /** Elements that are no part of their rows; absent where there is none. */
  reserved?: Reserved;
  conflicts: ParkedConflict[];
  overruled: OverruledValue[];
  /**
   * Records that the pair's values point to and that are not linked yet, e.g. a new organization. The pair itself is
   * linked.
   */
  waitsFor: RefKey[];
  /** Rows whose values were redacted: their values are also removed from the link's history. */
  redacted?: string[];
  /** The pair's files; absent if it has none. */
  files?: LinkedFile[];
  /** Values that a side did not take, so that their rows are not agreed on; absent if there are none. */
  notTaken?: NotTaken[];
  /** Rows that the brake holds, so that they are not agreed on; absent if it holds none. */
  braked?: BrakeMark[];
}

export function emptyAgreement(): Agreement {
  return { snapshot: {}, residue: { zendesk: {}, pms: {} }, conflicts: [], overruled: [], waitsFor: [] };
}

/** The value that a side should show of a row after the agreement. */
export function meantOn({ residue, snapshot }: Agreement, side: Side, row: string): Json | undefined {
  return row in residue[side] ? residue[side][row] : snapshot[row];
}

export type Attempts = Partial<Record<Side, Record<string, Json[]>>>;
/** Elements of sets, or versions, by side and row. */
export type Attempted = Partial<Record<Side, Record<string, string[]>>>;

/** Values that writes may have left, and the fields that their rows named. */
export type Tried = Required<Pick<Link, 'attempted'>> &
  Pick<Link, 'attemptedAs' | 'attemptedOn' | 'attemptedAdds' | 'attemptedRemovals'>;

/** The MongoDB document that joins two records. */
export interface Link {
  _id: CanonicalKey;
  entity: EntityType;
  status: LinkStatus;
  sides: Partial<Record<Side, LinkedSide>>;
  /** Canonical values, by row id, that both sides last agreed on; null before the first agreement. */
  snapshot: Values | null;
  /**
   * By row id, a digest of the fields that the row named at the agreement; absent in links of 0.2.0 or earlier.
   */
  bound?: Record<string, string>;
  /** Rows that rested when the pair was last planned. An edit since then was not compared. */
  rested?: string[];
  reserved?: Reserved;
  conflicts: ParkedConflict[];
  /** The possible counterparts, if a person must choose one. */
  candidates: RefKey[];
  /** A person unlinked the pair, or wants the record without a counterpart; only a person links it again. */
  unlinked: boolean;
  /** The overruled values, latest last; at most {@link HISTORY_LIMIT}. */
  history: OverruledValue[];
  reason: Reason | null;
  waitsFor: RefKey[];
  /** The pair's files; absent if neither record had any. */
  files?: LinkedFile[];
  /** Values that one side did not take; absent if there are none. */
  notTaken?: NotTaken[];
  /** The marks of the brake's holds; absent if it holds nothing of the pair. */
  braked?: BrakeMark[];
  intent: Intent | null;
  /**
   * By side and row: values of writes since the last agreement whose outcome is unknown. If a record shows one of them,
   * the sync wrote it, and it is no person's edit.
   */
  attempted?: Attempts;
  /** By row id, the fields that the row named when the values of `attempted` were written; absent if there are none. */
  attemptedAs?: Record<string, string>;
  /** The versions on which the writes of `attempted` were based, in the same order; '' for a creation. */
  attemptedOn?: Attempted;
  /**
   * Elements of sets that those writes added to the side, and that the other side had. If the other side does not have
   * one of them any more, it was removed there. Absent if there are none.
   */
  attemptedAdds?: Attempted;
  /** Elements that those writes removed from the side, and that the other side did not have either. */
  attemptedRemovals?: Attempted;
  /**
   * If a refused write put the pair into quarantine: digests of the observations that the write was planned from. If
   * one of them is observed again, the write is not repeated.
   */
  refusedOn?: Record<RefKey, string>;
  /** Values that may have been overruled by updates whose outcome is unknown; absent if there are none. */
  unconfirmed?: OverruledValue[];
  mappingVersion: string;
  rev: number;
  createdAt: string;
  updatedAt: string;
}

export const HISTORY_LIMIT = 50;
/** The most characters that all values of a history have together: a MongoDB document can have at most 16 MB. */
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

/** The latest overruled values, within the limits of the link's size. */
export function latest(entries: OverruledValue[]): OverruledValue[] {
  const kept = entries.slice(-HISTORY_LIMIT);
  let size = 0;
  const first = kept.findLastIndex((entry) => {
    size += JSON.stringify([entry.lost, entry.kept]).length;
    return size > HISTORY_CHARACTERS;
  });
  // The last entry is kept even if it is too large: no other place has the value.
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

function withoutPast({
  rested: _rested,
  reserved: _reserved,
  attemptedAs: _attemptedAs,
  attemptedOn: _attemptedOn,
  attemptedAdds: _attemptedAdds,
  attemptedRemovals: _attemptedRemovals,
  braked: _braked,
  refusedOn: _refusedOn,
  ...link
}: Link): Link {
  return link;
}

function withoutMade({ made: _made, ...side }: LinkedSide): LinkedSide {
  return side;
}

/** The link without marks of the brake. */
export function withoutMarks({ braked: _braked, ...link }: Link): Link {
  return link;
}

/** The link after both sides agree as planned. */
export function agreed(
  { notTaken: _before, ...link }: Link,
  next: Agreement,
  mappingVersion: string,
  now: string,
): Link {
  const sides = { ...link.sides };
  for (const side of SIDES)
    if (sides[side]) sides[side] = { ...withoutMade(sides[side]), residue: next.residue[side] };
  const reason = openReason(next, filesReason(next.files ?? link.files ?? []), now);
  return {
    ...withoutPast(link),
    ...(next.bound && { bound: next.bound }),
    ...(next.rested && { rested: next.rested }),
    ...(next.reserved && { reserved: next.reserved }),
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
