import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadPmsData, startPmsSandbox, type PmsSandbox, PmsStore } from 'pms-sandbox';
import { exchange } from 'testkit';
import { PmsClient, PmsContract, type Json } from '../support/pmsContract';

interface Item {
  id: string;
  revision: number;
  tags: string[];
  customFields: Json;
  [field: string]: unknown;
}
interface Page {
  items: Item[];
  nextCursor: string | null;
}
interface Refused {
  error: { code: string; message: string; field?: string; existingId?: string; currentRevision?: number };
}
interface Feed {
  items: {
    seq: number;
    kind: string;
    id: string;
    op: string;
    revision: number;
    actorId: string;
    record: Item | null;
  }[];
  nextCursor: string;
  hasMore: boolean;
}

const contract = new PmsContract();
let now: number;
let sandbox: PmsSandbox;
let pms: PmsClient;

beforeEach(async () => {
  now = Date.parse('2026-01-01T00:00:00Z');
  sandbox = await startPmsSandbox({ clock: () => now, attachmentLimitBytes: 1000 });
  pms = new PmsClient(contract, sandbox.url, sandbox.token);
});
afterEach(() => sandbox.close());

const make = async (collection: string, body: Json): Promise<Item> => {
  const answer = await pms.post<Item>(`/${collection}`, body);
  expect(answer.status).toBe(201);
  return answer.body;
};
const idsOf = async (at: string): Promise<string[]> =>
  (await pms.get<Page>(at)).body.items.map(({ id }) => id);
const control = async (method: string, at: string, body?: unknown): Promise<Json> =>
  JSON.parse((await exchange(`${sandbox.url}/_sandbox/${at}`, { method, body })).text) as Json;
/** Reads a list to its end. */
const allOf = async (at: string, start = ''): Promise<string[]> => {
  const ids: string[] = [];
  for (let cursor: string | null = start; cursor !== null;) {
    const { body }: { body: Page } = await pms.get<Page>(`${at}${cursor && `&cursor=${cursor}`}`);
    ids.push(...body.items.map(({ id }) => id));
    cursor = body.nextCursor;
  }
  return ids;
};

