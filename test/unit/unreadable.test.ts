import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { SimulatedSystem } from '../../src/checks/plan/simulatedSystem';
import type { RecordShelf } from '../../src/links/shelf';
import { NeedsHuman, RetryLater } from '../../src/systems/errors';
import type { SystemPort } from '../../src/systems/port';
import { readApart } from '../../src/systems/readApart';
import { parseEach } from '../../src/systems/unreadable';
import { HttpClient } from '../../src/systems/http';
import { zendeskCredential } from '../../src/systems/zendesk/zendeskAuth';
import { zendeskSystem } from '../../src/systems/zendesk/zendeskSystem';
import type { RecordRef } from '../../src/sync/record';

/** A9: one malformed record does not hide the others of its page. */

const refOf = (id: string): RecordRef => ({ side: 'zendesk', kind: 'ticket', id });

test('A9: records are parsed one by one, and no reason quotes content', () => {
  const schema = z.looseObject({ id: z.number(), at: z.string() });
  const secret = 'what a customer wrote';
  const items = [{ id: 1, at: 'now' }, { id: 2, at: 5, secret }, 'x', { at: secret }, null];
  const { records, unreadable } = parseEach(schema, items, 'tickets', refOf);
  expect(records).toEqual([{ id: 1, at: 'now' }]);
  expect(unreadable.map(({ ref }) => ref?.id)).toEqual(['2', undefined, undefined, undefined]);
  expect(unreadable[0]).toMatchObject({ name: 'zendesk:ticket:2', bytes: JSON.stringify(items[1]).length });
  expect(new Set(unreadable.map(({ name }) => name)).size).toBe(4);
  expect(JSON.stringify(unreadable)).not.toContain(secret);
});

describe('A9: records that are read by their ids', () => {
  const port = (bad: readonly string[]): Pick<SystemPort, 'read'> => ({
    async read(refs) {
      const found = refs.find(({ id }) => bad.includes(id));
      if (found) throw new NeedsHuman('unexpected_response', `${found.id} has no time`);
      return refs.map((ref) => ({ ref, record: null }));
    },
  });

  test('do not count as deleted if they cannot be parsed', async () => {
    const { results, unreadable } = await readApart(port(['2', '5']), ['1', '2', '3', '4', '5'].map(refOf));
    expect(results.map(({ ref }) => ref.id)).toEqual(['1', '3', '4']);
    expect(unreadable.map(({ name }) => name)).toEqual(['zendesk:ticket:2', 'zendesk:ticket:5']);
  });

  test('are not blamed for an unavailable server', async () => {
    const unavailable = async () => {
      throw new RetryLater('away', { unknownOutcome: false });
    };
    await expect(readApart({ read: unavailable }, ['1', '2'].map(refOf))).rejects.toBeInstanceOf(RetryLater);
  });
});

test('A9: in a dry run, a record that cannot be parsed does not count as deleted', async () => {
  const shelf = { get: async () => new Map() } as unknown as RecordShelf;
  const real = { side: 'zendesk', exactOrder: false } as SystemPort;
  const unread = new Map([['zendesk:ticket:2', 'tickets: subject: expected text']]);
  const simulated = new SimulatedSystem(real, shelf, () => undefined, unread);
  expect(await simulated.read([refOf('1')])).toEqual([{ ref: refOf('1'), record: null }]);
  await expect(simulated.read([refOf('1'), refOf('2')])).rejects.toMatchObject({
    code: 'unexpected_response',
    message: 'tickets: subject: expected text',
  });
});

