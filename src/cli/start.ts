import { loadConfig, ConfigError } from '../config/config';
import { configuredBudgets, configuredSystems } from '../config/systems';
import { startMongo, startTemporal, ensureSearchAttributes } from '../embedded';
import { SIDES, type Side } from '../sync/record';
import { NeedsHuman, RetryLater } from '../systems/errors';
import type { SystemPort } from '../systems/port';
import { SyncMetrics } from '../telemetry/metrics';
import { startTracing } from '../telemetry/tracing';
import { connectionOptions } from '../workers/connect';
import { serviceLogger, startService } from '../workers/service';
import { SEARCH_ATTRIBUTES } from '../workflows/searchAttributes';
import { loadMapping } from '../config/mapping';
import { startConsole } from './console';
import { onStopSignal, secretsOf, startReceiver } from './receive';
import { leaveAddresses } from './servers';

/**
 * `npm start`: checks configuration, mapping and both credentials, starts what servers are not given, and
 * runs until it is told to stop. The webhook receiver runs along where a webhook's secret is configured, the console
 * where a way in is.
 */
export async function start(configFile: string | null, dataDir: string, withIntake: boolean): Promise<void> {
  const config = loadConfig(configFile, process.env);
  loadMapping(config.mappingFile);
  const log = serviceLogger(config.logLevel);
  const metrics = new SyncMetrics();
  const tracing = startTracing();
  const budgets = configuredBudgets(config, (side, reading) => metrics.rate(side, reading));
  const systems = configuredSystems(config, { budgets, onCall: (call) => metrics.apiCall(call) });
  for (const side of SIDES)
    log.info({ side, as: await introduce(systems[side], side) }, 'credential accepted');

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
      const { temporalNamespace } = config;
      if (
        !(await ensureSearchAttributes(
          temporal.address,
          temporalNamespace,
          SEARCH_ATTRIBUTES,
          temporalConnection,
        ))
      )
        log.warn({ expected: SEARCH_ATTRIBUTES }, 'this Temporal has no operator API; create these there');
      const servers = { temporalAddress: temporal.address, mongodbUri: mongo.uri };
      const service = await startService(config, servers, systems, budgets, { log, metrics, tracing });
      const takeBack = leaveAddresses(dataDir, config, servers);
      try {
        const receiver =
          withIntake && secretsOf(config) ? await startReceiver(config, servers, log, tracing) : null;
        if (receiver) metrics.watchWebhooks(receiver.counts);
        const { uiUrl } = temporal;
        const webConsole = withIntake ? await startConsole(config, servers, log, { uiUrl, tracing }) : null;
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
    } finally {
      await mongo.stop();
    }
  } finally {
    await temporal.stop();
    await tracing?.shutdown();
  }
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