describe('records', () => {
  it('get ids of their kind, defaults and a first revision', async () => {
    const customer = await make('customers', {
      name: '  Acme ',
      tags: ['b', 'a', 'b'],
      domains: ['A.example', 'A.example'],
    });
    expect(customer).toMatchObject({
      id: 'C-1001',
      name: 'Acme',
      tags: ['b', 'a'],
      domains: ['A.example'],
      status: 'active',
      revision: 1,
      createdAt: '2026-01-01T00:00:00.000Z',
      archivedAt: null,
    });
    expect(await make('projects', { title: ' Dock ' })).toMatchObject({
      id: 'P-1001',
      title: 'Dock',
      status: 'new',
    });
    expect(await make('notes', { projectId: 'P-1001', body: ' kept ' })).toMatchObject({
      id: 'N-1001',
      body: ' kept ',
    });
  });

  it('need the revision for a change, and get a new one only if a value changes', async () => {
    const { id } = await make('projects', { title: 'Dock', tags: ['x'], customFields: { product: 'crane' } });
    now += 1000;
    const changed = await pms.patch<Item>(`/projects/${id}`, { title: 'Dock 4' }, '"r1"');
    expect(changed.etag).toBe('"r2"');
    expect(changed.body).toMatchObject({ revision: 2, updatedAt: '2026-01-01T00:00:01.000Z' });
    for (const same of [
      {},
      { title: ' Dock 4 ' },
      { tags: ['x', 'x'] },
      { customFields: { product: 'crane', severity: null } },
    ])
      expect((await pms.patch(`/projects/${id}`, same, '"r2"')).etag).toBe('"r2"');
    expect((await pms.get<Feed>('/changes')).body.items).toHaveLength(2);
  });

  it('refuse a change of an older revision', async () => {
    const { id } = await make('customers', { name: 'Acme' });
    await pms.patch(`/customers/${id}`, { name: 'Acme 2' });
    for (const attempt of [
      () => pms.patch<Refused>(`/customers/${id}`, { name: 'Acme 3' }, '"r1"'),
      () => pms.call<Refused>('POST', `/customers/${id}/archive`, { headers: { 'if-match': '"r1"' } }),
      () => pms.call<Refused>('DELETE', `/customers/${id}`, { headers: { 'if-match': 'W/"r2"' } }),
    ]) {
      const { status, body } = await attempt();
      expect([status, body.error.code, body.error.currentRevision]).toEqual([412, 'precondition_failed', 2]);
    }
    expect((await pms.patch(`/customers/${id}`, { name: 'Acme 4' }, '"r1", "r2"')).status).toBe(200);
    expect((await pms.patch(`/customers/${id}`, { name: 'Acme 5' }, '*')).status).toBe(200);
  });

  it('are archived and restored', async () => {
    const { id } = await make('customers', { name: 'Acme' });
    expect((await pms.post<Item>(`/customers/${id}/archive`)).body).toMatchObject({
      status: 'archived',
      revision: 2,
    });
    expect((await pms.post<Item>(`/customers/${id}/archive`)).body.revision).toBe(2);
    expect(await idsOf('/customers')).toEqual([]);
    expect(await idsOf('/customers?archived=true')).toEqual([id]);
    expect(await idsOf(`/customers?archived=all&ids=${id},C-9`)).toEqual([id]);
    expect((await pms.post<Item>(`/customers/${id}/unarchive`)).body).toMatchObject({
      status: 'active',
      archivedAt: null,
    });
  });

  it('that were deleted are missing, and their external reference is free', async () => {
    const { id } = await make('customers', { name: 'Acme', externalRef: 'z:1' });
    const taken = await pms.post<Refused>('/customers', { name: 'Other', externalRef: 'z:1' });
    expect([taken.status, taken.body.error.code, taken.body.error.existingId]).toEqual([
      409,
      'duplicate_external_ref',
      id,
    ]);
    await pms.delete(`/customers/${id}`);
    expect((await pms.get<Refused>(`/customers/${id}`)).body.error.code).toBe('gone');
    expect((await make('customers', { name: 'Other', externalRef: 'z:1' })).id).toBe('C-1002');
    // References are unique within a kind only.
    await make('projects', { title: 'x', externalRef: 'z:1' });
  });

  it.each([
    ['customers', { name: 'x', colour: 'red' }, 'colour'],
    ['customers', { name: 'x', status: 'archived' }, 'status'],
    ['customers', { name: ' ' }, 'name'],
    ['customers', { name: 'x', customFields: { shoeSize: 1 } }, 'customFields.shoeSize'],
    ['customers', { name: 'x', customFields: { region: 'mars' } }, 'customFields.region'],
    ['customers', { name: 'x', customFields: { contractEnd: '2026-02-30' } }, 'customFields.contractEnd'],
    ['customers', { name: 'x', customFields: { vip: 'yes' } }, 'customFields.vip'],
    ['customers', { name: 'x', customFields: { annualRevenue: '1' } }, 'customFields.annualRevenue'],
    ['projects', { title: 'x', customFields: { affectedUsers: 1.5 } }, 'customFields.affectedUsers'],
    ['projects', { title: 'x', customFields: { components: 'a' } }, 'customFields.components'],
    ['projects', { title: 'x'.repeat(256) }, 'title'],
    ['projects', {}, 'title'],
    ['projects', { title: 'x', status: 'started' }, 'status'],
    ['projects', { title: 'x', dueDate: '2026-01-01' }, 'dueDate'],
    ['projects', { title: 'x', dueDate: '2026-01-01T00:00Z' }, 'dueDate'],
    ['projects', { title: 'x', tags: ['a', 1] }, 'tags.1'],
    ['notes', { projectId: 'P-1', body: 'é'.repeat(65_537) }, 'body'],
    ['notes', { projectId: 'P-1', body: 'x', redacted: true }, 'redacted'],
  ])('of %s with %j are refused for "%s"', async (collection, body, field) => {
    const { status, body: refused } = await pms.post<Refused>(`/${collection}`, body);
    expect([status, refused.error.code, refused.error.field]).toEqual([400, 'invalid', field]);
    expect(sandbox.store.changes).toEqual([]);
  });

  it.each(['', 'null', '[]', '"x"', '{'])('refuse the body %j', async (raw) => {
    const headers = { 'content-type': 'application/json' };
    expect((await pms.call<Refused>('POST', '/customers', { raw, headers })).body.error.code).toBe('invalid');
  });

  it('refuse references to missing records, and cycles', async () => {
    for (const [collection, body, field] of [
      ['projects', { title: 'x', customerId: 'C-9' }, 'customerId'],
      ['projects', { title: 'x', assigneeId: 'U-9' }, 'assigneeId'],
      ['notes', { projectId: 'P-9', body: 'x' }, 'projectId'],
    ] as const) {
      const { status, body: refused } = await pms.post<Refused>(`/${collection}`, body);
      expect([status, refused.error.code, refused.error.field]).toEqual([422, 'unknown_reference', field]);
    }
    const top = await make('projects', { title: 'top' });
    const middle = await make('projects', { title: 'middle', parentId: top.id });
    const leaf = await make('projects', { title: 'leaf', parentId: middle.id });
    for (const parentId of [top.id, leaf.id]) {
      const { body } = await pms.patch<Refused>(`/projects/${top.id}`, { parentId });
      expect([body.error.code, body.error.field]).toEqual(['cycle', 'parentId']);
    }
  });

  it('merge custom fields; null removes one', async () => {
    const fields = { region: 'emea', vip: true, annualRevenue: 1.5, contractEnd: '2026-12-31', plan: null };
    const { id, customFields } = await make('customers', { name: 'x', customFields: fields });
    expect(customFields).toEqual({
      region: 'emea',
      vip: true,
      annualRevenue: 1.5,
      contractEnd: '2026-12-31',
    });
    const { body } = await pms.patch<Item>(`/customers/${id}`, {
      customFields: { region: null, plan: 'gold' },
    });
    expect(body.customFields).toEqual({
      vip: true,
      annualRevenue: 1.5,
      contractEnd: '2026-12-31',
      plan: 'gold',
    });
  });
});

