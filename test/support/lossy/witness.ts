import { elementsOf } from '../../../src/sync/heldSets';
import type { PropertyRow } from '../../../src/sync/mapping';
import { notTakenOf } from '../../../src/sync/notTaken';
import { SIDES, otherSide, type Json, type Side } from '../../../src/sync/record';
import { isSet } from '../../../src/sync/rules/sets';
import { sameValue } from '../../../src/sync/values';
import type { Play } from './history';
import { ROWS, isTraceable } from './rows';
import type { Change } from './twoSystems';

/** Says, once a history has settled, what the sync did wrong. It looks at the records, and at what the links say of them. */

export function faultsOf(play: Play): string[] {
  return ROWS.flatMap((row) => [
    ...disagreements(play, row),
    ...(isSet(row) ? elementFaults(play, row) : valueFaults(play, row)),
  ]);
}

const isParked = ({ pair }: Play, { id }: PropertyRow) =>
  pair.link?.conflicts.some(({ row }) => row === id) === true;
const text = (value: Json | undefined) => JSON.stringify(value ?? null);

/** Both sides agree, but for what is parked, not taken, or said in a follow-up. */
function disagreements(play: Play, row: PropertyRow): string[] {
  const { systems, pair } = play;
  const aside = notTakenOf(pair.link ?? {}, row.id);
  if (aside) return [`${row.id}: not taken although all is taken: ${aside.words}`];
  const [zendesk, pms] = SIDES.map((side) => systems.shown(side, row.id));
  if (row.fixed) return saidFaults(play, row);
  if (isParked(play, row) || sameValue(zendesk, pms)) return [];
  return [`${row.id}: differs: ${text(zendesk)} and ${text(pms)}`];
}

/** The text that the fixed side cannot take was said there. */
function saidFaults({ systems, pair: { linksBackAt } }: Play, row: PropertyRow): string[] {
  const [shown, fixed] = (['pms', 'zendesk'] as const).map((side) => systems.shown(side, row.id));
  if (sameValue(shown, fixed)) return [];
  const said = [...systems.said.values()].filter((each) => sameValue(each, shown ?? '')).length;
  const edits = systems.changes.filter(
    (each) => each.row === row.id && each.by === 'person' && sameValue(each.value, shown),
  ).length;
  if (said === 0) return [`${row.id}: ${text(shown)} was never said`];
  return said > edits && linksBackAt < 0 ? [`${row.id}: ${text(shown)} was said ${said} times`] : [];
}

interface Traces {
  edits: Change[];
  /** Values that a link says were overruled. */
  overruled: Json[];
  shown: Record<Side, Json>;
}

function tracesOf(play: Play, row: PropertyRow): Traces {
  const { systems } = play;
  const overruled = play.links.flatMap(({ history, unconfirmed = [], intent }) => [
    ...history,
    ...unconfirmed,
    ...(intent?.next.overruled ?? []),
  ]);
  const stated = play.links.flatMap(({ conflicts, notTaken = [] }) => [
    ...conflicts.filter((each) => each.row === row.id).flatMap(({ zendesk, pms }) => [zendesk, pms]),
    ...notTaken
      .filter((each) => each.row === row.id)
      .flatMap(({ offered, shown }) => [offered, shown ?? null]),
  ]);
  return {
    edits: systems.changes.filter((each) => each.row === row.id && each.by === 'person'),
    overruled: [...overruled.filter((each) => each.row === row.id).map(({ lost }) => lost), ...stated],
    shown: { zendesk: systems.shown('zendesk', row.id), pms: systems.shown('pms', row.id) },
  };
}

/**
 * A person saw the value, on either side, and wrote another. On the other side, it may have been there before, since both
 * sides then had the same value.
 */
const replaces = (later: Change, edit: Change) =>
  later.side === edit.side ? later.at > edit.at : sameValue(later.before, edit.value);

/** The same, and the person certainly saw that very edit: the sync had brought it. */
function knowinglyReplaces({ systems }: Play, later: Change, edit: Change): boolean {
  const shown = systems.changes.findLast(
    (each) => each.row === edit.row && each.side === later.side && each.at < later.at,
  );
  return (
    replaces(later, edit) &&
    (later.side === edit.side || (later.at > edit.at && shown?.by === 'sync' && shown.at > edit.at))
  );
}

