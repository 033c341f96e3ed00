import { ScheduleNotFoundError, type Client } from '@temporalio/client';
import { scheduleIds } from '../workers/schedules';

/** A Schedule of ours as Temporal has it. Times are ISO. */
export interface ScheduleState {
  id: string;
  /** False: it is not there (the service never ran, or it is switched off). */
  exists: boolean;
  paused: boolean;
  note: string;
  /** When it last started a run; null for never. */
  lastRun: string | null;
  nextRun: string | null;
  /** Its interval; null where it follows a calendar, or is not there. */
  everySeconds: number | null;
  /** Whether a run goes on. */
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
