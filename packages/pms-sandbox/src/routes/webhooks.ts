import type { FastifyInstance } from 'fastify';
import type { Webhooks } from '../webhooks';
import { idOf, type Context } from './context';

export function webhookRoutes(
  api: FastifyInstance,
  { idempotency, actor }: Context,
  webhooks: Webhooks,
): void {
  api.get('/webhooks', async () => ({ items: webhooks.list() }));
  api.post('/webhooks', async (request, reply) =>
    idempotency.reply(request, reply, actor(request).id, ['webhook', request.body], () => ({
      status: 201,
      body: webhooks.add(request.body),
    })),
  );
  api.delete('/webhooks/:id', async (request, reply) => {
    webhooks.remove(idOf(request));
    return reply.code(204).send();
  });
}
