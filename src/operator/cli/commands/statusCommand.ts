import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import type { Command } from 'commander';
import { MongoClient } from 'mongodb';
import type { Config } from '../../../config/config';
import { openLinkStore } from '../../../links/linkStore';
import { LINK_STATUSES } from '../../../sync/link';
import { ENTITY_TYPES } from '../../../sync/record';
import { clientOver, connectionOptions } from '../../../workers/temporalClient';
import { gatherFacts } from '../../facts';
import type { Status } from '../../status';
import { faultLine, notStarted, verdict, type Verdict } from '../../verdict';
import { allSettingsFor, common } from '../common';
import type { CommonOptions } from '../withService';
import { paint, printJson, printLine, printTable, safe } from '../output';
import { onStopSignal } from '../serveIntake';
import { foundAddress, knownAddress } from '../servers';
import { commandLine } from '../../../platform/commandLine';
import { printLegend } from '../legend';

export function registerStatus(program: Command): void {
  common(
    program
      .command('status')
      .description(
        'is everything all right? If not: what is wrong, since when, what it affects, what to do; then pairs, lag, rate limits, Schedules; exit code 1 if something is wrong',
      )
      .option('--watch', 'refresh it every few seconds, until Ctrl-C'),
    'status',
  ).action(async (options: StatusOptions) => {
    const configs = allSettingsFor(options);
    const look = async () => {
      const found: Found[] = [];
      for (const config of configs) found.push(await stateOf(config, options));
      return found;
    };
    if (options.watch) return watch(look);
    const found = await look();
    if (options.json) printJson(asJson(found));
    else found.forEach(print);
    if (found.some(({ judged }) => !judged.well)) process.exitCode = 1;
  });
}

interface StatusOptions extends CommonOptions {
  watch?: true;
}

/** The state of one connection. */
interface Found {
  connection: string | null;
  /** Null if MongoDB does not answer. */
  status: Status | null;
  judged: Verdict;
}

const WATCH_MS = 5_000;
const SERVER_WITHIN_MS = 5_000;
const CLEAR_SCREEN = '\u001b[2J\u001b[H';

async function watch(look: () => Promise<Found[]>): Promise<void> {
  const stop = new AbortController();
  onStopSignal(() => stop.abort());
  while (!stop.signal.aborted) {
    const found = await look();
    if (process.stdout.isTTY) process.stdout.write(CLEAR_SCREEN);
    printLine(
      paint('dim', `${new Date().toISOString().slice(0, 19)}Z, every ${WATCH_MS / 1000} s; Ctrl-C ends it`),
    );
    found.forEach(print);
    await sleep(WATCH_MS, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}

/** Asks both servers; a server that does not answer is reported. @throws ConfigError if an address is not known */
async function stateOf(config: Config, options: CommonOptions): Promise<Found> {
  const { connection, taskQueue } = config;
  const isKnown = (name: 'temporalAddress' | 'mongodbUri') =>
    foundAddress(name, config, options.data) !== undefined;
  if (!isKnown('temporalAddress') && !isKnown('mongodbUri'))
    return { connection, status: null, judged: notStarted() };
  const address = knownAddress('temporalAddress', config, options.data);
  const temporal = Connection.lazy({
    address,
    ...connectionOptions(config),
    connectTimeout: SERVER_WITHIN_MS,
  });
  const mongo = new MongoClient(knownAddress('mongodbUri', config, options.data), {
    serverSelectionTimeoutMS: SERVER_WITHIN_MS,
  });
  try {
    const db = mongo.db(config.mongodbDatabase);
    const facts = await gatherFacts({
      connection,
      client: clientOver(temporal, config, null),
      database: async () => ({ db, store: await openLinkStore(db) }),
      taskQueue,
      dataDir: options.data,
      now: () => new Date(),
    });
    const fault = facts.temporal === null ? null : `${address}: ${facts.temporal}`;
    return { connection, status: facts.status, judged: verdict({ ...facts, temporal: fault }) };
  } finally {
    await temporal.close();
    await mongo.close();
  }
}

/** With several connections, an object with their names as keys. */
function asJson(found: Found[]): object {
  const states = found.map(({ connection, status, judged }) => ({
    connection,
    state: { ...status, verdict: judged, worries: judged.faults.map(faultLine) },
  }));
  const only = states.find(({ connection }) => connection === null);
  if (only) return only.state;
  const byName: Record<string, object> = {};
  for (const { connection, state } of states) byName[connection ?? ''] = state;
  return byName;
}

function print({ connection, status, judged }: Found, n: number): void {
  if (n > 0) printLine();
  if (connection !== null) printLine(paint('bold', `# ${connection}`));
  if (judged.well) printLine(paint('green', judged.line));
  for (const fault of judged.faults)
    printLine(paint(fault.weight === 'outage' ? 'red' : 'yellow', `! ${safe(faultLine(fault))}`));
  if (!status) return;
  printLine();
  printStatus(status);
}

function printStatus(status: Status): void {
  const { pairs, streams, budgets, schedules, workers, waitingRecords, apiToken } = status;
  printTable(
    ['pairs', ...LINK_STATUSES, 'not taken', 'paused'],
    ENTITY_TYPES.map((type) => {
      const { pausedSince, heldBack, notTaken } = pairs[type];
      const paused = pausedSince === null ? '—' : `since ${pausedSince}, ${heldBack} held back`;
      const counts = [...LINK_STATUSES.map((status) => pairs[type][status]), notTaken];
      return [type, ...counts.map(String), paused];
    }),
  );
  printLegend(
    {
      pending: 'being synced, or waiting for another pair (a ticket for its organization)',
      tombstone: 'a record was deleted or archived, or a person unlinked the pair',
      'not taken': `in sync, except for a value that one side refused: ${commandLine('links find --code not_taken')}`,
    },
    ENTITY_TYPES.map((type) => ({ ...pairs[type], 'not taken': pairs[type].notTaken })),
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
    ['rate budget', 'calls left', 'allowed', 'used by us', 'by others', ''],
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
  const running =
    workers === null ? 'unknown number of workers' : `${workers} ${workers === 1 ? 'worker' : 'workers'}`;
  printLine(`${running}, pending changes: ${waitingRecords}`);
  if (apiToken) printLine(apiToken.notice);
}
