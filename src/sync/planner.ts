import { meantOn, type Agreement, type PlannedWrite } from './link';
import { comparedRows, type EntityMapping, type Mapping, type PropertyRow } from './mapping';
import { notTakenOf, type NotTaken } from './notTaken';
import { pairOf } from './planner/plannedPair';
import { findPhase } from './planner/phaseOf';
import { planFor } from './planner/phasePlans';
import type { PairState, Plan } from './planner/state';
import { otherSide, type Json, type Side, type SyncRecord, type Values } from './record';
import { hasProperty, shownValue } from './rules/absence';
import { reservedOn } from './rules/reserved';
import { namesSameFields } from './rules/sameFields';
import { answeredElements, answeredSet, isSet } from './rules/sets';
import { isForSameFields, isOwnForm, keptValues, whyNotTaken } from './rules/taken';
import { boundOf } from './refusedWrite';
import { isEmpty, referenceKinds, sameValue, toCanonical, type References } from './values';

export { emptyAgreement } from './link';
export { referencesOf } from './planner/references';
export type { Candidates, Observation, PairState, Plan } from './planner/state';
export { differingRows, isEcho, isKnownChange, hasUncomparedRow } from './rules/echo';
export { filterReason } from './rules/filter';

/**
 * The planner. It turns the state of a pair into a plan, the next step, and compares the answer to a write with the
 * plan. It is pure: it reads no record and writes none. The caller carries a plan out and asks again with the outcome,
 * until the plan is `settled` or the pair has to wait. docs/planner.md has the table of phases and the invariants.
 */

/** @throws Error if the state contradicts itself. This is a bug and never depends on the data. */
export function planPair(state: PairState, mapping: Mapping): Plan {
  const pair = pairOf(state, mapping);
  return planFor(pair, findPhase(pair));
}

/**
 * Finds the rows of a write whose values have changed since the plan was made: somebody edited the record in between.
 *
 * @param shown what the record shows, by the side's own property names; a property that is missing counts as unchanged
 * @returns the present canonical values of these rows, by row id
 */
export function unexpectedValues(
  mapping: Mapping,
  table: EntityMapping,
  write: PlannedWrite,
  shown: Values,
  references: References,
): Values {
  const { side } = write;
  const kinds = referenceKinds(mapping, table);
  const found: Values = {};
  for (const row of table.rows) {
    const property = row[side];
    if (!property || !(row.id in write.expects) || !(property in shown)) continue;
    const value = toCanonical(row, side, shown[property], references, kinds);
    if (!value.ok || !sameValue(value.value, write.expects[row.id]))
      found[row.id] = value.ok ? value.value : (shown[property] ?? null);
  }
  return found;
}

/** What the answer to a write shows, by rows of the mapping. */
export interface AnswerComparison {
  /** Canonical values of the rows in which the side may differ from the agreement. */
  residue: Values;
  /** Rows that somebody else changed meanwhile, or that the side changed by itself. */
  changedRows: string[];
  /** Rows whose property the side does not have: their former agreement stays. */
  restingRows: string[];
  /** Rows that a creation did not write, although the other side has a value, and of which the new record shows another. */
  unmetRows: string[];
  /** Values that this write or an earlier one offered and that were not taken; a new entry has an empty `since`. */
  notTaken: NotTaken[];
  /** By row: the elements of the answer that are no part of the row. */
  reserved: Record<string, string[]>;
}

/**
 * Compares the answer to a write with the agreement `next` that the plan intended. In a row that was written, a
 * difference is either a value that was not taken, or the side's own form of the value (e.g. shortened), which becomes
 * residue. In any other row, a difference is a change by somebody else, which the next plan handles like any change.
 */
export function compareAnswer(
  mapping: Mapping,
  table: EntityMapping,
  write: PlannedWrite,
  answer: SyncRecord,
  next: Agreement,
  references: References,
): AnswerComparison {
  const { side } = write;
  const compared = uncompared(next, side);
  const kinds = referenceKinds(mapping, table);
  for (const row of comparedRows(table)) {
    if (!row[side]) continue;
    // The row names other fields since the plan was made: the next plan merges it as a first meeting.
    const entry = notTakenOf(compared, row.id);
    if (entry ? !isForSameFields(table, entry) : !namesSameFields(table, row, next)) continue;
    if (!hasProperty(row, side, answer)) {
      compared.restingRows.push(row.id);
      continue;
    }
    if (row.type === 'string[]') compared.reserved[row.id] = reservedOn(row, side, answer, null);
    const value = toCanonical(row, side, shownValue(row, side, answer), references, kinds);
    if (!value.ok) compared.changedRows.push(row.id);
    else if (entry && !entry.byElement) compareLeftOutRow(compared, entry, side, value.value);
    else {
      const refusal = answer.leftOut?.[row[side]];
      const answered = answeredElements(row, side, answer, value.value, meantOn(next, side, row.id));
      compareRow(compared, { row, write, next, refusal, answered });
    }
  }
  return compared;
}

