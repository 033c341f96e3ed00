import type { Client } from '@temporalio/client';
import { noteOf, scheduleIds } from '../workers/schedules';

const WITHIN_MS = 10_000;

export interface SchedulePause {
  id: string;
  paused: boolean;
  why: string;
  /** Goes into the note of a pause, which the Web UI shows, too. */
  who: string;
}

/**
 * Pauses or resumes a Schedule. Its note says what it does; during a pause, it says why and by whom it was paused.
 * @returns false where it is none of ours
 */
export async function setPaused(
  { client, taskQueue }: { client: Client; taskQueue: string },
  { id, paused, why, who }: SchedulePause,
): Promise<boolean> {
  if (!scheduleIds(taskQueue).includes(id)) return false;
  const handle = client.schedule.getHandle(id);
  await client.withDeadline(Date.now() + WITHIN_MS, async () => {
    if (paused) return handle.pause(why === '' ? `Paused by ${who}` : `${why} (paused by ${who})`);
    await handle.update(({ spec, state, ...rest }) => {
      const every = spec.intervals?.[0]?.every;
      const note = noteOf(id, every === undefined ? null : Number(every) / 1000);
      return { ...rest, spec, state: { ...state, paused: false, note } };
    });
  });
  return true;
}
