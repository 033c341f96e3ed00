import { asAttempt } from './attempts';
import {
  latest,
  meantOn,
  type Agreement,
  type Attempted,
  type Attempts,
  type Intent,
  type Link,
  type OverruledValue,
  type PlannedWrite,
  type Tried,
} from './link';
import { orAbsent, type NotTaken } from './notTaken';
import { elementsOf } from './heldSets';
import { SIDES, otherSide, type Json, type Side } from './record';
import { rowsThat, withRowsOf } from './rowValues';

/** Ends an intent before all its writes are done: keeps the values that its writes may have left or overruled. */

/** The most attempts that are kept for a row. There are more only if all their answers were lost. */
const ATTEMPTS_KEPT = 10;
/** Elements of one row. */
const ADDS_KEPT = 200;

/**
 * All values that creates and updates may have left on either side, including those of the present intent.
 *
 * @param refused a write that was certainly not done
 */
export function attemptsOf(link: Link, refused: PlannedWrite | null = null): Attempts {
  return triedOf(link, refused).attempted;
}

/** The same, with the fields that the values were written to. Values that were written to former fields are dropped. */
export function triedOf(link: Link, refused: PlannedWrite | null = null): Tried {
  const { writes = [], next } = link.intent ?? {};
  const attemptedAs: Record<string, string> = { ...link.attemptedAs };
  const all: Attempts = { ...link.attempted };
  let on: Attempted = { ...link.attemptedOn };
  let adds: Attempted = { ...link.attemptedAdds };
  let removals: Attempted = { ...link.attemptedRemovals };
  for (const [row, bound] of Object.entries(next?.bound ?? {})) {
    // The digest of the fields only, without that of the enum's option: the attempt has the value itself.
    const [binding = bound] = bound.split('.');
    const former = attemptedAs[row];
    if (former === binding || !writes.some(({ rows }) => rows.includes(row))) continue;
    attemptedAs[row] = binding;
    for (const side of SIDES) if (former !== undefined) all[side] = { ...all[side], [row]: [] };
    on = rowsThat(on, (each) => each !== row);
    adds = rowsThat(adds, (each) => each !== row);
    removals = rowsThat(removals, (each) => each !== row);
  }
  for (const write of sentOf(link.intent, refused)) {
    if (write.op !== 'update' && write.op !== 'create') continue;
    const { side } = write;
    const other = otherSide(side);
    for (const row of write.rows) {
      const value = next?.snapshot[row];
      if (value === undefined || !link.intent) continue;
      const before = all[side]?.[row] ?? [];
      const versions = versionsOf(before, on[side]?.[row]);
      const moved = movedElements(write, row, link.intent);
      all[side] = { ...all[side], [row]: [...before, asAttempt(value)].slice(-ATTEMPTS_KEPT) };
      on = withList(on, side, row, [...versions, write.version ?? ''].slice(-ATTEMPTS_KEPT));
      // A later write shows more recently what the other side has.
      adds = withElements(withoutElements(adds, other, row, moved.removed), side, row, moved.added);
      removals = withElements(withoutElements(removals, other, row, moved.added), side, row, moved.removed);
    }
  }
  return {
    attempted: all,
    ...(Object.keys(attemptedAs).length > 0 && { attemptedAs }),
    ...(Object.keys(on).length > 0 && { attemptedOn: on }),
    ...(Object.keys(adds).length > 0 && { attemptedAdds: adds }),
    ...(Object.keys(removals).length > 0 && { attemptedRemovals: removals }),
  };
}

/**
 * The writes of an intent that may have been done. They are sent one after another: after the first that is not known to
 * be done, none was sent.
 *
 * @param refused a write that was certainly not done
 */
function sentOf(intent: Intent | null, refused: PlannedWrite | null): PlannedWrite[] {
  const writes = intent?.writes ?? [];
  const next = writes.find(({ done }) => !done);
  return writes.filter((write) => write.done || (write === next && write !== refused));
}

/** The versions of earlier attempts, as many as there are attempts. Links of 0.3.0 or earlier have none. */
export function versionsOf(attempts: readonly Json[], versions: readonly string[] = []): string[] {
  return [...attempts.slice(versions.length).map(() => ''), ...versions];
}

/**
 * The elements of a set that a write adds to a side, and that the plan saw on the other side; and those that it removes,
 * and that the plan did not see there.
 */