/** The comparison for a write whose answer is not compared, and the beginning of any other: all is as planned. */
export function uncompared(next: Agreement, side: Side): AnswerComparison {
  return {
    residue: { ...next.residue[side] },
    changedRows: [],
    restingRows: [],
    unmetRows: [],
    notTaken: [...(next.notTaken ?? [])],
    reserved: {},
  };
}

/** Compares a row that the write left out, because its value was not taken before. */
function compareLeftOutRow(compared: AnswerComparison, entry: NotTaken, side: Side, answered: Json): void {
  if (side === entry.side && entry.shown === undefined)
    compared.notTaken = compared.notTaken.map((each) =>
      each === entry ? { ...entry, shown: answered } : each,
    );
  else if (!sameValue(keptValues(entry)[side], answered)) compared.changedRows.push(entry.row);
}

/** A written or unwritten row, as the answer to a write shows it. All values are canonical. */
interface AnsweredRow {
  row: PropertyRow;
  write: PlannedWrite;
  next: Agreement;
  /** The API's words, if the adapter left the value out of the write because the API refused it. */
  refusal: string | undefined;
  answered: Json;
}

/** Compares a row that has no entry in `notTaken` for its whole value. */
function compareRow(compared: AnswerComparison, shown: AnsweredRow): void {
  const { row, write, next, answered } = shown;
  const meant = meantOn(next, write.side, row.id);
  if (sameValue(answered, meant)) return;
  const before = write.op === 'create' ? undefined : write.expects[row.id];
  if (!write.rows.includes(row.id)) {
    compared.changedRows.push(row.id);
    if (write.op === 'create' && !isEmpty(meant ?? null)) compared.unmetRows.push(row.id);
  } else if (isSet(row)) compareSet(compared, shown, meant, before);
  else compareWrittenValue(compared, shown, meant, before);
}

function compareSet(
  compared: AnswerComparison,
  answeredRow: AnsweredRow,
  meant: Json | undefined,
  before: Json | undefined,
): void {
  const { row, next, refusal, answered } = answeredRow;
  const { residue, changedRows } = compared;
  const { shown, isChanged } = answeredSet(meant, before, answered);
  if (sameValue(shown, next.snapshot[row.id])) delete residue[row.id];
  else residue[row.id] = shown;
  if (!sameValue(shown, meant)) {
    const why = refusal === undefined ? 'ignored' : 'refused';
    addNotTaken(compared, answeredRow, { shown, why, byElement: true, offered: meant ?? null });
  }
  if (isChanged) changedRows.push(row.id);
}

function compareWrittenValue(
  compared: AnswerComparison,
  answeredRow: AnsweredRow,
  meant: Json | undefined,
  before: Json | undefined,
): void {
  const { row, refusal, answered } = answeredRow;
  const why = refusal === undefined ? whyNotTaken({ row, meant, before, answered }) : 'refused';
  const isUnknownPerson = refusal !== undefined && row.type === 'person';
  if (why)
    addNotTaken(compared, answeredRow, {
      ...{ shown: answered, why },
      ...(isUnknownPerson && { unknownPerson: true }),
    });
  else if (isOwnForm(row, meant)) compared.residue[row.id] = answered;
  // The side chose another value by itself, which the next plan carries to the other side. For example, assigning a new
  // ticket opens it, and a ticket without an organization gets its requester's.
  else compared.changedRows.push(row.id);
}

/** Adds an entry for a value that was not taken, and drops the row's former entries that it replaces. */
function addNotTaken(
  compared: AnswerComparison,
  { row, write, next, refusal }: AnsweredRow,
  found: Pick<NotTaken, 'shown' | 'why'> & Partial<NotTaken>,
): void {
  const offered = meantOn(next, otherSide(write.side), row.id) ?? null;
  const words = refusal ?? wordsOf(row, found.why);
  compared.notTaken = [
    ...compared.notTaken.filter(
      (each) => each.row !== row.id || (found.byElement && each.side !== write.side),
    ),
    { row: row.id, side: write.side, offered, words, since: '', ...boundOf(next, row.id), ...found },
  ];
}

const ACCEPTED = 'the write was accepted, and the value is';

function wordsOf(row: PropertyRow, why: NotTaken['why']): string {
  const what = why === 'emptied' ? `${ACCEPTED} empty` : `${ACCEPTED} as before`;
  return row.type === 'person' ? `${what}; the person is unknown there, or may not be set` : what;
}
