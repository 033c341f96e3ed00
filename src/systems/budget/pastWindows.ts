import type { Collection, Db } from 'mongodb';
import { SIDES, type Side } from '../../sync/record';
import type { BucketDocument, BudgetWindow } from './budgetWindow';

/** How much of one window of a limit was used. */
export interface UsedWindow {
  side: Side;
  /** `account`, `exports` */
  bucket: string;
  endsAt: Date;
  limit: number;
  /** By all. */
  used: number;
  /** By workers. */
  ours: number;
}

export interface PastDocument {
  _id: string;
  /** `zendesk:account` */
  bucket: string;
  endsAt: number;
  limit: number;
  used: number;
  /** Missing where an earlier version kept it. */
  ours?: number;
}

/** Windows of a limit that are kept once they are over: an hour of them. A slot is written over by a later window. */
const SLOTS = 64;

/** Keeps a window that is over. */
export async function keepPast(
  past: Collection<PastDocument>,
  bucket: string,
  { window, endsAt, limit, used, ours }: BudgetWindow,
): Promise<void> {
  const _id = `${bucket}#${window % SLOTS}`;
  await past.replaceOne({ _id }, { bucket, endsAt, limit, used, ours }, { upsert: true });
}

/** Windows that ended since, or are under way, in the order of time. One in which nobody called leaves nothing. */
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
