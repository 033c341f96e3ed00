import { DefaultLogger, Runtime, type LogLevel, type MetricsExporterConfig } from '@temporalio/worker';
import type { Logger } from 'pino';

const LEVELS: Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/**
 * Sends the log lines of the Temporal SDK to our logger, and leaves the handling of SIGTERM and SIGINT to the process.
 * Must be called before the first worker is created; later calls do nothing.
 *
 * @param metricsAddress `host:port` where the SDK serves its own metrics
 */
export function routeTemporalLogs(log: Logger, metricsAddress?: string): void {
  if (Runtime._instance) return;
  // The SDK logs every state of a worker at level info; our own lines say when it runs.
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) =>
    log[LEVELS[level]](meta ?? {}, message),
  );
  const metrics: MetricsExporterConfig | undefined =
    metricsAddress === undefined
      ? undefined
      : {
          prometheus: {
            bindAddress: metricsAddress,
            countersTotalSuffix: true,
            useSecondsForDurations: true,
            unitSuffix: true,
          },
        };
  Runtime.install({
    logger,
    shutdownSignals: [],
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
      ...(metrics && { metrics }),
    },
  });
}
