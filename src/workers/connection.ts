import type { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import type { MongoClient } from 'mongodb';
import type { Logger } from 'pino';
import type { RateBudgets } from '../systems/budget/rateBudgets';
import type { Config } from '../config/config';
import { checkMapping, loadMapping } from '../config/loadMapping';
import type { SignInWay } from '../links/identities';
import type { JournalBounds } from '../links/journalStore';
import { openLinkStore, peekAtLinks, type LinkStore } from '../links/linkStore';
import { SIDES, type Side } from '../sync/record';
import type { SystemPort } from '../systems/port';
import { apiTokenDaysLeft, apiTokenNotice } from '../systems/zendesk/apiTokens';
import { Brake } from '../activities/brake';
import type { SyncMetrics } from '../activities/metrics';
import { brakeOf } from '../config/brakeSettings';
import type { Tracing } from '../platform/tracing';
import { dataConverter } from './temporalClient';
import { ensureControl } from './steer';
import { hintWith } from './hint';
import { LiveMapping } from './liveMapping';
import { ensureSchedules, tidyNow } from './schedules';
import { atMost, type Allowance } from './share';
import { workflowCode } from './workflowCode';
import { createWorkers, type Workers } from './workers';

/** One connection, before any server is known. */
export interface Connection {
  config: Config;
  metrics: SyncMetrics;
  /** Names the connection in its lines, where there are several. */
  log: Logger;
  /** What it is made of, from its files as they are now. @throws ConfigError */
  parts(): ConnectionParts;
}

export interface ConnectionParts {
  config: Config;
  systems: Record<Side, SystemPort>;
  budgets: RateBudgets;
}

/** What all connections of a process share. */
export interface Backbone {
  mongo: MongoClient;
  client: Client;
  native: NativeConnection;
  tracing: Tracing | null;
  close(): Promise<void>;
}

/** A connection at work. */
export interface Served {
  /** Resolves once its workers have stopped; rejects when one fails. */
  done: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Checks the mapping against the live fields of both systems before anything is written, then starts workers and
 * Schedules over the connection's own database and task queues.
 * @throws MappingError, ConfigError, and what the systems throw that are asked
 */
export async function serveConnection(
  { config, systems, budgets }: ConnectionParts,
  { metrics, log }: Pick<Connection, 'metrics' | 'log'>,
  { mongo, client, native, tracing }: Backbone,
  allowance: Allowance,
): Promise<Served> {
  const { taskQueue, mappingFile, pairPrefix } = config;
  const db = mongo.db(config.mongodbDatabase);
  const formerName = await peekAtLinks(db).bindings.formerNames();
  const first = await checkMapping(loadMapping(mappingFile), systems, mappingFile, formerName);
  const store = await openLinkStore(db, undefined, '', undefined, boundsOf(config));
  budgets.open(db, allowance.systemActivities);
  await noteIdentities(config, systems, store, log);
  const mapping = await LiveMapping.follow(mappingFile, first, {
    ...{ systems, store, log, metrics },
    startHygiene: () => tidyNow(client, taskQueue),
  });
  try {
    await ensureSchedules(client, taskQueue, timesOf(config));
    await ensureControl(client, taskQueue);
    metrics.watchStore(store);
    const around = { store, log, metrics, now: () => new Date() };
    const brake = new Brake(around, brakeOf(config));
    const { pace } = allowance;
    const tell = hintWith(client, taskQueue, () => mapping.current, pairPrefix);
    const workers = await createWorkers(
      {
        ...around,
        get mapping() {
          return mapping.current;
        },
        systems,
        fields: mapping,
        brake,
        hint: atMost(allowance.signals, (...given) =>
          pace ? pace.do(() => tell(...given)) : tell(...given),
        ),
      },
      {
        connection: native,
        namespace: config.temporalNamespace,
        dataConverter: dataConverter(config),
        tracing,
        workflows: workflowCode(tracing),
        taskQueue,
        share: allowance,
      },
    );
    await mapping.startHygiene();
    return runUntilStopped(workers, mapping, brake);
  } catch (error) {
    await mapping.stop();
    throw error;
  }
}

/** Of the journal. */
function boundsOf({ journalDays, journalMegabytes }: Config): JournalBounds {
  return { days: journalDays, megabytes: journalMegabytes };
}

function runUntilStopped(workers: Workers, mapping: LiveMapping, brake: Brake): Served {
  const done = workers.run().finally(() => Promise.all([mapping.stop(), brake.stop()]));
  // Whoever waits for `done` hears of a failure; until then it must not count as unhandled.
  done.catch(() => undefined);
  return {
    done,
    async stop() {
      workers.shutdown();
      await done;
    },
  };
}

function timesOf({ zendeskPollSeconds, pmsPollSeconds, reconcileCron, hygieneMinutes }: Config) {
  return {
    pollSeconds: { zendesk: zendeskPollSeconds, pms: pmsPollSeconds },
    reconcileCron: reconcileCron === 'off' ? null : reconcileCron,
    hygieneMinutes,
  };
}

/** Which user wrote decides what is an echo, so the link store knows every user whom we ever acted as. */
async function noteIdentities(
  { zendeskAuth }: Config,
  systems: Record<Side, SystemPort>,
  store: LinkStore,
  log: Logger,
): Promise<void> {
  const now = new Date();
  if (zendeskAuth.by === 'apiToken') log.warn(apiTokenNotice(apiTokenDaysLeft(now)));
  const ways: Record<Side, SignInWay> = { zendesk: zendeskAuth.by, pms: 'other' };
  for (const side of SIDES) await store.identities.actAs(side, await systems[side].ownId(), ways[side], now);
}
