import { changeOf, awaitsDecision, type HoldId } from '../holds';
import type { OverruledValue, ParkedConflict } from '../link';
import type { PropertyRow } from '../mapping';
import { carry, mergeParked, mergeRow, withLoss } from '../merge';
import type { MergeInput, MergeResult } from '../mergeResult';
import type { NotTaken } from '../notTaken';
import { SIDES, otherSide, type Json, type RefKey, type Side } from '../record';
import { hasLostOption, sideWithoutProperty, unreadValue } from '../rules/absence';
import { agreedValue, keepsOwnValues, type AttemptsOfRows } from '../rules/binding';
import { bindingOf, bindingsOf } from '../rules/sameFields';
import { holdOn } from '../rules/brake';
import { holdsReserved } from '../rules/reserved';
import { notTakenOfRow, isOfferedAgain, lastSeen, keptValues, setBase } from '../rules/taken';
import { agreedByLostWrites, filledInBy, mayBeTakenBack, outdatedAttempts } from '../rules/lostWrites';
import { elementsOf } from '../heldSets';
import { bySide, canHold, isSet, mergedSet, notRemovedElements, shownSet, writtenSet } from '../rules/sets';
import { fromCanonical, sameValue, type Canonical } from '../values';
import { canonicalOf, type LinkedPair } from './plannedPair';

/** A linked pair while its rows are merged, with the facts that every row needs. */
export interface Merge extends LinkedPair, AttemptsOfRows {
  unconfirmed: readonly OverruledValue[];
  /** Time of each record's last change, in milliseconds since 1970. */
  changedAt: Record<Side, number>;
}

/** A value that goes to one side: the side's own form, and the canonical value that it replaces. */
export interface Delivery {
  to: Side;
  value: Json;
  replaces: Json;
}

interface Propagation {
  /** The canonical value that both sides agree on from now on. */
  value: Json;
  /** Why this value counts, in words for a person. */
  rule: string;
  /** The canonical values that it overrules, by side. */
  lost: Partial<Record<Side, Json>>;
  deliveries: Delivery[];
}

/** What the merge of one row decides. All values are canonical, except `value` of a delivery. */
export type RowEffect =
  /** A value does not fit the mapping: the whole pair stops for a person. */
  | { kind: 'unmapped'; problem: string }
  /** A value points to records that are not linked: the row stays as it is until they are. */
  | { kind: 'waits'; waitsFor: RefKey[] }
  | { kind: 'unchanged' }
  /** A side does not offer the property: the row stays as it was until it does. */
  | { kind: 'rests'; side: Side }
  /** A side's value is gone because its option no longer exists: stored as seen, and not written to the other side. */
  | { kind: 'lapse'; value: Json; shown: Record<Side, Json> }
  /** The row names new fields. Only one value may be copied (e.g. in a one-way row), and it is empty: both stay. */
  | { kind: 'keep'; values: Record<Side, Json> }
  /** Both sides have the same value, and the snapshot has another one. */
  | { kind: 'agree'; value: Json }
  /** Both sides have the value of a write of ours whose answer was lost. */
  | { kind: 'recover'; value: Json }
  /** Only a person can decide. Both values are stored as seen, and neither is written to the other side. */
  | { kind: 'park'; values: Record<Side, Json>; agreed: Json; since: string; by?: string }
  /** `to` cannot take the other side's value: it keeps `kept`, and gets a follow-up comment with `value`. */
  | { kind: 'followUp'; to: Side; value: Json; kept: Json }
  /**
   * A text that cannot be edited on `from` was redacted there. `left` is the text that remains on `from`, `text` the
   * one that both sides should have. `edited`: the other side had an edit that was not carried to `from` yet.
   */
  | { kind: 'redact'; from: Side; left: Json; text: Json; edited: boolean; other: Json }
  /** One side's value goes to the other and overrules nothing. */
  | ({ kind: 'carry' } & Propagation)
  /** One side's value goes to the other, and the value there is lost. */
  | ({ kind: 'overrule' } & Propagation)
  /** A person merged both values. The result goes to each side that has a different one. */
  | ({ kind: 'replace' } & Propagation)
  /** Neither side can take the other's value: both stay. `agreed` becomes the agreed value. */
  | { kind: 'differ'; agreed: Json; values: Record<Side, Json> }
  /** A set of which each side added or removed elements. `shown`: what each side should have of `value`. */
  | {
      kind: 'combine';
      value: Json;
      shown: Record<Side, Json>;
      deliveries: Delivery[];
      notTaken: NotTaken[];
    }
  /** A side did not take the other's value, and there is no reason yet to offer it again. */
  | { kind: 'keepOffer'; notTaken: NotTaken }
  /** The brake holds the write: the row stays as it was, and both sides are read again before each plan. */
  | { kind: 'brake'; hold: HoldId; parked?: ParkedConflict };

