import { Connection } from '@temporalio/client';
import { mongoClient } from '../../platform/mongoClient';
import type { Logger } from 'pino';
import {
  ConfigError,
  loadIntakeConfigs,
  type Config,
  type IntakeConfig,
  type Several,
} from '../../config/config';
import type { Counts } from '../../sync/deliveryCounts';
import { startIntake } from '../../intake/intake';
import type { Side } from '../../sync/record';
import { cannotListen } from '../../platform/systemErrors';
import { startTracing, type Tracing } from '../../platform/tracing';
import { clientOver, connectionOptions, type TemporalConfig } from '../../workers/temporalClient';
import { serviceLogger, type Servers } from '../../workers/service';
import { startConsole } from './serveConsole';

/** Senders give up after some seconds, so an unavailable server must be noticed earlier. */
const SERVER_WITHIN_MS = 3_000;

/** The settings that the webhook receiver needs in any process. */
export type ReceiverConfig = TemporalConfig &
  Pick<
    Config | IntakeConfig,
    | 'connection'
    | 'intakeHost'
    | 'intakePort'
    | 'taskQueue'
    | 'mongodbDatabase'
    | 'zendeskWebhookSecret'
    | 'pmsWebhookSecret'
  >;

export interface Receiver {
  port: number;
  /** The counts of each connection that receives webhooks, by its name. */
  counts: ReadonlyMap<string | null, Counts>;
  /** Refuses new deliveries, finishes the accepted ones, and closes the connections. */
  stop(): Promise<void>;
}

/** `start --only intake`: runs webhook receiver and console in a separate process, until a signal stops it. */
export async function receiveWebhooks({
  config: configFile,
  connection: names,
}: {
  config?: string;
  connection?: string[];
}): Promise<void> {
  const configs = loadIntakeConfigs(configFile ?? null, process.env, names);
  const [shared] = configs;
  const log = serviceLogger(shared.logLevel);
  const tracing = startTracing();
  const receiver = await startReceiver(configs, shared, log, tracing);
  const webConsole = await startConsole(configs, shared, log, { tracing });
  await new Promise<void>((resolve) => onStopSignal(resolve));
  await receiver?.stop();
  await webConsole?.stop();
  await tracing?.shutdown();
}

/**
 * Connects and listens, for all connections with a webhook secret; returns null if there is none. The servers may be
 * unavailable at first: until both answer, deliveries are answered with 503.
 * @throws ConfigError if it cannot listen
 */
export async function startReceiver(
  configs: Several<ReceiverConfig>,
  { temporalAddress, mongodbUri }: Servers,
  log: Logger,
  tracing: Tracing | null = null,
): Promise<Receiver | null> {
  const [config] = configs;
  const connections = configs.flatMap(({ connection, taskQueue, mongodbDatabase, ...rest }) => {
    const secrets = secretsOf(rest);
    return secrets ? [{ connection, taskQueue, mongodbDatabase, secrets }] : [];
  });
  if (connections.length === 0) return null;
  const connection = Connection.lazy({
    address: temporalAddress,
    ...connectionOptions(config),
    connectTimeout: SERVER_WITHIN_MS,
    // Senders repeat deliveries themselves, and a retry that waits would outlive the connection.
    interceptors: [],
    // By default, gRPC waits up to two minutes before it tries to connect again.
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 500, 'grpc.max_reconnect_backoff_ms': 2_000 },
  });
  const client = clientOver(connection, config, tracing);
  const mongo = mongoClient(mongodbUri, {
    serverSelectionTimeoutMS: SERVER_WITHIN_MS,
    connectTimeoutMS: SERVER_WITHIN_MS,
    socketTimeoutMS: SERVER_WITHIN_MS,
  });
  const close = async () => {
    await connection.close();
    await mongo.close();
  };
  try {
    const intake = await startIntake(
      { client, db: (name) => mongo.db(name) },
      { host: config.intakeHost, port: config.intakePort, connections, log },
    );
    let stopping: Promise<void> | null = null;
    return {
      port: intake.port,
      counts: new Map(intake.counts.map((counts, n) => [connections[n]?.connection ?? null, counts])),
      stop: () => (stopping ??= intake.stop().then(close)),
    };
  } catch (error) {
    await close();
    if ((error as NodeJS.ErrnoException).syscall !== 'listen') throw error;
    const where = cannotListen(config.intakeHost, config.intakePort, error);
    throw new ConfigError(`INTAKE_HOST, INTAKE_PORT: ${where}`);
  }
}

/** Null if no webhook secret is configured. */
function secretsOf({
  zendeskWebhookSecret: zendesk,
  pmsWebhookSecret: pms,
}: Pick<ReceiverConfig, 'zendeskWebhookSecret' | 'pmsWebhookSecret'>): Partial<
  Record<Side, readonly string[]>
> | null {
  return zendesk || pms ? { ...(zendesk && { zendesk }), ...(pms && { pms }) } : null;
}

export function onStopSignal(stop: () => unknown): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
}
