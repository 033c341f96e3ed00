import type { Link } from '../../sync/link';
import { referenceKinds, sameValue, toCanonical, type References } from '../../sync/values';
import type { Mapping, PropertyRow } from '../../sync/mapping';
import { notTakenOf, type NotTaken } from '../../sync/notTaken';
import { keptValues } from '../../sync/rules/taken';
import { SIDES, type Json, type Side, type SyncRecord } from '../../sync/record';

/** The value of one property on one side. */
export interface SideValue {
  /** Canonical; undefined if not known. */
  value: Json | undefined;
  /** Whether the value is a pending change. */
  isNew: boolean;
}

export interface RowValues {
  row: PropertyRow;
  sides: Record<Side, SideValue>;
  state: 'agreed' | 'differs' | 'conflict' | 'notTaken' | 'onCreation' | 'unknown';
  /** Absent if both sides took the values that were sent. */
  notTaken?: NotTaken;
  /** Elements that each side shows and that do not belong to the row. */
  reserved: Partial<Record<Side, string[]>>;
}

/**
 * Both values of each mapped property, from the link store: the agreed value, the residue of each side, and pending
 * changes. The console has no credential of either API, and calls neither.
 */
export function valuesOf(
  mapping: Mapping,
  link: Link,
  observed: Partial<Record<Side, SyncRecord>>,
  references: References,
): RowValues[] {
  const table = mapping.entities[link.entity];
  const kinds = referenceKinds(mapping, table);
  return table.rows.map((row) => {
    const on = (side: Side): SideValue => {
      const known = knownValue(link, row.id, side);
      const property = row[side];
      const record = observed[side];
      // An observation may be older than the pair's last turn. Then it is no pending change.
      const last = link.sides[side];
      const isPast = record && last && (record.version === last.version || record.order < last.order);
      if (!record || isPast || property === null || !(property in record.values))
        return { value: known, isNew: false };
      const raw = record.values[property] ?? null;
      const seen = toCanonical(row, side, raw, references, kinds);
      const value = seen.ok ? seen.value : raw;
      return { value, isNew: !sameValue(value, known) };
    };
    const sides = { zendesk: on('zendesk'), pms: on('pms') };
    const notTaken = notTakenOf(link, row.id);
    const reserved = link.reserved?.[row.id] ?? {};
    return { row, sides, reserved, state: stateOf(link, row, sides), ...(notTaken && { notTaken }) };
  });
}

function knownValue(link: Link, row: string, side: Side): Json | undefined {
  const notTaken = notTakenOf(link, row);
  if (notTaken) return keptValues(notTaken)[side];
  const residue = link.sides[side]?.residue;
  if (residue && row in residue) return residue[row];
  return link.sides[side] ? link.snapshot?.[row] : undefined;
}

function stateOf(link: Link, row: PropertyRow, sides: Record<Side, SideValue>): RowValues['state'] {
  if (link.conflicts.some((conflict) => conflict.row === row.id)) return 'conflict';
  if (notTakenOf(link, row.id)) return 'notTaken';
  if (row.write === 'create') return 'onCreation';
  if (SIDES.some((side) => sides[side].value === undefined)) return 'unknown';
  return sameValue(sides.zendesk.value, sides.pms.value) ? 'agreed' : 'differs';
}