function valueFaults(play: Play, row: PropertyRow): string[] {
  if (row.fixed || !isTraceable(row)) return [];
  const traces = tracesOf(play, row);
  const faults = traces.edits.flatMap((edit) => [
    ...lossOf(play, row, edit, traces),
    ...overrulingOf(play, row, edit, traces),
  ]);
  return [...faults, ...returnsOf(play, row, traces)];
}

/** No edit is lost without a trace. */
function lossOf(play: Play, row: PropertyRow, edit: Change, { edits, overruled, shown }: Traces): string[] {
  const isTraced =
    sameValue(shown[edit.side], edit.value) ||
    edits.some((later) => replaces(later, edit)) ||
    overruled.some((each) => sameValue(each, edit.value)) ||
    tookBack(play, edit) ||
    isLostWithLinks(play, edit, edits) ||
    isFilled(play, edit);
  return isTraced ? [] : [`${row.id}: lost ${text(edit.value)} of ${edit.side} at ${edit.at}`];
}

/** With the link store, it is lost that an empty value, or one that was there before, was an edit. */
function isLostWithLinks({ pair: { linksBackAt } }: Play, edit: Change, edits: Change[]): boolean {
  const isOld =
    edit.value === null || edits.some((each) => each !== edit && sameValue(each.value, edit.value));
  return edit.at <= linksBackAt && isOld;
}

/** Where two values meet for the first time, an empty one is filled. */
function isFilled({ pair }: Play, { at, value }: Change): boolean {
  return value === null && at <= pair.metAt;
}

/** A record of ours whose creation was not answered shows no value: a person emptied it, or its system ignored the value. */
function isEmptied({ systems, pair }: Play, side: Side, { id }: PropertyRow): boolean {
  const shown = systems.changes.findLast(
    (each) => each.row === id && each.side === side && each.at <= pair.metAt && each.by === 'person',
  );
  return shown?.value === null;
}

/**
 * The outcome of a write to the side was unknown: whether the person saw its value, or edited before it came, nobody
 * knows.
 */
function isDoubtful({ pair }: Play, { row, side, at }: Change, since: number): boolean {
  return pair.unknownWrites.some(
    (each) => each.row === row && each.side === side && each.at >= since && each.at <= at,
  );
}

/** The edit made an earlier one undone before the sync dealt with that one: nothing had changed. */
function tookBack({ systems }: Play, { row, side, at, value }: Change): boolean {
  const own = systems.changes.filter((each) => each.row === row && each.side === side && each.at < at);
  const from = own.findLastIndex((each) => sameValue(each.value, value));
  if (from === -1) return false;
  const since = own.slice(from + 1);
  return (
    since.every(({ by }) => by === 'person') &&
    !systems.changes.some(
      (each) =>
        each.row === row &&
        each.side !== side &&
        each.by === 'sync' &&
        each.at > (own[from]?.at ?? 0) &&
        since.some((mine) => sameValue(mine.value, each.value)),
    )
  );
}

/** An edit that met no other of the other side is shown. */
function overrulingOf(
  play: Play,
  row: PropertyRow,
  edit: Change,
  { edits, overruled, shown }: Traces,
): string[] {
  const { systems, decided } = play;
  const { linksBackAt } = play.pair;
  // A side may have filled in a person, so that nobody's edit was overruled.
  if (row.direction !== 'both' || row.type === 'person' || isParked(play, row) || decided.has(row.id))
    return [];
  let agreed = edit.at - 1;
  while (agreed > 0 && !systems.agreedAt(row.id, agreed)) agreed -= 1;
  // Before both records were there, they could not meet.
  if (agreed <= linksBackAt || agreed === 0) return [];
  const hasRival = edits.some((each) => each.side !== edit.side && each.at > agreed);
  const isReplaced = edits.some((later) => replaces(later, edit));
  if (isOfMeeting(play, edit, overruled)) return [];
  if (hasRival || isReplaced || isDoubtful(play, edit, agreed) || sameValue(shown[edit.side], edit.value))
    return [];
  return [`${row.id}: overruled ${text(edit.value)} of ${edit.side} at ${edit.at}, which met no other`];
}

/**
 * At a first meeting, a plan that is given up leaves no agreement, also where a write of it was answered: an edit of the
 * written value may be overruled. It is in the history.
 */
