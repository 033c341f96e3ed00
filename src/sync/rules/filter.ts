import type { EntityMapping } from '../mapping';
import type { SyncRecord } from '../record';
import { sameValue } from '../values';
import { offers } from './absence';
import { PUBLIC, hiddenReason } from './visibility';

/**
 * Rule: which records take part. A property that the side does not offer keeps no record out, but for the visibility: until
 * it is known, a record that is wanted by it is left alone.
 * @returns why a record does not; null where it does
 */
export function filterReason(table: EntityMapping, record: SyncRecord): string | null {
  for (const [property, allowed] of Object.entries(table.filter[record.ref.side])) {
    if (!offers(record, property) && property !== PUBLIC) continue;
    if (!allowed.some((value) => sameValue(value, record.values[property]))) {
      return `filtered out: ${property} is not one of ${allowed.map((value) => JSON.stringify(value)).join(', ')}`;
    }
  }
  return hiddenReason(table, record);
}
