import { textDigest } from '../digest';
import { unconfirmedOf } from '../abandonedIntent';
import type { BrakeMark } from '../holds';
import { blankWrite, type Agreement, type Link, type PlannedWrite } from '../link';
import { comparedRows, type PropertyRow } from '../mapping';
import { orAbsent, type NotTaken } from '../notTaken';
import { SIDES, otherSide, type Json, type RefKey, type Side, type Values } from '../record';
import { attemptsForSameFields, bindingsAfter } from '../rules/binding';
import { reservedIn, reservedOn } from '../rules/reserved';
import { isNarrowed, shownToCustomers } from '../rules/visibility';
import { textOf } from '../values';
import { fileWrites, filesAfter } from './fileWrites';
import { overrulingOf } from './overruling';
import { namesOf, versionsOf, type LinkedPair } from './plannedPair';
import { undoingOf, undoneEffect, withRestores } from './undoing';
import { asksOf, type RowAsks } from './rowAsks';
import { rowEffect, type Merge } from './rowEffect';
import type { Plan } from './state';

/** A row of the mapping, with its requests to the plan. */
interface AskingRow {
  row: PropertyRow;
  asks: RowAsks;
}

/** Merges all rows of a pair, and folds their requests into one plan. */
export function mergePlan(pair: LinkedPair): Plan {
  const { state, link, current } = pair;
  const undoing = state.undo ? undoingOf(pair, state.undo) : null;
  const mergedPair = undoing?.pair ?? pair;
  const merge = mergeOf(mergedPair);
  const effectOf = (row: PropertyRow) => {
    const effect = rowEffect(merge, row);
    return undoing ? undoneEffect(undoing, row, effect) : effect;
  };
  const asking = comparedRows(pair.table).map((row) => ({
    row,
    asks: asksOf(effectOf(row), row, state.now),
  }));
  for (const { asks } of asking)
    if (asks.problem !== null) return { do: 'quarantine', code: 'unmapped_value', reason: asks.problem };
  const agreement = agreementOf(mergedPair, asking);
  const updates = SIDES.flatMap((side) => updateOf(mergedPair, side, asking) ?? []);
  const all = undoing ? withRestores(undoing, pair, updates) : updates;
  const writes = writesOf(pair, asking, agreement, all);
  const undone = undoing && { undone: undoing.undone };
  const overruling = overrulingOf(pair, current);
  if (writes.length === 0) return { do: 'settled', agreement, seen: current, ...overruling, ...undone };
  return {
    do: 'write',
    ...overruling,
    ...undone,
    intent: {
      id: `${state.key}@${link.rev}`,
      writes,
      next: agreement,
      then: 'linked',
      seen: versionsOf(current),
      ...(undoing && { undo: undoing.id }),
    },
  };
}

/** The facts about a pair that the merge of every row needs. */
export function mergeOf(pair: LinkedPair): Merge {
  const { link, sides, current } = pair;
  const changedAt = (side: Side) => Date.parse(current[side]?.updatedAt ?? sides[side].updatedAt);
  return {
    ...pair,
    ...attemptsForSameFields(pair.table, link),
    unconfirmed: unconfirmedOf(link),
    changedAt: { zendesk: changedAt('zendesk'), pms: changedAt('pms') },
  };
}

/** What both sides agree on once the plan is carried out. */
function agreementOf({ table, link, sides, current }: LinkedPair, asking: AskingRow[]): Agreement {
  const snapshot: Values = { ...link.snapshot };
  const residue = { zendesk: { ...sides.zendesk.residue }, pms: { ...sides.pms.residue } };
  const agreedRows = asking.filter(({ asks }) => asks.agreement).map(({ row }) => row.id);
  const rested = asking.filter(({ asks }) => asks.rests).map(({ row }) => row.id);
  for (const { row, asks } of asking) {
    if (!asks.agreement) continue;
    snapshot[row.id] = asks.agreement.value;
    for (const side of SIDES) setOrDelete(residue[side], row.id, asks.agreement.differing[side]);
  }
  const redacted = asking.filter(({ asks }) => asks.redacted).map(({ row }) => row.id);
  return {
    snapshot,
    bound: bindingsAfter(table, link, snapshot, agreedRows),
    ...(rested.length > 0 && { rested }),
    ...reservedAfter({ table, link, current }, asking),
    residue,
    conflicts: asking.flatMap(({ asks }) => asks.conflicts),
    overruled: asking.flatMap(({ asks }) => asks.overruled),
    waitsFor: [...new Set(asking.flatMap(({ asks }) => asks.waitsFor))],
    ...orAbsent(notTakenAfter(link, asking)),
    ...brakedAfter(asking),
    ...(redacted.length > 0 && { redacted }),
    ...filesAfter(table, link.files ?? [], current),
  };
}

