import { startPmsSandbox, type PmsSandbox } from 'pms-sandbox';
import { PmsClient, PmsContract } from '../support/pmsContract';

/**
 * Provokes every answer in docs/pms-openapi.yaml; the client checks each against its schema. pmsSandbox.test.ts tests
 * the meaning of the answers.
 */
const contract = new PmsContract();
const COLLECTIONS = ['customers', 'projects', 'notes'] as const;
type Collection = (typeof COLLECTIONS)[number];
const REQUIRED: Record<Collection, Record<string, unknown>> = {
  customers: { name: 'Acme' },
  projects: { title: 'Dock 4' },
  notes: { projectId: 'P-1001', body: 'Called them.' },
};
const ACTIONS: Record<Collection, string[]> = {
  customers: ['archive', 'unarchive'],
  projects: ['archive', 'unarchive'],
  notes: ['archive', 'unarchive', 'redact'],
};
const text = { 'content-type': 'text/plain' };

let sandbox: PmsSandbox;
let pms: PmsClient;

beforeAll(async () => {
  sandbox = await startPmsSandbox({ rateLimitPerMinute: 1_000_000 });
  pms = new PmsClient(contract, sandbox.url, sandbox.token);
  // Records that other records refer to.
  await pms.post('/projects', { title: 'Project of all notes' });
});
afterAll(() => sandbox.close());

it('has only schemas that compile', () => {
  expect(() => contract.compileAll()).not.toThrow();
});

it('describes exactly the paths that the sandbox serves', () => {
  const documented = contract.operations.map(({ method, template }) => `${method} ${template}`);
  expect(documented.sort()).toEqual([...sandbox.operations].sort());
});

describe.each(COLLECTIONS)('%s', (collection) => {
  const create = async (extra: Record<string, unknown> = {}) => {
    const { body } = await pms.post<{ id: string }>(`/${collection}`, { ...REQUIRED[collection], ...extra });
    return `/${collection}/${body.id}`;
  };
  const noOne = `/${collection}/X-1`;
  const stale = { 'if-match': '"r99"' };

  it('lists', async () => {
    await create();
    expect((await pms.get(`/${collection}?limit=1&archived=all`)).status).toBe(200);
    expect((await pms.get(`/${collection}?limit=0`)).status).toBe(400);
  });

  it('creates', async () => {
    const at = `/${collection}`;
    const key = { 'idempotency-key': `create ${collection}` };
    const body = { ...REQUIRED[collection], externalRef: `zendesk:${collection}:1` };
    expect((await pms.post(at, body, key)).status).toBe(201);
    expect((await pms.post(at, { ...body, externalRef: null }, key)).status).toBe(422);
    expect((await pms.post(at, body)).status).toBe(409);
    expect((await pms.post(at, {})).status).toBe(400);
    expect(
      (await pms.call('POST', at, { raw: 'name=Acme', headers: { 'content-type': 'text/x-form' } })).status,
    ).toBe(415);
  });

  it('reads, changes and deletes', async () => {
    const at = await create();
    const taken = `zendesk:${collection}:taken`;
    await create({ externalRef: taken });
    expect((await pms.get(at)).status).toBe(200);
    expect((await pms.get(noOne)).status).toBe(404);
    expect((await pms.patch(at, { externalRef: 'zendesk:x:2' })).status).toBe(200);
    expect((await pms.patch(at, { id: 'X-2' })).status).toBe(400);
    expect((await pms.patch(noOne, {})).status).toBe(404);
    expect((await pms.patch(at, { externalRef: taken })).status).toBe(409);
    expect((await pms.patch(at, {}, '"r99"')).status).toBe(412);
    expect(
      (await pms.call('PATCH', at, { raw: 'x', headers: { 'content-type': 'text/x-form' } })).status,
    ).toBe(415);
    expect((await pms.delete(at, '"r99"')).status).toBe(412);
    expect((await pms.delete(noOne)).status).toBe(404);
    expect((await pms.delete(at)).status).toBe(204);
    expect((await pms.get(at)).status).toBe(410);
    expect((await pms.patch(at, {})).status).toBe(410);
    expect((await pms.delete(at)).status).toBe(410);
  });

  it.each(ACTIONS[collection])('%s', async (action) => {
    const at = await create();
    expect((await pms.post(`${at}/${action}`)).status).toBe(200);
    expect((await pms.call('POST', `${at}/${action}`, { headers: stale })).status).toBe(412);
    expect((await pms.post(`${noOne}/${action}`)).status).toBe(404);
    await pms.delete(at);
    expect((await pms.post(`${at}/${action}`)).status).toBe(410);
  });

  it('works in bulk', async () => {
    const at = `/${collection}/bulk`;
    const operations = [{ op: 'create', body: REQUIRED[collection] }];
    expect((await pms.post(at, { operations })).status).toBe(200);
    expect((await pms.post(at, {})).status).toBe(400);
    expect(
      (await pms.call('POST', at, { raw: 'x', headers: { 'content-type': 'text/x-form' } })).status,
    ).toBe(415);
  });
});

it('refuses references to missing records', async () => {
  const project = await pms.post<{ id: string }>('/projects', { title: 'x' });
  const note = await pms.post<{ id: string }>('/notes', { projectId: project.body.id, body: 'x' });
  expect((await pms.patch(`/projects/${project.body.id}`, { customerId: 'C-9' })).status).toBe(422);
  expect((await pms.patch(`/notes/${note.body.id}`, { projectId: 'P-9' })).status).toBe(422);
});

