import type { Logger } from 'pino';
import { ConfigError, each, loadConfig, loadConfigs, type Config, type Several } from '../../config/config';
import { configuredBudgets, configuredSystems } from '../../config/configuredSystems';
import { startMongo, startTemporal, ensureSearchAttributes } from '../../platform/embedded/embeddedServers';
import { SIDES, type Side } from '../../sync/record';
import { NeedsHuman, RetryLater } from '../../systems/errors';
import { missingScopes, type Grant } from '../../systems/oauth';
import type { SystemPort } from '../../systems/port';
import { SyncMetrics } from '../../activities/metrics';
import { startTracing } from '../../platform/tracing';
import { connectionOptions } from '../../workers/temporalClient';
import type { Connection, ConnectionParts } from '../../workers/connection';
import { serviceLogger, startService } from '../../workers/service';
import { SEARCH_ATTRIBUTES } from '../../workflows/searchAttributes';
import { loadMapping } from '../../config/loadMapping';
import { startConsole } from './serveConsole';
import { onStopSignal, startReceiver } from './serveIntake';
import { leaveAddresses } from './servers';

export interface StartOptions {
  config?: string;
  /** Just these, of several. */
  connection?: string[];
  data: string;
}

/**
 * `npm start`: checks configuration, mapping and both credentials, starts what servers are not given, and
 * runs until it is told to stop. The webhook receiver runs along where a webhook's secret is configured, the console
 * where a way in is.
 */
export async function start(options: StartOptions, withIntake: boolean): Promise<void> {
  const { config: configFile = null, connection: names = [], data: dataDir } = options;
  const configs = loadConfigs(configFile, process.env, names);
  const [config] = configs;
  const log = serviceLogger(config.logLevel);
  const tracing = startTracing();
  const connections = each(configs, (one) => connectionOf(one, configFile, log));
  if (config.connection === null) await checkOnly(connections[0]);

  const temporalConnection = connectionOptions(config);
  const onProgress = (line: string) => log.info(line);
  const temporal = await startTemporal({
    onProgress,
    dataDir,
    namespace: config.temporalNamespace,
    searchAttributes: SEARCH_ATTRIBUTES,
    uiPort: 0,
    ...(config.temporalAddress !== undefined && { temporalAddress: config.temporalAddress }),
    temporalConnection,
  });
  try {
    const mongodbUri = config.mongodbUri === undefined ? {} : { mongodbUri: config.mongodbUri };
    const mongo = await startMongo({ onProgress, dataDir, ...mongodbUri });
    try {
      await runUntilStopped(
        { temporal, mongodbUri: mongo.uri },
        { configs, connections, withIntake, dataDir, log, tracing },
      );
    } finally {
      await mongo.stop();
    }
  } finally {
    await temporal.stop();
    await tracing?.shutdown();
  }
}

interface Run {
  configs: Several<Config>;
  connections: Several<Connection>;
  withIntake: boolean;
  dataDir: string;
  log: Logger;
  tracing: ReturnType<typeof startTracing>;
}

/** Runs the service, the receiver and the console, from when both servers are there until it is told to stop. */
async function runUntilStopped(
  { temporal, mongodbUri }: { temporal: { address: string; uiUrl: string | null }; mongodbUri: string },
  { configs, connections, withIntake, dataDir, log, tracing }: Run,
): Promise<void> {
  const [config] = configs;
  const { temporalNamespace } = config;
  if (
    !(await ensureSearchAttributes(
      temporal.address,
      temporalNamespace,
      SEARCH_ATTRIBUTES,
      connectionOptions(config),
    ))
  )
    log.warn({ expected: SEARCH_ATTRIBUTES }, 'this Temporal has no operator API; create these there');
  const servers = { temporalAddress: temporal.address, mongodbUri };
  const service = await startService(connections, servers, { log, tracing });
  const takeBack = leaveAddresses(dataDir, config, servers);
  try {
    const receiver = withIntake ? await startReceiver(configs, servers, log, tracing) : null;
    for (const { config, metrics } of connections) {
      const counts = receiver?.counts.get(config.connection);
      if (counts) metrics.watchWebhooks(counts);
    }
    const { uiUrl } = temporal;
    const webConsole = withIntake ? await startConsole(configs, servers, log, { uiUrl, tracing }) : null;
    log.info({ temporal: temporal.address, ui: temporal.uiUrl }, 'running; Ctrl-C stops');
    const stop = async () => {
      await receiver?.stop();
      await webConsole?.stop();
      await service.stop();
    };
    onStopSignal(() => stop().catch((error: unknown) => log.error({ err: error }, 'while stopping')));
    await service.done.finally(async () => {
      await receiver?.stop();
      await webConsole?.stop();
    });
  } catch (error) {
    await service.stop();
    throw error;
  } finally {
    takeBack();
  }
}

function connectionOf(config: Config, file: string | null, log: Logger): Connection {
  const { connection } = config;
  const metrics = new SyncMetrics(connection);
  const parts = (of: Config): ConnectionParts => {
    const budgets = configuredBudgets(of, (side, reading) => metrics.rate(side, reading));
    const systems = configuredSystems(of, {
      budgets,
      onCall: (call) => metrics.apiCall(call),
      onGrant: (grant) => warnOfMissingScopes(grant, connection, log),
    });
    return { config: of, systems, budgets };
  };
  // An only one is checked once, and ends the start where it is wrong.
  if (connection === null) {
    const checked = parts(config);
    return { config, metrics, log, parts: () => checked };
  }
  const reread = () => loadConfig(file, process.env, connection);
  return { config, metrics, log: log.child({ connection }), parts: () => parts(reread()) };
}

/** A narrower grant shows as a 403 somewhere, perhaps hours later: the log says it at once. */
function warnOfMissingScopes(grant: Grant, connection: string | null, log: Logger): void {
  const missing = missingScopes(grant);
  if (missing.length > 0)
    log.warn(
      { missing, granted: grant.granted, ...(connection !== null && { connection }) },
      'Zendesk granted fewer scopes than were asked for; "zendesk-pms-sync doctor" says what lacks them',
    );
}

/** What is wrong with an only connection ends the start, before any server is. */
async function checkOnly(only: Connection): Promise<void> {
  loadMapping(only.config.mappingFile);
  const { systems } = only.parts();
  for (const side of SIDES)
    only.log.info({ side, as: await introduce(systems[side], side) }, 'credential accepted');
}

/** One call with the credential, so that a wrong one ends the start and not the first write. */
async function introduce(system: SystemPort, side: Side): Promise<string> {
  try {
    return await system.whoAmI();
  } catch (error) {
    const variable = side === 'zendesk' ? 'ZENDESK_BASE_URL' : 'PMS_BASE_URL';
    if (error instanceof NeedsHuman) throw new ConfigError(error.message);
    if (error instanceof RetryLater) throw new ConfigError(`${variable}: ${error.message}`);
    throw error;
  }
}
