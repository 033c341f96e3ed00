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

/**
 * The health of the service. `ready`: MongoDB and Temporal answer. `body`: for people and probes; no record content.
 */
export interface Health {
  ready: boolean;
  body: object;
}

/** How long an answer is kept, because the probes of several orchestrators may ask at the same time. */
const HEALTH_FOR_MS = 2_000;

/**
 * Serves `GET /livez` (the process answers), `GET /healthz` (MongoDB and Temporal answer; with the verdict on the
 * sync), and `GET /metrics` for Prometheus: the service's metrics and those of Temporal's SDK. The SDK serves its
 * metrics on the loopback interface only; they are added here, so that Prometheus has one target for each process.
 *
 * @throws ConfigError if it cannot listen
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
