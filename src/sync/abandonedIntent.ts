import { asAttempt } from './attempts';
import {
  latest,
  type Attempts,
  type Intent,
  type Link,
  type OverruledValue,
  type PlannedWrite,
  type Tried,
} from './link';
import type { NotTaken } from './notTaken';
import { SIDES, type Values } from './record';

/** What is kept of an intent that ends before all its writes are done: what they may have left, and overruled. */

/** Of one row; more than that are unknown only where every single answer is lost. */
const ATTEMPTS_KEPT = 10;

/**
 * All that creates and updates may have left on either side, those of the present intent included.
 * @param refused a write of which it is certain that it was not done: it left nothing, nor did those that come after it
 */
export function attemptsOf(link: Link, refused: PlannedWrite | null = null): Attempts {
  return triedOf(link, refused).attempted;
}

/** The same with what the rows were bound to. What was written to another field says nothing of this one. */
export function triedOf(link: Link, refused: PlannedWrite | null = null): Tried {
  const { writes = [], next } = link.intent ?? {};
  const attemptedAs: Record<string, string> = { ...link.attemptedAs };
  const all: Attempts = { ...link.attempted };
  for (const [row, bound] of Object.entries(next?.bound ?? {})) {
    // The fields alone: an attempt says its value itself.
    const [binding = bound] = bound.split('.');
    const former = attemptedAs[row];
    if (former === binding || !writes.some(({ rows }) => rows.includes(row))) continue;
    attemptedAs[row] = binding;
    for (const side of SIDES) if (former !== undefined) all[side] = { ...all[side], [row]: [] };
  }
  const place = refused ? writes.indexOf(refused) : -1;
  const sent = writes.filter(({ done }, n) => done || place === -1 || n < place);
  for (const write of sent) {
    if (write.op !== 'update' && write.op !== 'create') continue;
    const rows = { ...all[write.side] };
    for (const row of write.rows) {
      const value = next?.snapshot[row];
      if (value !== undefined) rows[row] = [...(rows[row] ?? []), asAttempt(value)].slice(-ATTEMPTS_KEPT);
    }
    all[write.side] = rows;
  }
  return { attempted: all, ...(Object.keys(attemptedAs).length > 0 && { attemptedAs }) };
}

/**
 * All that updates may have overruled without our ever hearing of it, those of the present intent included.
 * @param refused a write of which it is certain that it was not done
 */
export function unconfirmedOf(
  { unconfirmed = [], intent }: Link,
  refused: PlannedWrite | null = null,
): OverruledValue[] {
  const sent = intent?.writes.filter((write) => write.op === 'update' && write !== refused) ?? [];
  const overruled = intent?.next.overruled ?? [];
  return latest([
    ...unconfirmed,
    ...overruled.filter(({ side, row }) =>
      sent.some((write) => write.side === side && write.rows.includes(row)),
    ),
  ]);
}

/** The link with what became of its unconfirmed values: some are known to be overruled, of others it is still unknown. */
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
 * The link without its intent, to be planned anew. A follow-up that was sent stays said: nothing on either record
 * shows it, so a new plan would say it again. (An update that was done shows in its record.)
 * @param refused a write of which it is certain that it was not done
 */
export function abandonIntent(before: Link, refused: PlannedWrite | null = null): Link {
  const { intent } = before;
  if (!intent) return before;
  const said = intent.writes.flatMap(({ op, done, rows }) => (op === 'followUp' && done ? rows : []));
  const link = withOverruled(before, { known: [], unknown: unconfirmedOf(before, refused) });
  const tried = withoutTries(triedOf(before, refused), said);
  const half = refused ? halfDoneSets(intent, refused) : [];
  if (said.length + half.length === 0) return { ...link, ...tried, intent: null };
  const snapshot: Values = { ...link.snapshot };
  const bound = { ...link.bound };
  const sides = { ...link.sides };
  for (const row of [...said, ...half]) {
    snapshot[row] = intent.next.snapshot[row] ?? null;
    const binding = intent.next.bound?.[row];
    if (binding !== undefined) bound[row] = binding;
    for (const side of SIDES) {
      const known = sides[side];
      if (!known) continue;
      const residue = { ...known.residue };
      const differs = intent.next.residue[side][row];
      if (differs === undefined) delete residue[row];
      else residue[row] = differs;
      sides[side] = { ...known, residue };
    }
  }
  const abandoned = { ...link, snapshot, ...(link.bound && { bound }), sides, ...tried, intent: null };
  return refused && half.length > 0 ? withOffers(abandoned, intent, refused, half) : abandoned;
}

/** The agreement that a follow-up made is newer than what earlier writes may have left in its row. */
function withoutTries(tried: Tried, rows: readonly string[]): Tried {
  const attempted: Attempts = { ...tried.attempted };
  for (const side of SIDES) {
    const own = Object.entries(attempted[side] ?? {}).filter(([row]) => !rows.includes(row));
    if (attempted[side]) attempted[side] = Object.fromEntries(own);
  }
  return { ...tried, attempted };
}

/** Rows of sets of which the other side's write was done: what it was to show is agreed on, and not this side's. */
function halfDoneSets({ writes, next }: Intent, refused: PlannedWrite): string[] {
  if (refused.op !== 'update') return [];
  const done = writes.filter((write) => write.done && write.op === 'update' && write.side !== refused.side);
  return refused.rows.filter(
    (row) => Array.isArray(next.snapshot[row]) && done.some(({ rows }) => rows.includes(row)),
  );
}

/** What a side was to show of sets is offered again; until then it counts as showing what the plan saw there. */
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
