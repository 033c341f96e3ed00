import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parse } from '../refusal';
import { idOf, type Context } from './context';

const query = z.strictObject({ fileName: z.string().min(1).max(255) });

export async function attachmentRoutes(
  api: FastifyInstance,
  { store, idempotency, actor, attachmentLimitBytes }: Context,
): Promise<void> {
  // Stores a file's bytes unchanged for every content type, including JSON and text.
  await api.register(async (raw) => {
    raw.removeAllContentTypeParsers();
    raw.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    for (const [collection, kind] of [
      ['notes', 'note'],
      ['projects', 'project'],
    ] as const) {
      raw.post(
        `/${collection}/:id/attachments`,
        { bodyLimit: attachmentLimitBytes },
        async (request, reply) => {
          const id = idOf(request);
          const { fileName } = parse(query, request.query);
          const content = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
          const contentType = request.headers['content-type'] ?? 'application/octet-stream';
          const actorId = actor(request).id;
          const same = ['attach', id, fileName, contentType, content];
          return idempotency.reply(request, reply, actorId, same, () => ({
            status: 201,
            body: store.attach(kind, id, { fileName, contentType, content }, actorId),
          }));
        },
      );
    }
  });
  api.delete('/attachments/:id', async (request, reply) => {
    store.detach(idOf(request), actor(request).id);
    return reply.code(204).send();
  });

  api.get('/attachments/:id', async (request, reply) => {
    const { attachment, content } = store.file(idOf(request));
    // A browser must not show an uploaded file as a page of this server.
    return reply
      .type(attachment.contentType)
      .headers({ 'content-disposition': 'attachment', 'x-content-type-options': 'nosniff' })
      .send(content);
  });
}
