import type { Db } from 'mongodb';
import { isOver, type BudgetWindow } from './window';

/** One limit of one API, as the workers count it. */
export interface CurrentBudget {
  /** `zendesk:account` */
  name: string;
  /** Calls that its window allows. */
  limit: number;
  /** Calls of the present window that are left. */
  left: number;
  /** ISO time until which nobody calls, because the API said so; null where calls may go. */
  blockedUntil: string | null;
}

/** All limits that the workers keep. Nothing is taken from them by looking. */
export async function currentBudgets(db: Db, now: Date): Promise<CurrentBudget[]> {
  const windows = await db
    .collection<BudgetWindow & { _id: string }>('budgets')
    .find()
    .sort({ _id: 1 })
    .toArray();
  return windows.map((window) => ({
    name: window._id,
    limit: window.limit,
    left: isOver(window, now.getTime()) ? window.limit : Math.max(0, window.limit - window.used),
    blockedUntil: window.blockedUntil > now.getTime() ? new Date(window.blockedUntil).toISOString() : null,
  }));
}
