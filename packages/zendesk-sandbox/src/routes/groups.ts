import type { FastifyInstance } from 'fastify';
import type { GroupMembership } from '../groupMemberships';
import { blankGroup, groupFields, newGroupFields, shownGroup, type Group } from '../groups';
import type { JobKind } from '../jobs';
import type { Fields, Query, User } from '../model';
import { invalid, notFound } from '../refusal';
import { envelope, envelopes, idList, idOf, listing, noContent, queryOf, type Context } from './context';

/** Groups, and the agents who belong to them (rule 56). */
export function groupRoutes(api: FastifyInstance, context: Context): void {
  readRoutes(api, context);
  writeRoutes(api, context);
  membershipReads(api, context);
  membershipWrites(api, context);
}

const groupOf = ({ store }: Context, id: number): Group => {
  const group = store.groups.find((each) => each.id === id);
  if (!group) throw notFound();
  return group;
};

/** https://developer.zendesk.com/api-reference/ticketing/groups/groups/ */
function readRoutes(api: FastifyInstance, context: Context): void {
  const { store, users } = context;
  const list = listing(context);
  const shown = (group: Group) => shownGroup(group, store.baseUrl());
  for (const path of ['/groups', '/groups/assignable'])
    api.get(path, async (request) => list(request, 'groups', store.groups, shown));
  api.get('/groups/count', async () => ({
    count: { value: store.groups.length, refreshed_at: store.now() },
  }));
  api.get('/groups/:id', async (request) => ({ group: shown(groupOf(context, idOf(request))) }));
  api.get('/users/:id/groups', async (request) => {
    const own = store.groupMemberships.list({ userId: users.get(idOf(request)).id });
    const found = own.flatMap(({ group_id: id }) => store.groups.find((each) => each.id === id) ?? []);
    return list(request, 'groups', found, shown);
  });
  const members = (id: number): User[] => {
    const own = store.groupMemberships.list({ groupId: groupOf(context, id).id });
    return own.flatMap((each) => store.users.get(each.user_id) ?? []);
  };
  api.get('/groups/:id/users', async (request) =>
    list(request, 'users', members(idOf(request)), (user) => users.shown(user)),
  );
  api.get('/groups/:id/users/count', async (request) => ({
    count: { value: members(idOf(request)).length, refreshed_at: store.now() },
  }));
}

function writeRoutes(api: FastifyInstance, context: Context): void {
  const { store } = context;
  api.post('/groups', async (request, reply) => {
    const given = newGroupFields(envelope(request, 'group'));
    const group = { ...blankGroup(store.newId(), given.name, store.baseUrl(), store.now()), ...given };
    store.groups.push(group);
    return reply.code(201).send({ group });
  });
  api.put('/groups/:id', async (request) => ({
    group: shownGroup(
      Object.assign(groupOf(context, idOf(request)), groupFields(envelope(request, 'group')), {
        updated_at: store.now(),
      }),
      store.baseUrl(),
    ),
  }));
  api.delete('/groups/:id', async (request, reply) => {
    const group = groupOf(context, idOf(request));
    for (const { id } of store.groupMemberships.list({ groupId: group.id })) leave(context, id, null);
    store.groups.splice(store.groups.indexOf(group), 1);
    return noContent(reply);
  });
}

/** https://developer.zendesk.com/api-reference/ticketing/groups/group_memberships/#list-memberships */
function membershipReads(api: FastifyInstance, context: Context): void {
  const { store, users } = context;
  const { groupMemberships: memberships } = store;
  const list = listing(context);
  const filterOf = ({ user_id: userId, group_id: groupId }: Query) => ({
    ...(userId !== undefined && { userId: Number(userId) }),
    ...(groupId !== undefined && { groupId: Number(groupId) }),
  });
  // Assignable are those of all agents: the sandbox has no light agents.
  for (const path of ['/group_memberships', '/group_memberships/assignable'])
    api.get(path, async (request) =>
      list(request, 'group_memberships', memberships.list(filterOf(queryOf(request)))),
    );
  for (const path of ['/groups/:id/memberships', '/groups/:id/memberships/assignable'])
    api.get(path, async (request) => {
      const { id: groupId } = groupOf(context, idOf(request));
      return list(request, 'group_memberships', memberships.list({ groupId }));
    });
  api.get('/users/:id/group_memberships', async (request) =>
    list(request, 'group_memberships', memberships.list({ userId: users.get(idOf(request)).id })),
  );
  api.get('/group_memberships/:id', async (request) => ({
    group_membership: memberships.get(idOf(request)),
  }));
  api.get('/users/:id/group_memberships/:membership', async (request) => ({
    group_membership: ofUser(context, idOf(request), idOf(request, 'membership')),
  }));
}

