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

/** Senders give up after some seconds, so an unavailable server must be noticed before that. */
const SERVER_WITHIN_MS = 3_000;

/** The settings that the webhook receiver needs, whatever else its process runs. */
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
  /** Of each connection that receives, by its name. */
  counts: ReadonlyMap<string | null, Counts>;
  /** Takes no more, finishes what it took, and lets go of its connections. */
  stop(): Promise<void>;
}

/** `start --only intake`: webhook receiver and console in a separate process, until it receives a signal to stop. */
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
 * Connects and listens, for all connections that have a webhook's secret; null where none has. Neither server has to be
 * there yet: until both are, deliveries are answered with 503.
 * @throws ConfigError where it cannot listen
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
    // Senders try again by themselves, and a retry that waits would outlive the connection.
    interceptors: [],
    // The default waits up to two minutes before it looks again whether the server is back.
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

/** Null where no webhook's secret is configured: then there is nothing to receive. */
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
