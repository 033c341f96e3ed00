import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { ConfigError, each, loadConfig, loadConfigs, type Config, type Several } from '../../config/config';
import { configuredBudgets, configuredSystems } from '../../config/configuredSystems';
import {
  ensureSearchAttributes,
  lockFolder,
  startMongo,
  startTemporal,
  type FolderLock,
} from '../../platform/embedded/embeddedServers';
import { SIDES, type Side } from '../../sync/record';
import { NeedsHuman, RetryLater } from '../../systems/errors';
import { missingScopes, type Grant } from '../../systems/oauth';
import type { SystemPort } from '../../systems/port';
import { SyncMetrics } from '../../activities/metrics';
import { startTracing } from '../../platform/tracing';
import { connectionOptions } from '../../workers/temporalClient';
import type { Backbone, Connection, ConnectionParts } from '../../workers/connection';
import { serviceLogger, startService, type Servers, type Service } from '../../workers/service';
import { SEARCH_ATTRIBUTES } from '../../workflows/searchAttributes';
import { loadMapping } from '../../config/loadMapping';
import { markAccounts } from './accountLock';
import { ROOT } from '../console/layout';
import { printLine } from './output';
import { startConsole, type Console } from './serveConsole';
import { OpenStores, healthOf } from './health';
import { onStopSignal, startReceiver, type Receiver } from './serveIntake';
import { storeAddresses } from './servers';
import { foreignWebhooks } from '../foreignWebhooks';
import { webhookAdmins } from './webhookAdmins';
import { writesNotice, addressLines, type Addresses } from './startScreen';
import { ScreenTitles } from './screenTitles';
import { terminalLog } from './terminalLog';
import { commandLine } from '../../platform/commandLine';
import { portFor } from '../../platform/ports';
import { SECRET_FILES } from '../setup';

export interface StartOptions {
  config?: string;
  /** The connections to serve; by default all. */
  connection?: string[];
  data: string;
  /** Prints JSON on a terminal, too. */
  json?: true;
}

/**
 * Checks configuration, mapping and both credentials, starts the servers whose addresses are not configured, and runs
 * until a signal stops it. The webhook receiver runs too if a webhook secret is configured, the console if a way to
 * sign in is. On a terminal, it prints what it will write, then addresses, then a line for each change; otherwise, it
 * prints the log as JSON.
 */
export async function start(options: StartOptions, withIntake: boolean): Promise<void> {
  const { config: configFile = null, connection: names = [], data: dataDir } = options;
  const configs = loadConfigs(configFile, process.env, names);
  const [config] = configs;
  const screen = process.stdout.isTTY && options.json !== true ? printLine : null;
  const titles = screen ? new ScreenTitles(configs) : null;
  const log = serviceLogger(
    config.logLevel,
    screen ? terminalLog(screen, async (key, connection) => titles?.of(key, connection) ?? '') : null,
  );
  const lock = needsServers(config) ? await lockFolder(dataDir, 'start') : null;
  const marks: (FolderLock | null)[] = [];
  try {
    for (const one of configs) marks.push(await markAccounts(one, dataDir));
    const tracing = startTracing();
    const connections = each(configs, (one) => connectionOf(one, configFile, log));
    if (config.connection === null) await checkOnly(connections[0], screen);
    await withOwnServers({ config, dataDir, log, tracing }, (found) => {
      titles?.open(found.mongodbUri);
      return runUntilStopped(found, {
        ...{ configs, connections, withIntake, dataDir, log, tracing, lock, screen },
      }).finally(() => titles?.close());
    });
  } finally {
    for (const mark of marks) await mark?.release();
    await lock?.release();
  }
}

/** Whether this command runs a server itself. Then no other process may use the folder. */
export function needsServers({ temporalAddress, mongodbUri }: Config): boolean {
  return temporalAddress === undefined || mongodbUri === undefined;
}

interface FoundServers extends Servers {
  temporalUi: string | null;
}

interface Environment {
  config: Config;
  dataDir: string;
  log: Logger;
  tracing: ReturnType<typeof startTracing>;
}

