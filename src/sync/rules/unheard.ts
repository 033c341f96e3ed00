import type { Attempts, OverruledValue } from '../link';
import type { PropertyRow } from '../mapping';
import { SIDES, otherSide, type Json, type Side, type SyncRecord } from '../record';
import { asAttempt } from '../attempts';
import { sameValue } from '../values';

/** What is known of one row whose last writes may or may not have been done: their answers never came. */
export interface UnheardRow {
  row: PropertyRow;
  /** Null where the row was never agreed on. */
  base: Record<Side, Json> | null;
  /** The records that were read. */
  current: Partial<Record<Side, SyncRecord>>;
  /** Canonical values of the row. */
  values: Record<Side, Json>;
  attempts: Attempts;
  unconfirmed: readonly OverruledValue[];
}

/**
 * Rule: what our own writes of unknown outcome made the two sides agree on, so that nobody takes it for a person's edit.
 *
 * @returns null where no such write shows
 */
export function agreedByLostWrites(sight: UnheardRow): Record<Side, Json> | null {
  return agreedByAttempt(sight) ?? (sight.base === null ? editedAfterAttempt(sight) : null);
}

/** A side shows what we wrote: that is what both sides last agreed on. */
function agreedByAttempt({ row, current, values, attempts }: UnheardRow): Record<Side, Json> | null {
  const side = SIDES.find((each) =>
    attempts[each]?.[row.id]?.some((tried) => current[each] && isAttempt(tried, values[each])),
  );
  return side ? both(values[side]) : null;
}

/**
 * At a first meeting, a side shows neither what was there before our write nor what we wrote, and the other side still
 * says the latter: a person edited it, and meets no other edit.
 */
function editedAfterAttempt(sight: UnheardRow): Record<Side, Json> | null {
  const { row, current, values, attempts, unconfirmed } = sight;
  const side = SIDES.find((each) => {
    const lost = unconfirmed.filter((entry) => entry.side === each && entry.row === row.id);
    const written = attempts[each]?.[row.id] ?? [];
    return (
      current[each] !== undefined &&
      lost.length > 0 &&
      written.some((tried) => isAttempt(tried, values[otherSide(each)])) &&
      !lost.some((entry) => sameValue(entry.lost, values[each]))
    );
  });
  return side ? both(values[otherSide(side)]) : null;
}

function both(value: Json): Record<Side, Json> {
  return { zendesk: value, pms: value };
}

/** Whether a side shows what was written. What earlier releases stored is the value itself. */
export function isAttempt(tried: Json, shown: Json): boolean {
  return sameValue(tried, shown) || sameValue(tried, asAttempt(shown));
}