it.each(['notes', 'projects'] as const)('keeps files of %s', async (collection) => {
  const { body: holder } = await pms.post<{ id: string }>(`/${collection}`, REQUIRED[collection]);
  const at = `/${collection}/${holder.id}/attachments`;
  const key = { 'idempotency-key': `attach-${collection}`, ...text };
  const made = await pms.call<{ url: string; id: string }>('POST', `${at}?fileName=a.txt`, {
    raw: 'abc',
    headers: key,
  });
  expect(made.status).toBe(201);
  expect((await pms.call('POST', `${at}?fileName=a.txt`, { raw: 'abd', headers: key })).status).toBe(422);
  expect((await pms.call('POST', at, { raw: 'abc', headers: text })).status).toBe(400);
  const missing = `/${collection}/${collection === 'notes' ? 'N' : 'P'}-1/attachments?fileName=a`;
  expect((await pms.call('POST', missing, { raw: 'a', headers: text })).status).toBe(404);
  expect((await pms.get(`/attachments/${made.body.id}`)).status).toBe(200);
  expect((await pms.get('/attachments/A-1')).status).toBe(404);
  const other = await pms.call<{ id: string }>('POST', `${at}?fileName=b.txt`, { raw: 'b', headers: text });
  expect((await pms.delete(`/attachments/${other.body.id}`)).status).toBe(204);
  expect((await pms.delete(`/attachments/${other.body.id}`)).status).toBe(410);
  expect((await pms.delete('/attachments/A-1')).status).toBe(404);
  await pms.delete(`/${collection}/${holder.id}`);
  expect((await pms.get(`/attachments/${made.body.id}`)).status).toBe(410);
  expect((await pms.call('POST', `${at}?fileName=a`, { raw: 'abc', headers: text })).status).toBe(410);
});

it('looks up people', async () => {
  const ann = { email: 'ann@acme.example', name: 'Ann' };
  const key = { 'idempotency-key': 'ann' };
  const { status, body } = await pms.post<{ id: string }>('/people', ann, key);
  expect(status).toBe(201);
  expect((await pms.post('/people', ann)).status).toBe(200);
  expect((await pms.post('/people', { ...ann, name: 'Anna' }, key)).status).toBe(422);
  expect((await pms.post('/people', { name: 'Ann' })).status).toBe(400);
  expect(
    (await pms.call('POST', '/people', { raw: 'x', headers: { 'content-type': 'text/x-form' } })).status,
  ).toBe(415);
  expect((await pms.get('/people?limit=1')).status).toBe(200);
  expect((await pms.get('/people?cursor=x')).status).toBe(400);
  expect((await pms.get(`/people/${body.id}`)).status).toBe(200);
  expect((await pms.get('/people/U-1')).status).toBe(404);
});

it('reports changes', async () => {
  expect((await pms.get('/changes?limit=1000')).status).toBe(200);
  expect((await pms.get('/changes?cursor=never')).status).toBe(400);
  const hook = { url: 'http://127.0.0.1:9/', secret: '12345678', kinds: ['customer'] };
  const key = { 'idempotency-key': 'hook' };
  const { status, body } = await pms.post<{ id: string }>('/webhooks', hook, key);
  expect(status).toBe(201);
  expect((await pms.post('/webhooks', { ...hook, kinds: ['note'] }, key)).status).toBe(422);
  expect((await pms.post('/webhooks', { ...hook, url: 'http://pms.example/' })).status).toBe(400);
  expect(
    (await pms.call('POST', '/webhooks', { raw: 'x', headers: { 'content-type': 'text/x-form' } })).status,
  ).toBe(415);
  expect((await pms.get('/webhooks')).status).toBe(200);
  expect((await pms.delete(`/webhooks/${body.id}`)).status).toBe(204);
  expect((await pms.delete(`/webhooks/${body.id}`)).status).toBe(404);
});

it('shows the user and the fields, and that it is alive', async () => {
  for (const at of ['/me', '/fields', '/health']) expect((await pms.get(at)).status).toBe(200);
});

/** A call of each operation that must be refused before its content is checked. */
const calls = contract.operations
  .filter(({ operationId }) => operationId !== 'getHealth')
  .map(({ method, template, operationId }) => ({
    operationId,
    method,
    at: template.replace('{id}', 'X-1') + (operationId.startsWith('attachFile') ? '?fileName=a' : ''),
  }));

it.each(calls)('$operationId requires a token', async ({ method, at }) => {
  const stranger = new PmsClient(contract, sandbox.url, null);
  expect((await stranger.call(method, at)).status).toBe(401);
});

describe('with narrow limits', () => {
  let narrow: PmsSandbox;
  let busy: PmsSandbox;
  beforeAll(async () => {
    narrow = await startPmsSandbox({ bodyLimitBytes: 50, attachmentLimitBytes: 50 });
    busy = await startPmsSandbox({ rateLimitPerMinute: 0 });
  });
  afterAll(async () => {
    await Promise.all([narrow.close(), busy.close()]);
  });

  it.each(calls)('$operationId is refused after too many calls', async ({ method, at }) => {
    expect((await new PmsClient(contract, busy.url, busy.token).call(method, at)).status).toBe(429);
  });

  const large = calls.filter(({ operationId }) => contract.documented().includes(`${operationId} 413`));
  it.each(large)('$operationId refuses a body that is too large', async ({ method, at }) => {
    const client = new PmsClient(contract, narrow.url, narrow.token);
    expect((await client.call(method, at, { body: { name: 'x'.repeat(50) } })).status).toBe(413);
  });
});

it('every documented answer was seen', () => {
  const missing = contract.documented().filter((answer) => !contract.seen.has(answer));
  expect(missing).toEqual([]);
});
