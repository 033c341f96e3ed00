import type { User } from '../../src';
import { refusal, useSandbox } from '../support/rig';

const rig = useSandbox();
let count = 0;
const person = async (user: object = {}): Promise<User> => {
  count += 1;
  const { body } = await rig.api.post('/users', {
    user: { name: `P${count}`, email: `p${count}@x.example`, ...user },
  });
  return body.user;
};
const organization = () => rig.api.organization({ name: `O${(count += 1)}` });
const user = async (id: number) => (await rig.api.get(`/users/${id}`)).body.user;
const names = async (path: string) =>
  ((await rig.api.get(path)).body['organizations'] as { id: number }[]).map(({ id }) => id);

describe('rule 17', () => {
  test.each([
    ['refused', 422, 'own'],
    ['ignored', 200, 'own'],
    ['kept', 200, 'other'],
  ] as const)(
    'an organization that the requester does not belong to, switch: %s',
    async (foreignOrganization, status, now) => {
      const [own, other] = [await organization(), await organization()];
      const { id: requester_id } = await person({ organization_id: own.id });
      const { id, organization_id: first } = await rig.api.ticket({ requester_id });
      expect(first).toBe(own.id);
      rig.sandbox.obey({ foreignOrganization });
      expect((await rig.put(id, { organization_id: other.id, subject: 'S' })).status).toBe(status);
      expect((await rig.ticket(id)).organization_id).toBe(now === 'own' ? own.id : other.id);
    },
  );

  test('one of several organizations of the requester is accepted', async () => {
    const [own, other] = [await organization(), await organization()];
    const { id: requester_id } = await person({ organization_id: own.id });
    await rig.api.post('/organization_memberships', {
      organization_membership: { user_id: requester_id, organization_id: other.id },
    });
    const { organization_id: taken } = await rig.api.ticket({ requester_id, organization_id: other.id });
    expect(taken).toBe(other.id);
  });

  test('a new requester belongs to no organization', async () => {
    const { id } = await organization();
    const requester = { name: 'N', email: `new${(count += 1)}@x.example` };
    const ticket = { comment: { body: 'x' }, requester, organization_id: id };
    expect((await rig.api.post('/tickets', { ticket })).status).toBe(422);
    expect(rig.userId(requester.email)).toBe(0);
  });
});

describe('rule 25', () => {
  test('memberships: one is the default, others may follow, and none is duplicated', async () => {
    const [first, second] = [await organization(), await organization()];
    const { id } = await person({ organization_id: first.id });
    const join = (organization_id: number, more = {}) =>
      rig.api.post('/organization_memberships', {
        organization_membership: { user_id: id, organization_id, ...more },
      });
    expect((await join(second.id)).status).toBe(201);
    expect(await names(`/users/${id}/organizations`)).toEqual([first.id, second.id]);
    expect((await user(id)).organization_id).toBe(first.id);
    expect((await join(second.id)).status).toBe(422);
    const all = (await rig.api.get(`/users/${id}/organization_memberships`)).body['organization_memberships'];
    const [own, other] = all as { id: number }[];
    await rig.api.put(`/users/${id}/organization_memberships/${other?.id}/make_default`);
    expect((await user(id)).organization_id).toBe(second.id);
    expect((await rig.api.delete(`/organization_memberships/${own?.id}`)).status).toBe(204);
    expect(await names(`/users/${id}/organizations`)).toEqual([second.id]);
  });

  test('many memberships are made and ended by jobs; each refusal is a result of its own', async () => {
    const all = [await organization(), await organization()];
    const { id } = await person({ organization_id: all[0]?.id });
    const organization_memberships = all.map((each) => ({ user_id: id, organization_id: each.id }));
    const path = '/organization_memberships';
    const done = await rig.api.done(await rig.api.post(`${path}/create_many`, { organization_memberships }));
    expect(done.results).toMatchObject([
      { error: 'OrganizationMembershipCreateFailed', details: 'User has already been taken' },
      { id: expect.any(Number) as number, status: 'Created' },
    ]);
    expect(await names(`/users/${id}/organizations`)).toEqual(all.map((each) => each.id));
    await rig.api.done(await rig.api.delete(`${path}/destroy_many?ids=${String(done.results?.[1]?.id)}`));
    expect(await names(`/users/${id}/organizations`)).toEqual([all[0]?.id]);
  });

  test('a person belongs to at most 300 organizations [H:4408838140314]', async () => {
    const { id } = await person();
    const { memberships } = rig.sandbox.store;
    for (let n = 0; n < 300; n += 1) memberships.add(id, (await organization()).id);
    const organization_membership = { user_id: id, organization_id: (await organization()).id };
    expect((await rig.api.post('/organization_memberships', { organization_membership })).status).toBe(422);
  });

  test('organization_id in an update replaces the default and removes all others', async () => {
    const all = [await organization(), await organization(), await organization()];
    const { id } = await person({ organization_id: all[0]?.id });
    await rig.api.post('/organization_memberships', {
      organization_membership: { user_id: id, organization_id: all[1]?.id },
    });
    await rig.api.put(`/users/${id}`, { user: { organization_id: all[2]?.id } });
    expect(await names(`/users/${id}/organizations`)).toEqual([all[2]?.id]);
    expect((await user(id)).organization_id).toBe(all[2]?.id);
  });

  test('an address in an update is added as a second one; search finds all, and shows the primary one', async () => {
    const { id, email } = await person();
    const further = `further${id}@x.example`;
    expect((await rig.api.put(`/users/${id}`, { user: { email: further } })).body.user.email).toBe(email);
    const found = (await rig.api.get(`/users/search?query=email:${further}`)).body.users;
    expect(found).toMatchObject([{ id, email }]);
    const list = (await rig.api.get(`/users/${id}/identities`)).body['identities'] as { id: number }[];
    expect(list).toMatchObject([
      { type: 'email', value: email, primary: true },
      { type: 'email', value: further, primary: false },
    ]);
    await rig.api.put(`/users/${id}/identities/${list[1]?.id}/make_primary`);
    expect((await user(id)).email).toBe(further);
    expect((await rig.api.get(`/users/search?query=email:${email}`)).body.users).toMatchObject([{ id }]);
    await rig.api.delete(`/users/${id}/identities/${list[0]?.id}`);
    expect((await rig.api.get(`/users/search?query=email:${email}`)).body.users).toEqual([]);
  });

  test('an identity of another person is refused', async () => {
    const [{ id }, { email }] = [await person(), await person()];
    const identity = { type: 'email', value: email };
    expect((await rig.api.post(`/users/${id}/identities`, { identity })).status).toBe(422);
  });

  test('a deleted person stays as a record and on tickets, but in no list', async () => {
    const { id, email } = await person();
    const { id: ticket } = await rig.api.ticket({ requester_id: id });
    const { body, status } = await rig.api.delete(`/users/${id}`);
    expect([status, body.user]).toMatchObject([200, { active: false, permanently_deleted: false }]);
    expect((await user(id)).active).toBe(false);
    expect((await rig.api.get('/users')).body.users.some((each) => each.id === id)).toBe(false);
    expect((await rig.api.get(`/users/search?query=email:${email}`)).body.users).toEqual([]);
    expect((await rig.ticket(ticket)).requester_id).toBe(id);
  });

  test('a person who is shared from another account cannot be changed', async () => {
    const { id } = rig.sandbox.store.addUser({
      name: 'S',
      email: 's@y.example',
      role: 'end-user',
      shared: true,
    });
    expect((await rig.api.put(`/users/${id}`, { user: { name: 'T' } })).status).toBe(403);
  });
});

