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

/** Ends an intent before all its writes are done: keeps the values that its writes may have left or overruled. */

/** The most attempts that are kept for a row. There are more only if all their answers were lost. */
const ATTEMPTS_KEPT = 10;

/**
 * All values that creates and updates may have left on either side, including those of the present intent.
 *
 * @param refused a write that was certainly not done, like all writes after it
 */
export function attemptsOf(link: Link, refused: PlannedWrite | null = null): Attempts {
  return triedOf(link, refused).attempted;
}

/** The same, with the fields that the values were written to. Values that were written to former fields are dropped. */
export function triedOf(link: Link, refused: PlannedWrite | null = null): Tried {
  const { writes = [], next } = link.intent ?? {};
  const attemptedAs: Record<string, string> = { ...link.attemptedAs };
  const all: Attempts = { ...link.attempted };
  for (const [row, bound] of Object.entries(next?.bound ?? {})) {
    // The digest of the fields only, without that of the enum's option: the attempt has the value itself.
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
 * All values that updates of unknown outcome may have overruled, including those of the present intent.
 *
 * @param refused a write that was certainly not done
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
 * so a new plan would send it again. (An update that was done shows in its record.)
 *
 * @param refused a write that was certainly not done
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

/** Drops the attempts of rows whose follow-up was sent: that agreement is newer. */
function withoutTries(tried: Tried, rows: readonly string[]): Tried {
  const attempted: Attempts = { ...tried.attempted };
  for (const side of SIDES) {
    const own = Object.entries(attempted[side] ?? {}).filter(([row]) => !rows.includes(row));
    if (attempted[side]) attempted[side] = Object.fromEntries(own);
  }
  return { ...tried, attempted };
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
 * Offers the sets again that were not written to a side. Until then, the side counts as showing what the plan saw
 * there.
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