export function rowEffect(merge: Merge, row: PropertyRow): RowEffect {
  const hold = undoHold(merge, row);
  if (hold === null) return withBrake(merge, row, effectWithoutHolds(merge, row));
  const parked = parkedConflict(merge, row);
  return { kind: 'brake', hold, ...(parked && { parked }) };
}

/** An undo holds a row as it is: nothing is written to it, and nothing is agreed on. */
function undoHold({ state, table, decisions }: Merge, row: PropertyRow): HoldId | null {
  const bound = bindingsOf(table)[row.id];
  const hold = (state.holds ?? []).find(
    (each) =>
      each.by === 'undo' &&
      each.row === row.id &&
      awaitsDecision(each.state) &&
      (each.bound === undefined || each.bound === bound),
  );
  return hold === undefined || decisions.rows.has(row.id) ? null : hold.id;
}

/** The brake holds neither a redaction nor what a person decided about the row itself. */
function withBrake(merge: Merge, row: PropertyRow, effect: RowEffect): RowEffect {
  const { state, table, decisions } = merge;
  const { holds = [] } = state;
  if (holds.length === 0 || decisions.rows.has(row.id)) return effect;
  const bound = bindingsOf(table)[row.id];
  for (const { to, before, after } of replacementsOf(effect)) {
    const kind = changeOf(before, after);
    const hold = kind && holdOn(holds, { kind, row: row.id, side: to, bound });
    // A first meeting replaces no agreed value: only a hold of kind `written`, i.e. of every write, applies to it.
    if (!hold || (merge.link.snapshot === null && hold.kind !== 'written')) continue;
    if (hold.state !== 'discarding') return { kind: 'brake', hold: hold.id };
    return { kind: 'keepOffer', notTaken: discardedRow(merge, row, effect, { to, before }) };
  }
  return effect;
}

/** The canonical values that an effect replaces, and their new values. */
function replacementsOf(effect: RowEffect): { to: Side; before: Json; after: Json }[] {
  switch (effect.kind) {
    case 'carry':
    case 'overrule':
    case 'replace':
      return effect.deliveries.map(({ to, replaces }) => ({ to, before: replaces, after: effect.value }));
    case 'combine':
      return effect.deliveries.map(({ to, replaces }) => ({
        to,
        before: replaces,
        after: effect.shown[to],
      }));
    case 'followUp':
      return [{ to: effect.to, before: effect.kept, after: effect.value }];
    default:
      return [];
  }
}

/** A change that a person discarded: both sides keep what they show, and the next edit of either counts. */
function discardedRow(
  { state, table }: Merge,
  row: PropertyRow,
  effect: RowEffect,
  { to, before }: { to: Side; before: Json },
): NotTaken {
  const other = replacementsOf(effect).find((each) => each.to !== to);
  const offered = other ? other.before : (replacementsOf(effect)[0]?.after ?? null);
  const bound = bindingOf(table, row.id, offered);
  return {
    row: row.id,
    side: to,
    offered,
    shown: before,
    why: 'discarded',
    words: 'a person discarded the change (brake discard)',
    since: state.now,
    ...(bound !== undefined && { bound }),
  };
}

