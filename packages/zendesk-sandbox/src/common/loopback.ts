import type { FastifyInstance } from 'fastify';

const LOOPBACK = ['127.0.0.1', '::1', '::ffff:127.0.0.1'];
const HOSTS = ['127.0.0.1', 'localhost', '[::1]'];

/** The control plane needs no credential, so it answers only this machine. */
export function controlsFromLoopback(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.url.startsWith('/_sandbox') && !LOOPBACK.includes(request.ip))
      return reply.code(403).send({ error: 'Forbidden', description: 'Only from the machine it runs on' });
    return undefined;
  });
}

/** Whether a webhook may be sent to a URL: a sandbox sends requests only to its own machine. */
export function isLoopbackUrl(url: string): boolean {
  return URL.canParse(url) && HOSTS.includes(new URL(url).hostname);
}
