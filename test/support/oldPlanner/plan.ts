import {
  canonicalKey,
  parseCanonicalKey,
  parseRef,
  refKey,
  tryParseRef,
  type CanonicalKey,
} from '../../../src/sync/canonicalKey';
import {
  attemptsOf,
  unconfirmedOf,
  type Overruling,
  blankWrite,
  releasedIntent,
  seenVersion,
  type Attempts,
  type Agreement,
  type Intent,
  type Link,
  type LinkedSide,
  type OverruledValue,
  type ParkedConflict,
  type PlannedWrite,
  type SeenVersion,
} from '../../../src/sync/link';
import { fileWork, mergeFiles, type LinkedFile } from '../../../src/sync/pairFiles';
import {
  comparedRows,
  isComment,
  redactionReaches,
  writesTo,
  type EntityMapping,
  type Mapping,
  type PropertyRow,
} from '../../../src/sync/mapping';
import { mergeParked, mergeRow } from './merge';
import {
  SIDES,
  otherSide,
  type Attachment,
  type Json,
  type RefKey,
  type Side,
  type SyncRecord,
  type Values,
} from '../../../src/sync/record';
import { NO_DECISIONS, type Decisions } from '../../../src/sync/resolution';
import {
  fillTemplate,
  fromCanonical,
  referenceKinds,
  sameValue,
  textOf,
  toCanonical,
  type References,
} from '../../../src/sync/values';

/**
 * The planner: from what is known of a pair to the one thing to do next. Pure; it reads nothing and writes
 * nothing. Whoever carries out a plan asks again with what came of it, until the answer is `settled`.
 */

/** What was seen of a record. `fresh` means read by the pair's own workflow, not by an export that may lag. */
export type Observation = { record: SyncRecord; fresh: boolean } | { record: null; fresh: true };

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
  references: References;
  /** How often this pair was handed on already; stops two records that name each other from passing it on. */
  hops: number;
  /** ISO time. Records created before it may already have a counterpart that no link knows of. */
  linksSince: string;
  now: string;
}

export type Plan =
  | { do: 'settled'; agreement: Agreement; seen: Partial<Record<Side, SyncRecord>>; overruling?: Overruling }
  | { do: 'read'; refs: RefKey[] }
  | { do: 'look'; origin: SyncRecord }
  | { do: 'join'; origin: SyncRecord; counterpart: SyncRecord }
  | { do: 'write'; intent: Intent; overruling?: Overruling }
  | { do: 'wait'; waitsFor: RefKey[]; reason: string }
  | { do: 'redirect'; to: CanonicalKey }
  | { do: 'ignore'; reason: string }
  | { do: 'conflict'; code: string; reason: string; candidates: RefKey[] }
  /** A person keeps the record by itself. */
  | { do: 'unlink' }
  /** Lets go of a former counterpart, because a person chose another. */
  | { do: 'part'; from: Side }
  /** Nothing to do until a person says otherwise. */
  | { do: 'rest' }
  | { do: 'quarantine'; code: string; reason: string }
  | { do: 'bury'; reason: string; intent: Intent | null; overruling?: Overruling };

/** Writes that the record itself does not show: only their keys tell whether they were done. */
const ADDITIONS: ReadonlySet<PlannedWrite['op']> = new Set(['followUp', 'attach', 'detach']);

/** @throws Error where the state contradicts itself: a bug, never a matter of data. */
export function planPair(state: PairState, mapping: Mapping): Plan {
  const { entity, origin } = parseCanonicalKey(state.key);
  const table = mapping.entities[entity];
  const planner = new PairPlanner(state, mapping, table);
  const { zendesk, pms } = state.link?.sides ?? {};
  const { counterpart } = state.decisions ?? NO_DECISIONS;
  if (counterpart === 'none') return { do: 'unlink' };
  if (state.link?.unlinked) {
    if (counterpart === null) return { do: 'rest' };
    const other = otherSide(origin.side);
    const former = state.link.sides[other]?.ref;
    if (former !== undefined && former !== counterpart) return { do: 'part', from: other };
  }
  return zendesk && pms ? planner.linked({ zendesk, pms }) : planner.first(origin.side, refKey(origin));
}

