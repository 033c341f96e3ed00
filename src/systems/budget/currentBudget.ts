import type { Db } from 'mongodb';
import { MINUTE_MS, isOver, usedByOthers, type BudgetWindow } from './budgetWindow';

/** One limit of one API, as the workers count it. Limits of single records are kept by each worker, and not shown. */
export interface CurrentBudget {
  /** `zendesk:account` */
  name: string;
  /** Calls that its window allows. */
  limit: number;
  /** How long a window lasts, in seconds. */
  windowSeconds: number;
  /** Calls of the present window that are left. */
  left: number;
  /** Calls of the present window that were set aside for workers. */
  ours: number;
  /** Calls of the present window by everybody else, as far as answers told. */
  others: number;
  /** Calls that others are expected to make in a whole window, where they are left room. */
  expectedOfOthers: number;
  /** ISO time until which nobody calls, because the API said so; null where calls may go. */
  blockedUntil: string | null;
}

/** What a document of an earlier version has not. */
type Stored = Pick<BudgetWindow, 'limit' | 'used' | 'endsAt' | 'blockedUntil'> &
  Partial<BudgetWindow> & { _id: string };

/** All limits that the workers keep. Nothing is taken from them by looking. */
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
 * Lets calls go again that an answer asked to hold back: workers see it within a second. What waits in Temporal for its
 * next attempt waits that out, 15 minutes at most.
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
