import { refKey } from '../sync/canonicalKey';
import type { Cause } from '../sync/journalCauses';
import type { Side, SyncRecord } from '../sync/record';
import { publicMessage } from '../systems/errors';
import type { ChangePage } from '../systems/port';
import type { Unreadable } from '../systems/unreadable';
import type { ActivityContext } from './activityContext';
import { dispatchChanges } from './dispatch';
import { isForLater } from './failures';

/** Taking in a page although some of its records cannot be: these are set aside, and the cursor goes on. */

/** Notes what could not be understood where `status` shows it. */
export async function setAside(
  { store, log }: Pick<ActivityContext, 'store' | 'log'>,
  side: Side,
  unreadable: readonly Unreadable[] = [],
): Promise<void> {
  if (unreadable.length === 0) return;
  log.warn({ side, what: unreadable.map(({ name }) => name) }, 'set aside: not as expected');
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

/** Hands a page on to the pairs. @returns how many were told */
export async function takeIn(
  context: ActivityContext,
  side: Side,
  page: Pick<ChangePage, 'records' | 'gone' | 'unreadable'>,
  cause: Cause,
): Promise<number> {
  await setAside(context, side, page.unreadable);
  return handOn(context, page, cause);
}

/** One record that meets an error of ours must not hold up the others. */
export async function handOn(
  context: ActivityContext,
  { records, gone }: Pick<ChangePage, 'records' | 'gone'>,
  cause: Cause,
): Promise<number> {
  try {
    return await dispatchChanges(context, { records, gone, cause });
  } catch (error) {
    if (isForLater(error) || records.length + gone.length === 0) throw error;
    const [record] = records;
    if (records.length === 1 && record && gone.length === 0) return leave(context, record, error);
    if (records.length === 0) throw error;
    const half = Math.ceil(records.length / 2);
    const withoutGone = gone.length > 0 ? records.length : half;
    const first = await handOn(context, { records: records.slice(0, withoutGone), gone: [] }, cause);
    return first + (await handOn(context, { records: records.slice(withoutGone), gone }, cause));
  }
}

/** Sets a record aside that meets an error of ours. @returns how many pairs were told: none */
export async function leave(context: ActivityContext, record: SyncRecord, error: unknown): Promise<number> {
  const what = refKey(record.ref);
  context.metrics.activityFailed('Bug');
  context.log.error({ ref: what, err: error }, 'bug: a record cannot be taken in');
  const reason = `bug: ${publicMessage(error)}`;
  await context.store.aside.keep([
    { what, side: record.ref.side, kind: 'record', reason, bytes: sizeOf(record) },
  ]);
  return 0;
}

/** Null for what JSON cannot say. */
function sizeOf(record: SyncRecord): number | null {
  try {
    return Buffer.byteLength(JSON.stringify(record));
  } catch {
    return null;
  }
}
