import {
  destination,
  pino,
  stdSerializers,
  type DestinationStream,
  type Logger,
  type LoggerOptions,
} from 'pino';
import { connectMongo } from '../platform/mongoClient';
import { ConfigError, type Several } from '../config/config';
import { freePort } from '../platform/ports';
import { publicMessage } from '../systems/errors';
import { Exposition } from '../activities/metrics';
import { serveMetrics, type Health, type MetricsServer } from './metricsServer';
import type { Tracing } from '../platform/tracing';
import { connectClient, connectWorkers } from './temporalClient';
import { serveConnection, type Backbone, type Connection, type ServedConnection } from './connection';
import { routeTemporalLogs } from './runtime';
import { Pacer } from './pace';
import { poolSizeOf, shareOf } from './share';
import { Supervised } from './supervision';

/** The service in one process: workers and Schedules for one connection or several. */
export interface Service {
  /** The port of the metrics; null if they are not served. */
  metricsPort: number | null;
  /** Resolves when the workers have stopped. Rejects if there is only one connection and its workers fail. */
  done: Promise<void>;
  stop(): Promise<void>;
}

/** Addresses of the servers: from the configuration, or of the embedded servers that were started. */
export interface Servers {
  temporalAddress: string;
  mongodbUri: string;
}

export interface ServiceOptions {
  log: Logger;
  tracing?: Tracing | null;
  /** The answer of the health endpoint. */
  health?: (backbone: Backbone) => Promise<Health>;
}

/**
 * Starts the service. A single connection is checked first (credentials, mapping against the live fields), and an error
 * stops the start. If there are several connections, one that cannot be served is tried again while the others are
 * served.
 *
 * @throws ConfigError, MappingError
 */
export async function startService(
  connections: Several<Connection>,
  servers: Servers,
  { log, tracing = null, health }: ServiceOptions,
): Promise<Service> {
  const [{ config }] = connections;
  const sdkAddress = config.metricsPort === undefined ? undefined : `127.0.0.1:${await freePort()}`;
  const maxPoolSize = poolSizeOf(connections.length);
  const backbone = await connectServers(config, servers, { log, tracing, sdkAddress, maxPoolSize });
  const pacer = connections.length > 1 ? new Pacer() : null;
  let metricsServer: MetricsServer | null = null;
  try {
    // Before any worker runs, so that nothing must be stopped if the port is in use.
    const { metricsPort: port, metricsHost: host } = config;
    if (port !== undefined && sdkAddress !== undefined) {
      const [first, ...others] = connections;
      const exposition = new Exposition([first.metrics, ...others.map(({ metrics }) => metrics)]);
      metricsServer = await serveMetrics(exposition, {
        ...{ host, port, sdkAddress },
        health: health ? () => health(backbone) : null,
      });
    }
    const served = await serveAll(connections, backbone, pacer);
    const done = Promise.all(served.map((each) => each.done)).then(() => undefined);
    const ended = done.finally(async () => {
      pacer?.stop();
      await metricsServer?.close();
      await backbone.close();
    });
    // The caller that awaits `done` handles a failure. Until then, Node must not treat it as an unhandled rejection.
    ended.catch(() => undefined);
    return {
      metricsPort: metricsServer?.port ?? null,
      done: ended,
      async stop() {
        await Promise.all(served.map((each) => each.stop()));
        await ended;
      },
    };
  } catch (error) {
    pacer?.stop();
    await metricsServer?.close();
    await backbone.close();
    throw error;
  }
}

async function serveAll(
  connections: Several<Connection>,
  backbone: Backbone,
  pacer: Pacer | null,
): Promise<ServedConnection[]> {
  const [first] = connections;
  const share = shareOf(connections.length);
  const allowance = () => ({ ...share, pace: pacer?.pace() ?? null });
  if (first.config.connection === null)
    return [await serveConnection(first.parts(), first, backbone, allowance())];
  return connections.map((connection) => new Supervised(connection, backbone, allowance()));
}

async function connectServers(
  config: Connection['config'],
  servers: Servers,
  {
    log,
    tracing,
    sdkAddress,
    maxPoolSize,
  }: { log: Logger; tracing: Tracing | null; sdkAddress: string | undefined; maxPoolSize: number },
): Promise<Backbone> {
  const mongo = await connectOrExplain('MONGODB_URI', servers.mongodbUri, () =>
    connectMongo(servers.mongodbUri, { serverSelectionTimeoutMS: 10_000, maxPoolSize }),
  );
  const temporal = await connectOrExplain('TEMPORAL_ADDRESS', servers.temporalAddress, () =>
    connectClient(config, servers.temporalAddress, tracing),
  );
  // Only after the servers answered: the SDK's runtime keeps the process alive.
  routeTemporalLogs(log, sdkAddress);
  const native = await connectWorkers(config, servers.temporalAddress);
  return {
    mongo,
    client: temporal.client,
    native,
    tracing,
    async close() {
      await native.close();
      await temporal.close();
      await mongo.close();
    },
  };
}

/**
 * The logger of the service. No caller passes credentials to it; as a second safeguard, it removes fields that could
 * contain one.
 *
 * @param terminal receives the lines, with one for each change, for a person to read; null: JSON lines go to `output`
 * @param output 1 for standard output; 2 for standard error, if a command prints its result to standard output
 */
export function serviceLogger(
  level: string,
  terminal: DestinationStream | null = null,
  output: 1 | 2 = 1,
): Logger {
  const options: LoggerOptions = {
    level: terminal && level === 'info' ? 'debug' : level,
    redact: { paths: ['*.headers', '*.config', '*.auth', '*.token'], remove: true },
    serializers: { err: loggedError },
  };
  return pino(options, terminal ?? destination(output));
}

/** If an error's message may quote the content of a record, only its public message is logged. */
function loggedError(error: Error): object {
  const message = publicMessage(error);
  if (message === error.message) return stdSerializers.err(error);
  return { type: error.name, message };
}

/** @throws ConfigError naming the variable and the address without its password. */
export async function connectOrExplain<T>(
  variable: string,
  address: string,
  connect: () => Promise<T>,
): Promise<T> {
  try {
    return await connect();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new ConfigError(`${variable}: ${withoutPassword(address)} cannot be reached (${why})`);
  }
}

/** A server's address, without its password, for messages. */
export function withoutPassword(address: string): string {
  return address.replace(/\/\/[^@/]*@/, '//…@');
}
