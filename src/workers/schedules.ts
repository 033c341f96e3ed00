import {
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleOptions,
} from '@temporalio/client';
import { SIDES, type Side } from '../sync/record';
import { linkHygiene, pollChanges, reconcile } from '../workflows';
import { reconcileId } from '../workflows/ids';

/** The times of the Schedules. */
export interface ScheduleTimes {
  pollSeconds: Record<Side, number>;
  /** A cron expression of five fields, in UTC unless it begins with `CRON_TZ=…`; null for no reconcile. */
  reconcileCron: string | null;
  hygieneMinutes: number;
}

export function pollScheduleId(taskQueue: string, side: Side): string {
  return `${taskQueue}-poll-${side}`;
}

export function reconcileScheduleId(taskQueue: string): string {
  return `${taskQueue}-reconcile`;
}

export function hygieneScheduleId(taskQueue: string): string {
  return `${taskQueue}-hygiene`;
}

/** Runs link hygiene now or, if it is running, once more afterwards. */
export async function triggerLinkHygiene(client: Client, taskQueue: string): Promise<void> {
  await client.schedule.getHandle(hygieneScheduleId(taskQueue)).trigger(ScheduleOverlapPolicy.BUFFER_ONE);
}

/** The ids of all Schedules of a service. The one of the reconcile exists only if a reconcile is configured. */
export function scheduleIds(taskQueue: string): string[] {
  return [
    ...SIDES.map((side) => pollScheduleId(taskQueue, side)),
    hygieneScheduleId(taskQueue),
    reconcileScheduleId(taskQueue),
  ];
}

/** The note of a Schedule that is not paused: what it does. @param seconds its interval; null if it has none */
export function noteOf(id: string, seconds: number | null): string {
  const side = SIDES.find((each) => id.endsWith(`-poll-${each}`));
  if (side) return `Follows ${side}'s changes every ${seconds} s`;
  return id.endsWith('-reconcile')
    ? 'Compares both sides with the link store'
    : `Searches the link store every ${(seconds ?? 0) / 60} min for abandoned work`;
}

/**
 * Creates the Schedules, or updates existing ones to this configuration. A pause that an operator set stays, with its
 * reason. A run that is still going on is not overlapped.
 */
export async function ensureSchedules(
  client: Client,
  taskQueue: string,
  recurrence: ScheduleTimes,
): Promise<void> {
  for (const schedule of schedules(taskQueue, recurrence)) await createOrUpdate(client, schedule);
  if (recurrence.reconcileCron === null) {
    try {
      await client.schedule.getHandle(reconcileScheduleId(taskQueue)).delete();
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    }
  }
}

interface PlannedSchedule extends Pick<ScheduleOptions, 'scheduleId' | 'spec' | 'action'> {
  /** Shown in the Web UI. */
  note: string;
  startsAtOnce: boolean;
}

async function createOrUpdate(
  client: Client,
  { scheduleId, spec, action, note, startsAtOnce }: PlannedSchedule,
): Promise<void> {
  // A missed run need not be repeated: the next one continues from the stored cursors and links.
  const policies = { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 10_000 };
  try {
    await client.schedule.getHandle(scheduleId).update((previous) => ({
      ...previous,
      spec,
      action: action,
      policies: { ...previous.policies, ...policies },
      // While it is paused, the note is the reason for the pause.
      state: previous.state.paused ? previous.state : { ...previous.state, note },
    }));
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    const state = { note, triggerImmediately: startsAtOnce };
    await client.schedule.create({ scheduleId, spec, action, policies, state });
  }
}

function schedules(
  taskQueue: string,
  { pollSeconds, reconcileCron, hygieneMinutes }: ScheduleTimes,
): PlannedSchedule[] {
  const planned: PlannedSchedule[] = SIDES.map((side) => ({
    scheduleId: pollScheduleId(taskQueue, side),
    spec: { intervals: [{ every: pollSeconds[side] * 1000 }] },
    action: {
      type: 'startWorkflow',
      workflowType: pollChanges,
      workflowId: `${taskQueue}-poll-${side}`,
      taskQueue,
      args: [side],
      staticSummary: `Follow ${side}'s changes`,
    },
    note: noteOf(pollScheduleId(taskQueue, side), pollSeconds[side]),
    startsAtOnce: true,
  }));
  planned.push({
    scheduleId: hygieneScheduleId(taskQueue),
    spec: { intervals: [{ every: hygieneMinutes * 60_000 }] },
    action: {
      type: 'startWorkflow',
      workflowType: linkHygiene,
      workflowId: hygieneScheduleId(taskQueue),
      taskQueue,
      args: [],
      staticSummary: 'Search the link store for abandoned work',
    },
    note: noteOf(hygieneScheduleId(taskQueue), hygieneMinutes * 60),
    startsAtOnce: false,
  });
  if (reconcileCron !== null) {
    planned.push({
      scheduleId: reconcileScheduleId(taskQueue),
      spec: { cronExpressions: [reconcileCron] },
      action: {
        type: 'startWorkflow',
        workflowType: reconcile,
        workflowId: reconcileId(taskQueue),
        taskQueue,
        args: [{ full: false }],
        staticSummary: 'Compare both sides with the link store',
      },
      note: noteOf(reconcileScheduleId(taskQueue), null),
      startsAtOnce: false,
    });
  }
  return planned;
}
