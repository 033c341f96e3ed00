import { filesReason, type LinkedFile } from './pairFiles';
import { refKey, type CanonicalKey } from './canonicalKey';
import { heldSets, type HeldSet } from './heldSets';
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
  /** By row id, what the row was bound to when it was agreed on; absent in intents of releases before 0.2.0. */
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
  /** By row id, a digest of what the row was bound to when its value was agreed on; absent before 0.2.0. */
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
/** Of one row; more than that are unknown only where every single answer is lost. */
const ATTEMPTS_KEPT = 10;

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

/**
 * All that creates and updates may have left on either side, those of the present intent included.
 * @param refused a write of which it is certain that it was not done: it left nothing, nor did those that come after it
 */
export function attemptsOf(link: Link, refused: PlannedWrite | null = null): Attempts {
  return triedOf(link, refused).attempted;
}

/** The same with what the rows were bound to. What was written to another field says nothing of this one. */
export function triedOf(link: Link, refused: PlannedWrite | null = null): Tried {
  const { writes = [], next } = link.intent ?? {};
  const attemptedAs: Record<string, string> = { ...link.attemptedAs };
  const all: Attempts = { ...link.attempted };
  for (const [row, binding] of Object.entries(next?.bound ?? {})) {
    const former = attemptedAs[row];
    if (former === binding || !writes.some(({ rows }) => rows.includes(row))) continue;
    attemptedAs[row] = binding;
    for (const side of SIDES) if (former !== undefined) all[side] = { ...all[side], [row]: [] };
  }
  const place = refused ? writes.indexOf(refused) : -1;
  const sent = writes.filter(({ done }, n) => done || place === -1 || n < place);
  for (const write of sent) {
    if (write.op !== 'update' && write.op !== 'create') continue;
    const rows = { ...all[write.side] };
    for (const row of write.rows) {
      const value = next?.snapshot[row];
      if (value !== undefined) rows[row] = [...(rows[row] ?? []), value].slice(-ATTEMPTS_KEPT);
    }
    all[write.side] = rows;
  }
  return { attempted: all, ...(Object.keys(attemptedAs).length > 0 && { attemptedAs }) };
}

/**
 * All that updates may have overruled without our ever hearing of it, those of the present intent included.
 * @param refused a write of which it is certain that it was not done
 */
export function unconfirmedOf(
  { unconfirmed = [], intent }: Link,
  refused: PlannedWrite | null = null,
): OverruledValue[] {
  const sent = intent?.writes.filter((write) => write.op === 'update' && write !== refused) ?? [];
  const overruled = intent?.next.overruled ?? [];
  return [
    ...unconfirmed,
    ...overruled.filter(({ side, row }) =>
      sent.some((write) => write.side === side && write.rows.includes(row)),
    ),
  ].slice(-HISTORY_LIMIT);
}

/** The link with what became of its unconfirmed values: some are known to be overruled, of others it is still unknown. */
export function withOverruled(link: Link, { known, unknown }: Overruling): Link {
  const next: Link = { ...link, history: [...link.history, ...known].slice(-HISTORY_LIMIT) };
  delete next.unconfirmed;
  return unknown.length > 0 ? { ...next, unconfirmed: unknown } : next;
}

export interface Overruling {
  known: OverruledValue[];
  unknown: OverruledValue[];
}

/**
 * The link without its intent, to be planned anew. A follow-up that was sent stays said: nothing on either record
 * shows it, so a new plan would say it again. (An update that was done shows in its record.)
 * @param refused a write of which it is certain that it was not done
 */
export function abandonIntent(before: Link, refused: PlannedWrite | null = null): Link {
  const { intent } = before;
  if (!intent) return before;
  const told = intent.writes.filter(({ op, done }) => op === 'followUp' && done);
  const link = withOverruled(before, { known: [], unknown: unconfirmedOf(before, refused) });
  const tried = triedOf(before, refused);
  if (told.length === 0) return { ...link, ...tried, intent: null };
  const snapshot: Values = { ...link.snapshot };
  const bound = { ...link.bound };
  const sides = { ...link.sides };
  for (const row of told.flatMap(({ rows }) => rows)) {
    snapshot[row] = intent.next.snapshot[row] ?? null;
    const binding = intent.next.bound?.[row];
    if (binding !== undefined) bound[row] = binding;
    for (const side of SIDES) {
      const known = sides[side];
      if (!known) continue;
      const residue = { ...known.residue };
      const differs = intent.next.residue[side][row];
      if (differs === undefined) delete residue[row];
      else residue[row] = differs;
      sides[side] = { ...known, residue };
    }
  }
  return { ...link, snapshot, ...(link.bound && { bound }), sides, ...tried, intent: null };
}

function withoutPast({ rested: _rested, attemptedAs: _attemptedAs, ...link }: Link): Link {
  return link;
}

/** The link once both sides agree as planned. */
export function agreed(link: Link, next: Agreement, mappingVersion: string, now: string): Link {
  const sides = { ...link.sides };
  for (const side of SIDES) if (sides[side]) sides[side] = { ...sides[side], residue: next.residue[side] };
  const failed = filesReason(next.files ?? link.files ?? []);
  const reason: Reason | null =
    next.waitsFor.length > 0
      ? { code: 'waiting', text: `waits for ${next.waitsFor.join(', ')}`, since: now, nextAttempt: null }
      : next.conflicts.length > 0
        ? {
            code: 'conflict',
            text: `both sides changed ${next.conflicts.map(({ row }) => row).join(', ')}`,
            since: now,
            nextAttempt: null,
          }
        : failed !== null
          ? { code: 'attachment', text: failed, since: now, nextAttempt: null }
          : null;
  return {
    ...withoutPast(link),
    ...(next.bound && { bound: next.bound }),
    ...(next.rested && { rested: next.rested }),
    ...(next.files && { files: next.files }),
    sides,
    status: next.conflicts.length > 0 ? 'conflict' : 'linked',
    snapshot: next.snapshot,
    conflicts: next.conflicts,
    candidates: [],
    unlinked: false,
    history: [...withoutRows(link.history, next.redacted ?? []), ...next.overruled].slice(-HISTORY_LIMIT),
    waitsFor: next.waitsFor,
    reason: reason && link.reason?.text === reason.text ? link.reason : reason,
    intent: null,
    ...(link.attempted && { attempted: {} }),
    ...(link.unconfirmed && { unconfirmed: withoutRows(link.unconfirmed, next.redacted ?? []) }),
    mappingVersion,
  };
}