function movedElements(
  { side, op, expects }: PlannedWrite,
  row: string,
  { writes, next }: Intent,
): { added: string[]; removed: string[] } {
  if (!Array.isArray(next.snapshot[row])) return { added: [], removed: [] };
  const other = otherSide(side);
  const changed = writes.find(
    (each) => each.side === other && each.op === 'update' && each.rows.includes(row),
  );
  const before = op === 'create' ? [] : elementsOf(expects[row]);
  const after = elementsOf(meantOn(next, side, row));
  const seen = new Set(elementsOf(changed ? changed.expects[row] : meantOn(next, other, row)));
  return {
    added: after.filter((each) => !before.includes(each) && seen.has(each)),
    removed: before.filter((each) => !after.includes(each) && !seen.has(each)),
  };
}

function withElements(known: Attempted, side: Side, row: string, more: string[]): Attempted {
  if (more.length === 0) return known;
  const all = new Set([...(known[side]?.[row] ?? []), ...more]);
  return withList(known, side, row, [...all].slice(-ADDS_KEPT));
}

function withoutElements(known: Attempted, side: Side, row: string, gone: string[]): Attempted {
  const list = known[side]?.[row];
  if (!list || gone.length === 0) return known;
  return withList(
    known,
    side,
    row,
    list.filter((each) => !gone.includes(each)),
  );
}

function withList(known: Attempted, side: Side, row: string, list: string[]): Attempted {
  return { ...known, [side]: { ...known[side], [row]: list } };
}

/**
 * All values that updates of unknown outcome may have overruled, including those of the present intent.
 *
 * @param refused a write that was certainly not done
 */
export function unconfirmedOf(
  { unconfirmed = [], intent }: Link,
  refused: PlannedWrite | null = null,
): OverruledValue[] {
  const sent = sentOf(intent, refused).filter(({ op }) => op === 'update');
  const overruled = intent?.next.overruled ?? [];
  return latest([
    ...unconfirmed,
    ...overruled.filter(({ side, row }) =>
      sent.some((write) => write.side === side && write.rows.includes(row)),
    ),
  ]);
}

/** The link after its unconfirmed values were judged: the known ones go to the history, the unknown ones stay. */
export function withOverruled(link: Link, { known, unknown }: Overruling): Link {
  const next: Link = { ...link, history: latest([...link.history, ...known]) };
  delete next.unconfirmed;
  return unknown.length > 0 ? { ...next, unconfirmed: unknown } : next;
}

export interface Overruling {
  known: OverruledValue[];
  unknown: OverruledValue[];
}

/**
 * The link without its intent, to be planned anew. A follow-up that was sent counts as agreed: neither record shows it,
 * so a new plan would send it again. A row counts as agreed if all its writes are done, or if the plan found that an
 * earlier write of it was done: the side may change it directly afterwards, and this change is then compared with the
 * written value.
 *
 * @param refused a write that was certainly not done
 */
export function abandonIntent(before: Link, refused: PlannedWrite | null = null): Link {
  const { intent } = before;
  if (!intent) return before;
  const said = intent.writes.flatMap(({ op, done, rows }) => (op === 'followUp' && done ? rows : []));
  const written = writtenRows(before, intent);
  const known = intent.next.overruled.filter(({ row }) => written.includes(row));
  const unknown = unconfirmedOf(before, refused).filter((each) => !known.includes(each));
  const link = withOverruled(before, { known, unknown });
  const half = refused ? halfDoneSets(intent, refused) : [];
  const rows = [...said, ...written, ...recoveredRows(before, intent), ...half];
  const tried = withoutTries(triedOf(before, refused), rows);
  if (rows.length === 0) return { ...link, ...tried, intent: null };
  const { notTaken, ...rest } = link;
  const abandoned: Link = {
    ...rest,
    ...agreedRows(link, intent.next, rows),
    ...orAbsent(notTakenAfter(notTaken, intent.next, written)),
    ...tried,
    intent: null,
  };
  return refused && half.length > 0 ? withOffers(abandoned, intent, refused, half) : abandoned;
}

/** Which rows are agreed on although the plan is given up, as far as their writes are done. */
function closedRows({ snapshot, conflicts }: Link, { writes, next, then }: Intent): (row: string) => boolean {
  if (snapshot === null || then !== 'linked') return () => false;
  const open = new Set([
    ...writes.filter(({ done }) => !done).flatMap(({ rows }) => rows),
    // Only the whole plan begins or ends a conflict, or redacts the history.
    ...[...conflicts, ...next.conflicts].map(({ row }) => row),
    ...(next.redacted ?? []),
    ...(next.rested ?? []),
  ]);
  return (row) => !open.has(row);
}

