import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseRequest } from '../refusal';
import { idOf, noContent, textOfPath, type Context } from './context';

const uploadQuery = z.looseObject({ filename: z.string().min(1), token: z.string().optional() });

/** Stores files of any type unchanged. The routes have a separate scope without parsers. */
export async function uploadRoutes(api: FastifyInstance, { uploads }: Context): Promise<void> {
  await api.register(async (raw) => {
    raw.removeAllContentTypeParsers();
    raw.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    raw.post('/uploads', async (request, reply) => {
      const { filename, token } = parseRequest(uploadQuery, request.query);
      const content = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const type = request.headers['content-type'] ?? 'application/octet-stream';
      return reply.code(201).send({ upload: uploads.add(filename, type, content, token) });
    });
  });
  api.delete('/uploads/:token', async (request, reply) => {
    uploads.remove(textOfPath(request, 'token'));
    return noContent(reply);
  });
  api.get('/attachments/:id', async (request) => ({ attachment: uploads.show(idOf(request)) }));
}

/** The routes of `content_url`, which are outside of the API and redirect to the file. */
export function attachmentRoutes(app: FastifyInstance, { uploads, limits }: Context, fileUrl: string): void {
  for (const path of ['/attachments/token/:key', '/attachments/token/:key/']) {
    app.get(path, async (request, reply) => {
      const key = textOfPath(request, 'key');
      const { attachment } = uploads.file(key);
      limits.attachment(key, uploads.isLoose(attachment));
      return reply.redirect(`${fileUrl}/files/${key}/${encodeURIComponent(attachment.file_name)}`, 302);
    });
  }
}

/** @param onFile called with each call's headers */
export function fileRoutes(
  app: FastifyInstance,
  { uploads }: Context,
  onFile: (headers: IncomingHttpHeaders) => void,
): void {
  app.get('/files/:key/:name', async (request, reply) => {
    onFile(request.headers);
    const { attachment, content } = uploads.file(textOfPath(request, 'key'));
    // A browser must not show a file of another person as a page.
    return reply
      .type(String(attachment['content_type']))
      .header('content-disposition', 'attachment')
      .header('x-content-type-options', 'nosniff')
      .send(content);
  });
}
