import type { Link } from '../sync/link';
import type { ActivityContext } from './activityContext';
import { activityLog } from './log';

/** Counts a pair that comes into conflict, and says in the log which properties a person must decide, by their names. */
export function tellNewConflicts(
  { log, metrics }: Pick<ActivityContext, 'log' | 'metrics'>,
  before: Link,
  now: Link,
): void {
  if (now.status !== 'conflict') return;
  if (before.status !== 'conflict') metrics.pairParked(now.entity, 'conflict', 'conflict');
  const known = new Set(before.conflicts.map(({ row }) => row));
  const rows = now.conflicts.flatMap(({ row }) => (known.has(row) ? [] : [row]));
  if (rows.length === 0) return;
  activityLog(log, now._id).warn({ status: 'conflict', code: 'conflict', rows }, 'left to a person');
}
