import type { Link } from '../link';
import type { PropertyRow } from '../mapping';
import { SIDES, otherSide, type Json, type Side, type SyncRecord } from '../record';
import { elementOf, elementsOf, heldSet } from '../heldSets';
import { lostElements } from './absence';
import { reservedOn } from './reserved';

/**
 * Rules: sets are merged by element. Every addition and removal of either side counts, so no winner is needed and no
 * element is lost. All elements are canonical, unless the comment of a function says that they have the spelling of a
 * side.
 */

/**
 * Whether a row's values are merged by element. The value of a one-way row, or of a row that one side cannot change, is
 * merged as a whole.
 */
export function isSet({ type, direction, fixed }: PropertyRow): boolean {
  return type === 'string[]' && direction === 'both' && fixed === null;
}

export interface SetMergeInput {
  row: PropertyRow;
  /** What both sides last agreed on. */
  agreed: Json;
  /** What each side showed then; null at a first meeting. */
  base: Record<Side, Json> | null;
  current: Record<Side, Json>;
  /** Elements that a write of unknown outcome should have removed, and that a later version of the record still has. */
  returned: Record<Side, ReadonlySet<string>>;
  /**
   * Elements that writes since the last agreement added to a side, and that the other side had then. An element that the
   * side shows counts as agreed on: if the other side does not show it, it was removed there.
   */
  added: Record<Side, ReadonlySet<string>>;
  /**
   * Elements that such writes removed from a side, and that the other side did not have either. If the side does not show
   * one of them, it counts as removed from both: if the other side shows it, it was added there.
   */
  removed: Record<Side, ReadonlySet<string>>;
  /** The sides that are offered again every element that they did not add or did not remove before. */
  again: readonly Side[];
}

export interface MergedSet {
  /** What both sides agree on. */
  value: string[];
  /**
   * What each side should show: `value`, without the elements that the side did not add, and with those that it did not
   * remove.
   */
  shown: Record<Side, string[]>;
}

/** Merges the additions and removals of both sides. An element that one side added and the other removed stays. */
export function mergedSet(input: SetMergeInput): MergedSet {
  const { row, agreed, base, current, returned, added, removed, again } = input;
  const now = bySide((side) => new Set(elementsOf(current[side])));
  // No person removed an element that is no longer an option: both sides stay as they are.
  const lost = bySide((side) => {
    const gone = lostElements(row, side, elementsOf(base?.[side]));
    return new Set([...gone].filter((each) => !now[side].has(each)));
  });
  const carried = SIDES.flatMap((side) => [...added[side]].filter((each) => now[side].has(each)));
  const taken = new Set(SIDES.flatMap((side) => [...removed[side]].filter((each) => !now[side].has(each))));
  const before = bySide((side) => {
    const still = elementsOf(base?.[side]).filter((each) => !lost[side].has(each) && !taken.has(each));
    return new Set([...still, ...carried]);
  });
  const known = new Set([...(base ? elementsOf(agreed) : []).filter((each) => !taken.has(each)), ...carried]);
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
    // The element was agreed on, and this side did not show it: the side refused it. It is offered again if the other
    // side adds it again.
    const refused = (each: string) =>
      !again.includes(side) &&
      !now[side].has(each) &&
      known.has(each) &&
      !before[side].has(each) &&
      !gained.has(each);
    const kept = again.includes(side)
      ? []
      : [...before[side]].filter((each) => !known.has(each) && now[side].has(each));
    const isShown = (each: string) => canHold(row, side, each) && !refused(each) && !lost[side].has(each);
    return sorted([...value.filter(isShown), ...kept]);
  });
  return { value, shown };
}

/** Zendesk reads a comma as the end of a tag. An element with a comma stays on the side that has it. */
export function canHold({ transform }: PropertyRow, side: Side, element: string): boolean {
  return side !== 'zendesk' || transform.kind !== 'tags' || !element.includes(',');
}

/** What the answer to a write of a set shows. */
export interface AnsweredSet {
  /**
   * The elements of the answer that count as the result of this write. They differ from `meant` by the elements that
   * the side did not add or did not remove.
   */
  shown: string[];
  /** Whether the side added elements of its own. This is a change, to be carried to the other side. */
  isChanged: boolean;
}

/**
 * Compares the answer to a write of a set with what was written.
 *
 * @param meant what the side should show
 * @param before what it showed before the write: an element of it that the answer still has was not removed
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
 * What the answer to a write shows of a set. An element of the write that is there as the value of another property counts
 * as taken, although the list of fields did not say so when the write was planned.
 */
export function answeredElements(
  row: PropertyRow,
  side: Side,
  answer: SyncRecord,
  value: Json,
  meant: Json | undefined,
): Json {
  const owned = answer.owned?.[row[side] ?? ''];
  if (!owned || !isSet(row)) return value;
  const there = new Set(owned.map((each) => elementOf(row.transform.kind, each)));
  return sorted([...elementsOf(value), ...elementsOf(meant).filter((each) => there.has(each))]);
}

/**
 * The elements of a set that a side shows. An element that begins or ceases to belong to another property (the tag of a
 * drop-down option) counts as neither added nor removed: the tag of a new option counts as before, and so does a tag
 * whose field was deleted. A tag that the other side shows as well is an ordinary one once its field was deleted.
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
  link: Link,
): Json {
  const property = row[side];
  if (property === null || row.type !== 'string[]') return value;
  const canonical = (list: string[] | undefined) =>
    new Set((list ?? []).map((each) => elementOf(row.transform.kind, each)));
  const before = new Set(elementsOf(base));
  const owned = canonical(record.owned?.[property]);
  const wereOwned = canonical(link.sides[side]?.sets?.[property]?.owned);
  const onBoth = new Set(link.reserved?.[row.id]?.[otherSide(side)]);
  if (owned.size === 0 && wereOwned.size === 0) return value;
  const still = elementsOf(value).filter(
    (each) => before.has(each) || !wereOwned.has(each) || onBoth.has(each),
  );
  return sorted([...still, ...[...owned].filter((each) => before.has(each))]);
}

/**
 * The value that a write gives to a side's property: the elements in the side's own spelling, with those that are no part
 * of the row because they belong to other properties.
 */
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
  const all = sorted([...elements, ...reservedOn(row, side, record, link)]);
  const own = all.map((each) => spelling.get(each) ?? each);
  return [...new Set([...own, ...(held?.owned ?? [])])];
}

/**
 * Elements that writes of unknown outcome should have removed from a side, and that a later version of the record still
 * shows.
 *
 * @param attempts those on which the record has moved on since
 */
export function notRemovedElements(attempts: readonly Json[], base: Json | undefined): ReadonlySet<string> {
  const tried = attempts.map((each) => new Set(elementsOf(each)));
  return new Set(elementsOf(base).filter((each) => tried.some((wanted) => !wanted.has(each))));
}

export function bySide<T>(of: (side: Side) => T): Record<Side, T> {
  return { zendesk: of('zendesk'), pms: of('pms') };
}

function sorted(elements: Iterable<string>): string[] {
  return [...new Set(elements)].sort();
}
