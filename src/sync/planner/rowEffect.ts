import type { Attempts, OverruledValue } from '../link';
import type { PropertyRow } from '../mapping';
import { mergeParked, mergeRow, type MergeResult } from '../merge';
import { SIDES, otherSide, type Json, type RefKey, type Side } from '../record';
import { restsOn, unreadValue } from '../rules/absence';
import { agreedBase, agreedValue, keepsOwn } from '../rules/binding';
import { agreedUnheard } from '../rules/unheard';
import { elementsOf } from '../heldSets';
import { bySide, isSet, mergedSet, returnedElements, shownSet, writtenSet } from '../rules/sets';
import { fromCanonical, sameValue, type Canonical } from '../values';
import { canonicalOf, type LinkedPair } from './plannedPair';

/** A linked pair while its rows are merged, with the facts that every row needs. */
export interface Merge extends LinkedPair {
  attempts: Attempts;
  unconfirmed: readonly OverruledValue[];
  /** Milliseconds of each record's last change. */
  changedAt: Record<Side, number>;
}

/** A value that goes to one side: the side's own form, and the canonical value that it replaces. */
export interface Delivery {
  to: Side;
  value: Json;
  replaces: Json;
}

interface Spread {
  /** Canonical; from now on agreed. */
  value: Json;
  /** Why it counts, in words for a person. */
  rule: string;
  /** The canonical values that it overrules. */
  lost: Partial<Record<Side, Json>>;
  deliveries: Delivery[];
}

/** What one property of a linked pair comes to. All values are canonical, but for those of a delivery. */
export type RowEffect =
  /** A value does not fit the mapping: the whole pair stops for a person. */
  | { kind: 'unmapped'; problem: string }
  /** A value points to records that are not linked: the row stays as it is until they are. */
  | { kind: 'waits'; waitsFor: RefKey[] }
  | { kind: 'unchanged' }
  /** A side does not offer the property: the row stays as it was until it does. */
  | { kind: 'rests'; side: Side }
  /** New fields meet, and the empty one would have to count: each side keeps its value. */
  | { kind: 'keep'; values: Record<Side, Json> }
  /** Both sides have the same value, and the snapshot has another one. */
  | { kind: 'agree'; value: Json }
  /** Both sides have the value of a write of ours whose answer was lost. */
  | { kind: 'recover'; value: Json }
  /** Only a person can decide. Both values are stored as seen, and neither is written to the other side. */
  | { kind: 'park'; values: Record<Side, Json>; agreed: Json; since: string }
  /** `to` cannot take the other side's value: it keeps `kept`, and gets a follow-up comment with `value`. */
  | { kind: 'followUp'; to: Side; value: Json; kept: Json }
  /**
   * A text that cannot be edited on `from` was redacted there. `left` is the text that remains on `from`, `text` the one
   * that both sides should have. `edited`: the other side had an edit that was not carried to `from` yet.
   */
  | { kind: 'redact'; from: Side; left: Json; text: Json; edited: boolean; other: Json }
  /** One side's value goes to the other and overrules nothing. */
  | ({ kind: 'carry' } & Spread)
  /** One side's value goes to the other, and the value there is lost. */
  | ({ kind: 'overrule' } & Spread)
  /** A person merged both values. The result goes to each side that has a different one. */
  | ({ kind: 'replace' } & Spread)
  /** Sets, of which each side added or removed elements. `shown` is what each side is to show of `value`. */
  | { kind: 'combine'; value: Json; shown: Record<Side, Json>; deliveries: Delivery[] };

export function rowEffect(merge: Merge, row: PropertyRow): RowEffect {
  const { link, current, attempts, unconfirmed, changedAt } = merge;
  const resting = restsOn(row, current);
  if (resting) return { kind: 'rests', side: resting };
  const base = agreedBase(merge.table, row, link);
  const read = allValues(SIDES.map((side) => readRow(merge, row, side, base)));
  if ('kind' in read) return read;
  const [zendesk = null, pms = null] = read.values;
  const values = { zendesk, pms };
  const unheard = agreedUnheard({ row, base, current, values, attempts, unconfirmed });
  if (isSet(row) && !merge.decisions.rows.has(row.id)) return setEffect(merge, row, values, unheard ?? base);
  const input = { base: unheard ?? base, current: values, changedAt };
  const result = isParked(merge, row)
    ? mergeParked(row, input, merge.decisions.rows.get(row.id))
    : mergeRow(row, input);
  if (result.kind === 'unchanged' && unheard) return { kind: 'recover', value: unheard.zendesk };
  if (keepsOwn(row, link, input.base, result)) return { kind: 'keep', values };
  return effectOf(merge, row, values, result);
}

/** Keeps what each side added and removed. A set that an earlier release parked is merged as at a first meeting. */
function setEffect(
  merge: Merge,
  row: PropertyRow,
  values: Record<Side, Json>,
  base: Record<Side, Json> | null,
): RowEffect {
  const { table, link, current, sides, attempts } = merge;
  const agreed = agreedValue(table, row, link) ?? null;
  const known = isParked(merge, row) ? null : base;
  const returned = bySide((side) => {
    const hasMovedOn = current[side] !== undefined && current[side].version !== sides[side].version;
    return returnedElements(attempts[side]?.[row.id], known?.[side], hasMovedOn);
  });
  const { value, shown } = mergedSet({ row, agreed, base: known, current: values, returned });
  const deliveries = SIDES.filter((side) => !sameValue(shown[side], values[side])).map((to) => ({
    to,
    value: writtenSet(row, to, shown[to], link, current[to]),
    replaces: values[to],
  }));
  const isSame =
    known && sameValue(agreed, value) && SIDES.every((side) => sameValue(shown[side], known[side]));
  return isSame && deliveries.length === 0
    ? { kind: 'unchanged' }
    : { kind: 'combine', value, shown, deliveries };
}

function effectOf(
  merge: Merge,
  row: PropertyRow,
  values: Record<Side, Json>,
  result: MergeResult,
): RowEffect {
  switch (result.kind) {
    case 'unchanged':
    case 'agree':
      return result;
    case 'park':
      return {
        kind: 'park',
        values,
        agreed: agreedValue(merge.table, row, merge.link) ?? null,
        since: parkedConflict(merge, row)?.since ?? merge.state.now,
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
      return spreadTo(merge, row, values, lost === undefined ? 'carry' : 'overrule', spread, [to]);
    }
    case 'replace': {
      const targets = SIDES.filter((side) => side in result.lost);
      return spreadTo(merge, row, values, 'replace', result, targets);
    }
  }
}

function spreadTo(
  { state, link, current }: Merge,
  row: PropertyRow,
  values: Record<Side, Json>,
  kind: 'carry' | 'overrule' | 'replace',
  { value, rule, lost }: Omit<Spread, 'deliveries'>,
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
    ? { ok: true, value: shownSet(row, side, record, value.value, base?.[side], merge.sides[side]) }
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

function isParked(merge: Merge, row: PropertyRow): boolean {
  return parkedConflict(merge, row) !== undefined;
}
