import { refKey } from '../sync/canonicalKey';
import type { Cause } from '../sync/journalCauses';
import type { Side, SyncRecord } from '../sync/record';
import { publicMessage } from '../systems/errors';
import type { ChangePage } from '../systems/port';
import type { Unreadable } from '../systems/unreadable';
import type { ActivityContext } from './activityContext';
import { dispatchChanges } from './dispatch';
import { isForLater } from './failures';

/**
 * Dispatches pages although some of their records cannot be processed: those are set aside, and the cursor moves on.
 */

/** Sets unreadable records aside (dead letters), where `status` shows them. */
export async function setAside(
  { store, log }: Pick<ActivityContext, 'store' | 'log'>,
  side: Side,
  unreadable: readonly Unreadable[] = [],
): Promise<void> {
  if (unreadable.length === 0) return;
  log.warn(
    { side, what: unreadable.map(({ name }) => name) },
    'records were set aside because they cannot be read',
  );
  await store.aside.keep(
    unreadable.map(({ ref, name, reason, bytes }) => ({
      what: name,
      side,
      kind: ref ? ('record' as const) : ('nameless' as const),
      reason,
      bytes,
    })),
  );
}

/** Sets the unreadable records of a page aside, and dispatches the others. @returns the number of signalled pairs */
export async function takeIn(
  context: ActivityContext,
  side: Side,
  page: Pick<ChangePage, 'records' | 'gone' | 'unreadable'>,
  cause: Cause,
): Promise<number> {
  await setAside(context, side, page.unreadable);
  return dispatchOrSetAside(context, page, cause);
}

/** Dispatches a page in halves if it fails, to find the record that causes a bug. The record is set aside. */
export async function dispatchOrSetAside(
  context: ActivityContext,
  { records, gone }: Pick<ChangePage, 'records' | 'gone'>,
  cause: Cause,
): Promise<number> {
  try {
    return await dispatchChanges(context, { records, gone, cause });
  } catch (error) {
    if (isForLater(error) || records.length + gone.length === 0) throw error;
    const [record] = records;
    if (records.length === 1 && record && gone.length === 0) return setRecordAside(context, record, error);
    if (records.length === 0) throw error;
    const half = Math.ceil(records.length / 2);
    const withoutGone = gone.length > 0 ? records.length : half;
    const first = await dispatchOrSetAside(
      context,
      { records: records.slice(0, withoutGone), gone: [] },
      cause,
    );
    return first + (await dispatchOrSetAside(context, { records: records.slice(withoutGone), gone }, cause));
  }
}

/** Sets a record aside that causes a bug. @returns 0, the number of signalled pairs */
export async function setRecordAside(
  context: ActivityContext,
  record: SyncRecord,
  error: unknown,
): Promise<number> {
  const what = refKey(record.ref);
  context.metrics.activityFailed('Bug');
  context.log.error({ ref: what, err: error }, 'bug: a record cannot be processed');
  const reason = `bug: ${publicMessage(error)}`;
  await context.store.aside.keep([
    { what, side: record.ref.side, kind: 'record', reason, bytes: sizeOf(record) },
  ]);
  return 0;
}

/** Null if the record cannot be converted to JSON. */
function sizeOf(record: SyncRecord): number | null {
  try {
    return Buffer.byteLength(JSON.stringify(record));
  } catch {
    return null;
  }
}
