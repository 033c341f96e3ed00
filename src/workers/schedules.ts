import {
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleOptions,
} from '@temporalio/client';
import { SIDES, type Side } from '../sync/record';
import { pollChanges } from '../workflows';

/** Seconds between two polls of each side. */
export type PollIntervals = Record<Side, number>;

export function pollScheduleId(taskQueue: string, side: Side): string {
  return `${taskQueue}-poll-${side}`;
}

/**
 * Creates the Schedules that follow both sides' change streams, or brings existing ones to this configuration.
 * A pause set by an operator stays. A poll that is still running is not overlapped.
 */
export async function ensureSchedules(
  client: Client,
  taskQueue: string,
  every: PollIntervals,
): Promise<void> {
  for (const side of SIDES) {
    const scheduleId = pollScheduleId(taskQueue, side);
    const schedule = pollSchedule(taskQueue, side, every[side]);
    const handle = client.schedule.getHandle(scheduleId);
    try {
      await handle.update((previous) => ({
        ...previous,
        ...schedule,
        policies: { ...previous.policies, ...schedule.policies },
        state: previous.state,
      }));
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
      const state = { note: `Follows ${side}'s changes`, triggerImmediately: true };
      await client.schedule.create({ scheduleId, ...schedule, state });
    }
  }
}

function pollSchedule(
  taskQueue: string,
  side: Side,
  seconds: number,
): Omit<ScheduleOptions, 'scheduleId' | 'state'> & {
  policies: { overlap: ScheduleOverlapPolicy; catchupWindow: number };
} {
  return {
    spec: { intervals: [{ every: seconds * 1000 }] },
    action: {
      type: 'startWorkflow',
      workflowType: pollChanges,
      workflowId: `poll-${side}`,
      taskQueue,
      args: [side],
      staticSummary: `Follow ${side}'s changes`,
    },
    // The cursor remembers; a missed poll is made up for by the next one.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 10_000 },
  };
}