describe('rule 47', () => {
  test('create or update matches the external id in any case, and rewrites it', async () => {
    const { id } = await person({ external_id: 'Ext-1' });
    const answer = await rig.api.post('/users/create_or_update', {
      user: { name: 'Other', external_id: 'EXT-1' },
    });
    expect([answer.status, answer.body.user]).toMatchObject([200, { id, external_id: 'EXT-1' }]);
  });

  test('a merge makes the loser inactive, and moves tickets and addresses', async () => {
    const [loser, winner] = [await person(), await person()];
    const { id } = await rig.api.ticket({ requester_id: loser.id });
    const { status } = await rig.api.put(`/users/${loser.id}/merge`, { user: { id: winner.id } });
    expect(status).toBe(200);
    expect((await user(loser.id)).active).toBe(false);
    expect((await rig.ticket(id)).requester_id).toBe(winner.id);
    const found = (await rig.api.get(`/users/search?query=email:${loser.email}`)).body.users;
    expect(found).toMatchObject([{ id: winner.id, email: winner.email }]);
    const ann = rig.userId('ann@sandbox.example');
    expect((await rig.api.put(`/users/${winner.id}/merge`, { user: { id: ann } })).status).toBe(403);
  });

  test('agents can edit end users; only admins create and delete them', async () => {
    const bob = rig.api.as('bob@sandbox.example');
    const { id } = await person();
    expect((await bob.put(`/users/${id}`, { user: { notes: 'n' } })).status).toBe(200);
    expect((await bob.post('/users', { user: { name: 'X', email: 'x@z.example' } })).status).toBe(403);
    expect((await bob.delete(`/users/${id}`)).status).toBe(403);
  });
});

test('rule 24: users and groups have all their keys', async () => {
  const shown = await user((await person()).id);
  expect(Object.keys(shown).length).toBeGreaterThanOrEqual(40);
  for (const key of ['role_type', 'suspension_details', 'is_billing_admin', 'iana_time_zone'])
    expect(shown).toHaveProperty(key);
  const [group] = (await rig.api.get('/groups')).body['groups'] as object[];
  const keys = [
    'created_at',
    'default',
    'deleted',
    'description',
    'id',
    'is_public',
    'name',
    'updated_at',
    'url',
  ];
  expect(Object.keys(group ?? {}).sort()).toEqual(keys);
});

test('rule 40: a known address keeps its name; the submitter is the author of the first comment', async () => {
  const { id, email, name } = await person();
  const bob = rig.userId('bob@sandbox.example');
  const ticket = await rig.api.ticket({ requester: { email, name: 'Other' }, submitter_id: bob });
  expect([ticket.requester_id, (await user(id)).name]).toEqual([id, name]);
  expect((await rig.api.get(`/tickets/${ticket.id}/comments`)).body.comments).toMatchObject([
    { author_id: bob },
  ]);
  expect(refusal(await rig.api.post('/tickets', { ticket: {} }))).toMatchObject({ status: 422 });
});