describe('lists', () => {
  it('are paged without gaps, past deleted and archived records', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 7; n += 1) ids.push((await make('customers', { name: `c${n}` })).id);
    const first = await pms.get<Page>('/customers?limit=3');
    expect(first.body.items.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    await pms.delete(`/customers/${ids[2]}`);
    await pms.post(`/customers/${ids[3]}/archive`);
    const rest = await pms.get<Page>(`/customers?limit=3&cursor=${first.body.nextCursor}`);
    expect(rest.body).toMatchObject({ items: ids.slice(4).map((id) => ({ id })), nextCursor: null });
  });

  it('are filtered by indexed fields, combined with and', async () => {
    const acme = await make('customers', { name: 'Acme', domains: ['acme.example', 'acme.test'] });
    const namesake = await make('customers', { name: 'ACME', externalRef: 'Z:1' });
    expect(await idsOf('/customers?name=acme')).toEqual([acme.id, namesake.id]);
    expect(await idsOf('/customers?domain=ACME.test')).toEqual([acme.id]);
    expect(await idsOf('/customers?name=acme&externalRef=Z:1')).toEqual([namesake.id]);
    expect(await idsOf('/customers?externalRef=z:1')).toEqual([]);
    await pms.patch(`/customers/${acme.id}`, { name: 'Bolt', domains: ['acme.test'] });
    expect(await idsOf('/customers?name=acme')).toEqual([namesake.id]);
    expect(await idsOf('/customers?domain=acme.example')).toEqual([]);
    expect(await idsOf('/customers?domain=acme.test')).toEqual([acme.id]);

    const parent = await make('projects', { title: 'Dock', customerId: acme.id });
    const child = await make('projects', { title: 'dock', parentId: parent.id });
    expect(await idsOf(`/projects?customerId=${acme.id}`)).toEqual([parent.id]);
    expect(await idsOf(`/projects?parentId=${parent.id}&title=DOCK`)).toEqual([child.id]);
  });

  it.each([
    ['/customers?projectId=P-1', 'projectId'],
    ['/notes?name=x', 'name'],
    ['/projects?limit=201', 'limit'],
    ['/projects?cursor=x', 'cursor'],
    ['/notes?projectId=P-1&cursor=5', 'cursor'],
    ['/projects?archived=maybe', 'archived'],
    [`/projects?ids=${Array.from({ length: 101 }, (_, n) => `P-${n}`).join(',')}`, 'ids'],
    ['/changes?limit=1001', 'limit'],
    ['/changes?cursor=99', 'cursor'],
  ])('%s is refused', async (at, field) => {
    const { status, body } = await pms.get<Refused>(at);
    expect([status, body.error.field]).toEqual([400, field]);
  });

  it('show the notes of a project in their order, each once, despite changes meanwhile', async () => {
    const { id: projectId } = await make('projects', { title: 'x' });
    const notes = [
      '2025-03-01T00:00:00Z',
      '2025-01-01T00:00:00Z',
      null,
      '2025-02-01T00:00:00+01:00',
      '2025-01-01T00:00:00Z',
    ];
    const ids: string[] = [];
    for (const occurredAt of notes) ids.push((await make('notes', { projectId, body: 'x', occurredAt })).id);
    const inOrder = [1, 4, 3, 0, 2].map((n) => ids[n]);
    expect(await allOf(`/notes?projectId=${projectId}&limit=2`)).toEqual(inOrder);
    const first = await pms.get<Page>(`/notes?projectId=${projectId}&limit=2`);
    await pms.post(`/notes/${ids[1]}/archive`);
    await make('notes', { projectId, body: 'older', occurredAt: '2024-01-01T00:00:00Z' });
    const rest = await allOf(`/notes?projectId=${projectId}&limit=2`, first.body.nextCursor ?? '');
    expect(rest).toEqual(inOrder.slice(2));
    // Archived notes do not count for the size of a page.
    expect(await allOf(`/notes?projectId=${projectId}&limit=1`)).toHaveLength(5);
  });
});

