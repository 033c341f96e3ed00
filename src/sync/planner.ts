import type { Agreement, PlannedWrite } from './link';
import { comparedRows, type EntityMapping, type Mapping } from './mapping';
import { pairOf } from './planner/plannedPair';
import { findPhase } from './planner/phaseOf';
import { planFor } from './planner/phasePlans';
import type { PairState, Plan } from './planner/state';
import type { SyncRecord, Values } from './record';
import { isOffered, shownValue } from './rules/absence';
import { bindingsOf } from './rules/boundAlike';
import { answeredSet, isSet } from './rules/sets';
import { referenceKinds, sameValue, toCanonical, type References } from './values';

export { emptyAgreement } from './link';
export { referencesOf } from './planner/references';
export type { Candidates, Observation, PairState, Plan } from './planner/state';
export { differingRows, isEcho, isKnownChange } from './rules/echo';
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
): AnswerCompared {
  const { side } = write;
  const residue: Values = { ...next.residue[side] };
  const kinds = referenceKinds(mapping, table);
  const changedRows: string[] = [];
  const restingRows: string[] = [];
  for (const row of comparedRows(table)) {
    if (!row[side]) continue;
    // A row that was bound anew since the plan was made meets for the first time in the next plan.
    const isOther = next.bound !== undefined && next.bound[row.id] !== bindingsOf(table)[row.id];
    if (isOther) continue;
    if (!isOffered(row, side, answer)) {
      restingRows.push(row.id);
      continue;
    }
    const value = toCanonical(row, side, shownValue(row, side, answer), references, kinds);
    const meant = row.id in residue ? residue[row.id] : next.snapshot[row.id];
    if (value.ok && sameValue(value.value, meant)) continue;
    if (value.ok && isSet(row) && write.rows.includes(row.id)) {
      const { shown, isChanged } = answeredSet(meant, write.expects[row.id], value.value);
      if (sameValue(shown, next.snapshot[row.id])) delete residue[row.id];
      else residue[row.id] = shown;
      if (isChanged) changedRows.push(row.id);
      continue;
    }
    // A state that the side chose itself (assigning a new ticket opens it) is a change to carry across.
    const limit = write.rows.includes(row.id) && row.type !== 'enum' && row.type !== 'boolean';
    if (value.ok && limit) residue[row.id] = value.value;
    else changedRows.push(row.id);
  }
  return { residue, changedRows, restingRows };
}
