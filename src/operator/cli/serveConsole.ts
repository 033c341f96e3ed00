import type { AddressInfo } from 'node:net';
import { Connection, type Client } from '@temporalio/client';
import type { MongoClient } from 'mongodb';
import { mongoClient } from '../../platform/mongoClient';
import type { Logger } from 'pino';
import { ConfigError, type Config, type IntakeConfig, type Several } from '../../config/config';
import { loadMapping } from '../../config/loadMapping';
import { deepLinks } from '../console/deepLinks';
import type { ConsoleContext } from '../console/consoleContext';
import { rootOf } from '../console/layout';
import { createConsole } from '../console/consoleServer';
import { openLinkStore, type LinkStore } from '../../links/linkStore';
import { cannotListen } from '../../platform/systemErrors';
import type { Tracing } from '../../platform/tracing';
import { clientOver, connectionOptions, type TemporalConfig } from '../../workers/temporalClient';
import type { Servers } from '../../workers/service';

/** The settings that the console needs in any process. */
export type ConsoleConfig = TemporalConfig &
  Pick<
    Config | IntakeConfig,
    | 'connection'
    | 'pairPrefix'
    | 'consoleHost'
    | 'consolePort'
    | 'consoleToken'
    | 'consoleUserHeader'
    | 'consoleTrustedProxies'
    | 'temporalUiUrl'
    | 'pmsRecordUrl'
    | 'taskQueue'
    | 'mongodbDatabase'
    | 'mappingFile'
  > & { zendeskBaseUrl?: string | undefined; zendeskSubdomain?: string | undefined };

export interface Console {
  port: number;
  stop(): Promise<void>;
}

export interface ConsoleOptions {
  /** The address of a Temporal Web UI that this process has started. */
  uiUrl?: string | null;
  tracing?: Tracing | null;
  /** The data folder of servers that this process has started. */
  dataDir?: string | null;
}

interface Surroundings {
  client: Client;
  mongo: MongoClient;
  uiUrl: string | null;
  log: Logger;
  dataDir: string | null;
}

const SERVER_WITHIN_MS = 5_000;

/**
 * Serves the console if a way to sign in is configured; otherwise returns null. The servers may be unavailable at
 * first.
 * @throws ConfigError if it cannot listen, MappingError
 */
export async function startConsole(
  configs: Several<ConsoleConfig>,
  { temporalAddress, mongodbUri }: Servers,
  log: Logger,
  { uiUrl = null, tracing = null, dataDir = null }: ConsoleOptions = {},
): Promise<Console | null> {
  const [config] = configs;
  const { consoleToken: token = null, consoleUserHeader: header = null, consoleTrustedProxies } = config;
  if (token === null && header === null) return null;
  // With several connections, a faulty one shows its error on its own pages.
  if (config.connection === null) loadMapping(config.mappingFile);
  const connection = Connection.lazy({
    address: temporalAddress,
    ...connectionOptions(config),
    connectTimeout: SERVER_WITHIN_MS,
  });
  const mongo = mongoClient(mongodbUri, { serverSelectionTimeoutMS: SERVER_WITHIN_MS });
  const client = clientOver(connection, config, tracing);
  const app = createConsole({
    connections: configs.map((each) => contextOf(each, { client, mongo, uiUrl, log, dataDir })),
    access: { token, userHeader: header?.toLowerCase() ?? null, trustedProxies: consoleTrustedProxies },
    log,
    now: Date.now,
  });
  const close = async () => {
    await app.close();
    await connection.close();
    await mongo.close();
  };
  const { consoleHost: host, consolePort: port } = config;
  try {
    await app.listen({ host, port });
  } catch (error) {
    await close();
    throw new ConfigError(`CONSOLE_HOST, CONSOLE_PORT: ${cannotListen(host, port, error)}`);
  }
  const address = app.server.address() as AddressInfo;
  log.info({ host, port: address.port }, 'console');
  let stopping: Promise<void> | null = null;
  return { port: address.port, stop: () => (stopping ??= close()) };
}

function contextOf(
  config: ConsoleConfig,
  { client, mongo, uiUrl, log, dataDir }: Surroundings,
): ConsoleContext {
  const { connection, taskQueue, pairPrefix, mappingFile } = config;
  const db = mongo.db(config.mongodbDatabase);
  let store: Promise<LinkStore> | null = null;
  return {
    connection,
    root: rootOf(connection),
    client,
    database: async () => {
      store ??= openLinkStore(db).catch((error: unknown) => {
        store = null;
        throw error;
      });
      return { db, store: await store };
    },
    mapping: () => loadMapping(mappingFile),
    taskQueue,
    pairPrefix,
    dataDir,
    links: deepLinks({
      temporalUiUrl: config.temporalUiUrl ?? uiUrl,
      temporalNamespace: config.temporalNamespace,
      pairPrefix,
      zendeskUrl: config.zendeskBaseUrl ?? zendeskOf(config.zendeskSubdomain),
      pmsRecordUrl: config.pmsRecordUrl ?? null,
    }),
    log: connection === null ? log : log.child({ connection }),
    now: Date.now,
  };
}

function zendeskOf(subdomain: string | undefined): string | null {
  return subdomain === undefined ? null : `https://${subdomain}.zendesk.com`;
}
