import type { Fields, User } from '../../src';
import { Receiver } from '../support/receiver';
import { refusal, useSandbox } from '../support/rig';

const rig = useSandbox();
const receiver = new Receiver();
const BOB = 'bob@sandbox.example';
let count = 0;

afterAll(() => receiver.stop());

interface Membership extends Fields {
  id: number;
  user_id: number;
  group_id: number;
  default: boolean;
}
const membershipsOf = async (path: string) =>
  (await rig.api.get(path)).body['group_memberships'] as Membership[];
const group = async (more: object = {}): Promise<Fields & { id: number }> => {
  const answer = await rig.api.post('/groups', { group: { name: `G${(count += 1)}`, ...more } });
  expect(answer.status).toBe(201);
  return answer.body['group'] as Fields & { id: number };
};
const agent = async (): Promise<User> => {
  const user = { name: 'A', email: `a${(count += 1)}@x.example`, role: 'agent' };
  return (await rig.api.post('/users', { user })).body.user;
};
const join = (userId: number, groupId: number, more: object = {}) =>
  rig.api.post('/group_memberships', {
    group_membership: { user_id: userId, group_id: groupId, ...more },
  });
const groups = async () => (await rig.api.get('/groups')).body['groups'] as (Fields & { id: number })[];

describe('rule 56', () => {
  test('one group is the default; a request cannot set what is read-only', async () => {
    expect((await groups()).filter((each) => each['default'] === true)).toMatchObject([{ name: 'Support' }]);
    const made = await group({ id: 1, created_at: '0001-01-01T00:00:00Z', default: true, description: 'D' });
    expect(made).toMatchObject({ default: false, description: 'D', is_public: true });
    expect(made['created_at']).not.toMatch(/^0001/);
    const { body } = await rig.api.put(`/groups/${made.id}`, { group: { id: 7, name: 'N' } });
    expect(body['group']).toMatchObject({ id: made.id, name: 'N', url: made['url'] });
    expect((await rig.api.post('/groups', { group: {} })).status).toBe(422);
    const { count: total } = (await rig.api.get('/groups/count')).body as unknown as {
      count: { value: number };
    };
    expect(total.value).toBe((await groups()).length);
  });

  test('a new agent joins the default group, and an end user none', async () => {
    const { id, default_group_id: own } = await agent();
    const [support] = await groups();
    expect(own).toBe(support?.id);
    expect(await membershipsOf(`/users/${id}/group_memberships`)).toMatchObject([
      { user_id: id, group_id: support?.id, default: true },
    ]);
    const [membership] = await membershipsOf(`/users/${id}/group_memberships`);
    expect(membership?.['url']).toBe(`${rig.sandbox.url}/api/v2/group_memberships/${membership?.id}.json`);
    expect(Object.keys(membership ?? {}).sort()).toEqual(
      ['created_at', 'default', 'group_id', 'id', 'updated_at', 'url', 'user_id'].sort(),
    );
    const { id: requester } = (await rig.api.post('/users', { user: { name: 'E' } })).body.user;
    expect(await membershipsOf(`/users/${requester}/group_memberships`)).toEqual([]);
    expect(refusal(await join(requester, support?.id ?? 0))).toEqual({
      status: 422,
      user: ['User: is not an agent'],
    });
  });

  test('an agent loses the groups with the role', async () => {
    const { id } = await agent();
    const { body } = await rig.api.put(`/users/${id}`, { user: { role: 'end-user' } });
    expect(body.user['default_group_id']).toBeNull();
    expect(await membershipsOf(`/users/${id}/group_memberships`)).toEqual([]);
  });

  test('memberships are found by account, group, user and id, and paged', async () => {
    const { id: groupId } = await group();
    const { id: userId } = await agent();
    expect((await join(userId, groupId)).status).toBe(201);
    const [own] = await membershipsOf(`/groups/${groupId}/memberships`);
    for (const path of [
      `/groups/${groupId}/memberships/assignable`,
      `/group_memberships?group_id=${groupId}`,
      `/group_memberships/assignable?group_id=${groupId}`,
    ])
      expect(await membershipsOf(path)).toEqual([own]);
    for (const path of [`/group_memberships/${own?.id}`, `/users/${userId}/group_memberships/${own?.id}`])
      expect((await rig.api.get(path)).body['group_membership']).toEqual(own);
    expect((await rig.api.get(`/users/1/group_memberships/${own?.id}`)).status).toBe(404);
    const { group_memberships: page, meta } = (await rig.api.get('/group_memberships?page[size]=1')).body;
    expect(page).toHaveLength(1);
    expect(meta.has_more).toBe(true);
    const { users } = (await rig.api.get(`/groups/${groupId}/users`)).body;
    expect(users.map(({ id }) => id)).toEqual([userId]);
    const found = (await rig.api.get(`/users/${userId}/groups`)).body['groups'] as { id: number }[];
    expect(found.map(({ id }) => id)).toContain(groupId);
  });

  test('an agent joins a group once; another may become the default', async () => {
    const { id: groupId } = await group();
    const { id: userId } = await agent();
    const made = (await join(userId, groupId)).body['group_membership'] as Membership;
    expect(made.default).toBe(false);
    expect(refusal(await join(userId, groupId))).toEqual({
      status: 422,
      user_id: ['User has already been taken'],
    });
    const { body } = await rig.api.put(`/users/${userId}/group_memberships/${made.id}/make_default`);
    const all = body['group_memberships'] as Membership[];
    expect(all.filter((each) => each.default).map((each) => each.group_id)).toEqual([groupId]);
    expect((await rig.api.get(`/users/${userId}`)).body.user['default_group_id']).toBe(groupId);
  });

  test('who leaves a group loses its unsolved tickets', async () => {
    const { id: groupId } = await group();
    const { id: userId } = await agent();
    const made = (await join(userId, groupId)).body['group_membership'] as Membership;
    const assigned = { assignee_id: userId, group_id: groupId };
    const [open, solved, other] = [
      await rig.api.ticket(assigned),
      await rig.api.ticket({ ...assigned, status: 'solved' }),
      await rig.api.ticket({ assignee_id: userId }),
    ];
    expect((await rig.api.delete(`/group_memberships/${made.id}`)).status).toBe(204);
    expect((await rig.ticket(open.id)).assignee_id).toBeNull();
    expect((await rig.ticket(solved.id)).assignee_id).toBe(userId);
    expect((await rig.ticket(other.id)).assignee_id).toBe(userId);
    expect((await rig.api.get(`/group_memberships/${made.id}`)).status).toBe(404);
  });

  test('many memberships are made and ended by jobs; only administrators may', async () => {
    const { id: groupId } = await group();
    const { id: userId } = await agent();
    const given = { user_id: userId, group_id: groupId };
    const done = await rig.api.done(
      await rig.api.post('/group_memberships/create_many', { group_memberships: [given, given] }),
    );
    expect(done.results).toMatchObject([
      { id: expect.any(Number) as number, status: 'Created' },
      { error: 'GroupMembershipCreateFailed', details: 'User has already been taken' },
    ]);
    const ids = String(done.results?.[0]?.id);
    await rig.api.done(await rig.api.delete(`/group_memberships/destroy_many?ids=${ids}`));
    expect(await membershipsOf(`/groups/${groupId}/memberships`)).toEqual([]);
    const asBob = await rig.api.as(BOB).post('/group_memberships', { group_membership: given });
    expect(asBob.status).toBe(403);
    const below = `/users/${userId}/group_memberships`;
    const { body } = await rig.api.post(below, { group_membership: { group_id: groupId } });
    const { id } = body['group_membership'] as Membership;
    expect((await rig.api.delete(`${below}/${id}`)).status).toBe(204);
  });

  test('joining and leaving send webhooks', async () => {
    const endpoint = await receiver.start();
    const subscriptions = [
      'group_membership_created',
      'group_membership_deleted',
      'default_group_changed',
    ].map((each) => `zen:event-type:user.${each}`);
    await rig.api.post('/webhooks', { webhook: { name: 'w', endpoint, subscriptions } });
    const { id: groupId } = await group();
    const { id: userId } = await agent();
    const made = (await join(userId, groupId, { default: true })).body['group_membership'] as Membership;
    const event = { group: { id: String(groupId) } };
    expect((await receiver.of('user.group_membership_created')).body.event).toMatchObject(event);
    expect((await receiver.of('user.default_group_changed')).body.event).toMatchObject({
      current: String(groupId),
    });
    await rig.api.delete(`/group_memberships/${made.id}`);
    expect((await receiver.of('user.group_membership_deleted')).body.event).toMatchObject(event);
  });
});

test('rule 51: search finds groups', async () => {
  const { results } = (await rig.api.get('/search?query=type:group Engineering')).body;
  expect(results).toMatchObject([{ name: 'Engineering', result_type: 'group' }]);
});
