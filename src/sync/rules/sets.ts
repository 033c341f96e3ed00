import type { Link, LinkedSide } from '../link';
import type { PropertyRow } from '../mapping';
import { SIDES, type Json, type Side, type SyncRecord } from '../record';
import { elementOf, elementsOf, heldSet } from '../heldSets';
import { lostElements } from './absence';

/**
 * Rules: sets merge by element. What either side added or removed holds, so no winner is needed and nothing is lost.
 * All elements are canonical, but for those that a function says are in a side's own spelling.
 */

/** Whether a row's values merge by element. One-way rows and rows that a side cannot change go by their whole value. */
export function isSet({ type, direction, fixed }: PropertyRow): boolean {
  return type === 'string[]' && direction === 'both' && fixed === null;
}

export interface SetSight {
  row: PropertyRow;
  /** What both sides last agreed on. */
  agreed: Json;
  /** What each side showed then; null where the two meet for the first time. */
  base: Record<Side, Json> | null;
  current: Record<Side, Json>;
  /** Elements that a write of unknown outcome was to remove, and that are there although the record moved on. */
  returned: Record<Side, ReadonlySet<string>>;
  /** The sides to which all is offered again that they did not take or give up. */
  again: readonly Side[];
}

export interface MergedSet {
  /** What both sides agree on. */
  value: string[];
  /** What each side is to show: `value` without what the side does not take, with what it does not give up. */
  shown: Record<Side, string[]>;
}

/** Additions and removals of both sides. An element that one side added and the other removed stays. */
export function mergedSet({ row, agreed, base, current, returned, again }: SetSight): MergedSet {
  const now = bySide((side) => new Set(elementsOf(current[side])));
  // What is no option any more was not removed by anybody: both sides stay as they are.
  const lost = bySide((side) => {
    const gone = lostElements(row, side, elementsOf(base?.[side]));
    return new Set([...gone].filter((each) => !now[side].has(each)));
  });
  const before = bySide((side) => new Set(elementsOf(base?.[side]).filter((each) => !lost[side].has(each))));
  const known = new Set(base ? elementsOf(agreed) : []);
  const gained = new Set(
    SIDES.flatMap((side) =>
      [...now[side]].filter((each) => !before[side].has(each) || returned[side].has(each)),
    ),
  );
  const dropped = new Set(
    SIDES.flatMap((side) => [...before[side]].filter((each) => !now[side].has(each) && !gained.has(each))),
  );
  const value = sorted([...known, ...gained].filter((each) => !dropped.has(each)));
  const shown = bySide((side) => {
    // It was agreed on, and this side did not show it then: a refusal. Offered again once the other side adds it anew.
    const refused = (each: string) =>
      !again.includes(side) &&
      !now[side].has(each) &&
      known.has(each) &&
      !before[side].has(each) &&
      !gained.has(each);
    const kept = again.includes(side)
      ? []
      : [...before[side]].filter((each) => !known.has(each) && now[side].has(each));
    const isShown = (each: string) => holds(row, side, each) && !refused(each) && !lost[side].has(each);
    return sorted([...value.filter(isShown), ...kept]);
  });
  return { value, shown };
}

/** Zendesk takes a comma for the end of a tag. Such an element stays on the side that has it. */
export function holds({ transform }: PropertyRow, side: Side, element: string): boolean {
  return side !== 'zendesk' || transform.kind !== 'tags' || !element.includes(',');
}

/** What came of a written set, by the answer. */
export interface AnsweredSet {
  /** What the side now counts as having shown. Differs from `meant` by what it did not take, or did not give up. */
  shown: string[];
  /** The side added elements of its own: a change, to be carried across. */
  isChanged: boolean;
}

/**
 * @param meant what the side was to show
 * @param before what it showed before the write: an element of it that comes back was not given up
 */
export function answeredSet(meant: Json | undefined, before: Json | undefined, answer: Json): AnsweredSet {
  const wanted = new Set(elementsOf(meant));
  const removed = new Set(elementsOf(before).filter((each) => !wanted.has(each)));
  const there = elementsOf(answer);
  return {
    shown: sorted(there.filter((each) => wanted.has(each) || removed.has(each))),
    isChanged: there.some((each) => !wanted.has(each) && !removed.has(each)),
  };
}

/**
 * What a side shows of a set. An element that changes its owner is neither added nor removed: the tag of a new option
 * counts as before, and so does one whose field is gone.
 *
 * @param value canonical, without the elements that belong to other properties
 * @param base what the side showed at the last agreement
 */
export function shownSet(
  row: PropertyRow,
  side: Side,
  record: SyncRecord,
  value: Json,
  base: Json | undefined,
  known: LinkedSide | undefined,
): Json {
  const property = row[side];
  if (property === null || row.type !== 'string[]') return value;
  const canonical = (list: string[] | undefined) =>
    new Set((list ?? []).map((each) => elementOf(row.transform.kind, each)));
  const before = new Set(elementsOf(base));
  const owned = canonical(record.owned?.[property]);
  const wereOwned = canonical(known?.sets?.[property]?.owned);
  if (owned.size === 0 && wereOwned.size === 0) return value;
  const still = elementsOf(value).filter((each) => before.has(each) || !wereOwned.has(each));
  return sorted([...still, ...[...owned].filter((each) => before.has(each))]);
}

/** A set in a side's own spelling, with the elements that belong to its other properties: what a write replaces it by. */
export function writtenSet(
  row: PropertyRow,
  side: Side,
  elements: readonly string[],
  link: Link,
  record: SyncRecord | undefined,
): string[] {
  const property = row[side] ?? '';
  const held = record ? heldSet(record, property) : link.sides[side]?.sets?.[property];
  const spelling = new Map((held?.spelled ?? []).map((each) => [elementOf(row.transform.kind, each), each]));
  const own = elements.map((each) => spelling.get(each) ?? each);
  return [...new Set([...own, ...(held?.owned ?? [])])];
}

/** Elements that writes of unknown outcome were to remove from a side, and that it shows although it moved on. */
export function returnedElements(
  attempts: readonly Json[] | undefined,
  base: Json | undefined,
  hasMovedOn: boolean,
): ReadonlySet<string> {
  if (!attempts || !hasMovedOn) return new Set();
  const tried = attempts.map((each) => new Set(elementsOf(each)));
  return new Set(elementsOf(base).filter((each) => tried.some((wanted) => !wanted.has(each))));
}

export function bySide<T>(of: (side: Side) => T): Record<Side, T> {
  return { zendesk: of('zendesk'), pms: of('pms') };
}

function sorted(elements: Iterable<string>): string[] {
  return [...new Set(elements)].sort();
}
