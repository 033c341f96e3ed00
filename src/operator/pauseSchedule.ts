import type { Client } from '@temporalio/client';
import { noteOf, scheduleIds } from '../workers/schedules';

const WITHIN_MS = 10_000;

export interface SchedulePause {
  id: string;
  paused: boolean;
  why: string;
  /** The person who pauses; the Schedule's note, which the Web UI shows, names them. */
  who: string;
}

/**
 * Pauses or resumes a Schedule. The Schedule's note describes its task. During a pause, the note also has the reason
 * and the person.
 * @returns false if the Schedule does not exist, or is not one of ours
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
