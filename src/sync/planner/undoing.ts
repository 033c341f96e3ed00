import { blankWrite, type Link, type LinkedSide, type PlannedWrite } from '../link';
import type { EntityMapping, PropertyRow } from '../mapping';
import { SIDES, otherSide, type Json, type Side, type SyncRecord } from '../record';
import { offers } from '../rules/absence';
import { agreedValue } from '../rules/binding';
import { bindingOf, bindingsOf } from '../rules/sameFields';
import { holdId, type HoldId } from '../holds';
import { PUBLIC, isShown, visibilityRow } from '../rules/visibility';
import { isSet } from '../rules/sets';
import { alike, firstOfRows, withoutChange, type PairUndo, type Restore, type Undone } from '../undo';
import { elementsOf } from '../heldSets';
import { referenceKinds, sameValue, toCanonical } from '../values';
import { canonicalOf, type LinkedPair } from './plannedPair';
import type { RowEffect } from './rowEffect';

/**
 * An undo as part of a pair's merge. The rows are merged as if the records already showed the former values. The result
 * is one update for each side, with one agreement.
 */

/** A former value that is put back; both values are in the side's own form. */
interface Applied {
  restore: Restore;
  /** The value to write. */
  value: Json;
  /** The value that the property has now. */
  replaced: Json;
}

export interface Undoing {
  /** Names the undo. */
  id: string;
  /** The pair with the former values in its records. */
  pair: LinkedPair;
  undone: Undone[];
  applied: Applied[];
  /** The rows that the undo concerns, by row id. */
  rows: ReadonlyMap<string, RowUndo>;
}

/**
 * The fields that a row names now, compared with those before the mistake. `corrected`: the row names its former fields
 * again, and is merged against the agreement from before the mistake. `uncorrected`: the row still names the fields to
 * which the mistake was written; if the undo holds rows, this row is held. `unchanged`: the mistake did not change the
 * row's fields. `other`: the row names yet other fields.
 */
type BindingState = 'corrected' | 'uncorrected' | 'unchanged' | 'other';

interface RowUndo {
  binding: BindingState;
  /** The sides whose former values are put back. */
  applied: Side[];
  /** A value that the sync wrote is left as it is: it was edited since, or its former value cannot be put back. */
  isLeft: boolean;
}

export function undoingOf(pair: LinkedPair, undo: PairUndo): Undoing {
  const bindings = new Map(
    [...firstOfRows(undo.restores)].map(([row, first]) => [row, bindingStateOf(pair, first)]),
  );
  const bindingState = ({ row }: Restore) => bindings.get(row) ?? 'unchanged';
  const judged = undo.restores.map((restore) => ({
    restore,
    ...judge(pair, restore, undo, bindingState(restore)),
  }));
  const applied = judged.flatMap(({ restore, value, replaced }) =>
    value === undefined ? [] : [{ restore, value, replaced: replaced ?? null }],
  );
  const rows = new Map<string, RowUndo>();
  for (const { restore, fate } of judged) {
    const known = rows.get(restore.row) ?? {
      binding: bindingState(restore),
      applied: [],
      isLeft: false,
    };
    if (fate === 'restored') known.applied.push(restore.side);
    else if (fate !== 'already') known.isLeft = true;
    rows.set(restore.row, known);
  }
  return {
    id: undo.id,
    pair: withFormerValues(pair, undo, applied, rows),
    undone: judged.map(({ restore: { side, property, row }, fate }) => ({ side, property, row, fate })),
    applied,
    rows,
  };
}

type Judged = Pick<Undone, 'fate'> & { value?: Json; replaced?: Json };

/** Decides whether a former value is put back, and why not. */
function judge(
  pair: LinkedPair,
  restore: Restore,
  { hold, refused }: PairUndo,
  binding: BindingState,
): Judged {
  const { side, ref, property, former, written } = restore;
  const record = pair.current[side];
  if (pair.sides[side].ref !== ref || !record) return { fate: 'other record' };
  if (binding === 'uncorrected' && !hold) return { fate: 'cause stands' };
  if (refused[side] !== undefined) return { fate: 'refused' };
  if (!offers(record, property)) return { fate: 'not offered' };
  const now = record.values[property] ?? null;
  if (restore.set) {
    const value = withoutChange(restore, now);
    return alike(value, now) ? { fate: 'already' } : { fate: 'restored', value, replaced: now };
  }
  if (alike(now, former)) return { fate: 'already' };
  if (restore.isOverwritten || !alike(now, written)) return { fate: 'edited' };
  if (becomesPublic(pair, restore)) return { fate: 'public' };
  return { fate: 'restored', value: former, replaced: now };
}

