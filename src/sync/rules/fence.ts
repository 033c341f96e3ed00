import type { LinkedSide } from '../link';
import type { SyncRecord } from '../record';

/** Rules: which observations are too old, or may be too old, to plan by. */

export interface SeenRecord {
  record: SyncRecord;
  fresh: boolean;
}

/**
 * Whether an export showed the record with a smaller order than the link has. The planner does not merge such an
 * observation: either it equals the link, or it is doubtful ({@link isDoubtful}) and the record is read.
 */
export function isBehind({ record, fresh }: SeenRecord, known: LinkedSide): boolean {
  return record.order < known.order && !fresh;
}

/**
 * Whether an export shows other content than the link has, but not a greater order. The page of the export may be old;
 * or there was a second change within one tick of a coarse clock; or the side's order went back (a backup was restored,
 * the clock was set back). Only the record itself shows which, so it is read.
 *
 * @param differs compares the record's values with the link's; called only if the order does not decide
 */
export function isDoubtful(
  { record, fresh }: SeenRecord,
  known: LinkedSide,
  differs: (record: SyncRecord) => boolean,
): boolean {
  if (fresh || record.order > known.order) return false;
  const hasOtherState = record.order < known.order && record.state !== known.state;
  return hasOtherState || differs(record);
}
