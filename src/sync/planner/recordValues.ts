import type { RefKey, SyncRecord, Values } from '../record';
import { rests } from '../rules/absence';
import { canonicalOf, type Pair } from './plannedPair';

/** A record's values in canonical form, by row. */
export interface RecordValues {
  values: Values;
  /** For a person: values that do not fit the mapping. */
  problems: string[];
  /** Records that it points to and that are not linked. */
  waitsFor: RefKey[];
}

export function canonicalValues(pair: Pair, record: SyncRecord): RecordValues {
  const { side } = record.ref;
  const result: RecordValues = { values: {}, problems: [], waitsFor: [] };
  for (const row of pair.table.rows) {
    if (!row[side] || rests(row, { [side]: record })) continue;
    const value = canonicalOf(pair, row, side, record);
    if (value.ok) result.values[row.id] = value.value;
    else if ('problem' in value) result.problems.push(value.problem);
    else result.waitsFor.push(value.waitsFor);
  }
  return result;
}
