import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import type { MongoClient } from 'mongodb';
import type { Config } from '../../../config/config';
import { openLinkStore } from '../../../links/linkStore';
import { gatherStatus, worriesOf, type Status } from '../../status';
import { LINK_STATUSES } from '../../../sync/link';
import { ENTITY_TYPES } from '../../../sync/record';
import { allSettingsFor, common } from '../common';
import { withServers, type CommonOptions } from '../withService';
import { paint, printJson, printLine, printTable } from '../output';

export function registerStatus(program: Command): void {
  common(
    program
      .command('status')
      .description(
        'the state of the sync: pairs, lag, rate limits, Schedules; exit code 1 if a person must do something',
      ),
    'zendesk-pms-sync status',
  ).action(async (options: CommonOptions) => {
    const configs = allSettingsFor(options);
    const found = await withServers(configs[0], options, async (servers) => {
      const all: Stood[] = [];
      for (const config of configs) all.push(await standing(config, servers));
      return all;
    });
    if (options.json) printJson(asJson(found));
    else found.forEach(print);
    if (found.some(({ worries }) => worries.length > 0)) process.exitCode = 1;
  });
}

/** The state of one connection. */
interface Stood {
  connection: string | null;
  status: Status;
  worries: string[];
}

async function standing(
  { connection, taskQueue, mongodbDatabase, zendeskPollSeconds, pmsPollSeconds }: Config,
  { mongo, client }: { mongo: MongoClient; client: Client },
): Promise<Stood> {
  const db = mongo.db(mongodbDatabase);
  const store = await openLinkStore(db);
  const status = await gatherStatus({ store, client, db, taskQueue, now: () => new Date() });
  const worries = worriesOf(status, { zendesk: zendeskPollSeconds, pms: pmsPollSeconds }, connection);
  return { connection, status, worries };
}

/** Of several connections, by their names. */
function asJson(found: Stood[]): object {
  const told = found.map(({ connection, status, worries }) => ({
    connection,
    stands: { ...status, worries },
  }));
  const only = told.find(({ connection }) => connection === null);
  if (only) return only.stands;
  const byName: Record<string, object> = {};
  for (const { connection, stands } of told) byName[connection ?? ''] = stands;
  return byName;
}

function print({ connection, status, worries }: Stood, n: number): void {
  const { pairs, streams, budgets, schedules, workers, waitingRecords, apiToken } = status;
  if (n > 0) printLine();
  if (connection !== null) printLine(paint('bold', `# ${connection}`));
  printTable(
    ['pairs', ...LINK_STATUSES, 'not taken', 'paused'],
    ENTITY_TYPES.map((type) => {
      const { pausedSince, heldBack, notTaken } = pairs[type];
      const paused = pausedSince === null ? '—' : `since ${pausedSince}, ${heldBack} held back`;
      const counts = [...LINK_STATUSES.map((status) => pairs[type][status]), notTaken];
      return [type, ...counts.map(String), paused];
    }),
  );
  if (ENTITY_TYPES.some((type) => pairs[type].notTaken > 0))
    printLine('not taken: a side refused or ignored a value; see links find --code not_taken');
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
    ['rate budget', 'left', 'of', 'used by us', 'by others', ''],
    budgets.map(({ name, left, limit, windowSeconds, ours, others, blockedUntil }) => [
      name,
      String(left),
      `${limit} ${windowSeconds === 60 ? 'a minute' : `in ${windowSeconds} s`}`,
      String(ours),
      String(others),
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
  if (apiToken && !worries.includes(apiToken.notice)) printLine(apiToken.notice);
  for (const worry of worries) printLine(paint('yellow', `! ${worry}`));
  if (worries.length === 0) printLine(paint('green', 'all is well'));
}
