import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { ConfigError } from '../config/config';
import { cannotListen } from '../platform/systemErrors';
import type { Exposition } from '../activities/metrics';

const SDK_WITHIN_MS = 2_000;

export interface MetricsServer {
  port: number;
  close(): Promise<void>;
}

/** How the service is: `ready` where its own servers answer. The body is for people and probes; it holds no content. */
export interface Health {
  ready: boolean;
  body: object;
}

/** Probes of several orchestrators may ask at once. */
const HEALTH_FOR_MS = 2_000;

/**
 * Serves `GET /livez` (the process answers), `GET /healthz` (its servers do, with the verdict on the sync), and
 * `GET /metrics` for Prometheus: this service's metrics, then those of Temporal's SDK, which keeps an
 * endpoint of its own on the loopback interface. One target to scrape a process.
 *
 * @throws ConfigError where it cannot listen
 */
export async function serveMetrics(
  exposition: Exposition,
  options: { host: string; port: number; sdkAddress: string; health: (() => Promise<Health>) | null },
): Promise<MetricsServer> {
  const app = fastify({ forceCloseConnections: true });
  app.get('/metrics', async (_request, reply) =>
    reply
      .type(exposition.contentType)
      .send(`${await exposition.text()}\n${await sdkMetrics(options.sdkAddress)}`),
  );
  app.get('/livez', async () => ({ status: 'ok' }));
  if (options.health) healthz(app, options.health);
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    throw new ConfigError(`METRICS_HOST, METRICS_PORT: ${cannotListen(options.host, options.port, error)}`);
  }
  const { port } = app.server.address() as AddressInfo;
  return { port, close: () => app.close() };
}

function healthz(app: FastifyInstance, health: () => Promise<Health>): void {
  let last: { at: number; answer: Promise<Health> } | null = null;
  app.get('/healthz', async (_request, reply) => {
    if (!last || Date.now() - last.at > HEALTH_FOR_MS) last = { at: Date.now(), answer: health() };
    const { ready, body } = await last.answer;
    return reply.code(ready ? 200 : 503).send(body);
  });
}

async function sdkMetrics(address: string): Promise<string> {
  const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(SDK_WITHIN_MS) });
  return answer.text();
}