/**
 * Rows that were tried before, and that the plan agrees on without a write: the records showed what became of the
 * attempts.
 */
function recoveredRows(link: Link, intent: Intent): string[] {
  const written = new Set(intent.writes.flatMap(({ rows }) => rows));
  const notTaken = new Set(intent.next.notTaken?.map(({ row }) => row));
  const tried = SIDES.flatMap((side) => Object.keys(link.attempted?.[side] ?? {}));
  const isRecovered = (row: string) => row in intent.next.snapshot && !written.has(row) && !notTaken.has(row);
  return [...new Set(tried)].filter(isRecovered).filter(closedRows(link, intent));
}

/** Rows whose updates are all done. */
function writtenRows(link: Link, intent: Intent): string[] {
  const done = intent.writes.filter((write) => write.op === 'update' && write.done);
  return [...new Set(done.flatMap(({ rows }) => rows))].filter(closedRows(link, intent));
}

/** Replaces the agreement in these rows by that of the plan. */
function agreedRows(link: Link, next: Agreement, rows: readonly string[]): Partial<Link> {
  const sides = { ...link.sides };
  for (const side of SIDES) {
    const known = sides[side];
    if (known) sides[side] = { ...known, residue: withRowsOf(known.residue, next.residue[side], rows) };
  }
  return {
    snapshot: withRowsOf(link.snapshot ?? {}, next.snapshot, rows),
    ...(link.bound && { bound: withRowsOf(link.bound, next.bound ?? link.bound, rows) }),
    sides,
  };
}

/** The values that were not taken: for these rows those of the plan, for all others the former ones. */
function notTakenAfter(
  before: readonly NotTaken[] = [],
  next: Agreement,
  rows: readonly string[],
): NotTaken[] {
  return [
    ...before.filter(({ row }) => !rows.includes(row)),
    ...(next.notTaken ?? []).filter(({ row }) => rows.includes(row)),
  ];
}

/** Drops the attempts of rows that are agreed on as planned: that agreement is newer. */
function withoutTries(tried: Tried, rows: readonly string[]): Tried {
  return triesThat(tried, (row) => !rows.includes(row));
}

/** The attempts at some rows. */
export function triesThat(tried: Tried, isKept: (row: string) => boolean): Tried {
  const { attempted, attemptedOn: on, attemptedAdds: adds, attemptedRemovals: removals } = tried;
  return {
    ...tried,
    attempted: rowsThat(attempted, isKept),
    ...(on && { attemptedOn: rowsThat(on, isKept) }),
    ...(adds && { attemptedAdds: rowsThat(adds, isKept) }),
    ...(removals && { attemptedRemovals: rowsThat(removals, isKept) }),
  };
}

/** Rows of sets that were written to the other side only: its elements are agreed on, those of this side are not. */
function halfDoneSets({ writes, next }: Intent, refused: PlannedWrite): string[] {
  if (refused.op !== 'update') return [];
  const done = writes.filter((write) => write.done && write.op === 'update' && write.side !== refused.side);
  return refused.rows.filter(
    (row) => Array.isArray(next.snapshot[row]) && done.some(({ rows }) => rows.includes(row)),
  );
}

/**
 * Offers the sets again that were not written to a side. Until then, the link keeps the set that the plan
 * saw on that side.
 */
function withOffers(link: Link, { next }: Intent, { side, expects }: PlannedWrite, rows: string[]): Link {
  const offers = rows.map((row): NotTaken => ({
    ...{ row, side, why: 'ignored', byElement: true, due: true },
    offered: next.snapshot[row] ?? null,
    shown: expects[row] ?? null,
    words: 'the record changed in the moment of the write',
    since: link.updatedAt,
    ...(next.bound?.[row] !== undefined && { bound: next.bound[row] }),
  }));
  const known = link.sides[side];
  const residue = {
    ...known?.residue,
    ...Object.fromEntries(rows.map((row) => [row, expects[row] ?? null])),
  };
  const others = (link.notTaken ?? []).filter((each) => !rows.includes(each.row) || each.side !== side);
  return {
    ...link,
    ...(known && { sides: { ...link.sides, [side]: { ...known, residue } } }),
    notTaken: [...others, ...offers],
  };
}
