import { refKey } from '../canonicalKey';
import type { EntityMapping, Mapping } from '../mapping';
import type { RefKey, SyncRecord } from '../record';

/** The records that a record's values point to. Their counterparts must be known before the pair is planned. */
export function referencesOf(mapping: Mapping, table: EntityMapping, record: SyncRecord): RefKey[] {
  const { side } = record.ref;
  return table.rows.flatMap((row) => {
    if (row.transform.kind !== 'reference') return [];
    const id = row[side] ? record.values[row[side]] : null;
    if (typeof id !== 'string' && typeof id !== 'number') return [];
    return [refKey({ side, kind: mapping.entities[row.transform.entity].kind[side], id: String(id) })];
  });
}
