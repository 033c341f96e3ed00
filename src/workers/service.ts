import type { Client } from '@temporalio/client';
import { MongoClient } from 'mongodb';
import { pino, stdSerializers, type Logger } from 'pino';
import type { RateBudgets } from '../budget';
import type { Config } from '../config/config';
import { ConfigError } from '../config/config';
import { checkMapping, loadMapping } from '../config/mapping';
import { openLinkStore, type LinkStore } from '../links/store';
import type { Mapping } from '../sync/mapping';
import type { Side } from '../sync/record';
import { freePort } from '../embedded/ports';
import { publicMessage } from '../systems/errors';
import type { SystemPort } from '../systems/port';
import { SyncMetrics } from '../telemetry/metrics';
import { serveMetrics } from '../telemetry/server';
import type { Tracing } from '../telemetry/tracing';
import { connectClient, connectWorkers, dataConverter } from './connect';
import { ensureControl } from './control';
import { hintWith } from './hint';
import { LiveMapping } from './liveMapping';
import { routeTemporalLogs } from './runtime';
import { ensureSchedules } from './schedules';
import { createWorkers } from './workers';
import { workflowCode } from './workflowCode';

/** The service as one process runs it: workers and schedules over a link store and two systems. */
export interface Service {
  client: Client;
  store: LinkStore;
  /** The one in use; it follows its file. */
  readonly mapping: Mapping;
  /** Where Prometheus finds the metrics; null where they are not served. */
  metricsPort: number | null;
  /** Resolves once the workers have stopped; rejects when one fails. */
  done: Promise<void>;
  stop(): Promise<void>;
}

/** Addresses that are known by now: given in the configuration, or those of servers that were started for it. */
export interface Servers {
  temporalAddress: string;
  mongodbUri: string;
}

/** How the service tells of itself; each has a quiet default. */
export interface Telemetry {
  log?: Logger;
  metrics?: SyncMetrics;
  tracing?: Tracing | null;
}

/**
 * Checks everything that can be checked before anything is written (addresses, credentials, mapping against
 * the live fields), then starts.
 * @throws ConfigError, MappingError
 */
export async function startService(
  config: Config,
  servers: Servers,
  systems: Record<Side, SystemPort>,
  budgets: RateBudgets,
  { log = serviceLogger(config.logLevel), metrics = new SyncMetrics(), tracing = null }: Telemetry = {},
): Promise<Service> {
  const sdkAddress = config.metricsPort === undefined ? undefined : `127.0.0.1:${await freePort()}`;
  const first = await checkMapping(loadMapping(config.mappingFile), systems, config.mappingFile);
  const mongo = await reachable('MONGODB_URI', servers.mongodbUri, () =>
    MongoClient.connect(servers.mongodbUri, { serverSelectionTimeoutMS: 10_000 }),
  );
  const store = await openLinkStore(mongo.db(config.mongodbDatabase));
  budgets.open(mongo.db(config.mongodbDatabase));
  const temporal = await reachable('TEMPORAL_ADDRESS', servers.temporalAddress, () =>
    connectClient(config, servers.temporalAddress, tracing),
  );
  const { client } = temporal;
  // Not before all is checked: the SDK's runtime, once there, keeps the process alive.
  routeTemporalLogs(log, sdkAddress);
  const native = await connectWorkers(config, servers.temporalAddress);
  const mapping = await LiveMapping.follow(config.mappingFile, first, { systems, store, log, metrics });
  const workers = await createWorkers(
    {
      store,
      get mapping() {
        return mapping.current;
      },
      systems,
      hint: hintWith(client, config.taskQueue, () => mapping.current),
      log,
      metrics,
      now: () => new Date(),
    },
    {
      connection: native,
      namespace: config.temporalNamespace,
      dataConverter: dataConverter(config),
      tracing,
      workflows: workflowCode(tracing),
      taskQueue: config.taskQueue,
    },
  );
  await ensureSchedules(client, config.taskQueue, {
    pollSeconds: { zendesk: config.zendeskPollSeconds, pms: config.pmsPollSeconds },
    reconcileCron: config.reconcileCron === 'off' ? null : config.reconcileCron,
    hygieneMinutes: config.hygieneMinutes,
  });
  metrics.watchStore(store);
  const { metricsPort: port, metricsHost: host } = config;
  const metricsServer =
    port === undefined || sdkAddress === undefined
      ? null
      : await serveMetrics(metrics.registry, { host, port, sdkAddress });
  await ensureControl(client, config.taskQueue);
  const running = workers.run();
  const done = running.finally(async () => {
    await metricsServer?.close();
    await mapping.stop();
    await native.close();
    await temporal.close();
    await mongo.close();
  });
  // Whoever waits for `done` hears of a failure; until then it must not count as unhandled.
  done.catch(() => undefined);
  return {
    client,
    store,
    get mapping() {
      return mapping.current;
    },
    metricsPort: metricsServer?.port ?? null,
    done,
    async stop() {
      workers.shutdown();
      await done;
    },
  };
}

/** Structured logs; credentials are never passed to it, and fields that could hold one are cut out. */
export function serviceLogger(level: string): Logger {
  return pino({
    level,
    redact: { paths: ['*.headers', '*.config', '*.auth', '*.token'], remove: true },
    serializers: { err: loggedError },
  });
}

/** An error that may quote a record's content is logged without its words. */
function loggedError(error: Error): object {
  const message = publicMessage(error);
  if (message === error.message) return stdSerializers.err(error);
  return { type: error.name, message };
}

/** @throws ConfigError naming the variable and the address without its password. */
export async function reachable<T>(variable: string, address: string, connect: () => Promise<T>): Promise<T> {
  try {
    return await connect();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new ConfigError(`${variable}: ${withoutPassword(address)} cannot be reached (${why})`);
  }
}

/** A server's address as it may be shown. */
export function withoutPassword(address: string): string {
  return address.replace(/\/\/[^@/]*@/, '//…@');
}
