import {
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleOptions,
} from '@temporalio/client';
import { SIDES, type Side } from '../sync/record';
import { linkHygiene, pollChanges, reconcile } from '../workflows';
import { reconcileId } from '../workflows/ids';

/** What recurs, and how often. */
export interface Recurrence {
  pollSeconds: Record<Side, number>;
  /** Five fields of cron, in UTC or after `CRON_TZ=…`; null for no nightly reconcile. */
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

/** Has the link store searched now, once more where that is under way. */
export async function tidyNow(client: Client, taskQueue: string): Promise<void> {
  await client.schedule.getHandle(hygieneScheduleId(taskQueue)).trigger(ScheduleOverlapPolicy.BUFFER_ONE);
}

/** The ids of all Schedules of a service; that of the reconcile is there only where it is configured. */
export function scheduleIds(taskQueue: string): string[] {
  return [
    ...SIDES.map((side) => pollScheduleId(taskQueue, side)),
    hygieneScheduleId(taskQueue),
    reconcileScheduleId(taskQueue),
  ];
}

/** What a Schedule of ours does, in words: its note while it is not paused. @param seconds its interval, where it has one */
export function noteOf(id: string, seconds: number | null): string {
  const side = SIDES.find((each) => id.endsWith(`-poll-${each}`));
  if (side) return `Follows ${side}'s changes every ${seconds} s`;
  return id.endsWith('-reconcile')
    ? 'Compares both sides with the link store'
    : `Searches the link store every ${(seconds ?? 0) / 60} min for abandoned work`;
}

/**
 * Creates the Schedules, or brings existing ones to this configuration. A pause set by an operator stays, with the
 * reason that was given for it. A run that still goes on is not overlapped.
 */
export async function ensureSchedules(
  client: Client,
  taskQueue: string,
  recurrence: Recurrence,
): Promise<void> {
  for (const schedule of schedules(taskQueue, recurrence)) await ensure(client, schedule);
  if (recurrence.reconcileCron === null) {
    try {
      await client.schedule.getHandle(reconcileScheduleId(taskQueue)).delete();
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    }
  }
}

interface Planned extends Pick<ScheduleOptions, 'scheduleId' | 'spec' | 'action'> {
  /** Shown in the Web UI. */
  note: string;
  atOnce: boolean;
}

async function ensure(client: Client, { scheduleId, spec, action, note, atOnce }: Planned): Promise<void> {
  // A missed run is made up for by the next one: cursors and links remember.
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
    const state = { note, triggerImmediately: atOnce };
    await client.schedule.create({ scheduleId, spec, action, policies, state });
  }
}

function schedules(taskQueue: string, { pollSeconds, reconcileCron, hygieneMinutes }: Recurrence): Planned[] {
  const planned: Planned[] = SIDES.map((side) => ({
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
    atOnce: true,
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
    atOnce: false,
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
      atOnce: false,
    });
  }
  return planned;
}
