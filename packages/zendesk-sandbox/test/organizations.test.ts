import { fault, refused, useFreshSandbox } from './support/fresh';

/** The rules of https://developer.zendesk.com/api-reference/ that a client runs into, over plain HTTP. */
const t = useFreshSandbox();

describe('organizations', () => {
  test('look like those of Zendesk, with large ids and whole seconds', async () => {
    t.later(789);
    const organization = await t.api.organization({
      name: ' Acme ',
      domain_names: ['ACME.example', 'acme.example', ' Acme.test '],
      tags: ['VIP Gold', 'vip', 'Ümlaut'],
      organization_fields: { region: 'emea', unknown: 1 },
    });
    expect(organization.id).toBeGreaterThan(2 ** 31);
    expect(organization).toMatchObject({
      url: `${t.sandbox.url}/api/v2/organizations/${organization.id}.json`,
      name: 'Acme',
      domain_names: ['acme.example', 'acme.test'],
      tags: ['vip', 'gold', 'ümlaut'],
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
      external_id: null,
      organization_fields: {
        plan: null,
        region: 'emea',
        vip: false,
        contract_end: null,
        annual_revenue: null,
      },
    });
    expect(organization.organization_fields).not.toHaveProperty('unknown');
  });

  test('have names that are unique in any case, until the organization is deleted or renamed', async () => {
    const { id } = await t.api.organization({ name: 'Acme' });
    const duplicate = () => t.api.post('/organizations', { organization: { name: ' aCME ' } });
    expect(refused(await duplicate())).toEqual(fault('name', 'DuplicateValue'));
    expect((await duplicate()).body.details['name']?.[0]?.description).toBe(
      'Name:  aCME has already been taken',
    );
    expect((await t.api.put(`/organizations/${id}`, { organization: { name: 'ACME' } })).status).toBe(200);
    await t.api.put(`/organizations/${id}`, { organization: { name: 'Other' } });
    expect((await duplicate()).status).toBe(201);
    expect(refused(await t.api.post('/organizations', { organization: { name: ' ' } }))).toEqual(
      fault('name', 'BlankValue'),
    );
  });

  test.each([
    ['region', 5],
    ['vip', 'yes'],
    ['contract_end', 'soon'],
    ['annual_revenue', 'much'],
  ])('the field %s does not accept %s', async (key, value) => {
    const organization = { name: 'Acme', organization_fields: { [key]: value } };
    expect(refused(await t.api.post('/organizations', { organization }))).toEqual(fault(key, 'InvalidValue'));
    expect(t.sandbox.store.organizations.size).toBe(0);
  });

  test('are found by name, external id and ids, unless they were deleted', async () => {
    const acme = await t.api.organization({ name: 'Acme', external_id: 'PMS:1' });
    const globex = await t.api.organization({ name: 'Globex' });
    const names = async (path: string) =>
      (await t.api.get(`/organizations/${path}`)).body.organizations.map(({ name }) => name);
    expect(await names('search?external_id=pms:1')).toEqual(['Acme']);
    expect(await names('search?name=acme')).toEqual(['Acme']);
    expect(await names('search?name=acm')).toEqual([]);
    expect(await names('autocomplete?name=acm')).toEqual(['Acme']);
    expect(await names(`show_many?ids=${globex.id},${acme.id},5`)).toEqual(['Globex', 'Acme']);
    expect(await names('show_many?external_ids=PMS:1')).toEqual(['Acme']);
    expect((await t.api.delete(`/organizations/${acme.id}`)).status).toBe(204);
    expect((await t.api.get(`/organizations/${acme.id}`)).status).toBe(404);
    for (const path of ['search?external_id=pms:1', 'search?name=acme', `show_many?ids=${acme.id}`])
      expect(await names(path)).toEqual([]);
    expect((await t.api.organization({ name: 'Acme', external_id: 'PMS:1' })).id).not.toBe(acme.id);
  });

  test('are listed by a hundred ids at most', async () => {
    const ids = Array.from({ length: 101 }, (_, i) => i + 1).join(',');
    for (const resource of ['organizations', 'tickets', 'users'])
      expect((await t.api.get(`/${resource}/show_many?ids=${ids}`)).status).toBe(400);
  });

  test('have unique external ids', async () => {
    await t.api.organization({ name: 'A', external_id: 'x' });
    const answer = await t.api.post('/organizations', { organization: { name: 'B', external_id: 'X' } });
    expect(refused(answer)).toEqual(fault('external_id', 'DuplicateValue'));
  });

  test('are created or updated by id, then by external id', async () => {
    const upsert = (organization: object) => t.api.post('/organizations/create_or_update', { organization });
    const first = await upsert({ name: 'A', external_id: 'x' });
    expect(first.status).toBe(201);
    const second = await upsert({ name: 'B', external_id: 'x' });
    expect([second.status, second.body.organization.id]).toEqual([200, first.body.organization.id]);
    expect((await upsert({ id: first.body.organization.id, name: 'C' })).body.organization.name).toBe('C');
    expect(refused(await upsert({ name: 'c' }))).toEqual(fault('name', 'DuplicateValue'));
    expect((await upsert({ id: 1, name: 'D' })).status).toBe(404);
  });

  test('a merge deletes the loser, and moves its tickets, people and domains', async () => {
    const loser = await t.api.organization({ name: 'A', domain_names: ['a.example'] });
    const winner = await t.api.organization({ name: 'B', domain_names: ['b.example'] });
    const user = (
      await t.api.post('/users', { user: { name: 'U', email: 'u@a.example', organization_id: loser.id } })
    ).body.user;
    const ticket = await t.api.ticket({ requester_id: user.id });
    expect(ticket.organization_id).toBe(loser.id);
    t.later(1_000);
    const { body } = await t.api.post(`/organizations/${loser.id}/merge`, {
      organization_merge: { winner_id: winner.id },
    });
    const merge = body['organization_merge'] as { id: string };
    expect(merge).toMatchObject({ loser_id: loser.id, winner_id: winner.id, status: 'new' });
    expect((await t.api.get(`/organization_merges/${merge.id}`)).body['organization_merge']).toEqual({
      ...merge,
      status: 'complete',
    });
    expect((await t.api.get(`/organizations/${loser.id}`)).status).toBe(404);
    expect((await t.api.get(`/organizations/${winner.id}`)).body.organization.domain_names).toEqual([
      'b.example',
      'a.example',
    ]);
    expect((await t.api.get(`/organizations/${winner.id}/tickets`)).body.tickets).toMatchObject([
      { id: ticket.id, updated_at: '2026-01-01T00:00:01Z' },
    ]);
    expect((await t.api.get(`/organizations/${winner.id}/users`)).body.users).toHaveLength(1);
  });
});

