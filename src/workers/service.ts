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
import { serveConnection, type Backbone, type Connection, type Served } from './connection';
import { routeTemporalLogs } from './runtime';
import { Pacer } from './pace';
import { poolSizeOf, shareOf } from './share';
import { Supervised } from './supervision';

/** The service as one process runs it: workers and schedules for one connection, or for several. */
export interface Service {
  /** Where Prometheus finds the metrics; null where they are not served. */
  metricsPort: number | null;
  /** Resolves once the workers have stopped; rejects when those of an only connection fail. */
  done: Promise<void>;
  stop(): Promise<void>;
}

/** Addresses that are known by now: given in the configuration, or those of servers that were started for it. */
export interface Servers {
  temporalAddress: string;
  mongodbUri: string;
}

export interface ServiceOptions {
  log: Logger;
  tracing?: Tracing | null;
  /** What the health endpoint answers. */
  health?: (backbone: Backbone) => Promise<Health>;
}

/**
 * Starts. A connection that is the only one is checked first (credentials, mapping against the live fields), and what is
 * wrong ends the start; of several, one that cannot be served yet is tried again while the others are.
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
    // Before any worker runs: a port in use ends the start, and nothing is to be stopped then.
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
    // Whoever waits for it hears of a failure; until then it must not count as unhandled.
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
): Promise<Served[]> {
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
  const mongo = await reachable('MONGODB_URI', servers.mongodbUri, () =>
    connectMongo(servers.mongodbUri, { serverSelectionTimeoutMS: 10_000, maxPoolSize }),
  );
  const temporal = await reachable('TEMPORAL_ADDRESS', servers.temporalAddress, () =>
    connectClient(config, servers.temporalAddress, tracing),
  );
  // The SDK's runtime, once there, keeps the process alive.
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
 * Structured logs; credentials are never passed to it, and fields that could hold one are cut out.
 *
 * @param terminal takes the lines for a person, who is to see each change; null: JSON to `output`
 * @param output 1, standard output, or 2, standard error: where a command prints its result to standard output
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
