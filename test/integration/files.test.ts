import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { NeedsHuman, RetryLater } from '../../src/systems/errors';
import { openFile } from '../../src/systems/fileRules';
import type { SystemPort } from '../../src/systems/port';
import { zendeskSystem } from '../../src/systems/zendesk/zendeskSystem';
import { contractSystem, serviceAuth, startSandboxes, type Sandboxes } from '../support/sandboxes';

const servers: Server[] = [];
async function serve(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: unknown) => error,
  );

test('a file is streamed: its end is sent only after its beginning has arrived', async () => {
  const half = Buffer.alloc(200_000, 'x');
  let received = 0;
  let arrived: () => void = () => undefined;
  const beginning = new Promise<void>((resolve) => (arrived = resolve));
  const take = async (request: IncomingMessage) => {
    for await (const chunk of request) {
      received += (chunk as Buffer).length;
      arrived();
    }
  };
  const zendesk = await serve((request, response) => {
    const file = { id: 7, file_name: 'a', content_url: `${zendesk}/content`, size: 2 * half.length };
    if (request.url === '/oauth/tokens')
      return void response.end(JSON.stringify({ access_token: 't', token_type: 'bearer', expires_in: 600 }));
    if (request.url?.startsWith('/api/v2/attachments') === true)
      return void response.end(JSON.stringify({ attachment: file }));
    response.write(half);
    // Code that buffers the whole file would never continue here.
    void beginning.then(() => response.end(half));
  });
  const pms = await serve((request, response) => {
    const file = { id: 'A-1', fileName: 'a', contentType: 'text/plain', size: received };
    const note = {
      id: 'N-1',
      revision: 2,
      createdAt: '2026-01-01T00:00:00Z',
      updatedAt: '2026-01-01T00:00:00Z',
      archivedAt: null,
      externalRef: null,
    };
    const rest = { projectId: 'P-1', body: '', visibility: 'internal', authorId: null, authorName: null };
    const items = [{ ...note, ...rest, occurredAt: null, redacted: false, attachments: [file] }];
    if (request.method === 'GET') return void response.end(JSON.stringify({ items, nextCursor: null }));
    void take(request).then(() => response.writeHead(201).end(JSON.stringify(file)));
  });
  const from = zendeskSystem({
    baseUrl: zendesk,
    auth: { by: 'oauth', clientId: 'c', secret: () => 's' },
  });
  const to = contractSystem({ baseUrl: pms, token: 't' });
  const open = () => from.openFile({ side: 'zendesk', kind: 'comment', id: '1-2' }, '7');
  const options = { idempotencyKey: 'k', backRef: 'zendesk:comment:1-2', isPublic: false };
  await to.attach({ side: 'pms', kind: 'note', id: 'N-1' }, open, options);
  expect(received).toBe(2 * half.length);
});

test('a PMS without files reports that, and its record does not count as deleted', async () => {
  const at = '2026-01-01T00:00:00Z';
  const note = { id: 'N-1', revision: 2, createdAt: at, updatedAt: at, archivedAt: null, externalRef: null };
  const rest = { projectId: 'P-1', body: '', visibility: 'internal', authorId: null, authorName: null };
  const url = await serve((request, response) => {
    const items = [{ ...note, ...rest, occurredAt: null, redacted: false }];
    if (request.method === 'GET') return void response.end(JSON.stringify({ items, nextCursor: null }));
    request.resume().on('end', () => {
      response.writeHead(404).end(JSON.stringify({ error: { code: 'not_found', message: 'No such path' } }));
    });
  });
  const file = async () =>
    openFile({ fileName: 'f', contentType: 'text/plain', size: 1 }, Readable.from(['x']));
  const options = { idempotencyKey: 'k', backRef: 'zendesk:comment:1-2', isPublic: false };
  const ref = { side: 'pms', kind: 'note', id: 'N-1' } as const;
  expect(
    await errorOf(contractSystem({ baseUrl: url, token: 't' }).attach(ref, file, options)),
  ).toMatchObject({
    code: 'attachment_refused',
  });
});

