import type { Db } from 'mongodb';
import { MINUTE_MS, isOver, usedByOthers, type BudgetWindow } from './budgetWindow';

/**
 * The state of a limit, by the count of the workers. Limits of single records are not shown: each worker has its own.
 */
export interface CurrentBudget {
  /** `zendesk:account` */
  name: string;
  /** The calls that a window allows. */
  limit: number;
  /** The length of a window in seconds. */
  windowSeconds: number;
  /** The remaining calls of the present window. */
  left: number;
  /** The permits that workers leased in the present window. */
  ours: number;
  /** The calls of others in the present window, as far as answers showed. */
  others: number;
  /** The expected calls of others in a whole window, if a share is left to them. */
  expectedOfOthers: number;
  /** ISO time until which no call is sent, because the API asked for it; null if calls are allowed. */
  blockedUntil: string | null;
}

/** The fields that a document of an earlier version lacks. */
type Stored = Pick<BudgetWindow, 'limit' | 'used' | 'endsAt' | 'blockedUntil'> &
  Partial<BudgetWindow> & { _id: string };

/** All limits of the workers. Reading them uses no permit. */
export async function currentBudgets(db: Db, now: Date): Promise<CurrentBudget[]> {
  const windows = await db.collection<Stored>('budgets').find().sort({ _id: 1 }).toArray();
  return windows.map((window) => {
    const { limit, used, ours = used, windowMs = MINUTE_MS, expected = 0, blockedUntil } = window;
    const over = isOver(window, now.getTime());
    return {
      name: window._id,
      limit,
      windowSeconds: windowMs / 1000,
      left: over ? limit : Math.max(0, limit - used),
      ours: over ? 0 : ours,
      others: over ? 0 : usedByOthers({ used, ours }),
      expectedOfOthers: Math.round(expected),
      blockedUntil: blockedUntil > now.getTime() ? new Date(blockedUntil).toISOString() : null,
    };
  });
}

/**
 * Ends the blocks of limits that answers asked for. Workers notice this within a second. A retry that Temporal has
 * scheduled already still waits for its time, at most 15 minutes.
 * @returns the names of the limits that were blocked
 */
export async function liftBlocks(db: Db, now: Date, only: string | null = null): Promise<string[]> {
  const blocked = (await currentBudgets(db, now)).filter(
    ({ name, blockedUntil }) => blockedUntil !== null && (only === null || name === only),
  );
  const names = blocked.map(({ name }) => name);
  if (names.length > 0)
    await db.collection<Stored>('budgets').updateMany({ _id: { $in: names } }, { $set: { blockedUntil: 0 } });
  return names;
}