describe('paging', () => {
  const names = async (path: string) => {
    const { body } = await t.api.get(path);
    return { names: body.organizations.map(({ name }) => name), body };
  };
  beforeEach(async () => {
    for (const name of ['A1', 'A2', 'A3', 'B']) await t.api.organization({ name });
  });

  test('by cursor goes forwards and backwards, and keeps the filter', async () => {
    const first = await names('/organizations/autocomplete.json?name=a&page[size]=2');
    expect(first).toMatchObject({ names: ['A1', 'A2'], body: { meta: { has_more: true } } });
    expect(first.body.links.next).toContain(
      `${t.sandbox.url}/api/v2/organizations/autocomplete.json?name=a&`,
    );
    const second = await names(first.body.links.next ?? '');
    expect(second).toMatchObject({
      names: ['A3'],
      // Its links go on nevertheless: rule 12.
      body: { meta: { has_more: false }, links: { next: expect.any(String) as unknown } },
    });
    expect((await names(second.body.links.prev ?? '')).names).toEqual(['A1', 'A2']);
  });

  test('a cursor skips no record when an earlier one is deleted', async () => {
    const { body } = await names('/organizations?page[size]=2');
    await t.api.delete(`/organizations/${body.organizations[0]?.id}`);
    expect((await names(body.links.next ?? '')).names).toEqual(['A3', 'B']);
    const again = await names('/organizations?page[size]=1');
    await t.api.delete(`/organizations/${again.body.organizations[0]?.id}`);
    expect((await names(again.body.links.next ?? '')).names).toEqual(['A3']);
  });

  test('by page number reaches 10,000 records', async () => {
    const first = await names('/organizations?per_page=3');
    expect(first).toMatchObject({ names: ['A1', 'A2', 'A3'], body: { count: 4, previous_page: null } });
    const second = await names(first.body.next_page ?? '');
    expect(second).toMatchObject({ names: ['B'], body: { next_page: null } });
    expect((await names(second.body.previous_page ?? '')).names).toEqual(['A1', 'A2', 'A3']);
    expect((await t.api.get('/organizations?page=100&per_page=100')).status).toBe(200);
    expect((await t.api.get('/organizations?page=101&per_page=100')).status).toBe(400);
  });

  test.each(['page[size]=101', 'page[size]=0', 'page[size]=x', 'page[after]=nonsense'])(
    'refuses %s',
    async (query) => {
      expect((await t.api.get(`/organizations?${query}`)).status).toBe(400);
    },
  );
});