class PairPlanner {
  constructor(
    private readonly state: PairState,
    private readonly mapping: Mapping,
    private readonly table: EntityMapping,
  ) {}

  /** The pair has no counterpart yet: find one, or make one. */
  first(side: Side, originRef: RefKey): Plan {
    const { state, table } = this;
    if (state.claimedBy) return { do: 'redirect', to: state.claimedBy };
    if (state.link?.intent) return { do: 'write', intent: resumed(state.link.intent) };
    const seen = state.observed[side];
    if (!seen) return { do: 'read', refs: [originRef] };
    const origin = seen.record;
    if (!origin) return this.neverLinked(seen, originRef, `${originRef} does not exist`);
    if (origin.state !== 'live')
      return this.neverLinked(seen, originRef, `${originRef} was ${origin.state} before it was linked`);
    if (origin.skip) return { do: 'ignore', reason: origin.skip };
    const filtered = filterReason(table, origin);
    if (filtered) return { do: 'ignore', reason: filtered };

    const { counterpart } = this.decisions;
    if (counterpart !== null && counterpart !== 'create') return this.joinChosen(origin, counterpart);
    const back = counterpart === 'create' ? null : tryParseRef(origin.backRef);
    if (back && back.side !== side && state.hops < 2) {
      return { do: 'redirect', to: canonicalKey(table.entity, back) };
    }

    // The sibling waits for what both need; to wait for it alone wakes each of a long row once.
    if (state.olderSibling !== undefined)
      return waitFor([state.olderSibling], 'was said before it and is still to be written');
    const canonical = this.canonicalValues(side, origin);
    if (canonical.problems.length > 0) {
      return { do: 'quarantine', code: 'unmapped_value', reason: canonical.problems.join('; ') };
    }
    if (canonical.waitsFor.length > 0) return waitFor(canonical.waitsFor);

    if (counterpart === 'create') return this.create(origin, canonical.values);
    if (!state.candidates && table.match.length > 0) return { do: 'look', origin };
    return this.chooseCounterpart(origin) ?? this.create(origin, canonical.values);
  }

  private get decisions(): Decisions {
    return this.state.decisions ?? NO_DECISIONS;
  }

  /** A person said which record is the counterpart. */
  private joinChosen(origin: SyncRecord, chosen: RefKey): Plan {
    const seen = this.state.observed[otherSide(origin.ref.side)];
    if (!seen?.fresh) return { do: 'read', refs: [chosen] };
    if (seen.record?.state === 'live') return { do: 'join', origin, counterpart: seen.record };
    return {
      do: 'conflict',
      code: 'ambiguous_match',
      reason: `${chosen}, which was chosen for ${refKey(origin.ref)}, ${seen.record ? `is ${seen.record.state}` : 'does not exist'}; a person must choose`,
      candidates: (this.state.link?.candidates ?? []).filter((ref) => ref !== chosen),
    };
  }

  private chooseCounterpart(origin: SyncRecord): Plan | null {
    const { candidates } = this.state;
    if (!candidates) return null;
    const { free, taken, rivals } = candidates;
    const own = refKey(origin.ref);
    const returning = free.find((record) => record.backRef === own);
    if (returning) return { do: 'join', origin, counterpart: returning };
    const pending = taken.filter((other) => !other.settled).map((other) => other.ref);
    if (pending.length > 0) return waitFor(pending, 'is being linked by another pair');
    const [only, ...more] = free;
    const all = [
      ...free.map((record) => refKey(record.ref)),
      ...taken.map((other) => `${other.ref} (linked to another record)`),
    ];
    const conflict = (reason: string): Plan => ({
      do: 'conflict',
      code: 'ambiguous_match',
      reason,
      candidates: free.map((record) => refKey(record.ref)),
    });
    if (rivals.length > 0 && all.length > 0) {
      return conflict(
        `${[own, ...rivals].join(', ')} share a match value with ${all.join(', ')}; a person must choose`,
      );
    }
    if (more.length > 0)
      return conflict(`several records match ${own}: ${all.join(', ')}; a person must choose`);
    if (only && taken.length === 0) return { do: 'join', origin, counterpart: only };
    return null;
  }

