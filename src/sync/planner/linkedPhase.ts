import { attemptsOf } from '../abandonedIntent';
import type { Intent, Link, PlannedWrite } from '../link';
import { comparedRows, type PropertyRow } from '../mapping';
import { SIDES, otherSide, type Side } from '../record';
import { sideWithoutProperty } from '../rules/absence';
import { agreedValue } from '../rules/binding';
import { isReleased } from '../rules/reserved';
import { notTakenOfRow } from '../rules/taken';
import { isHeldEnd } from '../rules/brake';
import { doubtfulSides, missingParents, unreadSides, type LinkedPair } from './plannedPair';
import type { Found } from './phases';
import type { Observation } from './state';

/** Finds the phase of a pair of which both records are known. */

/** Writes that the written record does not show: only their idempotency keys show whether they were done. */
const ADDITIONS: ReadonlySet<PlannedWrite['op']> = new Set(['followUp', 'attach', 'detach']);

export function linkedPhase(linked: LinkedPair): Found {
  const { link, sides, current, state } = linked;
  if (link.intent && mustBeResumed(link.intent)) return { phase: 'resuming', found: { intent: link.intent } };
  const missing = SIDES.filter((side) => state.observed[side]?.record === null);
  const isEndKnown = (side: Side) => link.status === 'tombstone' || isHeldEnd(link, sides[side].ref);
  const gone = missing.find((side) => isEndKnown(side) || !isUnproven(state.observed[side]));
  const [absent] = missing;
  if (gone) return { phase: 'ended', found: { linked, side: gone, record: null } };
  if (absent) {
    // That the other record ended is known from its own side, whether or not the missing record exists.
    const side = otherSide(absent);
    const record = current[side];
    return record && record.state !== 'live'
      ? { phase: 'ended', found: { linked, side, record } }
      : { phase: 'absent', found: { ref: sides[absent].ref } };
  }

  const refsOf = (some: Side[]) => some.map((side) => sides[side].ref);
  const unread = refsOf(unreadSides(linked));
  // An undo compares the former values with the present ones.
  const needsBothRecords = state.undo !== undefined || comparesBothRecords(linked);
  if (needsBothRecords && unread.length > 0) return { phase: 'unread', found: { refs: unread } };
  for (const side of SIDES) {
    const record = current[side];
    if (record && record.state !== 'live') return { phase: 'ended', found: { linked, side, record } };
  }
  if (link.status === 'tombstone' && unread.length > 0) return { phase: 'returned', found: { refs: unread } };
  const writtenTo = unreadSides(linked).filter(mayBeWritten(link));
  const doubtful = refsOf([...new Set([...doubtfulSides(linked), ...writtenTo])].sort());
  if (doubtful.length > 0) return { phase: 'doubtful', found: { refs: doubtful } };
  const parents = missingParents(linked);
  if (parents.length > 0) return { phase: 'orphaned', found: { parents } };
  return { phase: 'merging', found: { linked } };
}

/**
 * Whether an intent is continued. If no write of an intent is confirmed and none is an addition, the pair is planned
 * anew, because the records show what the intent did. Any other intent is continued, so that no addition is made twice.
 */
function mustBeResumed({ writes }: Intent): boolean {
  return writes.some((write) => write.done || ADDITIONS.has(write.op));
}

/**
 * Whether the merge compares the present values of both records, and not one of them with the last agreement. This is
 * so if a row was never agreed on for its present fields, if it rested before, or if the brake holds a row. It is not
 * so for a row that rests now, nor for a value that was not taken: there, the link has both values.
 */
function comparesBothRecords({ link, table, current }: LinkedPair): boolean {
  if (!link.snapshot || link.braked) return true;
  const isUnknown = (row: PropertyRow) =>
    agreedValue(table, row, link) === undefined && notTakenOfRow(table, row, link).length === 0;
  return comparedRows(table).some(
    (row) =>
      sideWithoutProperty(row, current) === null &&
      (isUnknown(row) || link.rested?.includes(row.id) === true || isReleased(row, link)),
  );
}

/** Whether a write of unknown outcome went to a side: only a record that was read since shows whether it was done. */
function mayBeWritten(link: Link): (side: Side) => boolean {
  const attempts = attemptsOf(link);
  return (side) => Object.values(attempts[side] ?? {}).some((tried) => tried.length > 0);
}

/** Whether a record was not found, and nothing else says that it ended. */
function isUnproven(seen: Observation | undefined): boolean {
  return seen?.record === null && seen.unproven === true;
}