describe('idempotency keys', () => {
  const key = { 'idempotency-key': 'k1' };

  it('return the first answer again, for a day', async () => {
    const body = { name: 'Acme', tags: ['a'] };
    const first = await pms.post<Item>('/customers', body, key);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    await pms.patch(`/customers/${first.body.id}`, { name: 'Bolt' });
    const again = await pms.post<Item>('/customers', { tags: ['a'], name: 'Acme' }, key);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect([again.body, again.etag]).toEqual([first.body, first.etag]);
    const other = await pms.post<Refused>('/customers', { name: 'Other' }, key);
    expect([other.status, other.body.error.code]).toEqual([422, 'idempotency_key_reuse']);
    now += 24 * 60 * 60_000;
    expect((await pms.post<Item>('/customers', body, key)).body.id).not.toBe(first.body.id);
  });

  it('do not keep refusals, and belong to the sender', async () => {
    expect((await pms.post('/projects', { title: 'x', customerId: 'C-1001' }, key)).status).toBe(422);
    await make('customers', { name: 'Acme' });
    expect((await pms.post('/projects', { title: 'x', customerId: 'C-1001' }, key)).status).toBe(201);
    const { token } = await control('POST', 'tokens', { email: 'ann@pms.example', name: 'Ann' });
    const ann = new PmsClient(contract, sandbox.url, String(token));
    expect((await ann.post('/customers', { name: 'Of Ann' }, key)).status).toBe(201);
  });

  it('work for people, webhooks and attachments, too', async () => {
    await make('projects', { title: 'x' });
    await make('notes', { projectId: 'P-1001', body: 'x' });
    const hook = { url: 'http://localhost:9/hook', secret: 'not shown' };
    for (const [at, body, n] of [
      ['/people', { email: 'a@b.example', name: 'A' }, 1],
      ['/webhooks', hook, 2],
      ['/notes/N-1001/attachments?fileName=a.json', { a: 1 }, 3],
    ] as const) {
      const headers = { 'idempotency-key': `key ${n}` };
      const first = await pms.post(at, body, headers);
      const again = await pms.post(at, body, headers);
      expect([again.status, again.body]).toEqual([201, first.body]);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
    }
    const { body } = await pms.get<{ items: Json[] }>('/webhooks');
    expect(body.items).toHaveLength(1);
    expect(JSON.stringify(body)).not.toContain(hook.secret);
    expect((await pms.get<{ attachments: unknown[] }>('/notes/N-1001')).body.attachments).toHaveLength(1);
  });
});

