import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowIdConflictPolicy, type WorkflowHandle } from '@temporalio/client';
import type { Command } from 'commander';
import type { ReconcileReport } from '../../../sync/findings';
import { ENTITY_TYPES } from '../../../sync/record';
import { reconcile as reconcileWorkflow } from '../../../workflows';
import { reconcileId } from '../../../workflows/ids';
import { reconcileProgress } from '../../../workflows/reconcile';
import { common } from '../common';
import { loadNaming } from '../../naming';
import { rowWords, type Naming } from '../../titles';
import { withService, type CommonOptions, type Connected } from '../withService';
import { printJson, printLine, printTable, progressLine } from '../output';
import { positive } from '../targets';
import { printLegend } from '../legend';

const LOOK_MS = 1_000;

interface RunOptions extends CommonOptions {
  full: boolean;
}

interface ReportOptions extends CommonOptions {
  last: number;
}

/** `reconcile`: compares both sides now, and shows progress and report. `reconcile report`: shows earlier reports. */
export function registerReconcile(program: Command): void {
  const command = program.command('reconcile').description('compare both sides with the link store');
  common(
    command
      .command('run', { isDefault: true })
      .description('compare all records of both sides with the link store, and repair the differences')
      .option('--full', 'all comments, not only those since the last reconcile', false),
    'reconcile --full',
  ).action(async (options: RunOptions) => withService(options, (service) => run(service, options)));
  common(
    command
      .command('report')
      .description('show what the latest reconciles found')
      .option('--last <n>', 'how many', positive('--last'), 1),
    'reconcile report --last 7',
  ).action(async (options: ReportOptions) =>
    withService(options, async (service) => {
      const { store } = service;
      const reports = await store.upkeep.reportsFirst(options.last);
      if (options.json) return printJson(reports);
      if (reports.length === 0) printLine('no reconcile has ended yet');
      const naming = await loadNaming(service);
      for (const report of reports) print(report, naming);
    }),
  );
}

async function run(service: Connected, { full, json }: RunOptions): Promise<void> {
  const { client, config } = service;
  const handle = await client.workflow.start(reconcileWorkflow, {
    workflowId: `${reconcileId(config.taskQueue)}-now`,
    taskQueue: config.taskQueue,
    args: [{ full }],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
  });
  const ended = new AbortController();
  const result = handle.result().finally(() => ended.abort());
  const [report] = await Promise.all([result, follow(handle, ended.signal)]);
  if (json) printJson(report);
  else print(report, await loadNaming(service));
  if (report.failed.length > 0) process.exitCode = 1;
}

async function follow(handle: WorkflowHandle, ended: AbortSignal): Promise<void> {
  const line = progressLine();
  while (!ended.aborted) {
    // Without a running worker, no query is answered.
    const progress = await handle.query(reconcileProgress).catch(() => null);
    const step = progress?.steps?.[progress.done];
    const walked = ENTITY_TYPES.map((type) => progress?.findings[type].walked).reduce(
      (sum, each) => sum + (each?.zendesk ?? 0) + (each?.pms ?? 0),
      0,
    );
    line.update(
      progress
        ? `${step ? `${step.side} ${step.kind}` : 'links that were not met'}: ${walked} records so far`
        : 'waits for a worker',
    );
    await sleep(LOOK_MS, undefined, { signal: ended }).catch(() => undefined);
  }
  line.finish();
}

const MEANINGS: Record<
  'drifted' | 'missing' | 'ended' | 'orphaned' | 'returned' | 'unsettled' | 'not taken' | 'signalled',
  string
> = {
  drifted: 'values of the two records differ',
  missing: 'a record has no counterpart yet',
  ended: 'a record was deleted or archived, and its pair has not ended',
  orphaned: 'a record no longer exists, and no side reported its end',
  returned: 'a record exists again, although its pair ended',
  unsettled: 'pending, in conflict or in quarantine',
  'not taken': 'in sync, except for a value that one side refused',
  signalled: 'pairs that were asked to read both records again',
};

function print(
  { run: id, startedAt, finishedAt, full, findings, failed }: ReconcileReport,
  naming: Naming,
): void {
  printLine(`reconcile ${id}${full ? ' (full)' : ''}: ${startedAt} to ${finishedAt}`);
  printTable(
    [
      'entity',
      'Zendesk',
      'PMS',
      'agree',
      'drifted',
      'missing',
      'ended',
      'orphaned',
      'returned',
      'unsettled',
      'not taken',
      'signalled',
    ],
    ENTITY_TYPES.map((type) => {
      const { walked, agrees, drifted, missing, ended, orphaned, returned, unsettled, told } = findings[type];
      // Reports of an earlier release lack this count.
      const { notTaken = 0 } = findings[type];
      const counts = [agrees, drifted, missing, ended, orphaned, returned, unsettled, notTaken, told];
      return [type, ...[walked.zendesk, walked.pms, ...counts].map(String)];
    }),
  );
  printLegend(
    MEANINGS,
    ENTITY_TYPES.map((type) => {
      const { notTaken = 0, told } = findings[type];
      return { ...findings[type], 'not taken': notTaken, signalled: told };
    }),
  );
  for (const entity of ENTITY_TYPES) {
    const { rows, examples } = findings[entity];
    const drifted = Object.entries(rows).sort(([, a], [, b]) => b - a);
    if (drifted.length > 0)
      printLine(
        `${entity}, drifted properties: ${drifted.map(([row, count]) => `${rowWords(naming, entity, row)} ${count}`).join(', ')}`,
      );
    for (const key of examples) printLine(`signalled: ${key}`);
  }
  for (const { what, why } of failed) printLine(`not walked: ${what} (${why})`);
}
