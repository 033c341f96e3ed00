import { ScheduleNotFoundError, type Client } from '@temporalio/client';
import { scheduleIds } from '../workers/schedules';

/** The state of one of our Schedules in Temporal. Times are ISO. */
export interface ScheduleState {
  id: string;
  /** False if the service never ran, or if the Schedule is switched off. */
  exists: boolean;
  paused: boolean;
  note: string;
  /** The start of its last run; null if it never ran. */
  lastRun: string | null;
  nextRun: string | null;
  /** Its interval; null if it follows a calendar or does not exist. */
  everySeconds: number | null;
  /** Whether a run is in progress. */
  running: boolean;
}

export async function schedulesOf(client: Client, taskQueue: string): Promise<ScheduleState[]> {
  return Promise.all(scheduleIds(taskQueue).map((id) => stateOf(client, id)));
}

async function stateOf(client: Client, id: string): Promise<ScheduleState> {
  try {
    const { spec, state, info } = await client.schedule.getHandle(id).describe();
    return {
      id,
      exists: true,
      paused: state.paused,
      note: state.note ?? '',
      lastRun: info.recentActions.at(-1)?.takenAt.toISOString() ?? null,
      nextRun: info.nextActionTimes[0]?.toISOString() ?? null,
      everySeconds: spec.intervals?.[0] ? spec.intervals[0].every / 1000 : null,
      running: info.runningActions.length > 0,
    };
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    const never = { lastRun: null, nextRun: null, everySeconds: null };
    return { id, exists: false, paused: false, note: '', ...never, running: false };
  }
}
