import type { EntityMapping, Mapping, PropertyRow } from '../sync/mapping';
import { ENTITY_TYPES, type EntityType } from '../sync/record';
import { bindingsOf } from '../sync/rules/sameFields';

/** One difference between two mappings. */
export interface MappingChange {
  entity: EntityType;
  /** The row's properties, `subject ↔ title`; null if the difference concerns the whole table. */
  row: string | null;
  change: 'added' | 'removed' | 'changed';
  /** One entry for each field, e.g. `winner: latest → pms`; empty if the whole row was added or removed. */
  details: string[];
}

/** Lists what changes for the sync if one mapping replaces another. */
export function diffMappings(before: Mapping, after: Mapping): MappingChange[] {
  return ENTITY_TYPES.flatMap((type) => diffTables(before.entities[type], after.entities[type]));
}

function diffTables(before: EntityMapping, after: EntityMapping): MappingChange[] {
  const entity = after.entity;
  const changes: MappingChange[] = [];
  const whole = differences(settingsOf(before), settingsOf(after));
  if (whole.length > 0) changes.push({ entity, row: null, change: 'changed', details: whole });
  const old = new Map(before.rows.map((row) => [identity(row), row]));
  for (const row of after.rows) {
    const former = old.get(identity(row));
    old.delete(identity(row));
    if (!former) {
      const elsewhere = before.rows.find(({ id }) => id === row.id);
      const details = elsewhere ? [`was ${titleOf(elsewhere)}`, firstMeetingText(row)] : [];
      changes.push({ entity, row: titleOf(row), change: 'added', details });
    } else {
      const details = differences(plain(former), plain(row));
      if (bindingsOf(before)[row.id] !== bindingsOf(after)[row.id]) details.push(firstMeetingText(row));
      if (details.length > 0) changes.push({ entity, row: titleOf(row), change: 'changed', details });
    }
  }
  for (const row of old.values()) changes.push({ entity, row: titleOf(row), change: 'removed', details: [] });
  return changes;
}

/** What the planner does with a row whose agreed value belongs to other fields, or is in another form. */
function firstMeetingText({ direction, winner }: PropertyRow): string {
  const decides = direction === 'both' ? `winner ${winner}` : `direction ${direction}`;
  return `its values meet for the first time: nothing is emptied, and if both sides have a value, ${decides} decides`;
}

/** The snapshot is kept by row id and direction: the visibility of comments may have one row for each direction. */
function identity(row: PropertyRow): string {
  return `${row.id} ${row.zendesk ?? ''} ${row.pms ?? ''}`;
}

function titleOf(row: PropertyRow): string {
  return `${row.zendesk ?? '—'} ↔ ${row.pms ?? '—'}`;
}

function settingsOf({ rows: _, entity: __, ...settings }: EntityMapping): Record<string, unknown> {
  return settings;
}

function plain(row: PropertyRow): Record<string, unknown> {
  const { transform } = row;
  if (transform.kind !== 'enum') return { ...row };
  return { ...row, transform: { kind: 'enum', table: Object.fromEntries(transform.toPms) } };
}

function differences(before: Record<string, unknown>, after: Record<string, unknown>): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .map((name) => [
      name,
      JSON.stringify(before[name]) ?? 'nothing',
      JSON.stringify(after[name]) ?? 'nothing',
    ])
    .filter(([, from, to]) => from !== to)
    .map(([name, from, to]) => `${name}: ${from} → ${to}`);
}
