import { blankWrite, type Link, type LinkedSide, type PlannedWrite } from '../link';
import type { EntityMapping, PropertyRow } from '../mapping';
import { SIDES, otherSide, type Json, type Side, type SyncRecord } from '../record';
import { offers } from '../rules/absence';
import { agreedValue } from '../rules/binding';
import { bindingOf, bindingsOf } from '../rules/boundAlike';
import { holdId, type HoldId } from '../holds';
import { PUBLIC, isShown, visibilityRow } from '../rules/visibility';
import { isSet } from '../rules/sets';
import { alike, firstOfRows, withoutChange, type PairUndo, type Restore, type Undone } from '../undo';
import { elementsOf } from '../heldSets';
import { referenceKinds, sameValue, toCanonical } from '../values';
import { canonicalOf, type LinkedPair } from './plannedPair';
import type { RowEffect } from './rowEffect';

/**
 * An undo, as part of a pair's merge: the former values count as what the records show, the rows of the mapping are merged
 * with them, and what comes of it goes out as one update of each side, with one agreement.
 */

/** A value that goes back, and what is there now; both in the side's own form. */
interface Applied {
  restore: Restore;
  value: Json;
  replaced: Json;
}

export interface Undoing {
  id: string;
  /** The pair as if the former values were there. */
  pair: LinkedPair;
  undone: Undone[];
  applied: Applied[];
  /** How the rows stand that the undo is about. */
  rows: ReadonlyMap<string, RowUndo>;
}

/**
 * `mended`: the row is bound as it was before, and goes by what was agreed on then. `standing`: it is bound as it was when
 * it was written, and rests with what was agreed on before. `same`: it was never bound anew.
 */
type Standing = 'mended' | 'standing' | 'same' | 'other';

interface RowUndo {
  standing: Standing;
  /** The sides whose values go back. */
  applied: Side[];
  /** A value that was written was edited since, or cannot go back. */
  isLeft: boolean;
}

export function undoingOf(pair: LinkedPair, undo: PairUndo): Undoing {
  const standings = new Map(
    [...firstOfRows(undo.restores)].map(([row, first]) => [row, standingOf(pair, first)]),
  );
  const standing = ({ row }: Restore) => standings.get(row) ?? 'same';
  const judged = undo.restores.map((restore) => ({
    restore,
    ...judge(pair, restore, undo, standing(restore)),
  }));
  const applied = judged.flatMap(({ restore, value, replaced }) =>
    value === undefined ? [] : [{ restore, value, replaced: replaced ?? null }],
  );
  const rows = new Map<string, RowUndo>();
  for (const { restore, fate } of judged) {
    const known = rows.get(restore.row) ?? {
      standing: standing(restore),
      applied: [],
      isLeft: false,
    };
    if (fate === 'restored') known.applied.push(restore.side);
    else if (fate !== 'already') known.isLeft = true;
    rows.set(restore.row, known);
  }
  return {
    id: undo.id,
    pair: asBefore(pair, undo, applied, rows),
    undone: judged.map(({ restore: { side, property, row }, fate }) => ({ side, property, row, fate })),
    applied,
    rows,
  };
}

type Judged = Pick<Undone, 'fate'> & { value?: Json; replaced?: Json };

function judge(pair: LinkedPair, restore: Restore, { hold, refused }: PairUndo, standing: Standing): Judged {
  const { side, ref, property, former, written } = restore;
  const record = pair.current[side];
  if (pair.sides[side].ref !== ref || !record) return { fate: 'other record' };
  if (standing === 'standing' && !hold) return { fate: 'cause stands' };
  if (refused[side] !== undefined) return { fate: 'refused' };
  if (!offers(record, property)) return { fate: 'not offered' };
  const now = record.values[property] ?? null;
  if (restore.set) {
    const value = withoutChange(restore, now);
    return alike(value, now) ? { fate: 'already' } : { fate: 'restored', value, replaced: now };
  }
  if (alike(now, former)) return { fate: 'already' };
  if (restore.isOverwritten || !alike(now, written)) return { fate: 'edited' };
  if (isWidened(pair, restore)) return { fate: 'public' };
  return { fate: 'restored', value: former, replaced: now };
}

/** What customers do not see stays so, whatever was there before. */
function isWidened(pair: LinkedPair, { side, property, former }: Restore): boolean {
  const row = visibilityRow(pair.table);
  const isOfRow = row !== undefined && row[side] === property;
  if (!isOfRow) return property === PUBLIC && former !== false;
  const value = canonical(pair, row, side, former);
  return value === undefined || isShown(row, value);
}

function standingOf({ table }: LinkedPair, { row, agreed, binding }: Restore): Standing {
  if (!agreed) return 'same';
  if (agreed.binding !== null && bindingOf(table, row, agreed.value) === agreed.binding) return 'mended';
  return binding !== undefined && bindingsOf(table)[row] === binding ? 'standing' : 'other';
}