/** Starts the servers whose addresses are not configured, and stops them when the work ends. */
async function withOwnServers(
  { config, dataDir, log, tracing }: Environment,
  work: (servers: FoundServers) => Promise<void>,
): Promise<void> {
  const onProgress = (line: string) => log.info(line);
  const temporal = await startTemporal({
    onProgress,
    dataDir,
    namespace: config.temporalNamespace,
    searchAttributes: SEARCH_ATTRIBUTES,
    uiPort: await portFor(dataDir),
    ...(config.temporalAddress !== undefined && { temporalAddress: config.temporalAddress }),
    temporalConnection: connectionOptions(config),
  });
  try {
    const mongodbUri = config.mongodbUri === undefined ? {} : { mongodbUri: config.mongodbUri };
    const mongo = await startMongo({ onProgress, dataDir, ...mongodbUri });
    try {
      await work({ temporalAddress: temporal.address, temporalUi: temporal.uiUrl, mongodbUri: mongo.uri });
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
  lock: FolderLock | null;
  /** Prints a line for people; null if the log is JSON. */
  screen: ((line: string) => void) | null;
}

/** Runs the service, the receiver and the console until a signal stops them. Both servers are running. */
async function runUntilStopped(found: FoundServers, run: Run): Promise<void> {
  const { configs, connections, dataDir, log, tracing } = run;
  const [config] = configs;
  const { temporalUi, ...servers } = found;
  const { temporalNamespace } = config;
  const { temporalAddress } = servers;
  if (
    !(await ensureSearchAttributes(
      temporalAddress,
      temporalNamespace,
      SEARCH_ATTRIBUTES,
      connectionOptions(config),
    ))
  )
    log.warn({ expected: SEARCH_ATTRIBUTES }, 'this Temporal has no operator API; create these there');
  const listeners = await listen(found, run);
  let service: Service;
  try {
    const own = run.lock ? dataDir : null;
    const stores = new OpenStores();
    const health = (at: Backbone) => healthOf(configs, at, own, stores);
    service = await startService(connections, servers, { log, tracing, health });
  } catch (error) {
    await listeners.close();
    throw error;
  }
  const takeBack = storeAddresses(dataDir, config, servers);
  try {
    showRunning(
      {
        ...{ config, temporal: temporalAddress, temporalUi, mongodb: servers.mongodbUri, ...listeners },
        consoleTokenFile: tokenFileOf(config),
      },
      run,
    );
    const stop = async () => {
      run.screen?.('Stopping. Nothing is lost; the next start continues from there.');
      await listeners.close();
      await service.stop();
    };
    onStopSignal(() => stop().catch((error: unknown) => log.error({ err: error }, 'while stopping')));
    await service.done.finally(() => listeners.close());
  } catch (error) {
    await service.stop();
    throw error;
  } finally {
    takeBack();
  }
}

interface Listeners extends Pick<Addresses, 'console' | 'receiver'> {
  close(): Promise<void>;
}

/**
 * Receiver and console listen before any worker runs: if a port is in use, the start ends while there is nothing to
 * stop.
 */
async function listen({ temporalUi, ...servers }: FoundServers, run: Run): Promise<Listeners> {
  const { configs, connections, withIntake, dataDir, lock, log, tracing } = run;
  if (!withIntake) return { console: null, receiver: null, close: async () => undefined };
  const [{ consoleHost, intakeHost }] = configs;
  const receiver: Receiver | null = await startReceiver(configs, servers, log, tracing);
  let webConsole: Console | null;
  try {
    const own = lock ? dataDir : null;
    webConsole = await startConsole(configs, servers, log, { uiUrl: temporalUi, tracing, dataDir: own });
  } catch (error) {
    await receiver?.stop();
    throw error;
  }
  for (const { config, metrics } of connections) {
    const counts = receiver?.counts.get(config.connection);
    if (counts) metrics.watchWebhooks(counts);
  }
  return {
    console: webConsole && `http://${consoleHost}:${webConsole.port}${ROOT}`,
    receiver: receiver && `http://${intakeHost}:${receiver.port}`,
    async close() {
      await receiver?.stop();
      await webConsole?.stop();
    },
  };
}

/** The file into which `init` wrote the console's token, if this token is in use. */
function tokenFileOf({ consoleToken }: Config): string | null {
  const file = SECRET_FILES.consoleToken;
  try {
    return readFileSync(file, 'utf8').trim() === consoleToken ? file : null;
  } catch {
    // There is no such file: the token comes from elsewhere.
    return null;
  }
}

function showRunning(addresses: Addresses, { log, lock, screen }: Run): void {
  const { temporal, temporalUi, console: webConsole } = addresses;
  log.info({ temporal, ui: temporalUi }, 'running; Ctrl-C stops');
  lock?.tell({
    Temporal: temporal,
    ...(temporalUi !== null && { 'Web UI': temporalUi }),
    ...(webConsole !== null && { console: webConsole }),
  });
  for (const line of screen ? ['', ...addressLines(addresses), ''] : []) screen?.(line);
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
    const findOtherWebhooks = () => foreignWebhooks(of, webhookAdmins(of));
    return { config: of, systems, budgets, findOtherWebhooks };
  };
  // A single connection is checked once, and a fault ends the start.
  if (connection === null) {
    const checked = parts(config);
    return { config, metrics, log, parts: () => checked };
  }
  const reread = () => loadConfig(file, process.env, connection);
  return { config, metrics, log: log.child({ connection }), parts: () => parts(reread()) };
}

/** With a missing scope, Zendesk would answer some call with 403, perhaps hours later. The log reports it at once. */
function warnOfMissingScopes(grant: Grant, connection: string | null, log: Logger): void {
  const missing = missingScopes(grant);
  if (missing.length > 0)
    log.warn(
      { missing, granted: grant.granted, ...(connection !== null && { connection }) },
      `Zendesk granted fewer scopes than were asked for; "${commandLine('doctor')}" shows what is missing`,
    );
}

/**
 * A fault of a single connection ends the start before any server is started. The screen shows what will be written.
 */
async function checkOnly(only: Connection, screen: Run['screen']): Promise<void> {
  const { config, log } = only;
  const mapping = loadMapping(config.mappingFile);
  const { systems } = only.parts();
  const as: Record<Side, string> = { zendesk: '', pms: '' };
  for (const side of SIDES) {
    as[side] = await userOf(systems[side], side);
    log.info({ side, as: as[side] }, 'credential accepted');
  }
  for (const line of screen ? writesNotice({ config, as, mapping }) : []) screen?.(line);
}

/** Makes one call, so that a wrong credential ends the start before the first write. */
async function userOf(system: SystemPort, side: Side): Promise<string> {
  try {
    return await system.whoAmI();
  } catch (error) {
    const variable = side === 'zendesk' ? 'ZENDESK_BASE_URL' : 'PMS_BASE_URL';
    if (error instanceof NeedsHuman) throw new ConfigError(error.message);
    if (error instanceof RetryLater) throw new ConfigError(`${variable}: ${error.message}`);
    throw error;
  }
}
