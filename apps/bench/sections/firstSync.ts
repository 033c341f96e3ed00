import { setTimeout as sleep } from 'node:timers/promises';
import type { ScheduleHandle } from '@temporalio/client';
import { SIDES } from '../../../src/sync/record';
import { pollScheduleId } from '../../../src/workers/schedules';
import { startBackfill } from '../../../src/workers/startBackfill';
import { backfillProgress, type BackfillProgress } from '../../../src/workflows/backfill';
import { boundOf } from '../backfill/bound';
import { checkBackfill } from '../backfill/check';
import type { AccountSize } from '../backfill/generate';
import { byRoute, callsOf, total, type Bed } from '../bed';
import { Clock, residentMb } from '../process';

const LOOK_MS = 200;

export interface FirstSync {
  seconds: number;
  /** Until the pairs that the backfill left work to have ended, too. */
  secondsUntilQuiet: number;
  records: number;
  recordsPerSecond: number;
  calls: { made: number; bound: number; ratio: number; perRecord: number; byRoute: Record<string, number> };
  /** Memory of the worker in MB. */
  memory: { first: number; most: number; last: number };
  /** Seconds of processor time, for processes that ran from the beginning to the end. */
  cpu: Record<string, number>;
  /** Events of the longest run. */
  events: number;
  runs: number;
  tallies: BackfillProgress['tallies'];
  /** Missing, duplicate and different records. */
  problems: string[];
}

/** The number of records to sync. */
export const recordsOf = (size: AccountSize): number =>
  size.organizations + size.customers + size.tickets + size.projects + size.comments + size.notes;

/**
 * Backfills the account and checks from outside that every record has one counterpart. The service continues to run.
 * @param look called from time to time, with the progress
 */
export async function firstSync(
  bed: Bed,
  size: AccountSize,
  look: (progress: BackfillProgress, residentMb: number | null) => Promise<void> = async () => undefined,
): Promise<FirstSync> {
  const handle = await startBackfill(bed.client, bed.store, bed.name);
  bed.worker.start();
  const polls = SIDES.map((side) => bed.client.schedule.getHandle(pollScheduleId(bed.name, side)));
  const paused = Promise.all(polls.map((poll) => bed.until('polls', () => isPaused(poll))));
  const clock = new Clock({
    worker: () => bed.worker.pid,
    mongo: () => bed.servers.mongo.pid,
    temporal: () => bed.servers.temporal.pid,
    'sandboxes and bench': () => process.pid,
  });
  const memory: number[] = [];
  let begun: number | null = null;
  let progress: BackfillProgress | null = null;
  while (progress?.state !== 'done') {
    await sleep(LOOK_MS);
    progress = await handle.query(backfillProgress).catch(() => null);
    const resident = residentMb(bed.worker.pid);
    if (resident !== null) memory.push(resident);
    if (!progress || progress.steps === null) continue;
    begun ??= Date.now();
    await look(progress, resident);
  }
  const since = begun ?? Date.now();
  const seconds = (Date.now() - since) / 1000;
  const cpu = clock.seconds();
  await bed.quiet();
  await paused;
  const records = recordsOf(size);
  // The first polls may have run before the pause. They are not part of the backfill.
  const calls = (await callsOf(bed.sandboxes)).filter(({ route }) => !route.endsWith('/changes'));
  for (const poll of polls) await poll.unpause();
  const made = total(calls);
  const bound = boundOf(size);
  const events: number[] = [];
  for await (const run of bed.client.workflow.list({ query: `WorkflowId = '${handle.workflowId}'` }))
    events.push(run.historyLength);
  return {
    seconds,
    secondsUntilQuiet: (Date.now() - since) / 1000,
    records,
    recordsPerSecond: records / seconds,
    calls: { made, bound, ratio: made / bound, perRecord: made / records, byRoute: byRoute(calls) },
    memory: { first: memory[0] ?? 0, most: Math.max(...memory), last: memory.at(-1) ?? 0 },
    cpu,
    events: Math.max(...events),
    runs: events.length,
    tallies: progress.tallies,
    problems: checkBackfill(bed.sandboxes),
  };
}

/** Pauses the polls of a side, whose calls would be counted as the backfill's. @returns false before the service made it */
async function isPaused(poll: ScheduleHandle): Promise<boolean> {
  return poll.pause('a first sync is measured').then(
    () => true,
    () => false,
  );
}

/** Like {@link firstSync}, and fails if there is a problem. */
export async function completeSync(bed: Bed, size: AccountSize): Promise<FirstSync> {
  const done = await firstSync(bed, size);
  if (done.problems.length > 0)
    throw new Error(`the first sync is not complete:\n${done.problems.slice(0, 20).join('\n')}`);
  return done;
}
