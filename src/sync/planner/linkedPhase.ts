import type { Intent, PlannedWrite } from '../link';
import { comparedRows, type PropertyRow } from '../mapping';
import { SIDES, otherSide, type Side } from '../record';
import { restsOn } from '../rules/absence';
import { agreedValue } from '../rules/binding';
import { isReleased } from '../rules/reserved';
import { notTakenOfRow } from '../rules/taken';
import { isHeldEnd } from '../rules/brake';
import { doubtfulSides, missingParents, unreadSides, type LinkedPair } from './plannedPair';
import type { Found } from './phases';
import type { Observation } from './state';

/** The phases of a pair of which both records are known. */

/** Writes that the record itself does not show: only their keys tell whether they were done. */
const ADDITIONS: ReadonlySet<PlannedWrite['op']> = new Set(['followUp', 'attach', 'detach']);

export function linkedPhase(linked: LinkedPair): Found {
  const { link, sides, current, state } = linked;
  if (link.intent && mustGoOn(link.intent)) return { phase: 'resuming', found: { intent: link.intent } };
  const missing = SIDES.filter((side) => state.observed[side]?.record === null);
  const isKnown = (side: Side) => link.status === 'tombstone' || isHeldEnd(link, sides[side].ref);
  const gone = missing.find((side) => isKnown(side) || !isUnproven(state.observed[side]));
  const [absent] = missing;
  if (gone) return { phase: 'ended', found: { linked, side: gone, record: null } };
  if (absent) {
    // That the other record ended is known from its own side, whatever became of the one that was not found.
    const side = otherSide(absent);
    const record = current[side];
    return record && record.state !== 'live'
      ? { phase: 'ended', found: { linked, side, record } }
      : { phase: 'absent', found: { ref: sides[absent].ref } };
  }

  const refsOf = (some: Side[]) => some.map((side) => sides[side].ref);
  const unread = refsOf(unreadSides(linked));
  // What an undo puts back, it compares with what is there now.
  const isAsked = state.undo !== undefined || meetsFirst(linked);
  if (isAsked && unread.length > 0) return { phase: 'unread', found: { refs: unread } };
  for (const side of SIDES) {
    const record = current[side];
    if (record && record.state !== 'live') return { phase: 'ended', found: { linked, side, record } };
  }
  if (link.status === 'tombstone' && unread.length > 0) return { phase: 'returned', found: { refs: unread } };
  const doubtful = refsOf(doubtfulSides(linked));
  if (doubtful.length > 0) return { phase: 'doubtful', found: { refs: doubtful } };
  const parents = missingParents(linked);
  if (parents.length > 0) return { phase: 'orphaned', found: { parents } };
  return { phase: 'merging', found: { linked } };
}

/**
 * An intent of which nothing was confirmed, and which adds nothing, is planned anew: what it did shows in the records.
 * Any other one goes on, or something would be said twice.
 */
function mustGoOn({ writes }: Intent): boolean {
  return writes.some((write) => write.done || ADDITIONS.has(write.op));
}

/**
 * Some row was never agreed on for the fields that it names now, or is offered again, or the brake holds it, so that both
 * values count. A row that rests is not waited for, and of what was not taken both values are known.
 */
function meetsFirst({ link, table, current }: LinkedPair): boolean {
  if (!link.snapshot || link.braked) return true;
  const isUnknown = (row: PropertyRow) =>
    agreedValue(table, row, link) === undefined && notTakenOfRow(table, row, link).length === 0;
  return comparedRows(table).some(
    (row) =>
      restsOn(row, current) === null &&
      (isUnknown(row) || link.rested?.includes(row.id) === true || isReleased(row, link)),
  );
}

function isUnproven(seen: Observation | undefined): boolean {
  return seen?.record === null && seen.unproven === true;
}
