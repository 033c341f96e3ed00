import { versionsOf } from '../abandonedIntent';
import type { Attempted, Attempts, LinkedSide, OverruledValue } from '../link';
import { writesTo, type PropertyRow } from '../mapping';
import type { MergeInput } from '../mergeResult';
import { SIDES, otherSide, type Json, type Side, type SyncRecord } from '../record';
import { asAttempt } from '../attempts';
import { isEmpty, sameValue } from '../values';
import { isCut, isOwnForm } from './taken';

/** One row of a pair, with the writes whose answers were lost: they may or may not have been done. */
export interface RowAfterLostWrites {
  row: PropertyRow;
  /** The canonical value that each side showed at the last agreement; null if the row was never agreed on. */
  base: Record<Side, Json> | null;
  /** The records that were read. */
  current: Partial<Record<Side, SyncRecord>>;
  /** The canonical values that the sides show now. */
  values: Record<Side, Json>;
  /** The values that such writes may have left. */
  attempts: Attempts;
  /** The values that such writes may have overruled. */
  unconfirmed: readonly OverruledValue[];
  /** `made`: the record was created by such a write. */
  sides: Record<Side, Pick<LinkedSide, 'made'>>;
}

export interface AgreedByLostWrites {
  /** The base of the row's merge. */
  base: Record<Side, Json>;
  /** Whether the records prove that the write was done. If not, the value that an edit overrules goes to the history. */
  isCertain: boolean;
}

/**
 * Rule: the value of our own write whose answer was lost counts as agreed, so that it is not taken for a person's edit.
 *
 * @returns null if no such write was done, as far as the records show
 */
export function agreedByLostWrites(input: RowAfterLostWrites): AgreedByLostWrites | null {
  return agreedByAttempt(input) ?? (input.base === null ? editedAfterAttempt(input) : null);
}

/**
 * Only for a first meeting. The side whose record we created shows a value although we had none to write: the side filled
 * in what it requires, e.g. a requester, and no person entered it. After an answered creation, this value is not carried either.
 *
 * @returns the side that filled it in; null if no side did
 */
export function filledInBy({ row, base, values, sides, attempts }: RowAfterLostWrites): Side | null {
  const filled = SIDES.find(
    (side) =>
      sides[side].made &&
      writesTo(row, side) &&
      isEmpty(values[otherSide(side)]) &&
      !isEmpty(values[side]) &&
      isOwnForm(row, null) &&
      !attempts[side]?.[row.id]?.some((tried) => !isEmpty(tried)),
  );
  return base === null ? (filled ?? null) : null;
}

/** A side shows the value that we wrote: the write was done, so both sides agreed on this value. */
function agreedByAttempt({ row, current, values, attempts }: RowAfterLostWrites): AgreedByLostWrites | null {
  const side = SIDES.find((each) =>
    attempts[each]?.[row.id]?.some((tried) => current[each] && showsAttempt(tried, values[each])),
  );
  return side ? { base: onBothSides(values[side]), isCertain: true } : null;
}

/**
 * Only for a first meeting. The written side shows neither its value from before our write nor the value that we wrote,
 * and the other side still has the latter. So a person edited the value after our write. This edit counts; it is not in
 * conflict with the other side.
 */
function editedAfterAttempt(input: RowAfterLostWrites): AgreedByLostWrites | null {
  const sides = SIDES.filter((side) => input.current[side] !== undefined);
  const created = sides.find((side) => editsCreated(input, side));
  const edited = created ?? sides.find((side) => editsUpdated(input, side));
  if (!edited) return null;
  return { base: onBothSides(input.values[otherSide(edited)]), isCertain: edited === created };
}

/**
 * We created the side's record with the value that the other side still shows. If later writes tried another value, then
 * the other side was edited, too, and both edits are in conflict.
 */
function editsCreated({ row, values, attempts, sides }: RowAfterLostWrites, side: Side): boolean {
  const written = attempts[side]?.[row.id] ?? [];
  const other = values[otherSide(side)];
  return (
    sides[side].made === true &&
    written.length > 0 &&
    written.every((tried) => showsAttempt(tried, other)) &&
    isEdit(row, other, values[side])
  );
}

/** An update of ours may have overruled a value of the side, and that value is gone. */
function editsUpdated({ row, values, attempts, unconfirmed }: RowAfterLostWrites, side: Side): boolean {
  const lost = unconfirmed.filter((entry) => entry.side === side && entry.row === row.id);
  const written = attempts[side]?.[row.id] ?? [];
  return (
    lost.length > 0 &&
    written.some((tried) => showsAttempt(tried, values[otherSide(side)])) &&
    !lost.some((entry) => sameValue(entry.lost, values[side]))
  );
}

/** Whether a side shows an edit of the created value. It may also have ignored, filled in or shortened the value. */
function isEdit({ fixed, type, default: usual }: PropertyRow, created: Json, shown: Json): boolean {
  const isUsual = isEmpty(shown) || (usual !== undefined && sameValue(shown, usual));
  return fixed === null && type !== 'person' && !isUsual && !isCut(created, shown);
}

/** A pair with writes of unknown outcome. */
interface PairAfterLostWrites {
  attempts: Attempts;
  basedOn: Attempted;
  current: Partial<Record<Side, SyncRecord>>;
  sides: Record<Side, Pick<LinkedSide, 'version'>>;
}

/** The values of such writes to a row, without those that were certainly not written: their record has not changed since. */
export function outdatedAttempts(
  { attempts, basedOn, current, sides }: PairAfterLostWrites,
  { id }: PropertyRow,
  side: Side,
): Json[] {
  const tried = attempts[side]?.[id] ?? [];
  const version = current[side]?.version;
  if (version === undefined || version === sides[side].version) return [];
  const versions = versionsOf(tried, basedOn[side]?.[id]);
  return tried.filter((_, n) => versions[n] !== version);
}

/**
 * Whether a person of a side may have taken back the value of such a write, to this side or from it: the side shows the
 * value from before it. If the write was not done, nothing was taken back, and somebody has changed another property.
 */
export function mayBeTakenBack(
  pair: PairAfterLostWrites,
  row: PropertyRow,
  side: Side,
  { base, current }: Pick<MergeInput, 'base' | 'current'>,
): boolean {
  return (
    base !== null &&
    sameValue(base[side], current[side]) &&
    SIDES.some((each) =>
      outdatedAttempts(pair, row, each).some((tried) => !showsAttempt(tried, current[side])),
    )
  );
}

function onBothSides(value: Json): Record<Side, Json> {
  return { zendesk: value, pms: value };
}

/** Whether a side shows the value of an attempt. Earlier releases stored long texts themselves, not their digests. */
export function showsAttempt(tried: Json, shown: Json): boolean {
  return sameValue(tried, shown) || sameValue(tried, asAttempt(shown));
}