/** A row that is neither compared nor agreed on keeps its reserved elements: the link's value may contain them. */
function reservedAfter(
  { table, link, current }: Pick<LinkedPair, 'table' | 'link' | 'current'>,
  asking: AskingRow[],
): Pick<Agreement, 'reserved'> {
  const isOpen = ({ agreement, ...asks }: RowAsks) =>
    agreement === null &&
    (asks.rests || asks.braked !== null || asks.waitsFor.length + asks.notTaken.length > 0);
  const open = new Set(asking.filter(({ asks }) => isOpen(asks)).map(({ row }) => row.id));
  return reservedIn(table, (row, side) => [
    ...reservedOn(row, side, current[side], link),
    ...(open.has(row.id) ? (link.reserved?.[row.id]?.[side] ?? []) : []),
  ]);
}

function brakedAfter(asking: AskingRow[]): { braked?: BrakeMark[] } {
  const braked = asking.flatMap(({ row, asks }) =>
    asks.braked === null ? [] : [{ hold: asks.braked, row: row.id }],
  );
  return braked.length > 0 ? { braked } : {};
}

/** A value that was not taken stays in the list until its row is agreed on or gets a new entry. */
function notTakenAfter({ notTaken = [] }: Link, asking: AskingRow[]): NotTaken[] {
  const settled = new Set(asking.filter(({ asks }) => asks.agreement !== null).map(({ row }) => row.id));
  const still = asking.flatMap(({ asks }) => asks.notTaken);
  const isKept = ({ row, side }: NotTaken) =>
    !settled.has(row) && !still.some((each) => each.row === row && each.side === side);
  return [...notTaken.filter(isKept), ...still];
}

/** The writes in their order. */
function writesOf(
  pair: LinkedPair,
  asking: AskingRow[],
  agreement: Agreement,
  updates: readonly PlannedWrite[],
): PlannedWrite[] {
  const followUps = asking.flatMap(({ row, asks }) =>
    asks.followUps.map(({ to, value }) => followUpOf(pair, agreement, row, { to, value })),
  );
  // Updates that hide something go first, so that no addition is visible to customers in between, or has to be planned
  // again.
  const hidesContent =
    agreement.redacted !== undefined || isNarrowed(pair.table, pair.link.snapshot, agreement);
  const texts = hidesContent ? [...updates, ...followUps] : [...followUps, ...updates];
  // Texts go before files: they must not wait for a file that fails.
  return texts.length > 0 ? texts : fileWrites(pair, agreement);
}

/** One update with all values for one side's record. @returns null if there is nothing to update */
function updateOf(pair: LinkedPair, side: Side, asking: AskingRow[]): PlannedWrite | null {
  const { state, link, sides, current } = pair;
  const backRef = backRefToWrite(pair, side);
  const values: Values = {};
  const rows: string[] = [];
  const expects: Values = {};
  for (const { row, asks } of asking) {
    const target = row[side];
    const update = asks.updates.find(({ to }) => to === side);
    if (!target || !update) continue;
    values[target] = update.value;
    rows.push(row.id);
    expects[row.id] = update.replaces;
  }
  if (rows.length === 0 && backRef === null) return null;
  return {
    ...blankWrite(side, 'update'),
    ref: sides[side].ref,
    version: current[side]?.version ?? sides[side].version,
    idempotencyKey: `${state.key}@${link.rev}`,
    values,
    rows,
    expects,
    ...namesOf(pair.table, side, values, current[otherSide(side)]),
    backRef,
  };
}

/** The follow-up that reports a value to a side that cannot take it. */
function followUpOf(
  { state, table, link, sides }: LinkedPair,
  agreement: Agreement,
  row: PropertyRow,
  { to, value }: { to: Side; value: Json },
): PlannedWrite {
  const text = value === null ? '' : textOf(value);
  return {
    ...blankWrite(to, 'followUp'),
    ref: sides[to].ref,
    values: {
      text,
      public: shownToCustomers(table, agreement),
    },
    backRef: sides[otherSide(to)].ref,
    // If the link store was lost, revisions are counted anew. The digest distinguishes the texts then.
    idempotencyKey: `${state.key}@${link.rev}/${row.id}/${textDigest(text)}`,
    rows: [row.id],
  };
}

/**
 * The back-reference that an update writes. If two records were matched, the record that is not the pair's origin gets
 * one, once. If a record has a back-reference of ours to another record (a person chose another counterpart), it is
 * corrected, on either side.
 *
 * @returns null if the update writes none
 */
function backRefToWrite({ origin, sides, current }: LinkedPair, side: Side): RefKey | null {
  const record = current[side];
  const counterpart = sides[otherSide(side)].ref;
  if (sides[side].backRef || !record || record.foreignBackRef || record.backRef === counterpart) return null;
  return record.backRef !== null || side !== origin.side ? counterpart : null;
}

function setOrDelete(values: Values, id: string, value: Json | undefined): void {
  if (value === undefined) delete values[id];
  else values[id] = value;
}
