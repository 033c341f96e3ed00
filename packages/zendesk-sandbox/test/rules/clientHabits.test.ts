import type { Fields } from '../../src';
import { SINCE, useSandbox } from '../support/rig';

/** What public clients send that was written for the live API (rules 60 and 61). */
const rig = useSandbox();

test('rule 61: null where nothing was given (go-zendesk)', async () => {
  const { id, domain_names: domains } = await rig.api.organization({
    name: 'Nulls',
    domain_names: null,
    organization_fields: null,
    tags: null,
  });
  expect(domains).toEqual([]);
  const user = { name: 'N', email: 'n@x.example', user_fields: null, tags: null };
  expect((await rig.api.post('/users', { user })).status).toBe(201);
  const field = { key: 'nulls', title: 'N', type: 'text', custom_field_options: null };
  expect((await rig.api.post('/user_fields', { user_field: field })).status).toBe(201);
  await rig.api.put(`/organizations/${id}`, { organization: { domain_names: ['n.example'] } });
  const { body } = await rig.api.put(`/organizations/${id}`, { organization: { domain_names: null } });
  expect(body.organization.domain_names).toEqual(['n.example']);
});

test('rule 60: a trigger has all keys, and can be shown, changed and filtered', async () => {
  const given = {
    title: 'T',
    conditions: { all: [{ field: 'update_type', operator: 'is', value: 'Create' }], any: null },
    actions: [{ field: 'priority', value: 'high' }],
    created_at: '0001-01-01T00:00:00Z',
  };
  const made = (await rig.api.post('/triggers', { trigger: given })).body['trigger'] as Fields & {
    id: number;
  };
  const path = `/triggers/${made.id}`;
  expect(made).toEqual({
    url: `${rig.sandbox.url}/api/v2${path}.json`,
    id: made.id,
    title: 'T',
    raw_title: 'T',
    description: null,
    active: true,
    position: 0,
    category_id: null,
    conditions: { ...given.conditions, any: [] },
    actions: given.actions,
    default: false,
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
  });
  expect((await rig.api.get(path)).body['trigger']).toEqual(made);
  expect((await rig.ticket((await rig.api.ticket()).id))['priority']).toBe('high');
  const listed = async (query: string) => (await rig.api.get(`/triggers${query}`)).body['triggers'];
  expect(await listed('/active')).toEqual([made]);
  const { body } = await rig.api.put(path, { trigger: { active: false, title: 'U' } });
  expect(body['trigger']).toMatchObject({ id: made.id, active: false, title: 'U', raw_title: 'U' });
  expect(await listed('/active')).toEqual([]);
  expect(await listed('?active=true')).toEqual([]);
  expect(await listed('?page[size]=1')).toHaveLength(1);
  expect((await rig.ticket((await rig.api.ticket()).id))['priority']).toBeNull();
  expect((await rig.api.delete(path)).status).toBe(204);
  expect((await rig.api.get(path)).status).toBe(404);
});

test('rule 25: an identity is changed, and memberships are reached below their user', async () => {
  const { id } = (await rig.api.post('/users', { user: { name: 'I', email: 'i@x.example' } })).body.user;
  const identities = async () =>
    (await rig.api.get(`/users/${id}/identities`)).body['identities'] as (Fields & { id: number })[];
  const [own] = await identities();
  const path = `/users/${id}/identities/${own?.id}`;
  const change = (identity: object) => rig.api.put(path, { identity });
  expect((await change({ verified: false })).body['identity']).toMatchObject({ verified: false });
  expect((await change({ verification_method: 'low' })).body['identity']).toMatchObject({ verified: true });
  await change({ value: 'Other@x.example' });
  expect((await rig.api.get(`/users/${id}`)).body.user.email).toBe('other@x.example');
  expect(rig.userId('i@x.example')).toBe(0);
  expect(rig.userId('other@x.example')).toBe(id);
  expect((await change({ value: 'ann@sandbox.example' })).status).toBe(422);

  const all = [await rig.api.organization({ name: 'B' }), await rig.api.organization({ name: 'A' })];
  const below = `/users/${id}/organization_memberships`;
  for (const { id: organization_id } of all)
    expect((await rig.api.post(below, { organization_membership: { organization_id } })).status).toBe(201);
  const memberships = async () =>
    (await rig.api.get(below)).body['organization_memberships'] as { id: number; organization_id: number }[];
  const organizations = async () => (await memberships()).map((each) => each.organization_id);
  expect(await organizations()).toEqual([all[0]?.id, all[1]?.id]);
  const made = await rig.api.put(`/users/${id}/organizations/${all[1]?.id}/make_default`);
  expect(made.body['organization_membership']).toMatchObject({ organization_id: all[1]?.id, default: true });
  expect(await organizations()).toEqual([all[1]?.id, all[0]?.id]);
  const [first] = await memberships();
  const shown = (await rig.api.get(`${below}/${first?.id}`)).body['organization_membership'];
  expect(shown).toEqual(first);
  expect((await rig.api.delete(`${below}/${first?.id}`)).status).toBe(204);
  expect((await rig.api.delete(`/users/${id}/organizations/${all[0]?.id}`)).status).toBe(204);
  expect(await organizations()).toEqual([]);
});

test('rule 25: deleted people are listed apart', async () => {
  const { id } = (await rig.api.post('/users', { user: { name: 'D', email: 'd@x.example' } })).body.user;
  expect((await rig.api.get(`/deleted_users/${id}`)).status).toBe(404);
  await rig.api.delete(`/users/${id}`);
  const { deleted_users: listed, count } = (await rig.api.get('/deleted_users')).body;
  expect(count).toBe(1);
  expect(listed).toMatchObject([{ id, name: 'D', active: false, role: 'end-user', locale: 'en-US' }]);
  expect((await rig.api.get(`/deleted_users/${id}`)).body).toEqual({
    deleted_user: (listed as Fields[])[0],
  });
  const { body } = await rig.api.delete(`/deleted_users/${id}`);
  expect(body['deleted_user']).toMatchObject({ id, name: 'Permanently Deleted User', email: null });
  expect((await rig.api.get(`/deleted_users/${id}`)).status).toBe(404);
  expect((await rig.api.delete(`/deleted_users/${id}`)).status).toBe(404);
  expect((await rig.api.get('/deleted_users/count')).body).toMatchObject({ count: { value: 1 } });
  const { users } = (await rig.api.get(`/incremental/users/cursor?start_time=${SINCE}`)).body;
  expect(users.find((each) => each.id === id)).toMatchObject({ active: false, permanently_deleted: true });
});