/** Whether the former value would make a record public. An undo never does this. */
function becomesPublic(pair: LinkedPair, { side, property, former }: Restore): boolean {
  const row = visibilityRow(pair.table);
  const isOfRow = row !== undefined && row[side] === property;
  if (!isOfRow) return property === PUBLIC && former !== false;
  const value = canonical(pair, row, side, former);
  return value === undefined || isShown(row, value);
}

function bindingStateOf({ table }: LinkedPair, { row, agreed, binding }: Restore): BindingState {
  if (!agreed) return 'unchanged';
  if (agreed.binding !== null && bindingOf(table, row, agreed.value) === agreed.binding) return 'corrected';
  return binding !== undefined && bindingsOf(table)[row] === binding ? 'uncorrected' : 'other';
}

/** The pair with the former values in its records, and with the agreements from before the mistake. */
function withFormerValues(
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
    const binding = rows.get(row)?.binding;
    const isUsed = binding === 'corrected' || (binding === 'uncorrected' && hold);
    // The first of several agreements is the oldest.
    if (!agreed || !isUsed || touched.has(row)) continue;
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
 * The effect of a row under an undo. An undo overwrites nobody's edit, and copies no mistaken value to the other side.
 * If both sides differ afterwards and no rule says which value counts, a person decides.
 *
 * @param ordinary the effect of the merge without the undo
 */
export function undoneEffect(undoing: Undoing, row: PropertyRow, ordinary: RowEffect): RowEffect {
  const known = undoing.rows.get(row.id);
  if (!known || known.binding === 'other') return ordinary;
  const { binding, applied, isLeft } = known;
  if (binding === 'uncorrected') return heldByUndo(undoing, row, isLeft);
  if (binding === 'corrected' && !isLeft) return ordinary;
  if (binding === 'unchanged' && applied.length === 0) return ordinary;
  const values = shownValues(undoing.pair, row);
  if (!values || sameValue(values.zendesk, values.pms)) return ordinary;
  if (isSet(row)) return withoutSpreading(values, applied);
  const agreed = agreedValue(undoing.pair.table, row, undoing.pair.link) ?? null;
  return { kind: 'park', values, agreed, since: undoing.pair.state.now, by: `undo:${undoing.id}` };
}

/**
 * The row is held with the agreement from before, until the mapping is corrected. If a value was edited since, a person
 * decides afterwards, because the edit may have been made in the wrong field.
 */
function heldByUndo({ id, pair }: Undoing, row: PropertyRow, isLeft: boolean): RowEffect {
  const hold = holdOf(pair.table, row.id);
  const values = isLeft ? shownValues(pair, row) : null;
  if (!values) return { kind: 'brake', hold };
  return { kind: 'brake', hold, parked: { row: row.id, ...values, since: pair.state.now, by: `undo:${id}` } };
}

/** The id of the undo's hold: it holds all writes to the row while the row names its present fields. */
function holdOf(table: EntityMapping, row: string): HoldId {
  return holdId({ entity: table.entity, kind: 'written', row, side: null }, bindingsOf(table)[row]);
}

/** Elements of a set that were put back on one side stay there, and are not copied to the other side. */
function withoutSpreading(values: Record<Side, Json>, applied: readonly Side[]): RowEffect {
  const [only] = applied;
  const both = [...elementsOf(values.zendesk), ...elementsOf(values.pms)];
  const value =
    only !== undefined && applied.length === 1 ? elementsOf(values[otherSide(only)]) : [...new Set(both)];
  return { kind: 'combine', value: [...value].sort(), shown: values, deliveries: [], notTaken: [] };
}

/** The canonical values that both records show; null if one was not read or does not fit the mapping. */
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

/** Adds the former values to the updates of the merge. A side that gets a value back and has no update gets one. */
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
    // If the merge also writes this property, the other side was edited since, and that edit is kept.
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
