import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Command } from 'commander';
import { lastForecast, type KeptForecast } from '../../../links/forecasts';
import { doneIn } from '../../../sync/backfillTally';
import { ENTITY_TYPES } from '../../../sync/record';
import { meant } from '../../../sync/schemaWords';
import { backfillOf, startBackfill, type BackfillHandle } from '../../../workers/startBackfill';
import {
  backfillProgress,
  cancelBackfill,
  pauseBackfill,
  resumeBackfill,
  type BackfillProgress,
} from '../../../workflows/backfill';
import { common, tabular } from '../common';
import { withService, type CommonOptions, type Connected } from '../withService';
import { BadInput, Problem } from '../../operatorErrors';
import { forecastWords } from '../forecastWords';
import { printJson, printLine, printTable, progressLine } from '../output';
import { commandLine } from '../../../platform/commandLine';
import { printLegend } from '../legend';

const LOOK_MS = 1_000;

interface StartOptions extends CommonOptions {
  wait?: true;
}

/** `backfill`: the first sync of an existing account, in bulk; with `status`, `pause`, `resume` and `cancel`. */
export function registerBackfill(program: Command): void {
  const command = program
    .command('backfill')
    .description('first sync of an existing account, in bulk (docs/backfill.md)');
  common(
    command
      .command('start', { isDefault: true })
      .description('start a backfill, or join the running one')
      .option('--wait', 'show the progress until the end; Ctrl-C leaves the backfill running'),
    'backfill --wait',
  )
    // A misspelt subcommand is an argument of `backfill` for the library. The action reports it as a subcommand.
    .allowExcessArguments()
    .action(async (options: StartOptions, { args: [given] }: Command) => {
      if (given !== undefined) {
        const names = command.commands.map((each) => each.name());
        throw new BadInput(
          `backfill: found "${given}", expected one of ${names.join(', ')}${meant(given, names)}`,
        );
      }
      await withService(options, (service) => start(service, options));
    });
  tabular(
    common(command.command('status').description('show the progress'), 'backfill status --json'),
  ).action(async (options: CommonOptions) =>
    withService(options, async ({ client, config }) => {
      const handle = backfillOf(client, config.taskQueue);
      show(await known(() => handle.query(backfillProgress)), options);
    }),
  );
  for (const [name, signal, what] of [
    ['pause', pauseBackfill, 'finish the pages in progress, and begin no new ones'],
    ['resume', resumeBackfill, 'continue after a pause'],
    ['cancel', cancelBackfill, 'end it; linked pairs stay linked'],
  ] as const) {
    common(command.command(name).description(what), `backfill ${name}`).action(
      async (options: CommonOptions) =>
        withService(options, async ({ client, config }) => {
          const handle = backfillOf(client, config.taskQueue);
          await known(() => handle.signal(signal));
          show(await known(() => handle.query(backfillProgress)), options);
        }),
    );
  }
}

async function start(connected: Connected, options: StartOptions): Promise<void> {
  const { client, config, store, mongo } = connected;
  const kept = await lastForecast(mongo.db(config.mongodbDatabase));
  if (!options.json) printLine(lastForecastWords(kept));
  const handle = await startBackfill(client, store, config.taskQueue);
  if (!options.wait) {
    if (options.json) printJson({ workflowId: handle.workflowId, forecast: kept });
    else printLine(`started; "${commandLine('backfill status')}" shows the progress`);
    return;
  }
  const ended = new AbortController();
  const result = handle.result().finally(() => ended.abort());
  const [progress] = await Promise.all([result, follow(handle, ended.signal)]);
  show(progress, options, { forecast: kept });
  if (progress.failed.length > 0) process.exitCode = 1;
}

/** The forecast of the last `plan`. Only `plan` reads everything that there is to do. */
export function lastForecastWords(kept: KeptForecast | null): string {
  return kept === null
    ? `No forecast: run "${commandLine('plan --summary')}" first to see how long it takes.`
    : `By the plan of ${kept.at} it takes ${forecastWords(kept)}.`;
}

async function follow(handle: BackfillHandle, ended: AbortSignal): Promise<void> {
  const line = progressLine();
  while (!ended.aborted) {
    // Without a running worker, no query is answered.
    const progress = await handle.query(backfillProgress).catch(() => null);
    line.update(progress ? inWords(progress, new Date()) : 'waits for a worker');
    await sleep(LOOK_MS, undefined, { signal: ended }).catch(() => undefined);
  }
  line.finish();
}

/** One line: state, step, records, rate, and the rest of the step, estimated from the times of its records. */
export function inWords(progress: BackfillProgress, now: Date): string {
  const { state, steps, done, tallies, startedAt } = progress;
  const step = steps?.[done];
  const records = doneIn(tallies);
  const seconds = Math.max(1, (now.getTime() - Date.parse(startedAt)) / 1000);
  const ending = state === 'done' || state === 'cancelled' ? [] : ['ending'];
  const where = step ? [`${step.side} ${step.kind} (step ${done + 1} of ${steps?.length ?? 0})`] : ending;
  const left = secondsLeft(progress, now);
  return [
    state,
    ...where,
    `${records} records, ${(records / seconds).toFixed(0)}/s`,
    ...(left === null ? [] : [`about ${inMinutes(left)} left of this step`]),
  ].join(' · ');
}

/** Seconds left, estimated from the times of the step's records; null without an estimate. */
export function secondsLeft({ step, startedAt }: BackfillProgress, now: Date): number | null {
  if (step.first === null || step.reached === null) return null;
  const all = Date.parse(startedAt) - Date.parse(step.first);
  const come = Date.parse(step.reached) - Date.parse(step.first);
  if (come <= 0 || come >= all) return null;
  const spent = (now.getTime() - Date.parse(step.startedAt)) / 1000;
  return Math.max(0, (spent * (all - come)) / come);
}

function inMinutes(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

function show(
  progress: BackfillProgress,
  { json }: CommonOptions,
  more: { forecast?: KeptForecast | null } = {},
): void {
  const now = new Date();
  if (json) {
    const records = doneIn(progress.tallies);
    printJson({ ...progress, records, secondsLeft: secondsLeft(progress, now), ...more });
    return;
  }
  printLine(inWords(progress, now));
  printTable(
    [
      'entity',
      'Zendesk',
      'PMS',
      'made in PMS',
      'made in Zendesk',
      'joined',
      'agreed',
      'ignored',
      'ended',
      'left',
    ],
    ENTITY_TYPES.map((type) => {
      const { read, created, joined, agreed, ignored, ended, left } = progress.tallies[type];
      const counts = [
        read.zendesk,
        read.pms,
        created.pms,
        created.zendesk,
        joined,
        agreed,
        ignored,
        ended,
        left,
      ];
      return [type, ...counts.map(String)];
    }),
  );
  printLegend(
    MEANINGS,
    ENTITY_TYPES.map((type) => progress.tallies[type]),
  );
  for (const { what, why } of progress.failed) printLine(`not done: ${what} (${why})`);
}

const MEANINGS: Record<'joined' | 'agreed' | 'ignored' | 'ended' | 'left', string> = {
  joined: 'linked with a record that existed already',
  agreed: 'was linked and in sync already',
  ignored: 'is out of scope: a filter excludes it, or it is a ticket’s first comment',
  ended: 'was deleted or archived before it was linked',
  left: 'is synced one by one, or waits for a person or another record; see status',
};

async function known<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new Problem(`no backfill runs; "${commandLine('backfill --wait')}" begins one`);
    throw error;
  }
}