it('bulk calls work in order, each operation by itself', async () => {
  const { id } = await make('customers', { name: 'Acme', externalRef: 'z:1' });
  const create = { op: 'create', idempotencyKey: 'b1', body: { name: 'Bolt' } };
  const send = () =>
    pms.post<{ results: Json[] }>('/customers/bulk', {
      operations: [
        create,
        create,
        { op: 'update', id, ifMatch: '"r1"', body: { name: 'Acme 2' } },
        { op: 'update', id, ifMatch: '"r1"', body: { name: 'Acme 3' } },
        { op: 'create', body: { name: 'Twin', externalRef: 'z:1' } },
        { op: 'create', body: { nam: 'x' } },
        { op: 'update', id: 'C-9', body: {} },
      ],
    });
  const { results } = (await send()).body;
  expect(results).toMatchObject([
    { status: 201, etag: '"r1"', body: { id: 'C-1002', name: 'Bolt' } },
    { status: 201, etag: '"r1"', body: { id: 'C-1002', name: 'Bolt' }, replayed: true },
    { status: 200, etag: '"r2"', body: { name: 'Acme 2' } },
    { status: 412, error: { code: 'precondition_failed', currentRevision: 2 } },
    { status: 409, error: { code: 'duplicate_external_ref', existingId: id } },
    { status: 400, error: { code: 'invalid' } },
    { status: 404, error: { code: 'not_found' } },
  ]);
  expect((await send()).body.results[0]).toMatchObject({ body: { id: 'C-1002' }, replayed: true });
  // A key in the body and the same key in a header are one key.
  const single = await pms.post<Item>('/customers', create.body, { 'idempotency-key': 'b1' });
  expect(single.body.id).toBe('C-1002');
  const tooMany = { operations: Array.from({ length: 101 }, () => create) };
  expect((await pms.post('/customers/bulk', tooMany)).status).toBe(400);
});

