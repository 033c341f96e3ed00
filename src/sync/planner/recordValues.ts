import type { RefKey, SyncRecord, Values } from '../record';
import { rests } from '../rules/absence';
import { untilShown } from '../rules/visibility';
import { canonicalOf, type Pair } from './plannedPair';

/** A record's values in canonical form. */
export interface RecordValues {
  /** By row id. */
  values: Values;
  /** Values that do not fit the mapping, in words for a person. */
  problems: string[];
  /** Records that the values point to and that are not linked. */
  waitsFor: RefKey[];
}

export function canonicalValues(pair: Pair, record: SyncRecord): RecordValues {
  const { side } = record.ref;
  const result: RecordValues = { values: {}, problems: [], waitsFor: [] };
  for (const row of pair.table.rows) {
    if (!row[side]) continue;
    if (rests(row, { [side]: record })) {
      const value = row.restsOn ? undefined : untilShown(row);
      if (value !== undefined) result.values[row.id] = value;
      continue;
    }
    const value = canonicalOf(pair, row, side, record);
    if (value.ok) result.values[row.id] = value.value;
    else if ('problem' in value) result.problems.push(value.problem);
    else result.waitsFor.push(value.waitsFor);
  }
  return result;
}
