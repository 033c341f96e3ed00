import { parseCanonicalKey, refKey } from './canonicalKey';
import { agreed, seenVersion, type Agreement, type Intent, type Link, type PlannedWrite } from './link';
import type { Reserved } from './heldSets';
import type { NotTaken } from './notTaken';
import type { AnswerComparison } from './planner';
import { SIDES, type Side, type SyncRecord } from './record';
import { withRowsOf } from './rowValues';
import { sameValue } from './values';

/** Adds the answers to writes to the link. Pure; both the pair's workflow and a backfill use it. */

export type LinkAtWork = Link & { intent: Intent };

/**
 * Adds the answer to one of the intent's writes.
 *
 * @param compared the result of `compareAnswer`
 */
export function withAnswer(
  link: Link,
  intent: Intent,
  write: PlannedWrite,
  answer: SyncRecord | null,
  { residue, restingRows, unmetRows, notTaken, reserved }: Omit<AnswerComparison, 'changedRows'>,
  now: string,
): LinkAtWork {
  const { side } = write;
  const left = notTaken.filter((each) => !intent.next.notTaken?.includes(each));
  const isLeft = (row: string) => left.some((each) => each.row === row && each.side === side);
  const writes = intent.writes.map((other) => (other === write ? { ...other, done: true } : other));
  const ignored = left.filter(({ byElement }) => !byElement).map(({ row }) => row);
  const notAgreed = [...restingRows, ...unmetRows, ...ignored];
  const { reserved: plannedReserved, ...planned } = intent.next;
  const next: Agreement = {
    ...planned,
    snapshot: withRowsOf(intent.next.snapshot, link.snapshot, notAgreed),
    ...(intent.next.bound && {
      bound: withRowsOf(intent.next.bound, link.bound, notAgreed),
    }),
    ...restedAfter(intent.next, restingRows),
    ...reservedAfter(plannedReserved, side, reserved),
    residue: { ...intent.next.residue, [side]: residue },
    // A value that was not taken overruled nothing.
    overruled: intent.next.overruled.filter((lost) => lost.side !== side || !isLeft(lost.row)),
    notTaken: notTaken.map((each) => ({ ...each, since: each.since || sinceOf(link, each, now) })),
  };
  const seen = { ...intent.seen, ...(answer && { [side]: seenVersion(answer) }) };
  const known = link.sides[side];
  const leaves = write.backRef !== null && (write.op === 'create' || write.op === 'update');
  const backRef = answer?.backRef === refKey(parseCanonicalKey(link._id).origin);
  return {
    ...link,
    intent: { ...intent, writes, next, seen },
    sides: {
      ...link.sides,
      ...(known && { [side]: { ...known, backRef: known.backRef || leaves } }),
      ...(answer && !known && { [side]: { ...seenVersion(answer), residue: {}, backRef } }),
    },
  };
}

/** When the same value was first offered. */
function sinceOf(link: Link, { row, side, offered }: NotTaken, now: string): string {
  const before = link.notTaken?.find((each) => each.row === row && each.side === side);
  return before && sameValue(before.offered, offered) ? before.since : now;
}

/** The reserved elements of the answer replace those of the plan. */
function reservedAfter(
  planned: Reserved = {},
  side: Side,
  answered: AnswerComparison['reserved'],
): Pick<Agreement, 'reserved'> {
  const rows = new Set([...Object.keys(planned), ...Object.keys(answered)]);
  const reserved: Reserved = {};
  for (const row of rows) {
    const { [side]: known = [], ...other } = planned[row] ?? {};
    const elements = answered[row] ?? known;
    const both = { ...other, ...(elements.length > 0 && { [side]: elements }) };
    if (Object.keys(both).length > 0) reserved[row] = both;
  }
  return Object.keys(reserved).length > 0 ? { reserved } : {};
}

function restedAfter({ rested = [] }: Agreement, more: readonly string[]): { rested?: string[] } {
  const all = [...new Set([...rested, ...more])];
  return all.length > 0 ? { rested: all } : {};
}

/**
 * The link after every write of its intent is done. It keeps the version of the mapping that the plan was made with.
 */
export function commit(link: LinkAtWork, now: string): Link {
  const { next, seen, then } = link.intent;
  const committed = agreed(link, next, link.mappingVersion, now);
  if (then === 'tombstone') {
    committed.status = 'tombstone';
    committed.reason = link.reason;
    delete committed.notTaken;
  }
  for (const side of SIDES) {
    const version = seen[side];
    const known = committed.sides[side];
    if (version)
      committed.sides[side] = { residue: next.residue[side], backRef: known?.backRef ?? false, ...version };
  }
  return committed;
}