/** The pair with the former values on its records, and with what was agreed on before its rows were bound anew. */
function asBefore(
  pair: LinkedPair,
  { restores, hold }: PairUndo,
  applied: readonly Applied[],
  rows: ReadonlyMap<string, RowUndo>,
): LinkedPair {
  const current: Partial<Record<Side, SyncRecord>> = {};
  for (const side of SIDES) {
    const record = pair.current[side];
    if (!record) continue;
    const values = { ...record.values };
    for (const { restore, value } of applied) if (restore.side === side) values[restore.property] = value;
    current[side] = { ...record, values };
  }
  const snapshot = { ...pair.link.snapshot };
  const bound = { ...pair.link.bound };
  const touched = new Set<string>();
  for (const { row, agreed } of restores) {
    const standing = rows.get(row)?.standing;
    const isOfUse = standing === 'mended' || (standing === 'standing' && hold);
    // The first of several is the oldest.
    if (!agreed || !isOfUse || touched.has(row)) continue;
    touched.add(row);
    snapshot[row] = agreed.value;
    if (agreed.binding !== null) bound[row] = agreed.binding;
  }
  const link: Link = {
    ...pair.link,
    snapshot,
    bound,
    ...(pair.link.notTaken && { notTaken: pair.link.notTaken.filter(({ row }) => !rows.has(row)) }),
  };
  const without = (side: LinkedSide): LinkedSide => ({
    ...side,
    residue: Object.fromEntries(Object.entries(side.residue).filter(([row]) => !touched.has(row))),
  });
  const sides = { zendesk: without(pair.sides.zendesk), pms: without(pair.sides.pms) };
  return { ...pair, link: { ...link, sides }, sides, current };
}

/**
 * What a row comes to. Nobody's edit is overwritten by an undo, and no mistake is carried on by one: where both sides do not
 * agree afterwards, and it cannot be told which counts, a person decides.
 *
 * @param ordinary what it would come to by the merge alone
 */
export function undoneEffect(undoing: Undoing, row: PropertyRow, ordinary: RowEffect): RowEffect {
  const known = undoing.rows.get(row.id);
  if (!known || known.standing === 'other') return ordinary;
  const { standing, applied, isLeft } = known;
  if (standing === 'standing') return heldAsBefore(undoing, row, isLeft);
  if (standing === 'mended' && !isLeft) return ordinary;
  if (standing === 'same' && applied.length === 0) return ordinary;
  const values = shownValues(undoing.pair, row);
  if (!values || sameValue(values.zendesk, values.pms)) return ordinary;
  if (isSet(row)) return keptApart(values, applied);
  const agreed = agreedValue(undoing.pair.table, row, undoing.pair.link) ?? null;
  return { kind: 'park', values, agreed, since: undoing.pair.state.now, by: `undo:${undoing.id}` };
}

/**
 * The row rests with what was agreed on before, until the mapping is mended. Where a value was edited since, a person decides
 * then: it may be a value of the wrong field.
 */
function heldAsBefore({ id, pair }: Undoing, row: PropertyRow, isLeft: boolean): RowEffect {
  const hold = holdOf(pair.table, row.id);
  const values = isLeft ? shownValues(pair, row) : null;
  if (!values) return { kind: 'brake', hold };
  return { kind: 'brake', hold, parked: { row: row.id, ...values, since: pair.state.now, by: `undo:${id}` } };
}

/** An undo holds whatever would be written to the row while it is bound as it is. */
function holdOf(table: EntityMapping, row: string): HoldId {
  return holdId({ entity: table.entity, kind: 'written', row, side: null }, bindingsOf(table)[row]);
}

/** Elements that were put back on one side stay there, and are not carried to the other. */
function keptApart(values: Record<Side, Json>, applied: readonly Side[]): RowEffect {
  const [only] = applied;
  const both = [...elementsOf(values.zendesk), ...elementsOf(values.pms)];
  const value =
    only !== undefined && applied.length === 1 ? elementsOf(values[otherSide(only)]) : [...new Set(both)];
  return { kind: 'combine', value: [...value].sort(), shown: values, deliveries: [], notTaken: [] };
}

function shownValues(pair: LinkedPair, row: PropertyRow): Record<Side, Json> | null {
  const values: Partial<Record<Side, Json>> = {};
  for (const side of SIDES) {
    const record = pair.current[side];
    const value = record && canonicalOf(pair, row, side, record);
    if (!value?.ok) return null;
    values[side] = value.value;
  }
  return { zendesk: values.zendesk ?? null, pms: values.pms ?? null };
}

/** The updates with the former values in them; a side that has none gets one where it needs it. */
export function withRestores(
  undoing: Undoing,
  pair: LinkedPair,
  updates: readonly PlannedWrite[],
): PlannedWrite[] {
  return SIDES.flatMap((side) => {
    const applied = undoing.applied.filter(({ restore }) => restore.side === side);
    const update = updates.find((each) => each.side === side);
    if (applied.length === 0) return update ?? [];
    const { state, link, sides, current } = pair;
    const blank: PlannedWrite = {
      ...blankWrite(side, 'update'),
      ref: sides[side].ref,
      version: current[side]?.version ?? sides[side].version,
      idempotencyKey: `${state.key}@${link.rev}`,
    };
    return applied.reduce((write, each) => withRestore(pair, write, each), update ?? blank);
  });
}

function withRestore(
  pair: LinkedPair,
  write: PlannedWrite,
  { restore, value, replaced }: Applied,
): PlannedWrite {
  const { side, property } = restore;
  const row = pair.table.rows.find((each) => each.id === restore.row && each[side] === property);
  const owned = restore.set ? (pair.current[side]?.owned?.[property] ?? []) : [];
  const back = Array.isArray(value) ? [...value, ...owned] : value;
  const before = row && canonical(pair, row, side, replaced);
  return {
    ...write,
    // What the merge makes of the row goes further: an edit of the other side since.
    values: property in write.values ? write.values : { ...write.values, [property]: back },
    ...(row && {
      rows: [...new Set([...write.rows, row.id])],
      expects: { ...write.expects, [row.id]: before ?? null },
    }),
    restores: [...(write.restores ?? []), { row: restore.row, property, before: replaced }],
  };
}

function canonical(
  { mapping, table, state }: LinkedPair,
  row: PropertyRow,
  side: Side,
  raw: Json,
): Json | undefined {
  const value = toCanonical(row, side, raw, state.references, referenceKinds(mapping, table));
  return value.ok ? value.value : undefined;
}