function isOfMeeting({ pair }: Play, { at, value }: Change, overruled: readonly Json[]): boolean {
  return at <= pair.metAt && overruled.some((lost) => sameValue(lost, value));
}

/** No value is there that nobody wrote, or that a person replaced. */
function returnsOf(play: Play, row: PropertyRow, { edits, overruled, shown }: Traces): string[] {
  if (isParked(play, row)) return [];
  return SIDES.flatMap((side) => {
    const value = shown[side];
    const written = edits.filter((each) => sameValue(each.value, value));
    // A record that a person made without the value has none.
    if (written.length === 0) return value === null ? [] : [`${row.id}: nobody wrote ${text(value)}`];
    const laters = written.map((one) =>
      edits.find((each) => knowinglyReplaces(play, each, one) && !sameValue(each.value, value)),
    );
    const later = laters.at(-1);
    const isExcused = (each: Change | undefined) =>
      !each ||
      each.at <= play.pair.linksBackAt ||
      tookBack(play, each) ||
      isOfMeeting(play, each, overruled) ||
      isDoubtful(play, each, 0) ||
      isEmptied(play, each.side, row);
    if (!later || laters.some(isExcused)) return [];
    if (row.direction !== 'both' || row.type === 'person' || play.decided.has(row.id)) return [];
    return [`${row.id}: ${text(value)} came back on ${side} after ${text(later.value)} at ${later.at}`];
  });
}

/** When a person added or removed an element. */
interface Moved {
  at: number;
  side: Side;
  adds: boolean;
}

function elementFaults(play: Play, row: PropertyRow): string[] {
  const { edits, shown } = tracesOf(play, row);
  const all = new Set([
    ...edits.flatMap((each) => elementsOf(each.value)),
    ...elementsOf(shown.pms),
    ...elementsOf(shown.zendesk),
  ]);
  return [...all].flatMap((element) => elementFault(play, row, element) ?? []);
}

function elementFault(play: Play, row: PropertyRow, element: string): string | null {
  const { systems } = play;
  const { linksBackAt } = play.pair;
  const has = (value: Json) => elementsOf(value).includes(element);
  const moves = systems.changes
    .filter((each) => each.row === row.id && has(each.before) !== has(each.value))
    .map(({ at, by, side, value }) => ({ at, by, side, adds: has(value) }));
  const people = moves.filter(({ by }) => by === 'person');
  const isThere = SIDES.some((side) => has(systems.shown(side, row.id)));
  const adds = people.filter((each) => each.adds);
  const removes = people.filter((each) => !each.adds);
  const last = adds.at(-1);
  if (!last) return isThere ? `${row.id}: nobody added ${element}` : null;
  // People added it on both sides, and one removed it: the sync may have seen it on both sides before.
  const isOfBoth = SIDES.every((side) => adds.some((each) => each.side === side));
  if (!isThere && isOfBoth && removes.length > 0) return null;
  if (!isThere)
    return people.some((each) => !each.adds && each.at > last.at) ||
      last.at <= linksBackAt ||
      restoresIt(moves, last)
      ? null
      : `${row.id}: lost ${element}, which ${last.side} added at ${last.at}`;
  const removal = removes.at(-1);
  if (!removal || removal.at <= linksBackAt || last.at > removal.at || restoresIt(moves, removal))
    return null;
  // A person may have added it again after our removal, or our removal was not done.
  if (play.pair.unknownRemovals.has(element)) return null;
  // The other side added it as well, by a person's hand: this addition may count.
  const isAddedThere = adds.some((each) => each.side === otherSide(removal.side));
  return isAddedThere
    ? null
    : `${row.id}: ${element} came back after ${removal.side} removed it at ${removal.at}`;
}

/** The move takes back the person's move before it, on the same side, before the sync dealt with that one. */
function restoresIt(moves: readonly (Moved & { by: Change['by'] })[], move: Moved): boolean {
  const before = moves.findLast((each) => each.side === move.side && each.at < move.at);
  if (!before || before.by !== 'person' || before.adds === move.adds) return false;
  return !moves.some(
    (each) =>
      each.by === 'sync' && each.side !== move.side && each.at > before.at && each.adds === before.adds,
  );
}
