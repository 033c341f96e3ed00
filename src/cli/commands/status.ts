import type { Command } from 'commander';
import { gatherStatus, worriesOf, type Status } from '../../operator/status';
import { LINK_STATUSES } from '../../sync/link';
import { ENTITY_TYPES } from '../../sync/record';
import { common } from '../common';
import { withService, type CommonOptions } from '../connect';
import { paint, printJson, printLine, printTable } from '../output';

export function registerStatus(program: Command): void {
  common(
    program
      .command('status')
      .description(
        'how the sync stands: pairs, lag, rate budget, Schedules; exit code 1 if anything needs a person',
      ),
    'zendesk-pms-sync status',
  ).action(async (options: CommonOptions) =>
    withService(options, async ({ config, store, client, mongo }) => {
      const { taskQueue, mongodbDatabase } = config;
      const db = mongo.db(mongodbDatabase);
      const status = await gatherStatus({ store, client, db, taskQueue, now: () => new Date() });
      const worries = worriesOf(status, { zendesk: config.zendeskPollSeconds, pms: config.pmsPollSeconds });
      if (options.json) printJson({ ...status, worries });
      else print(status, worries);
      if (worries.length > 0) process.exitCode = 1;
    }),
  );
}

function print(
  { pairs, streams, budgets, schedules, workers, waitingRecords }: Status,
  worries: string[],
): void {
  printTable(
    ['pairs', ...LINK_STATUSES, 'paused'],
    ENTITY_TYPES.map((type) => {
      const { pausedSince, heldBack } = pairs[type];
      const paused = pausedSince === null ? '—' : `since ${pausedSince}, ${heldBack} held back`;
      return [type, ...LINK_STATUSES.map((status) => String(pairs[type][status])), paused];
    }),
  );
  printLine();
  printTable(
    ['stream', 'read to its end', 'last change'],
    streams.map(({ name, lagSeconds, movedAt }) => [
      name,
      lagSeconds === null ? 'not yet' : `${lagSeconds} s ago`,
      movedAt ?? '—',
    ]),
  );
  printLine();
  printTable(
    ['rate budget', 'left', 'of', ''],
    budgets.map(({ name, left, limit, blockedUntil }) => [
      name,
      String(left),
      `${limit} a minute`,
      blockedUntil === null ? '' : `no call before ${blockedUntil}`,
    ]),
  );
  printLine();
  printTable(
    ['Schedule', 'state', 'last run', 'next run'],
    schedules.map(({ id, exists, paused, running, lastRun, nextRun }) => [
      id,
      !exists ? 'not there' : paused ? 'paused' : running ? 'running' : 'waiting',
      lastRun ?? '—',
      paused ? '—' : (nextRun ?? '—'),
    ]),
  );
  printLine();
  printLine(
    `${workers} ${workers === 1 ? 'worker' : 'workers'}, ${waitingRecords} records waiting for their pairs`,
  );
  for (const worry of worries) printLine(paint('yellow', `! ${worry}`));
  if (worries.length === 0) printLine(paint('green', 'all is well'));
}