describe('files over the ports', () => {
  let boxes: Sandboxes;
  beforeEach(async () => {
    boxes = await startSandboxes({ zendesk: { fileHost: true } });
  });
  afterEach(async () => boxes.close());
  const info = (size: number, over: object = {}) => ({
    fileName: 'f.txt',
    contentType: 'text/plain',
    size,
    ...over,
  });
  const open = (words: string, size = words.length, over = {}) =>
    openFile(info(size, over), Readable.from([Buffer.from(words)]));

  async function note(): Promise<{ side: 'pms'; kind: string; id: string }> {
    const project = await boxes.pm('POST', '/projects', { title: 'x' });
    const made = await boxes.pm('POST', '/notes', { projectId: project['id'], body: 'x' });
    return { side: 'pms', kind: 'note', id: String(made['id']) };
  }
  async function comment(): Promise<{ side: 'zendesk'; kind: string; id: string }> {
    const { ticket } = (await boxes.zd('POST', '/tickets', {
      ticket: { subject: 'x', comment: { body: 'd' } },
    })) as unknown as { ticket: { id: number } };
    await boxes.zd('PUT', `/tickets/${ticket.id}`, { ticket: { comment: { body: 'a comment' } } });
    const comment = boxes.zendesk.store.comments.get(ticket.id)?.at(-1);
    return { side: 'zendesk', kind: 'comment', id: `${ticket.id}-${comment?.id}` };
  }

  describe.each(['zendesk', 'pms'] as const)('%s', (side) => {
    let port: SystemPort;
    const target = () => (side === 'pms' ? note() : comment());
    const options = {
      idempotencyKey: 'file-1',
      backRef: side === 'pms' ? 'zendesk:comment:1-2' : 'pms:note:N-1',
      isPublic: false,
    };
    const filesOf = async (ref: Awaited<ReturnType<typeof target>>) =>
      (await port.read([ref]))[0]?.record?.attachments ?? [];
    beforeEach(() => void (port = boxes.systems[side]));

    test('a file is attached once, read back unchanged, and removed for good', async () => {
      const ref = await target();
      const first = await port.attach(ref, async () => open('content', 7, { fileName: 'ä b.txt' }), options);
      const again = await port.attach(ref, async () => open('content', 7, { fileName: 'ä b.txt' }), options);
      expect(again.id).toBe(first.id);
      expect(await filesOf(ref)).toEqual([
        { id: first.id, fileName: 'ä b.txt', contentType: 'text/plain', size: 7, redacted: false },
      ]);
      const { content } = await port.openFile(ref, first.id);
      expect(String(await buffer(content))).toBe('content');
      await port.detach(ref, first.id);
      const left = await filesOf(ref);
      expect(left.filter((file) => !file.redacted)).toEqual([]);
      expect(await errorOf(port.openFile(ref, first.id))).toMatchObject({ code: 'attachment_unavailable' });
    });

    test('a file that is shorter or longer than announced is not attached, and is retried', async () => {
      const ref = await target();
      expect(await errorOf(port.attach(ref, async () => open('short', 9), options))).toBeInstanceOf(
        RetryLater,
      );
      expect(await errorOf(port.attach(ref, async () => open('too long', 3), options))).toBeInstanceOf(
        RetryLater,
      );
      expect(await filesOf(ref)).toEqual([]);
    });

    test('a name or type with special characters is made harmless', async () => {
      const ref = await target();
      const evil = { fileName: '../../etc/pass\r\nwd', contentType: 'text/html\r\nx-evil: 1' };
      await port.attach(ref, async () => open('x', 1, evil), options);
      expect(await filesOf(ref)).toMatchObject([
        { fileName: '.._.._etc_pass__wd', contentType: 'application/octet-stream' },
      ]);
    });
  });

  test('a redirect to a host that is not listed is not followed', async () => {
    const { zendesk } = boxes;
    const port = zendeskSystem({
      baseUrl: zendesk.url,
      auth: serviceAuth(zendesk),
      attachmentHosts: [],
    });
    const ref = await comment();
    const { id } = await port.attach(ref, async () => open('content'), {
      idempotencyKey: 'k',
      backRef: 'pms:note:N-1',
      isPublic: false,
    });
    const error = await errorOf(port.openFile(ref, id));
    expect(error).toBeInstanceOf(NeedsHuman);
    expect(error).toMatchObject({ code: 'attachment_refused' });
    expect(zendesk.fileCalls).toEqual([]);
  });

  test('a source that breaks off half-way is retried', async () => {
    const { zendesk } = boxes;
    const cut = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setImmediate(() => response.destroy());
    });
    const ref = await comment();
    const port = zendeskSystem({
      baseUrl: zendesk.url,
      auth: serviceAuth(zendesk),
      attachmentHosts: [cut],
    });
    const options = { idempotencyKey: 'k', backRef: 'pms:note:N-1', isPublic: false };
    const { id } = await port.attach(ref, async () => open('x'.repeat(100)), options);
    const holder = [...zendesk.store.comments.values()].flat().find((each) => each.attachments.length > 0);
    const [file] = holder?.attachments ?? [];
    if (file) file.content_url = `${cut}/file`;
    const target = await note();
    const source = () => port.openFile(ref, id);
    const attached = boxes.systems.pms.attach(target, source, { ...options, backRef: 'zendesk:comment:1-2' });
    expect(await errorOf(attached)).toBeInstanceOf(RetryLater);
    const record = boxes.pms.store.find('note', target.id);
    expect(record?.['attachments']).toEqual([]);
  });
});