  private create(origin: SyncRecord, canonical: Values): Plan {
    const { state, table } = this;
    const from = origin.ref.side;
    const to = otherSide(from);
    const values: Values = {};
    const rows: string[] = [];
    const waitsFor: RefKey[] = [];
    for (const row of table.rows) {
      const target = row[to];
      if (!target || !writesTo(row, to)) continue;
      const value =
        generated(row, origin) ?? fromCanonical(row, to, canonical[row.id] ?? null, state.references);
      if (!value.ok) {
        if ('problem' in value) return { do: 'quarantine', code: 'unmapped_value', reason: value.problem };
        waitsFor.push(value.waitsFor);
      } else if (value.value !== null && !(Array.isArray(value.value) && value.value.length === 0)) {
        values[target] = value.value;
      }
      rows.push(row.id);
    }
    if (waitsFor.length > 0) return waitFor(waitsFor);
    const snapshot: Values = {};
    for (const row of comparedRows(table)) snapshot[row.id] = canonical[row.id] ?? null;
    const write: PlannedWrite = {
      ...blankWrite(to, 'create'),
      values,
      backRef: refKey(origin.ref),
      idempotencyKey: `${state.key}@${origin.version}`,
      rows,
      lookFirst: origin.createdAt < state.linksSince,
      insisted: this.decisions.counterpart === 'create',
    };
    const next = { ...emptyAgreement(), snapshot, ...this.files([], { [from]: origin }) };
    return {
      do: 'write',
      intent: {
        id: write.idempotencyKey,
        writes: [write],
        next,
        then: 'linked',
        seen: versions({ [from]: origin }),
      },
    };
  }

  /** Both records are known: merge, or follow the end of one of them. */
  linked(sides: Record<Side, LinkedSide>): Plan {
    const { state, table } = this;
    const link = state.link;
    if (!link) throw new Error(`${state.key}: linked without a link`);
    if (link.intent?.writes.some((write) => write.done || ADDITIONS.has(write.op))) {
      return { do: 'write', intent: resumed(link.intent) };
    }

    const current: Partial<Record<Side, SyncRecord>> = {};
    for (const side of SIDES) {
      const seen = state.observed[side];
      if (!seen) continue;
      if (!seen.record) return this.ended(side, sides, null);
      if (seen.record.order < sides[side].order && !seen.fresh) continue;
      current[side] = seen.record;
    }

    const rows = comparedRows(table);
    const unknownRows = !link.snapshot || rows.some((row) => !(row.id in (link.snapshot ?? {})));
    const unread = SIDES.filter((side) => !state.observed[side]?.fresh);
    if (unknownRows && unread.length > 0) return { do: 'read', refs: unread.map((side) => sides[side].ref) };

    for (const side of SIDES) {
      const record = current[side];
      if (record && record.state !== 'live') return this.ended(side, sides, record);
    }
    if (link.status === 'tombstone') {
      // Back from the dead: believe it only when both sides were just read.
      if (unread.length > 0) return { do: 'read', refs: unread.map((side) => sides[side].ref) };
    }

    // A coarse clock cannot tell an old page of an export from a second change within its tick.
    const ambiguous = SIDES.filter((side) => {
      const record = current[side];
      return (
        record &&
        !state.observed[side]?.fresh &&
        record.order === sides[side].order &&
        differingRows(this.mapping, this.table, link, record, state.references).length > 0
      );
    });
    if (ambiguous.length > 0) return { do: 'read', refs: ambiguous.map((side) => sides[side].ref) };
    return this.merge(link, sides, current);
  }

