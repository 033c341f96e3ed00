import type { LinkedSide } from '../link';
import type { SyncRecord } from '../record';

/** Rules: which observations are too old, or too vague in time, to be planned by. */

export interface SeenRecord {
  record: SyncRecord;
  fresh: boolean;
}

/** The link holds a later state of the record than an export showed. The observation is passed over. */
export function isBehind({ record, fresh }: SeenRecord, known: LinkedSide): boolean {
  return record.order < known.order && !fresh;
}

/**
 * An export shows other values at the order that the link holds. A coarse clock cannot tell an old page of the export
 * from a second change within one tick, so the record is read.
 *
 * @param differs compares the record's values with the link's; asked only where it matters
 */
export function isDoubtful(
  { record, fresh }: SeenRecord,
  known: LinkedSide,
  differs: (record: SyncRecord) => boolean,
): boolean {
  return !fresh && record.order === known.order && differs(record);
}
