import { WorkflowNotFoundError } from '@temporalio/client';
import type { CanonicalKey } from '../sync/canonicalKey';
import type { OperatorContext } from './operatorContext';

/** An activity that a pair's workflow is running now. */
export interface Work {
  activity: string;
  attempt: number;
  lastFailure: string | null;
  nextAttempt: string | null;
}

export async function workOf(
  { client, pairPrefix }: Pick<OperatorContext, 'client' | 'pairPrefix'>,
  key: CanonicalKey,
): Promise<Work[]> {
  try {
    const { raw, status } = await client.workflow.getHandle(`${pairPrefix}${key}`).describe();
    if (status.name !== 'RUNNING') return [];
    const activities = (raw.pendingActivities ?? []).map((activity) => ({
      activity: activity.activityType?.name ?? 'unknown',
      attempt: activity.attempt ?? 1,
      lastFailure: activity.lastFailure?.message ?? null,
      nextAttempt: activity.scheduledTime
        ? new Date(Number(activity.scheduledTime.seconds?.toString()) * 1000).toISOString()
        : null,
    }));
    return activities.length > 0
      ? activities
      : [{ activity: 'its workflow', attempt: 1, lastFailure: null, nextAttempt: null }];
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return [];
    throw error;
  }
}
