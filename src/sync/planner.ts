import type { Agreement, PlannedWrite } from './link';
import { comparedRows, type EntityMapping, type Mapping, type PropertyRow } from './mapping';
import { notTakenOf, type NotTaken } from './notTaken';
import { pairOf } from './planner/plannedPair';
import { findPhase } from './planner/phaseOf';
import { planFor } from './planner/phasePlans';
import type { PairState, Plan } from './planner/state';
import { otherSide, type Json, type Side, type SyncRecord, type Values } from './record';
import { hasProperty, shownValue } from './rules/absence';
import { namesSameFields } from './rules/boundAlike';
import { reservedOn } from './rules/reserved';
import { answeredElements, answeredSet, isSet } from './rules/sets';
import { isForSameFields, isOwnForm, keptValues, whyNotTaken } from './rules/taken';
import { boundOf, meantOn } from './refusedWrite';
import { referenceKinds, sameValue, toCanonical, type References } from './values';

export { emptyAgreement } from './link';
export { referencesOf } from './planner/references';
export type { Candidates, Observation, PairState, Plan } from './planner/state';
export { differingRows, isEcho, isKnownChange, isUncompared } from './rules/echo';
export { filterReason } from './rules/filter';

/**
 * The planner: from what is known of a pair to the one thing to do next, and from the answer to a write to what came
 * of it. Pure; it reads nothing and writes nothing. The caller that carries out a plan asks again with what came of it,
 * until the answer is `settled`. docs/planner.md has the table of phases and the invariants.
 */

/** @throws Error where the state contradicts itself: a bug, never a matter of data. */
export function planPair(state: PairState, mapping: Mapping): Plan {
  const pair = pairOf(state, mapping);
  return planFor(pair, findPhase(pair));
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

/** Rows of the mapping, as an answer to a write shows them. */
export interface AnswerCompared {
  /** Where the side rightly differs from what was agreed: canonical values. */
  residue: Values;
  /** Somebody else changed these, or the side did by itself. */
  changedRows: string[];
  /** The side does not offer these: what was agreed on them before stays. */
  restingRows: string[];
  /** What was not taken, by this write or before; a new one has no `since` yet. */
  notTaken: NotTaken[];
  /** By row: the elements of the answer that are no part of the row. */
  reserved: Record<string, string[]>;
}

/**
 * Compares the answer to a write with what was meant. On rows that were written, a difference is a value that was not
 * taken, or the side's own form of it (it truncated or normalised), which becomes residue. On other rows it is a change
 * by somebody else, to be planned like any other.
 */
export function compareAnswer(
  mapping: Mapping,
  table: EntityMapping,
  write: PlannedWrite,
  answer: SyncRecord,
  next: Agreement,
  references: References,
): AnswerCompared {
  const { side } = write;
  const compared: AnswerCompared = {
    residue: { ...next.residue[side] },
    changedRows: [],
    restingRows: [],
    notTaken: [...(next.notTaken ?? [])],
    reserved: {},
  };
  const kinds = referenceKinds(mapping, table);
  for (const row of comparedRows(table)) {
    if (!row[side]) continue;
    // A row that was bound anew since the plan was made meets for the first time in the next plan.
    const aside = notTakenOf(compared, row.id);
    if (aside ? !isForSameFields(table, aside) : !namesSameFields(table, row, next)) continue;
    if (!hasProperty(row, side, answer)) {
      compared.restingRows.push(row.id);
      continue;
    }
    if (row.type === 'string[]') compared.reserved[row.id] = reservedOn(row, side, answer, null);
    const value = toCanonical(row, side, shownValue(row, side, answer), references, kinds);
    if (!value.ok) compared.changedRows.push(row.id);
    else if (aside && !aside.byElement) compareAside(compared, aside, side, value.value);
    else {
      const answered = answeredElements(row, side, answer, value.value, meantOn(next, side, row.id));
      compareRow(compared, row, { write, next, refusal: answer.leftOut?.[row[side]] }, answered);
    }
  }
  return compared;
}

/** A row that the write left out, because it was not taken before. */
function compareAside(compared: AnswerCompared, aside: NotTaken, side: Side, answered: Json): void {
  if (side === aside.side && aside.shown === undefined)
    compared.notTaken = compared.notTaken.map((each) =>
      each === aside ? { ...aside, shown: answered } : each,
    );
  else if (!sameValue(keptValues(aside)[side], answered)) compared.changedRows.push(aside.row);
}

function compareRow(
  compared: AnswerCompared,
  row: PropertyRow,
  { write, next, refusal }: { write: PlannedWrite; next: Agreement; refusal: string | undefined },
  answered: Json,
): void {
  const { residue, changedRows } = compared;
  const meant = meantOn(next, write.side, row.id);
  if (sameValue(answered, meant)) return;
  const before = write.op === 'create' ? undefined : write.expects[row.id];
  const setAside = (over: Pick<NotTaken, 'shown' | 'why'> & Partial<NotTaken>) => {
    const offered = meantOn(next, otherSide(write.side), row.id) ?? null;
    // What the adapter left out of the write was refused, in the API's own words.
    const words = refusal ?? wordsOf(row, over.why);
    compared.notTaken = [
      ...compared.notTaken.filter(
        (each) => each.row !== row.id || (over.byElement && each.side !== write.side),
      ),
      { row: row.id, side: write.side, offered, words, since: '', ...boundOf(next, row.id), ...over },
    ];
  };
  if (isSet(row) && write.rows.includes(row.id)) {
    const { shown, isChanged } = answeredSet(meant, before, answered);
    if (sameValue(shown, next.snapshot[row.id])) delete residue[row.id];
    else residue[row.id] = shown;
    if (!sameValue(shown, meant))
      setAside({
        shown,
        why: refusal === undefined ? 'ignored' : 'refused',
        byElement: true,
        offered: meant ?? null,
      });
    if (isChanged) changedRows.push(row.id);
    return;
  }
  if (!write.rows.includes(row.id)) {
    changedRows.push(row.id);
    return;
  }
  const why = refusal === undefined ? whyNotTaken({ row, meant, before, answered }) : 'refused';
  if (why) setAside({ shown: answered, why });
  else if (isOwnForm(row, meant)) residue[row.id] = answered;
  // What the side chose by itself is carried across: assigning a new ticket opens it, and a ticket without an
  // organization gets its requester's.
  else changedRows.push(row.id);
}

const ACCEPTED = 'the write was accepted, and the value is';

function wordsOf(row: PropertyRow, why: NotTaken['why']): string {
  const what = why === 'emptied' ? `${ACCEPTED} empty` : `${ACCEPTED} as before`;
  return row.type === 'person' ? `${what}; the person is unknown there, or may not be set` : what;
}
