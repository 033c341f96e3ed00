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
import { ensureControl } from './pauseControl';
import { pairSignaller } from './pairSignals';
import { LiveMapping } from './liveMapping';
import { ensureSchedules, triggerLinkHygiene } from './schedules';
import { withConcurrencyLimit, type Allowance } from './share';
import { watchOtherInstallations, type FindOtherWebhooks } from './otherInstallations';
import { workflowCode } from './workflowCode';
import { createWorkers, type Workers } from './workers';

/** One connection as configured, without servers yet. */
export interface Connection {
  config: Config;
  metrics: SyncMetrics;
  /** If there are several connections, each line names this one. */
  log: Logger;
  /** Reads the connection's files as they are now. @throws ConfigError */
  parts(): ConnectionParts;
}

export interface ConnectionParts {
  config: Config;
  systems: Record<Side, SystemPort>;
  budgets: RateBudgets;
  findOtherWebhooks: FindOtherWebhooks;
}

/** The clients of MongoDB and Temporal, which all connections of a process share. */
export interface Backbone {
  mongo: MongoClient;
  client: Client;
  native: NativeConnection;
  tracing: Tracing | null;
  close(): Promise<void>;
}

/** A connection that is being served. */
export interface ServedConnection {
  /** Resolves when its workers have stopped; rejects if one fails. */
  done: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Checks the mapping against the live fields of both systems before anything is written. Then starts workers and
 * Schedules on the connection's own database and task queues.
 *
 * @throws MappingError, ConfigError, and the errors of the systems, e.g. NeedsHuman
 */
export async function serveConnection(
  { config, systems, budgets, findOtherWebhooks }: ConnectionParts,
  { metrics, log }: Pick<Connection, 'metrics' | 'log'>,
  { mongo, client, native, tracing }: Backbone,
  allowance: Allowance,
): Promise<ServedConnection> {
  const { taskQueue, mappingFile, pairPrefix } = config;
  const db = mongo.db(config.mongodbDatabase);
  const formerName = await peekAtLinks(db).bindings.formerNames();
  const first = await checkMapping(loadMapping(mappingFile), systems, mappingFile, formerName);
  const store = await openLinkStore(db, undefined, '', undefined, journalBoundsOf(config));
  budgets.open(db, allowance.systemActivities);
  await storeOwnUsers(config, systems, store, log);
  const mapping = await LiveMapping.follow(mappingFile, first, {
    ...{ systems, store, log, metrics },
    startHygiene: () => triggerLinkHygiene(client, taskQueue),
  });
  try {
    await ensureSchedules(client, taskQueue, scheduleTimesOf(config));
    await ensureControl(client, taskQueue);
    metrics.watchStore(store);
    const around = { store, log, metrics, now: () => new Date() };
    const brake = new Brake(around, brakeOf(config));
    const { pace } = allowance;
    const signalPair = pairSignaller(client, taskQueue, () => mapping.current, pairPrefix);
    const workers = await createWorkers(
      {
        ...around,
        get mapping() {
          return mapping.current;
        },
        systems,
        fields: mapping,
        brake,
        signalPair: withConcurrencyLimit(allowance.signals, (...given) =>
          pace ? pace.do(() => signalPair(...given)) : signalPair(...given),
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
    const endWatch = watchOtherInstallations(findOtherWebhooks, { store, log });
    return runUntilStopped(workers, mapping, brake, endWatch);
  } catch (error) {
    await mapping.stop();
    throw error;
  }
}

function journalBoundsOf({ journalDays, journalMegabytes }: Config): JournalBounds {
  return { days: journalDays, megabytes: journalMegabytes };
}

function runUntilStopped(
  workers: Workers,
  mapping: LiveMapping,
  brake: Brake,
  endWatch: () => void,
): ServedConnection {
  const done = workers.run().finally(() => {
    endWatch();
    return Promise.all([mapping.stop(), brake.stop()]);
  });
  // The caller that awaits `done` handles a failure. Until then, Node must not treat it as an unhandled rejection.
  done.catch(() => undefined);
  return {
    done,
    async stop() {
      workers.shutdown();
      await done;
    },
  };
}

function scheduleTimesOf({ zendeskPollSeconds, pmsPollSeconds, reconcileCron, hygieneMinutes }: Config) {
  return {
    pollSeconds: { zendesk: zendeskPollSeconds, pms: pmsPollSeconds },
    reconcileCron: reconcileCron === 'off' ? null : reconcileCron,
    hygieneMinutes,
  };
}

/**
 * The author of a change shows whether it is an echo, so the link store keeps every user that the sync ever acted as.
 */
async function storeOwnUsers(
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
