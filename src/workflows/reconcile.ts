import {
  ActivityFailure,
  continueAsNew,
  defineQuery,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ReconcileStep, UpkeepActivities, WalkActivities, WalkOutcome } from '../activities/types';
import { addFindings, noFindings, type AllFindings, type ReconcileReport } from '../sync/findings';
import { ENTITY_TYPES, SIDES, type Side } from '../sync/record';
import { isHistoryLong } from './historyLength';
import { PRIORITY, taskQueueOf } from '../sync/taskQueues';

export interface ReconcileProgress {
  run: string;
  startedAt: string;
  /** All walks, in order; null until they are known. */
  steps: ReconcileStep[] | null;
  /** The number of steps that are done. After the walks, there is one sweep for each side. */
  done: number;
  cursor: string | null;
  findings: AllFindings;
  failed: ReconcileReport['failed'];
}

/** The progress, and the findings so far. */
export const reconcileProgress = defineQuery<ReconcileProgress>('progress');

const { reconcileSteps, saveReport } = proxyActivities<UpkeepActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '15 seconds',
  priority: PRIORITY.background,
});

function walker(side: Side): WalkActivities {
  return proxyActivities<WalkActivities>({
    taskQueue: taskQueueOf(workflowInfo().taskQueue, side, 'background'),
    // Ten pages, each of which may wait for the next minute of a scarce limit.
    startToCloseTimeout: '1 hour',
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '2 minutes' },
    priority: PRIORITY.background,
  });
}

/**
 * Walks all records of both sides, and then the records of links that the walks did not find. Compares each with its
 * link, and signals pairs that differ to read both records again. Writes a report. A walk that fails is reported, and
 * the others go on.
 */
export async function reconcile(
  { full }: { full: boolean },
  carried?: ReconcileProgress,
): Promise<ReconcileReport> {
  const progress: ReconcileProgress = carried ?? {
    run: workflowInfo().runId,
    startedAt: new Date().toISOString(),
    steps: null,
    done: 0,
    cursor: null,
    findings: noFindings(),
    failed: [],
  };
  setHandler(reconcileProgress, () => progress);
  const { run } = progress;
  const steps = (progress.steps ??= await reconcileSteps({ full }));
  const sweeps = SIDES.map((side) => ({ side, kinds: kindsOf(side, steps) }));

  while (progress.done < steps.length + sweeps.length) {
    const step = steps[progress.done];
    const sweep = sweeps[progress.done - steps.length];
    try {
      const { cursor } = progress;
      if (step) {
        const { side, kind, since } = step;
        addOutcome(progress, await walker(side).walkRecords({ run, kind, since, cursor }));
      } else if (sweep) {
        const failed = new Set(progress.failed.map(({ what }) => what));
        const kinds = sweep.kinds.filter((kind) => !failed.has(`${sweep.side} ${kind}`));
        addOutcome(progress, await walker(sweep.side).sweepUnseen({ run, kinds, after: cursor }));
      }
    } catch (error) {
      if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
      const what = step ? `${step.side} ${step.kind}` : `links of ${sweep?.side}`;
      progress.failed.push({ what, why: error.cause?.message ?? error.message });
      progress.done += 1;
      progress.cursor = null;
    }
    if (isHistoryLong()) await continueAsNew<typeof reconcile>({ full }, progress);
  }

  const { startedAt, findings, failed } = progress;
  const report = { run, startedAt, finishedAt: new Date().toISOString(), full, findings, failed };
  await saveReport(report);
  setCurrentDetails(inWords(report));
  return report;
}

function addOutcome(progress: ReconcileProgress, { cursor, findings }: WalkOutcome): void {
  progress.findings = addFindings(progress.findings, findings);
  progress.cursor = cursor;
  if (cursor === null) progress.done += 1;
}

/**
 * Kinds of which all records were walked. After a walk of recent records only, a record that was not met may be older.
 */
function kindsOf(side: Side, steps: ReconcileStep[]): string[] {
  return steps.filter((step) => step.side === side && step.since === null).map(({ kind }) => kind);
}

function inWords({ findings, failed }: ReconcileReport): string {
  const lines = ENTITY_TYPES.map((entity) => {
    const { agrees, missing, drifted, ended, returned, orphaned, unsettled } = findings[entity];
    return `${entity}: ${agrees} agree, ${drifted} drifted, ${missing} missing, ${ended + orphaned} ended, ${returned} returned, ${unsettled} unsettled`;
  });
  return [...lines, ...failed.map(({ what, why }) => `not walked: ${what} (${why})`)].join('\n\n');
}