function effectWithoutHolds(merge: Merge, row: PropertyRow): RowEffect {
  const { link, current, sides, attempts, unconfirmed, changedAt } = merge;
  const resting = sideWithoutProperty(row, current);
  if (resting) return { kind: 'rests', side: resting };
  const base = lastSeen(merge.table, row, link);
  const read = allValues(SIDES.map((side) => readRow(merge, row, side, base)));
  if ('kind' in read) return read;
  const [zendesk = null, pms = null] = read.values;
  const shown = { zendesk, pms };
  const lost = SIDES.find((side) => {
    const record = current[side];
    return record !== undefined && hasLostOption(row, side, record, base?.[side]);
  });
  const values = lost && base ? { ...shown, [lost]: base[lost] } : shown;
  const [entry] = notTakenOfRow(merge.table, row, link);
  const afterLost = { row, base, current, values, attempts, unconfirmed, sides };
  const filled = filledInBy(afterLost);
  if (filled) return { kind: 'differ', agreed: values[otherSide(filled)], values };
  const fromLostWrites = agreedByLostWrites(afterLost);
  // If both sides still show what the entry keeps, the entry is newer than the writes whose answers were lost.
  const isAsKept = entry && SIDES.every((side) => sameValue(keptValues(entry)[side], values[side]));
  if (entry && !entry.byElement && (!fromLostWrites || isAsKept))
    return notTakenEffect(merge, row, entry, values, shown);
  if (isSet(row) && !merge.decisions.rows.has(row.id)) {
    // Not `fromLostWrites`: an element that a lost write left on one side only would look removed on the other.
    const effect = setEffect(merge, row, values);
    return effect.kind === 'unchanged' && fromLostWrites
      ? { kind: 'recover', value: fromLostWrites.base.zendesk }
      : effect;
  }
  const input = { base: fromLostWrites?.base ?? base, current: values, changedAt };
  const merged = isParked(merge, row) ? parkedResult(merge, row, input) : mergeRow(row, input);
  const isDoubtful =
    fromLostWrites?.isCertain === false ||
    (merged.kind === 'copy' && mayBeTakenBack(merge, row, otherSide(merged.from), input));
  const result = isDoubtful ? withLoss(merged, input) : merged;
  if (result.kind === 'unchanged' && lost)
    return { kind: 'lapse', value: agreedValue(merge.table, row, link) ?? null, shown };
  if (result.kind === 'unchanged' && fromLostWrites)
    return { kind: 'recover', value: fromLostWrites.base.zendesk };
  if (result.kind === 'unchanged' && holdsReserved(row, link))
    return { kind: 'differ', agreed: agreedValue(merge.table, row, link) ?? null, values };
  if (keepsOwnValues(row, link, input.base, result)) return { kind: 'keep', values };
  return effectOf(merge, row, values, result, shown);
}

/** A value that a side did not take. Both values stay, until it is offered again or either side says something new. */
function notTakenEffect(
  merge: Merge,
  row: PropertyRow,
  entry: NotTaken,
  values: Record<Side, Json>,
  shown: Record<Side, Json>,
): RowEffect {
  const { side } = entry;
  const from = otherSide(side);
  const base = lastSeen(merge.table, row, merge.link);
  const input: MergeInput = { base, current: values, changedAt: merge.changedAt };
  if (sameValue(values[side], values[from])) return { kind: 'agree', value: values[from] };
  const isNew = (each: Side) => !sameValue(base?.[each], values[each]);
  const again = isOfferedAgain(entry, offerContextOf(merge));
  if (!again && !isNew(from) && (!isNew(side) || entry.why === 'emptied'))
    return { kind: 'keepOffer', notTaken: { ...entry, shown: values[side] } };
  if (isSet(row)) return setEffect(merge, row, values);
  const result = mergeRow(row, input);
  // An edit on the side itself does not settle the offer, unless the row's winner is this side.
  const isAnswer =
    isNew(from) ||
    (isNew(side) && (entry.why === 'discarded' || row.winner === side)) ||
    result.kind === 'redact';
  const next = isAnswer ? result : carry(row, from, input);
  const isLoss = next.kind === 'copy' && (next.from !== from || isNew(side) || entry.overrules === true);
  if (next.kind !== 'copy' || !isLoss) return effectOf(merge, row, values, next, shown);
  // If the side's own edit wins, the offered value is lost. If the side takes the offered value, its edit is lost.
  return effectOf(merge, row, values, { ...next, lost: next.lost ?? values[otherSide(next.from)] }, shown);
}

function offerContextOf({ link, current, mapping }: Merge) {
  return { link, current, mappingVersion: mapping.version };
}

/** Keeps what each side added and removed. A set that an earlier release parked is merged as at a first meeting. */
function setEffect(merge: Merge, row: PropertyRow, values: Record<Side, Json>): RowEffect {
  const { table, link, current, adds, removals } = merge;
  const agreed = agreedValue(table, row, link) ?? null;
  const known = isParked(merge, row) ? null : setBase(table, row, link);
  const returned = bySide((side) => notRemovedElements(outdatedAttempts(merge, row, side), known?.[side]));
  const isRead = SIDES.every((side) => current[side] !== undefined);
  const added = bySide((side) => new Set(isRead ? adds[side]?.[row.id] : []));
  const removed = bySide((side) => new Set(isRead ? removals[side]?.[row.id] : []));
  const entries = notTakenOfRow(table, row, link);
  const offered = entries.filter((each) => isOfferedAgain(each, offerContextOf(merge)));
  const again = offered.map(({ side }) => side);
  const { value, shown } = mergedSet({
    ...{ row, agreed, base: known, current: values },
    ...{ returned, added, removed, again },
  });
  const deliveries = SIDES.filter((side) => !sameValue(shown[side], values[side])).map((to) => ({
    to,
    value: writtenSet(row, to, shown[to], link, current[to]),
    replaces: values[to],
  }));
  const isSame =
    known &&
    !holdsReserved(row, link) &&
    sameValue(agreed, value) &&
    SIDES.every((side) => sameValue(shown[side], known[side]));
  if (isSame && deliveries.length === 0 && entries.every(({ byElement }) => byElement))
    return { kind: 'unchanged' };
  const held = (side: Side) => value.filter((each) => canHold(row, side, each));
  const notTaken = entries
    .filter(
      (each) => each.byElement && !offered.includes(each) && !sameValue(shown[each.side], held(each.side)),
    )
    .map((each) => ({ ...each, offered: value, shown: shown[each.side] }));
  return { kind: 'combine', value, shown, deliveries, notTaken };
}

