import type { Collection, Db } from 'mongodb';
import { SIDES, type Side } from '../../sync/record';
import type { BucketDocument, BudgetWindow } from './budgetWindow';

/** The use of one window of a limit. */
export interface UsedWindow {
  side: Side;
  /** `account`, `exports` */
  bucket: string;
  endsAt: Date;
  limit: number;
  /** Calls of all users of the account. */
  used: number;
  /** Calls of the workers. */
  ours: number;
}

export interface PastDocument {
  _id: string;
  /** `zendesk:account` */
  bucket: string;
  endsAt: number;
  limit: number;
  used: number;
  /** Absent if an earlier version stored the window. */
  ours?: number;
}

/** The number of past windows of a limit that are kept: one hour. A later window replaces the oldest. */
const SLOTS = 64;

/** Stores a window after its end. */
export async function keepPast(
  past: Collection<PastDocument>,
  bucket: string,
  { window, endsAt, limit, used, ours }: BudgetWindow,
): Promise<void> {
  const _id = `${bucket}#${window % SLOTS}`;
  await past.replaceOne({ _id }, { bucket, endsAt, limit, used, ours }, { upsert: true });
}

/** The windows since a time, including the present one, in their order. A window without calls is not stored. */
export async function usedSince(db: Db, from: Date): Promise<UsedWindow[]> {
  const past = await db.collection<PastDocument>('budgetWindows').find().toArray();
  const present = await db.collection<BucketDocument>('budgets').find().toArray();
  const windows = [...past, ...present.map((state) => ({ ...state, bucket: state._id }))];
  return windows
    .filter(({ endsAt }) => endsAt >= from.getTime())
    .sort((a, b) => a.endsAt - b.endsAt)
    .flatMap(({ bucket, endsAt, limit, used, ours = used }) => {
      const side = SIDES.find((each) => bucket.startsWith(`${each}:`));
      const name = side && bucket.slice(side.length + 1);
      return side && name ? [{ side, bucket: name, endsAt: new Date(endsAt), limit, used, ours }] : [];
    });
}
