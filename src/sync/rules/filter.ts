import type { EntityMapping } from '../mapping';
import type { SyncRecord } from '../record';
import { sameValue } from '../values';
import { offers } from './absence';
import { PUBLIC, hiddenReason } from './visibility';

/**
 * Rule: which records are in scope. A property that the side does not have excludes no record. The visibility is an
 * exception: while it is not known, a filter by visibility excludes the record.
 *
 * @returns why the record is out of scope; null if it is in scope
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