function effectOf(
  merge: Merge,
  row: PropertyRow,
  values: Record<Side, Json>,
  result: MergeResult,
  shown: Record<Side, Json>,
): RowEffect {
  switch (result.kind) {
    case 'unchanged':
    case 'agree':
      return result;
    case 'differ':
      return { kind: 'differ', agreed: result.value, values };
    case 'park':
      return {
        kind: 'park',
        values,
        agreed: agreedValue(merge.table, row, merge.link) ?? null,
        since: parkedConflict(merge, row)?.since ?? merge.state.now,
        ...byOf(merge, row),
      };
    case 'followUp': {
      const to = otherSide(result.from);
      return { kind: 'followUp', to, value: result.value, kept: values[to] };
    }
    case 'redact': {
      const { from, value, text, edited } = result;
      return { kind: 'redact', from, left: value, text, edited, other: values[otherSide(from)] };
    }
    case 'copy': {
      const to = otherSide(result.from);
      const { lost } = result;
      const spread = { ...result, lost: lost === undefined ? {} : { [to]: lost } };
      return propagate(merge, row, shown, lost === undefined ? 'carry' : 'overrule', spread, [to]);
    }
    case 'replace': {
      const targets = SIDES.filter((side) => side in result.lost);
      return propagate(merge, row, shown, 'replace', result, targets);
    }
  }
}

function propagate(
  { state, link, current }: Merge,
  row: PropertyRow,
  values: Record<Side, Json>,
  kind: 'carry' | 'overrule' | 'replace',
  { value, rule, lost }: Omit<Propagation, 'deliveries'>,
  targets: Side[],
): RowEffect {
  const written = allValues(targets.map((to) => fromCanonical(row, to, value, state.references)));
  if ('kind' in written) return written;
  const deliveries = targets.map((to, place) => ({
    to,
    value:
      row.type === 'string[]'
        ? writtenSet(row, to, elementsOf(written.values[place]), link, current[to])
        : (written.values[place] ?? null),
    replaces: values[to],
  }));
  return { kind, value, rule, lost, deliveries };
}

function readRow(merge: Merge, row: PropertyRow, side: Side, base: Record<Side, Json> | null): Canonical {
  const record = merge.current[side];
  if (!record) return { ok: true, value: unreadValue(base, side) };
  const value = canonicalOf(merge, row, side, record);
  return value.ok
    ? { ok: true, value: shownSet(row, side, record, value.value, base?.[side], merge.link) }
    : value;
}

/** @returns the values; or the row's effect, if one does not fit the mapping or waits for a record */
function allValues(
  results: Canonical[],
): { values: Json[] } | Extract<RowEffect, { kind: 'unmapped' | 'waits' }> {
  const values: Json[] = [];
  const waitsFor: RefKey[] = [];
  for (const result of results) {
    if (result.ok) values.push(result.value);
    else if ('problem' in result) return { kind: 'unmapped', problem: result.problem };
    else waitsFor.push(result.waitsFor);
  }
  return waitsFor.length > 0 ? { kind: 'waits', waitsFor } : { values };
}

function parkedConflict({ link }: Merge, row: PropertyRow) {
  return link.conflicts.find((conflict) => conflict.row === row.id);
}

/** If an undo left a row to a person, the row's winner does not decide it. */
function parkedResult(merge: Merge, row: PropertyRow, input: MergeInput): MergeResult {
  const decision = merge.decisions.rows.get(row.id);
  const { current } = input;
  const isLeftToPerson = byOf(merge, row).by !== undefined && decision === undefined;
  return isLeftToPerson && !sameValue(current.zendesk, current.pms)
    ? { kind: 'park' }
    : mergeParked(row, input, decision);
}

function byOf(merge: Merge, row: PropertyRow): { by?: string } {
  const by = parkedConflict(merge, row)?.by;
  return by === undefined ? {} : { by };
}

function isParked(merge: Merge, row: PropertyRow): boolean {
  return parkedConflict(merge, row) !== undefined;
}
