import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { ConfigError } from '../config/config';
import { cannotListen } from '../platform/systemErrors';
import type { Exposition } from '../activities/metrics';

const SDK_WITHIN_MS = 2_000;

export interface MetricsServer {
  port: number;
  close(): Promise<void>;
}

/**
 * Serves `GET /metrics` for Prometheus: this service's metrics, then those of Temporal's SDK, which keeps an
 * endpoint of its own on the loopback interface. One target to scrape a process.
 *
 * @throws ConfigError where it cannot listen
 */
export async function serveMetrics(
  exposition: Exposition,
  options: { host: string; port: number; sdkAddress: string },
): Promise<MetricsServer> {
  const app = fastify({ forceCloseConnections: true });
  app.get('/metrics', async (_request, reply) =>
    reply
      .type(exposition.contentType)
      .send(`${await exposition.text()}\n${await sdkMetrics(options.sdkAddress)}`),
  );
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    throw new ConfigError(`METRICS_HOST, METRICS_PORT: ${cannotListen(options.host, options.port, error)}`);
  }
  const { port } = app.server.address() as AddressInfo;
  return { port, close: () => app.close() };
}

async function sdkMetrics(address: string): Promise<string> {
  const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(SDK_WITHIN_MS) });
  return answer.text();
}