  private merge(
    link: Link,
    sides: Record<Side, LinkedSide>,
    current: Partial<Record<Side, SyncRecord>>,
  ): Plan {
    const { state } = this;
    const orphaned = this.missingParents(current);
    if (orphaned.length > 0) return waitFor(orphaned);
    const snapshot: Values = { ...link.snapshot };
    const residue: Record<Side, Values> = {
      zendesk: { ...sides.zendesk.residue },
      pms: { ...sides.pms.residue },
    };
    const conflicts: ParkedConflict[] = [];
    const overruled: OverruledValue[] = [];
    const waitsFor: RefKey[] = [];
    const redacted: string[] = [];
    const writes: Partial<Record<Side, PlannedWrite>> = {};
    const followUps: PlannedWrite[] = [];
    const changedAt = {
      zendesk: Date.parse(current.zendesk?.updatedAt ?? sides.zendesk.updatedAt),
      pms: Date.parse(current.pms?.updatedAt ?? sides.pms.updatedAt),
    };
    const writeTo = (side: Side): PlannedWrite =>
      (writes[side] ??= {
        ...blankWrite(side, 'update'),
        ref: sides[side].ref,
        version: current[side]?.version ?? sides[side].version,
        idempotencyKey: `${state.key}@${link.rev}`,
      });

    const attempts = attemptsOf(link);
    const unconfirmed = unconfirmedOf(link);
    for (const row of comparedRows(this.table)) {
      const base = baseOf(row, link, sides);
      const seen: Partial<Record<Side, Json>> = {};
      let blocked = false;
      for (const side of SIDES) {
        const record = current[side];
        if (!record) {
          seen[side] = base?.[side] ?? null;
          continue;
        }
        const value = this.canonical(row, side, record);
        if (value.ok) seen[side] = value.value;
        else if ('waitsFor' in value) {
          waitsFor.push(value.waitsFor);
          blocked = true;
        } else return { do: 'quarantine', code: 'unmapped_value', reason: value.problem };
      }
      if (blocked) continue;
      const values = { zendesk: seen.zendesk ?? null, pms: seen.pms ?? null };
      const settle = (value: Json) => {
        snapshot[row.id] = value;
        for (const side of SIDES) delete residue[side][row.id];
      };
      const parked = link.conflicts.find((conflict) => conflict.row === row.id);
      const own =
        agreedByAttempt(row, current, values, attempts) ??
        (base === null ? editedAfterAttempt(row, current, values, attempts, unconfirmed) : null);
      const input = {
        base: own ?? base,
        current: values,
        changedAt,
      };
      const result = parked ? mergeParked(row, input, this.decisions.rows.get(row.id)) : mergeRow(row, input);
      if (result.kind === 'agree') settle(result.value);
      // Agreed on by what we wrote and never heard of: the snapshot does not know it yet.
      else if (result.kind === 'unchanged' && own) settle(own.zendesk);
      else if (result.kind === 'park') {
        // Parked: both values count as seen, neither moves until a person decides or they become equal.
        for (const side of SIDES) residue[side][row.id] = values[side];
        snapshot[row.id] ??= null;
        conflicts.push({ row: row.id, ...values, since: parked?.since ?? state.now });
      } else if (result.kind === 'followUp') {
        const to = otherSide(result.from);
        residue[to][row.id] = values[to];
        snapshot[row.id] = result.value;
        delete residue[result.from][row.id];
        followUps.push(this.followUp(row, to, sides, result.value, link));
      } else if (result.kind === 'redact') {
        const { from, value, text, edited } = result;
        const to = otherSide(from);
        const target = row[to];
        snapshot[row.id] = text;
        for (const side of SIDES) delete residue[side][row.id];
        if (!sameValue(text, value)) residue[from][row.id] = value;
        redacted.push(row.id);
        if (edited) followUps.push(this.followUp(row, from, sides, text, link));
        if (target && !sameValue(text, values[to])) {
          const write = writeTo(to);
          write.values[target] = text;
          write.rows.push(row.id);
          write.expects[row.id] = values[to];
        }
      } else if (result.kind === 'copy' || result.kind === 'replace') {
        const lost =
          result.kind === 'replace'
            ? result.lost
            : result.lost === undefined
              ? {}
              : { [otherSide(result.from)]: result.lost };
        const targets =
          result.kind === 'replace' ? SIDES.filter((side) => side in lost) : [otherSide(result.from)];
        const out = targets.map((to) => ({ to, ...fromCanonical(row, to, result.value, state.references) }));
        for (const value of out) {
          if (value.ok) continue;
          if ('problem' in value) return { do: 'quarantine', code: 'unmapped_value', reason: value.problem };
          waitsFor.push(value.waitsFor);
          blocked = true;
        }
        if (blocked) continue;
        const { rule } = result;
        for (const side of SIDES) {
          if (lost[side] !== undefined)
            overruled.push({ at: state.now, row: row.id, side, lost: lost[side], kept: result.value, rule });
        }
        settle(result.value);
        for (const value of out) {
          const target = row[value.to];
          if (!value.ok || !target) continue;
          const write = writeTo(value.to);
          write.values[target] = value.value;
          write.rows.push(row.id);
          write.expects[row.id] = values[value.to];
        }
      }
    }

    const agreement: Agreement = {
      snapshot,
      residue,
      conflicts,
      overruled,
      waitsFor: [...new Set(waitsFor)],
      ...(redacted.length > 0 && { redacted }),
      ...this.files(link.files ?? [], current),
    };
    this.leaveBackReference(sides, current, writeTo);
    const updates = SIDES.flatMap((side) => writes[side] ?? []);
    // A redaction first: until it is done, nothing is told that could have to be planned again.
    const texts = redacted.length > 0 ? [...updates, ...followUps] : [...followUps, ...updates];
    // What was said goes first, whatever becomes of the files.
    const all = texts.length > 0 ? texts : this.fileWrites(agreement.files ?? [], sides, link);
    const overruling = this.overruling(current);
    if (all.length === 0) return { do: 'settled', agreement, seen: current, ...overruling };
    return {
      do: 'write',
      ...overruling,
      intent: {
        id: `${state.key}@${link.rev}`,
        writes: all,
        next: agreement,
        then: 'linked',
        seen: versions(current),
      },
    };
  }

