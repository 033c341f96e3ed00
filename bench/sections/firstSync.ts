import { setTimeout as sleep } from 'node:timers/promises';
import { startBackfill } from '../../src/workers/backfill';
import { backfillProgress, type BackfillProgress } from '../../src/workflows/backfill';
import { boundOf } from '../backfill/bound';
import { checkBackfill } from '../backfill/check';
import type { AccountSize } from '../backfill/generate';
import { byRoute, callsOf, total, type Bed } from '../bed';
import { residentMb } from '../process';

const LOOK_MS = 200;

export interface FirstSync {
  seconds: number;
  records: number;
  recordsPerSecond: number;
  calls: { made: number; bound: number; ratio: number; perRecord: number; byRoute: Record<string, number> };
  /** Of the worker, MB. */
  memory: { first: number; most: number };
  /** Events of the longest of its runs. */
  events: number;
}

/** How many records there are to be synced. */
export const recordsOf = (size: AccountSize): number =>
  size.organizations + size.customers + size.tickets + size.projects + size.comments + size.notes;

/** Backfills the account and looks from outside whether all is there, and once. The service goes on running. */
export async function firstSync(bed: Bed, size: AccountSize): Promise<FirstSync> {
  const handle = await startBackfill(bed.client, bed.store, bed.name);
  bed.worker.start();
  const memory: number[] = [];
  let begun: number | null = null;
  for (;;) {
    await sleep(LOOK_MS);
    const progress: BackfillProgress | null = await handle.query(backfillProgress).catch(() => null);
    const resident = residentMb(bed.worker.pid);
    if (resident !== null) memory.push(resident);
    if (progress && progress.steps !== null) begun ??= Date.now();
    if (progress?.state === 'done') break;
  }
  const seconds = (Date.now() - (begun ?? Date.now())) / 1000;
  await bed.quiet();
  const problems = checkBackfill(bed.sandboxes);
  if (problems.length > 0)
    throw new Error(`the first sync is not complete:\n${problems.slice(0, 20).join('\n')}`);
  const records = recordsOf(size);
  // The polls of the PMS, which run beside it, read none of these records.
  const calls = (await callsOf(bed.sandboxes)).filter(({ route }) => !route.endsWith('/changes'));
  const made = total(calls);
  const bound = boundOf(size);
  const events: number[] = [];
  for await (const run of bed.client.workflow.list({ query: `WorkflowId = '${handle.workflowId}'` }))
    events.push(run.historyLength);
  return {
    seconds,
    records,
    recordsPerSecond: records / seconds,
    calls: { made, bound, ratio: made / bound, perRecord: made / records, byRoute: byRoute(calls) },
    memory: { first: memory[0] ?? 0, most: Math.max(...memory) },
    events: Math.max(...events),
  };
}