describe('the change feed', () => {
  it('reports each change, its actor, and the record at that time', async () => {
    const { token, person } = await control('POST', 'tokens', { email: 'Ann@PMS.example', name: 'Ann' });
    const ann = new PmsClient(contract, sandbox.url, String(token));
    expect((await ann.get('/me')).body).toMatchObject({ email: 'ann@pms.example', name: 'Ann' });
    const { nextCursor: start } = (await pms.get<Feed>('/changes?cursor=now')).body;
    await make('projects', { title: 'one' });
    await ann.patch('/projects/P-1001', { title: 'two' });
    await ann.post('/projects/P-1001/archive');
    await pms.post('/projects/P-1001/unarchive');
    await make('notes', { projectId: 'P-1001', body: 'secret' });
    await pms.post('/notes/N-1001/redact');
    await pms.delete('/projects/P-1001');
    const { items, nextCursor, hasMore } = (await pms.get<Feed>(`/changes?cursor=${start}`)).body;
    const me = 'U-1001';
    const { id: annId } = person as { id: string };
    expect(
      items.map(({ op, revision, actorId, record }) => [op, revision, actorId, record?.['title'] ?? null]),
    ).toEqual([
      ['created', 1, me, 'one'],
      ['updated', 2, annId, 'two'],
      ['archived', 3, annId, 'two'],
      ['unarchived', 4, me, 'two'],
      ['created', 1, me, null],
      ['redacted', 2, me, null],
      ['deleted', 5, me, null],
    ]);
    expect(items[5]?.record).toMatchObject({ body: '[redacted]', redacted: true });
    expect(items[6]?.record).toBeNull();
    expect(hasMore).toBe(false);
    expect((await pms.get<Feed>(`/changes?cursor=${nextCursor}`)).body.items).toEqual([]);
  });

  it('is paged from the beginning', async () => {
    for (let n = 0; n < 5; n += 1) await make('customers', { name: `c${n}` });
    const seen: number[] = [];
    let page: Feed = { items: [], nextCursor: '0', hasMore: true };
    while (page.hasMore) {
      page = (await pms.get<Feed>(`/changes?limit=2&cursor=${page.nextCursor}`)).body;
      seen.push(...page.items.map(({ seq }) => seq));
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });
});

it('shows a redacted note and its attachments once', async () => {
  await make('projects', { title: 'x' });
  await make('notes', { projectId: 'P-1001', body: 'card number' });
  const headers = { 'content-type': 'application/json' };
  // The content is not JSON, and must stay unchanged.
  const raw = '{ "a":  1 ';
  const { body: file } = await pms.call<Item>('POST', '/notes/N-1001/attachments?fileName=a.json', {
    raw,
    headers,
  });
  const { body: content, headers: sent } = await pms.get<Buffer>(`/attachments/${file.id}`);
  expect([content.toString(), sent.get('content-type')]).toEqual([raw, 'application/json']);
  expect((await pms.get<Item>('/notes/N-1001')).body).toMatchObject({ revision: 2, attachments: [file] });
  const binary = Buffer.from([0, 255, 254, 10]);
  const text = { 'content-type': 'text/plain' };
  const { body: other } = await pms.call<Item>('POST', '/notes/N-1001/attachments?fileName=b', {
    raw: binary,
    headers: text,
  });
  expect((await pms.get<Buffer>(`/attachments/${other.id}`)).body).toEqual(binary);
  const big = { raw: Buffer.alloc(1001), headers: text };
  expect((await pms.call('POST', '/notes/N-1001/attachments?fileName=c', big)).status).toBe(413);

  expect((await pms.post<Item>('/notes/N-1001/redact')).body).toMatchObject({
    revision: 4,
    attachments: [],
    redacted: true,
  });
  expect((await pms.post<Item>('/notes/N-1001/redact')).body.revision).toBe(4);
  expect((await pms.get(`/attachments/${file.id}`)).status).toBe(410);
});

it('a person is found by e-mail address', async () => {
  const { body: ann } = await pms.post<Item>('/people', {
    email: 'Ann@Acme.example',
    name: 'Ann',
    role: 'client',
  });
  const { status, body } = await pms.post<Item>('/people', { email: 'ann@acme.EXAMPLE', name: 'Ann Arbor' });
  expect(status).toBe(200);
  expect(body).toEqual({ ...ann, name: 'Ann Arbor' });
  expect(body).toMatchObject({ email: 'ann@acme.example', role: 'client', active: true });
  expect(await idsOf('/people?email=ANN@acme.example')).toEqual([ann.id]);
  expect(await idsOf('/people?email=bob@acme.example')).toEqual([]);
  expect(await idsOf(`/people?ids=${ann.id},U-1001,U-9`)).toEqual(['U-1001', ann.id]);
  expect(await allOf('/people?limit=1')).toEqual(['U-1001', ann.id]);
});

it('calls are counted per minute', async () => {
  const busy = await startPmsSandbox({ rateLimitPerMinute: 2, clock: () => now });
  try {
    const client = new PmsClient(contract, busy.url, busy.token);
    expect((await client.get('/me')).headers.get('x-ratelimit-remaining')).toBe('1');
    await client.get('/me');
    now += 15_000;
    const refused = await client.get<Refused>('/me');
    expect([refused.status, refused.body.error.code, refused.headers.get('retry-after')]).toEqual([
      429,
      'rate_limited',
      '45',
    ]);
    expect((await client.get('/health')).status).toBe(200);
    now += 45_000;
    expect((await client.get('/me')).status).toBe(200);
  } finally {
    await busy.close();
  }
});

describe('webhooks', () => {
  interface Delivery {
    headers: IncomingHttpHeaders;
    body: string;
  }
  let receiver: Server;
  let url: string;
  let answers: number[];
  let deliveries: Delivery[];
  let arrived: () => void;

  beforeEach(async () => {
    answers = [];
    deliveries = [];
    receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        deliveries.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
        response.writeHead(answers.shift() ?? 204, { location: '/elsewhere' }).end();
        arrived();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  });
  afterEach(async () => {
    receiver.closeAllConnections();
    await new Promise((resolve) => receiver.close(resolve));
  });
  const received = (count: number) =>
    new Promise<void>((resolve) => {
      arrived = () => deliveries.length >= count && resolve();
      arrived();
    });

  it('are signed, sent for the requested kinds, and repeated', async () => {
    answers = [500, 302];
    const secret = 'shared secret';
    await pms.post('/webhooks', { url, secret, kinds: ['project'] });
    await make('customers', { name: 'not told of' });
    const { id } = await make('projects', { title: 'told of' });
    await received(3);
    const [first, second, third] = deliveries;
    expect(third).toMatchObject({ body: first?.body });
    const { headers, body } = second as Delivery;
    const signature = createHmac('sha256', secret)
      .update(`${String(headers['x-pms-timestamp'])}.${body}`)
      .digest('hex');
    expect(headers['x-pms-signature']).toBe(`sha256=${signature}`);
    expect(new Set(deliveries.map((each) => each.headers['x-pms-delivery'])).size).toBe(1);
    contract.checkSchema('ChangeHint', JSON.parse(body));
    expect(JSON.parse(body)).toMatchObject({ kind: 'project', id, op: 'created', revision: 1 });
  });

  it('are lost, duplicated and reordered by faults', async () => {
    await pms.post('/webhooks', { url, secret: 'shared secret', kinds: ['customer'] });
    await control('PUT', 'faults', [
      { route: 'customer.created', kind: 'webhookReordered', delayMs: 60_000, times: 1 },
      { route: 'customer.created', kind: 'webhookLost', times: 1 },
      { route: 'customer.created', kind: 'webhookDuplicate', times: 1 },
    ]);
    for (const name of ['held back', 'lost', 'doubled']) await make('customers', { name });
    await received(3);
    const ids = deliveries.map(({ body }) => (JSON.parse(body) as { id: string }).id);
    expect(ids).toEqual(['C-1003', 'C-1003', 'C-1001']);
  });

  it.each([
    'http://pms.example/',
    'http://127.0.0.1.evil.example/',
    'http://10.0.0.1/',
    'ftp://localhost/',
    'nonsense',
  ])('are not sent to %s', async (target) => {
    const { body } = await pms.post<Refused>('/webhooks', { url: target, secret: '12345678' });
    expect([body.error.code, body.error.field]).toEqual(['invalid', 'url']);
  });
});

describe('the sandbox breaks promises', () => {
  it('about preconditions, keys and the feed, by switches', async () => {
    const { id } = await make('customers', { name: 'Acme' });
    await control('PUT', 'lies', { ignoreIfMatch: true, forgetIdempotencyKeys: true, dropFeedEntries: true });
    expect((await pms.patch(`/customers/${id}`, { name: 'Bolt' }, '"r9"')).status).toBe(200);
    const key = { 'idempotency-key': 'k' };
    for (let n = 0; n < 8; n += 1) await pms.post('/customers', { name: 'Twin' }, key);
    expect(await idsOf('/customers?name=twin')).toHaveLength(8);
    const { items } = (await pms.get<Feed>('/changes')).body;
    expect(items.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 6, 7, 8, 9]);
    expect(await control('PUT', 'lies', { dropFedEntries: true })).toMatchObject({
      error: { code: 'invalid' },
    });
    expect(new Set(Object.values(await control('PUT', 'lies', {})))).toEqual(new Set([false]));
  });
});