  /** A child does nothing while its parent is not linked, e.g. a comment of a ticket that a person unlinked. */
  private missingParents(current: Partial<Record<Side, SyncRecord>>): RefKey[] {
    const required = this.table.rows.filter(
      (row) => row.transform.kind === 'reference' && row.transform.required,
    );
    return SIDES.flatMap((side) => {
      const record = current[side];
      return required.flatMap((row) => {
        const parent = record && this.canonical(row, side, record);
        return parent && !parent.ok && 'waitsFor' in parent ? parent.waitsFor : [];
      });
    });
  }

  /**
   * A matched pair gets its back-reference on the record that is not the pair's origin, once. One of ours that
   * names some other record (a person told the two apart) is put right on either side.
   */
  private leaveBackReference(
    sides: Record<Side, LinkedSide>,
    current: Partial<Record<Side, SyncRecord>>,
    writeTo: (side: Side) => PlannedWrite,
  ): void {
    const { origin } = parseCanonicalKey(this.state.key);
    for (const side of SIDES) {
      const record = current[side];
      const counterpart = sides[otherSide(side)].ref;
      if (sides[side].backRef || !record || record.foreignBackRef || record.backRef === counterpart) continue;
      if (record.backRef !== null || side !== origin.side) writeTo(side).backRef = counterpart;
    }
  }

  /** Files go with comments only. */
  private files(
    known: readonly LinkedFile[],
    seen: Partial<Record<Side, SyncRecord>>,
  ): { files?: LinkedFile[] } {
    if (!isComment(this.table)) return {};
    const lists: Partial<Record<Side, readonly Attachment[]>> = {};
    for (const side of SIDES) lists[side] = seen[side]?.attachments ?? [];
    const files = mergeFiles(known, lists, (side) => redactionReaches(this.table, side));
    return files.length > 0 ? { files } : {};
  }

  private fileWrites(
    files: readonly LinkedFile[],
    sides: Record<Side, LinkedSide>,
    link: Link,
  ): PlannedWrite[] {
    return fileWork(files).map(({ op, side, source, place }) => ({
      ...blankWrite(side, op),
      ref: sides[side].ref,
      values: { public: this.shownToCustomers(side, link) },
      backRef: sides[otherSide(side)].ref,
      idempotencyKey: `${this.state.key}/file/${sides[otherSide(side)].ref}/${source}`,
      file: { place, source },
    }));
  }

  /** What is added to a comment is shown to those who may see the comment. */
  private shownToCustomers(side: Side, link: Link): boolean {
    const row = this.table.rows.find((each) => each[side] === 'public');
    return row !== undefined && link.snapshot?.[row.id] === 'public';
  }