describe('A17: a 403', () => {
  const refused = async (method: 'GET' | 'PUT', body: unknown, readsOne?: true) => {
    const server = createServer((_, response) => {
      response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const signedIn = zendeskCredential({
      baseUrl,
      auth: { by: 'oauth', clientId: 'c', secret: () => 's' },
    });
    const http = new HttpClient({
      side: 'zendesk',
      name: 'Z',
      baseUrl,
      headers: {},
      credential: 'C',
      explainRefusal: (...given) => signedIn.explainRefusal(...given),
    });
    const error: unknown = await http
      .send({ method, path: '/api/v2/tickets/7', ...(readsOne && { readsOne }) })
      .catch((failure: unknown) => failure);
    await new Promise((resolve) => server.close(resolve));
    return error;
  };
  const role = { error: { title: 'Forbidden', message: 'You do not have access to this ticket' } };
  const scope = { error: 'Forbidden', description: 'You are missing the following required scopes: write' };

  test.each([
    ['on a write', 'PUT', undefined],
    ['on a read of one record', 'GET', true],
  ] as const)('%s concerns that record, and keeps the API’s message', async (_, method, readsOne) => {
    expect(await refused(method, role, readsOne)).toMatchObject({
      code: 'forbidden',
      message: 'Z GET /api/v2/tickets/7: answered 403: You do not have access to this ticket'.replace(
        'GET',
        method,
      ),
    });
  });

  test('on a list, or for a scope, concerns the credential', async () => {
    expect(await refused('GET', role)).toMatchObject({ code: 'unauthorized' });
    expect(await refused('PUT', scope)).toMatchObject({ code: 'unauthorized' });
  });
});

describe('A9: Zendesk', () => {
  let server: Server;
  let answers: Record<string, unknown>;
  /** Paths that answer 403. */
  let forbidden: string[];
  let port: SystemPort;

  beforeEach(async () => {
    forbidden = [];
    answers = {
      '/api/v2/ticket_fields': { ticket_fields: [] },
      '/api/v2/groups': { groups: [] },
      '/api/v2/users/show_many': { users: [] },
    };
    server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '', 'http://localhost');
      response.setHeader('content-type', 'application/json');
      if (forbidden.includes(pathname)) response.statusCode = 403;
      response.end(JSON.stringify(answers[pathname] ?? {}));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    port = zendeskSystem({
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      auth: { by: 'apiToken', email: 'a@b.test', token: 'x' },
    });
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const times = { created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' };

  test('tickets: the valid ones are read, and the cursor advances', async () => {
    answers['/api/v2/incremental/tickets/cursor'] = {
      tickets: [
        { id: 1, status: 'open', ...times },
        { id: 2, status: 'open' },
        { id: 3, status: 7, ...times },
      ],
      after_cursor: 'next',
      end_of_stream: true,
    };
    const page = await port.changes('tickets', null);
    expect(page.records.map(({ ref }) => ref.id)).toEqual(['1']);
    expect(page.unreadable?.map(({ name }) => name)).toEqual(['zendesk:ticket:2', 'zendesk:ticket:3']);
    expect(page.cursor).toContain('next');
    expect((await port.walk('ticket', null, null)).unreadable).toHaveLength(2);
  });

  test('organizations, by the export and by their list', async () => {
    const organizations = [
      { id: 1, name: 'A', ...times },
      { id: 2, ...times },
    ];
    answers['/api/v2/incremental/organizations'] = {
      organizations,
      count: 2,
      end_time: 1,
      end_of_stream: true,
    };
    answers['/api/v2/organizations'] = { organizations, meta: { has_more: false, after_cursor: null } };
    for (const page of [
      await port.changes('organizations', null),
      await port.walk('organization', null, null),
    ]) {
      expect(page.records.map(({ ref }) => ref.id)).toEqual(['1']);
      expect(page.unreadable?.map(({ name }) => name)).toEqual(['zendesk:organization:2']);
    }
  });

  test('comments: an event, and a comment in one', async () => {
    const comment = (id: number, rest: object) => ({ id, event_type: 'Comment', body: 'x', ...rest });
    answers['/api/v2/incremental/ticket_events'] = {
      ticket_events: [
        { id: 10, ticket_id: 1, created_at: times.created_at, child_events: [comment(11, { public: true })] },
        { id: 20, child_events: 'none' },
        { id: 30, ticket_id: 3, created_at: times.created_at, child_events: [comment(31, {})] },
      ],
      count: 3,
      end_time: 1,
      end_of_stream: true,
    };
    const page = await port.changes('comments', null);
    expect(page.records.map(({ ref }) => ref.id)).toEqual(['1-11']);
    expect(page.unreadable?.map(({ name, ref }) => [name, ref?.kind])).toEqual([
      ['zendesk:ticket-event:20', undefined],
      ['zendesk:comment:3-31', 'comment'],
    ]);
  });

  test.each(['/api/v2/tickets/2/comments', '/api/v2/tickets/2/audits'])(
    'one ticket whose comments may not be read (%s) hides no other comments',
    async (path) => {
      const comment = (id: number) => ({ id, event_type: 'Comment', body: 'x', public: true });
      const redaction = { id: 21, event_type: 'CommentRedactionEvent' };
      const events = [
        [1, comment(11)],
        [2, redaction],
        [3, comment(31)],
      ] as const;
      answers['/api/v2/incremental/ticket_events'] = {
        ticket_events: events.map(([id, child]) => ({
          ...{ id: 10 * id, ticket_id: id, created_at: times.created_at, child_events: [child] },
        })),
        ...{ count: 3, end_time: 1, end_of_stream: true },
      };
      const readable = { id: 21, audit_id: 20, type: 'Comment', author_id: 1, body: 'x', public: true };
      const meta = { has_more: false, after_cursor: null };
      answers['/api/v2/tickets/2/comments'] = {
        comments: [{ ...readable, created_at: times.created_at, attachments: [] }],
        meta,
      };
      answers['/api/v2/tickets/2/audits'] = { audits: [], meta };
      forbidden = [path];
      const page = await port.changes('comments', null);
      expect(page.records.map(({ ref }) => ref.id)).toEqual(['1-11', '3-31']);
      expect(page.unreadable).toMatchObject([
        { name: 'comments of zendesk:ticket:2', reason: expect.stringContaining('answered 403') as string },
      ]);
    },
  );
});