describe('the control plane', () => {
  it('counts calls and writes', async () => {
    await make('customers', { name: 'Acme' });
    await pms.get('/customers/C-1001');
    const { calls, writes } = await control('GET', 'stats');
    const user = 'sync@pms.example';
    expect(calls).toContainEqual({ user, method: 'POST', route: '/api/v1/customers', status: 201, count: 1 });
    expect(calls).toContainEqual({
      user,
      method: 'GET',
      route: '/api/v1/customers/:id',
      status: 200,
      count: 1,
    });
    expect(writes).toMatchObject({ customer: { created: 1, updated: 0 } });
    await control('POST', 'stats/reset');
    expect(await control('GET', 'stats')).toMatchObject({ calls: [], writes: { customer: { created: 0 } } });
    expect(await control('GET', 'state')).toMatchObject({ customers: [{ id: 'C-1001' }], changes: 1 });
  });

  it('injects faults, also after a write', async () => {
    await control('PUT', 'faults', [
      { route: '^POST /api/v1/customers$', kind: 'timeoutAfterWrite', times: 1 },
    ]);
    const key = { 'idempotency-key': 'k' };
    await expect(pms.post('/customers', { name: 'Acme' }, key)).rejects.toThrow('fetch failed');
    const again = await pms.post<Item>('/customers', { name: 'Acme' }, key);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await idsOf('/customers')).toEqual(['C-1001']);
  });

  it('repeats earlier entries of the feed', async () => {
    await make('customers', { name: 'Acme' });
    const { nextCursor } = (await pms.get<Feed>('/changes')).body;
    await control('PUT', 'faults', [{ route: '^GET /api/v1/changes', kind: 'repeat' }]);
    const again = (await pms.get<Feed>(`/changes?cursor=${nextCursor}`)).body;
    expect([again.items.map(({ id }) => id), again.nextCursor]).toEqual([['C-1001'], nextCursor]);
  });
});