  private followUp(
    row: PropertyRow,
    to: Side,
    sides: Record<Side, LinkedSide>,
    value: Json,
    link: Link,
  ): PlannedWrite {
    return {
      ...blankWrite(to, 'followUp'),
      ref: sides[to].ref,
      values: {
        text: value === null ? '' : textOf(value),
        public: this.shownToCustomers(to, link),
      },
      backRef: sides[otherSide(to)].ref,
      idempotencyKey: `${this.state.key}@${link.rev}/${row.id}`,
      rows: [row.id],
    };
  }

  /**
   * Updates whose outcome was never learned may have overruled a value: where the record still shows it they did not;
   * where it shows another they count as done, for that value is gone.
   */
  private overruling(current: Partial<Record<Side, SyncRecord>>): { overruling?: Overruling } {
    const { link } = this.state;
    const unconfirmed = link ? unconfirmedOf(link) : [];
    if (unconfirmed.length === 0) return {};
    const known: OverruledValue[] = [];
    const unknown: OverruledValue[] = [];
    for (const entry of unconfirmed) {
      const row = this.table.rows.find(({ id }) => id === entry.row);
      const record = current[entry.side];
      const now = row && record ? this.canonical(row, entry.side, record) : null;
      if (!now?.ok) unknown.push(entry);
      else if (!sameValue(now.value, entry.lost)) known.push(entry);
    }
    return { overruling: { known, unknown } };
  }

  /** One record ended (deleted or archived): the mapping says what becomes of the other. */
  private ended(side: Side, sides: Record<Side, LinkedSide>, record: SyncRecord | null): Plan {
    const { state, table } = this;
    const how = record?.state ?? 'removed';
    const other = otherSide(side);
    const repeated = how === 'redacted' && redactionReaches(table, other);
    const rule = repeated ? `onRedact: ${table.onRedact}` : `onDelete: ${table.onDelete}`;
    const reason = `${sides[side].ref} was ${how}; ${rule}`;
    const counterpart = state.observed[other];
    const otherLive =
      sides[other].state === 'live' && counterpart?.record !== null && state.link?.status !== 'tombstone';
    const { overruling } = this.overruling(record ? { [side]: record } : {});
    // Nobody will look at it again: what may be lost is told, too.
    const last = overruling && {
      overruling: { known: [...overruling.known, ...overruling.unknown], unknown: [] },
    };
    if (!otherLive || (!repeated && table.onDelete !== 'archive'))
      return { do: 'bury', reason, intent: null, ...last };
    const op = repeated ? 'redact' : 'archive';
    const write: PlannedWrite = {
      ...blankWrite(other, op),
      ref: sides[other].ref,
      version: counterpart?.record.version ?? sides[other].version,
      idempotencyKey: `${state.key}@${state.link?.rev ?? 0}/${op}`,
    };
    const rows = comparedRows(table).map((row) => row.id);
    const next: Agreement = repeated
      ? { ...emptyAgreement(), snapshot: Object.fromEntries(rows.map((row) => [row, null])), redacted: rows }
      : { ...emptyAgreement(), snapshot: state.link?.snapshot ?? {} };
    return {
      do: 'bury',
      reason,
      ...last,
      intent: {
        id: write.idempotencyKey,
        writes: [write],
        next,
        then: 'tombstone',
        seen: versions(record ? { [side]: record } : {}),
      },
    };
  }

  private neverLinked(seen: Observation, ref: RefKey, reason: string): Plan {
    return seen.fresh || seen.record?.state === 'deleted'
      ? { do: 'bury', reason, intent: null }
      : { do: 'read', refs: [ref] };
  }

  private canonicalValues(
    side: Side,
    record: SyncRecord,
  ): { values: Values; problems: string[]; waitsFor: RefKey[] } {
    const values: Values = {};
    const problems: string[] = [];
    const waitsFor: RefKey[] = [];
    for (const row of this.table.rows) {
      if (!row[side]) continue;
      const value = this.canonical(row, side, record);
      if (value.ok) values[row.id] = value.value;
      else if ('problem' in value) problems.push(value.problem);
      else waitsFor.push(value.waitsFor);
    }
    return { values, problems, waitsFor };
  }

  private canonical(row: PropertyRow, side: Side, record: SyncRecord) {
    const property = row[side];
    const raw = property === null ? null : record.values[property];
    return toCanonical(row, side, raw, this.state.references, referenceKinds(this.mapping, this.table));
  }
}

