import type { Client } from '@temporalio/client';
import { MongoClient } from 'mongodb';
import { pino, type Logger } from 'pino';
import type { Config } from '../config/config';
import { ConfigError } from '../config/config';
import { checkMapping, loadMapping } from '../config/mapping';
import { openLinkStore, type LinkStore } from '../links/store';
import type { Mapping } from '../sync/mapping';
import type { Side } from '../sync/record';
import type { SystemPort } from '../systems/port';
import { connectClient, connectWorkers } from './connect';
import { hintWith } from './hint';
import { routeTemporalLogs } from './runtime';
import { ensureSchedules } from './schedules';
import { createWorkers } from './workers';

/** The service as one process runs it: workers and schedules over a link store and two systems. */
export interface Service {
  client: Client;
  store: LinkStore;
  mapping: Mapping;
  /** Resolves once the workers have stopped; rejects when one fails. */
  done: Promise<void>;
  stop(): Promise<void>;
}

/** Addresses that are known by now: given in the configuration, or those of servers that were started for it. */
export interface Servers {
  temporalAddress: string;
  mongodbUri: string;
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
  log: Logger = serviceLogger(config.logLevel),
): Promise<Service> {
  routeTemporalLogs(log);
  const mapping = await checkMapping(loadMapping(config.mappingFile), systems, config.mappingFile);
  const mongo = await reachable('MONGODB_URI', servers.mongodbUri, () =>
    MongoClient.connect(servers.mongodbUri, { serverSelectionTimeoutMS: 10_000 }),
  );
  const store = await openLinkStore(mongo.db(config.mongodbDatabase));
  const temporal = await reachable('TEMPORAL_ADDRESS', servers.temporalAddress, () =>
    connectClient(config, servers.temporalAddress),
  );
  const { client } = temporal;
  const native = await connectWorkers(config, servers.temporalAddress);
  const workers = await createWorkers(
    {
      store,
      mapping,
      systems,
      hint: hintWith(client, config.taskQueue, mapping),
      log,
      now: () => new Date(),
    },
    {
      connection: native,
      namespace: config.temporalNamespace,
      taskQueue: config.taskQueue,
      ratePerMinute: { zendesk: config.zendeskCallsPerMinute, pms: config.pmsCallsPerMinute },
    },
  );
  await ensureSchedules(client, config.taskQueue, {
    zendesk: config.zendeskPollSeconds,
    pms: config.pmsPollSeconds,
  });
  const running = workers.run();
  const done = running.finally(async () => {
    await native.close();
    await temporal.close();
    await mongo.close();
  });
  // Whoever waits for `done` hears of a failure; until then it must not count as unhandled.
  done.catch(() => undefined);
  return {
    client,
    store,
    mapping,
    done,
    async stop() {
      workers.shutdown();
      await done;
    },
  };
}

/** Structured logs; credentials are never passed to it, and fields that could hold one are cut out. */
export function serviceLogger(level: string): Logger {
  return pino({ level, redact: { paths: ['*.headers', '*.config', '*.auth', '*.token'], remove: true } });
}

/** @throws ConfigError naming the variable and the address without its password. */
export async function reachable<T>(variable: string, address: string, connect: () => Promise<T>): Promise<T> {
  try {
    return await connect();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const shown = address.replace(/\/\/[^@/]*@/, '//…@');
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new ConfigError(`${variable}: ${shown} cannot be reached (${why})`);
  }
}