describe('loading', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'pms-data-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));
  const save = (name: string, rows: unknown) =>
    writeFile(path.join(dir, `${name}.json`), JSON.stringify(rows));

  it('copies the records of another sandbox', async () => {
    await pms.post('/people', { email: 'ann@pms.example', name: 'Ann' });
    await make('customers', { name: 'gone' });
    await pms.delete('/customers/C-1001');
    await make('customers', { name: 'Acme', customFields: { vip: true } });
    await make('projects', { title: 'child' });
    await make('projects', { title: 'parent', customerId: 'C-1002', requesterId: 'U-1002' });
    await pms.patch('/projects/P-1001', { parentId: 'P-1002' });
    await make('notes', { projectId: 'P-1001', body: 'x', authorId: 'U-1002' });
    await pms.post('/customers/C-1002/archive');
    const state = await control('GET', 'state');
    for (const name of ['customers', 'projects', 'notes']) await save(name, state[name]);
    await save('people', [...(state['people'] as Json[])].reverse());

    const store = new PmsStore(() => now);
    store.people.upsert({ email: 'first@pms.example', name: 'First' });
    expect(await loadPmsData(store, dir)).toEqual({ customers: 1, projects: 2, notes: 1, people: 2 });
    const ann = store.people.find('ann@pms.example')?.id;
    expect(store.get('customer', 'C-1002')).toMatchObject({
      status: 'archived',
      customFields: { vip: true },
    });
    expect(store.get('project', 'P-1001')).toMatchObject({ parentId: 'P-1002', revision: 1 });
    expect(store.get('project', 'P-1002')).toMatchObject({ requesterId: ann });
    expect(store.create('customer', { name: 'next' }, 'U-1001').id).toBe('C-1003');
  });

  it('accepts plain bodies, and any file may be missing', async () => {
    await save('customers', [{ name: 'Acme' }]);
    expect(await loadPmsData(sandbox.store, dir)).toEqual({ customers: 1, projects: 0, notes: 0, people: 0 });
    expect(await idsOf('/customers?name=acme')).toEqual(['C-1001']);
  });

  it.each([
    ['customers', [{ name: 'a' }, { nam: 'b' }], 'row 1'],
    ['notes', [{ projectId: 'P-9', body: 'x' }], 'P-9 does not exist'],
    ['projects', [{ id: 'C-1', title: 'x' }], 'id: C-1'],
    [
      'projects',
      [
        { id: 'P-1', title: 'x', parentId: 'P-2' },
        { id: 'P-2', title: 'y', parentId: 'P-1' },
      ],
      'parentId',
    ],
  ])('names the fault in %s %j', async (name, rows, why) => {
    await save(name, rows);
    await expect(loadPmsData(sandbox.store, dir)).rejects.toThrow(why);
  });
});