/** The records that a record's values point to, by row: what must be resolved before planning. */
export function referencesOf(mapping: Mapping, table: EntityMapping, record: SyncRecord): RefKey[] {
  const { side } = record.ref;
  return table.rows.flatMap((row) => {
    if (row.transform.kind !== 'reference') return [];
    const id = row[side] ? record.values[row[side]] : null;
    if (typeof id !== 'string' && typeof id !== 'number') return [];
    return [refKey({ side, kind: mapping.entities[row.transform.entity].kind[side], id: String(id) })];
  });
}

/**
 * Written rows whose values on that side were others than the plan saw: a person was there in between. `held` has the
 * side's own property names; a property that it does not name counts as unchanged.
 *
 * @returns canonical values, by row
 */
export function unexpectedValues(
  mapping: Mapping,
  table: EntityMapping,
  write: PlannedWrite,
  held: Values,
  references: References,
): Values {
  const { side } = write;
  const kinds = referenceKinds(mapping, table);
  const found: Values = {};
  for (const row of table.rows) {
    const property = row[side];
    if (!property || !(row.id in write.expects) || !(property in held)) continue;
    const value = toCanonical(row, side, held[property], references, kinds);
    if (!value.ok || !sameValue(value.value, write.expects[row.id]))
      found[row.id] = value.ok ? value.value : (held[property] ?? null);
  }
  return found;
}

/**
 * Compares the answer to a write with what was meant. On rows that were written, a difference is the side's
 * own limit (it truncated, refused or normalised) and becomes residue. On other rows it is a change by
 * somebody else, to be planned like any other.
 */
export function compareAnswer(
  mapping: Mapping,
  table: EntityMapping,
  write: PlannedWrite,
  answer: SyncRecord,
  next: Agreement,
  references: References,
): { residue: Values; changedRows: string[] } {
  const { side } = write;
  const residue: Values = { ...next.residue[side] };
  const kinds = referenceKinds(mapping, table);
  const changedRows: string[] = [];
  for (const row of comparedRows(table)) {
    const property = row[side];
    if (!property) continue;
    const value = toCanonical(row, side, answer.values[property], references, kinds);
    const meant = row.id in residue ? residue[row.id] : next.snapshot[row.id];
    if (value.ok && sameValue(value.value, meant)) continue;
    // A state that the side chose itself (assigning a new ticket opens it) is a change to carry across.
    const limit = write.rows.includes(row.id) && row.type !== 'enum' && row.type !== 'boolean';
    if (value.ok && limit) residue[row.id] = value.value;
    else changedRows.push(row.id);
  }
  return { residue, changedRows };
}

/** Whether a record is just what the link already holds of it: an echo, or a repeat. */
export function isEcho(
  mapping: Mapping,
  table: EntityMapping,
  link: Link,
  record: SyncRecord,
  references: References,
): boolean {
  const { side } = record.ref;
  const known = link.sides[side];
  if (!isAtRest(mapping, link)) return false;
  if (known?.ref !== refKey(record.ref) || record.state !== known.state) return false;
  if (record.order < known.order) return true;
  if (record.version !== known.version) return false;
  return differingRows(mapping, table, link, record, references).length === 0;
}

/** The rows in which a record's values are not those that its link holds of it. */
export function differingRows(
  mapping: Mapping,
  table: EntityMapping,
  link: Link,
  record: SyncRecord,
  references: References,
): string[] {
  const { side } = record.ref;
  const kinds = referenceKinds(mapping, table);
  const differs = (row: PropertyRow): boolean => {
    const property = row[side];
    if (!property) return false;
    const value = toCanonical(row, side, record.values[property], references, kinds);
    return !value.ok || !sameValue(value.value, baseOf(row, link, link.sides)?.[side]);
  };
  return comparedRows(table)
    .filter(differs)
    .map((row) => row.id);
}

/**
 * Whether an event without a body tells of a change that the link holds already: an older one, or the very one that
 * we made ourselves. `exact` says that no other change can share the order: the side's counter is fine enough, or
 * the change was our own write's.
 */