function membershipWrites(api: FastifyInstance, context: Context): void {
  const { store, jobs, actor } = context;
  const { groupMemberships: memberships } = store;
  const kind = (action: JobKind['action']): JobKind => ({ action, resource: 'GroupMembership' });

  for (const path of ['/group_memberships', '/users/:id/group_memberships'])
    api.post(path, async (request, reply) => {
      const given = envelope(request, 'group_membership');
      const membership = join(
        context,
        path.startsWith('/users') ? { ...given, user_id: idOf(request) } : given,
      );
      return reply.code(201).header('location', membership['url']).send({ group_membership: membership });
    });
  api.post('/group_memberships/create_many', async (request) => ({
    job_status: jobs.add(kind('Create'), envelopes(request, 'group_memberships'), (each) => ({
      id: join(context, each).id,
    })),
  }));
  api.delete('/group_memberships/destroy_many', async (request) => {
    const user = actor(request);
    const ids = idList(queryOf(request)['ids']);
    return { job_status: jobs.add(kind('Delete'), ids, (id) => (leave(context, id, user), { id })) };
  });
  api.put('/users/:id/group_memberships/:membership/make_default', async (request) => {
    const { id, user_id: userId } = ofUser(context, idOf(request), idOf(request, 'membership'));
    memberships.makeDefault(id);
    follow(context, userId);
    return { group_memberships: memberships.list({ userId }) };
  });
  api.delete('/group_memberships/:id', async (request, reply) => {
    leave(context, idOf(request), actor(request));
    return noContent(reply);
  });
  api.delete('/users/:id/group_memberships/:membership', async (request, reply) => {
    leave(context, ofUser(context, idOf(request), idOf(request, 'membership')).id, actor(request));
    return noContent(reply);
  });
}

function ofUser({ store }: Context, userId: number, id: number): GroupMembership {
  const membership = store.groupMemberships.get(id);
  if (membership.user_id !== userId) throw notFound();
  return membership;
}

function join(context: Context, given: Fields): GroupMembership {
  const { store, users } = context;
  const user = users.get(Number(given['user_id']));
  const group = groupOf(context, Number(given['group_id']));
  if (!store.isAgent(user.id)) throw invalid('user', 'User: is not an agent', 'InvalidValue');
  const { id } = store.groupMemberships.add(user.id, group.id, given['default'] === true);
  follow(context, user.id);
  tell(context, user.id, 'group_membership_created', { group: { id: String(group.id) } });
  return store.groupMemberships.get(id);
}

/** The agent's unsolved tickets of the group lose their assignee [D Z:group_memberships]. */
function leave(context: Context, id: number, actor: User | null): void {
  const { store, tickets } = context;
  const { user_id: userId, group_id: groupId } = store.groupMemberships.remove(id);
  const by = { actor, via: { channel: 'web', source: {} } };
  for (const ticket of tickets.live()) {
    const isWorked = !['solved', 'closed'].includes(ticket.status);
    if (isWorked && ticket.assignee_id === userId && ticket['group_id'] === groupId)
      tickets.changeBy(ticket.id, { assignee_id: null }, by);
  }
  follow(context, userId);
  tell(context, userId, 'group_membership_deleted', { group: { id: String(groupId) } });
}

/** Updates a user's `default_group_id` to the default membership. */
function follow(context: Context, userId: number): void {
  const { store, users } = context;
  const before = users.get(userId);
  const current = store.groupMemberships.defaultOf(userId);
  if (before['default_group_id'] === current) return;
  store.putUser({ ...before, default_group_id: current, updated_at: store.now() }, before);
  const previous = String(Number(before['default_group_id'] ?? 0));
  tell(context, userId, 'default_group_changed', { current: String(current ?? 0), previous });
}

/** https://developer.zendesk.com/api-reference/webhooks/event-types/user-events */
function tell({ store, users }: Context, userId: number, type: string, change: Fields): void {
  store.onEvent({ type: `user.${type}`, kind: 'user', record: users.get(userId), actorId: null, change });
}