export function isKnownChange(
  mapping: Mapping,
  link: Link,
  change: { ref: RefKey; order: number; exact: boolean },
): boolean {
  const known = link.sides[parseRef(change.ref).side];
  if (!isAtRest(mapping, link) || known?.ref !== change.ref) return false;
  return change.order < known.order || (change.exact && change.order === known.order);
}

/** Nothing is under way or awaited: what the link holds is what both sides agree on by the present mapping. */
function isAtRest(mapping: Mapping, link: Link): boolean {
  return (
    link.status === 'linked' &&
    !link.intent &&
    link.waitsFor.length === 0 &&
    link.mappingVersion === mapping.version
  );
}

export function filterReason(table: EntityMapping, record: SyncRecord): string | null {
  for (const [property, allowed] of Object.entries(table.filter[record.ref.side])) {
    if (!allowed.some((value) => sameValue(value, record.values[property]))) {
      return `filtered out: ${property} is not one of ${allowed.map((value) => JSON.stringify(value)).join(', ')}`;
    }
  }
  return null;
}

export function emptyAgreement(): Agreement {
  return { snapshot: {}, residue: { zendesk: {}, pms: {} }, conflicts: [], overruled: [], waitsFor: [] };
}

function baseOf(
  row: PropertyRow,
  link: Link,
  sides: Partial<Record<Side, LinkedSide>>,
): Record<Side, Json> | null {
  const agreed = link.snapshot?.[row.id];
  if (agreed === undefined) return null;
  const on = (side: Side): Json =>
    sides[side]?.residue[row.id] ?? (row.id in (sides[side]?.residue ?? {}) ? null : agreed);
  return { zendesk: on('zendesk'), pms: on('pms') };
}

/** A side shows what we wrote without ever hearing that it was done: that is what both sides last agreed on. */
function agreedByAttempt(
  row: PropertyRow,
  current: Partial<Record<Side, SyncRecord>>,
  values: Record<Side, Json>,
  attempts: Attempts,
): Record<Side, Json> | null {
  const side = SIDES.find((each) =>
    attempts[each]?.[row.id]?.some((tried) => current[each] && sameValue(tried, values[each])),
  );
  return side ? { zendesk: values[side], pms: values[side] } : null;
}

/**
 * At a first meeting, a side shows neither what was there before our write of unknown outcome nor what we wrote, and the
 * other side still says the latter: a person edited it, and meets no other edit.
 */
function editedAfterAttempt(
  row: PropertyRow,
  current: Partial<Record<Side, SyncRecord>>,
  values: Record<Side, Json>,
  attempts: Attempts,
  unconfirmed: readonly OverruledValue[],
): Record<Side, Json> | null {
  const side = SIDES.find(
    (each) =>
      current[each] &&
      attempts[each]?.[row.id]?.some((tried) => sameValue(tried, values[otherSide(each)])) &&
      unconfirmed.some((entry) => entry.side === each && entry.row === row.id) &&
      !unconfirmed.some(
        (entry) => entry.side === each && entry.row === row.id && sameValue(entry.lost, values[each]),
      ),
  );
  if (!side) return null;
  const agreed = values[otherSide(side)];
  return { zendesk: agreed, pms: agreed };
}

function generated(row: PropertyRow, origin: SyncRecord): { ok: true; value: Json } | null {
  if (row.transform.kind === 'constant') return { ok: true, value: row.transform.value };
  if (row.transform.kind === 'template')
    return { ok: true, value: fillTemplate(row.transform.template, origin.values) };
  return null;
}

function versions(records: Partial<Record<Side, SyncRecord>>): Partial<Record<Side, SeenVersion>> {
  const seen: Partial<Record<Side, SeenVersion>> = {};
  for (const side of SIDES) if (records[side]) seen[side] = seenVersion(records[side]);
  return seen;
}

/** An intent found on the link was begun before: what it did is unknown, so look before writing. */
function resumed(intent: Intent): Intent {
  const released = releasedIntent(intent);
  return { ...released, writes: intent.writes.map((write) => ({ ...write, lookFirst: true })) };
}

function waitFor(refs: RefKey[], why = 'is not linked yet'): Plan {
  const waitsFor = [...new Set(refs)].sort();
  for (const ref of waitsFor) parseRef(ref);
  return { do: 'wait', waitsFor, reason: `waits for ${waitsFor.join(', ')}, which ${why}` };
}
