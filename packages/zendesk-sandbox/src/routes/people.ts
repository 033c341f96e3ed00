import type { FastifyInstance } from 'fastify';
import type { Membership } from '../memberships';
import type { Fields } from '../model';
import { notFound } from '../refusal';
import { envelope, envelopes, idList, idOf, listing, noContent, queryOf, type Context } from './context';

/** Addresses of people, and the organizations that they belong to (rule 25). */
export function peopleRoutes(api: FastifyInstance, context: Context): void {
  identityRoutes(api, context);
  membershipRoutes(api, context);
  membershipWrites(api, context);
  defaultRoutes(api, context);
}

/** https://developer.zendesk.com/api-reference/ticketing/users/user_identities/ */
function identityRoutes(api: FastifyInstance, context: Context): void {
  const { users, store } = context;
  const { identities } = store;
  const list = listing(context);
  const tell = (userId: number, type: string, change: Fields) =>
    store.onEvent({ type: `user.${type}`, kind: 'user', record: users.get(userId), actorId: null, change });

  api.get('/users/:id/identities', async (request) =>
    list(request, 'identities', identities.of(users.get(idOf(request)).id)),
  );
  api.get('/users/:id/identities/:identity', async (request) => ({
    identity: identities.get(idOf(request), idOf(request, 'identity')),
  }));
  api.post('/users/:id/identities', async (request, reply) => {
    const { id } = users.get(idOf(request));
    const identity = identities.add(id, envelope(request, 'identity'), (email) => users.isTaken(email, id));
    users.readdress(id);
    const { primary, type, value } = identity;
    tell(id, 'identity_created', { current: { id: String(identity.id), primary, type, value } });
    return reply.code(201).header('location', identity['url']).send({ identity });
  });
  api.put('/users/:id/identities/:identity', async (request) => {
    const { id } = users.get(idOf(request));
    const { type, value: before } = identities.get(id, idOf(request, 'identity'));
    const isTaken = (email: string) => users.isTaken(email, id);
    const given = envelope(request, 'identity');
    const identity = identities.change(id, idOf(request, 'identity'), given, isTaken);
    const { id: identityId, value, primary } = identity;
    if (value === before) return { identity };
    if (type === 'email') store.forgetEmail(before);
    users.readdress(id);
    const current = { id: String(identityId), primary, type, value };
    tell(id, 'identity_changed', { current, previous: { ...current, value: before } });
    return { identity };
  });
  api.put('/users/:id/identities/:identity/make_primary', async (request) => {
    const { id, email } = users.get(idOf(request));
    const { id: identityId, type } = identities.makePrimary(id, idOf(request, 'identity'));
    const current = { id: String(identityId), primary: true, type, value: users.readdress(id).email };
    tell(id, 'identity_changed', { current, previous: { ...current, value: email } });
    return list(request, 'identities', identities.of(id));
  });
  api.put('/users/:id/identities/:identity/verify', async (request) => ({
    identity: identities.verify(idOf(request), idOf(request, 'identity')),
  }));
  api.delete('/users/:id/identities/:identity', async (request, reply) => {
    const { id } = users.get(idOf(request));
    const { value, type } = identities.get(id, idOf(request, 'identity'));
    identities.remove(id, idOf(request, 'identity'));
    if (type === 'email') store.forgetEmail(value);
    users.readdress(id);
    tell(id, 'identity_deleted', { previous: { type, value } });
    return noContent(reply);
  });
}

/** https://developer.zendesk.com/api-reference/ticketing/organizations/organization_memberships/ */
function membershipRoutes(api: FastifyInstance, context: Context): void {
  const { users, organizations, store } = context;
  const { memberships } = store;
  const list = listing(context);
  const nameOf = ({ organization_id: id }: Membership) => store.organizations.get(id)?.name ?? '';
  /** The default first, then by the organization's name [D Z:organization_memberships]. */
  const sorted = (own: Membership[]) =>
    own.sort((a, b) => Number(b.default) - Number(a.default) || nameOf(a).localeCompare(nameOf(b)));

  api.get('/organization_memberships', async (request) =>
    list(request, 'organization_memberships', memberships.list()),
  );
  api.get('/users/:id/organization_memberships', async (request) =>
    list(
      request,
      'organization_memberships',
      sorted(memberships.list({ userId: users.get(idOf(request)).id })),
    ),
  );
  api.get('/organizations/:id/organization_memberships', async (request) => {
    const { id } = organizations.get(idOf(request));
    return list(request, 'organization_memberships', memberships.list({ organizationId: id }));
  });
  api.get('/users/:id/organizations', async (request) => {
    const ids = memberships.organizationsOf(users.get(idOf(request)).id);
    const found = organizations.live().filter(({ id }) => ids.includes(id));
    found.sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
    return list(request, 'organizations', found, (each) => organizations.shown(each));
  });
  api.get('/organization_memberships/:id', async (request) => ({
    organization_membership: memberships.get(idOf(request)),
  }));
  api.get('/users/:id/organization_memberships/:membership', async (request) => ({
    organization_membership: ofUser(context, idOf(request), idOf(request, 'membership')),
  }));
}

function ofUser({ store }: Context, userId: number, id: number): Membership {
  const membership = store.memberships.get(id);
  if (membership.user_id !== userId) throw notFound();
  return membership;
}

/** The membership of a path that names the organization. */
function inOrganization({ store, users }: Context, userId: number, organizationId: number): Membership {
  const [membership] = store.memberships.list({ userId: users.get(userId).id, organizationId });
  if (!membership) throw notFound();
  return membership;
}

function membershipWrites(api: FastifyInstance, context: Context): void {
  const { jobs } = context;
  const kind = (action: 'Create' | 'Delete') => ({ action, resource: 'OrganizationMembership' }) as const;

  for (const path of ['/organization_memberships', '/users/:id/organization_memberships'])
    api.post(path, async (request, reply) => {
      const given = envelope(request, 'organization_membership');
      const membership = add(
        context,
        path.startsWith('/users') ? { ...given, user_id: idOf(request) } : given,
      );
      return reply
        .code(201)
        .header('location', membership['url'])
        .send({ organization_membership: membership });
    });
  api.post('/organization_memberships/create_many', async (request) => ({
    job_status: jobs.add(kind('Create'), envelopes(request, 'organization_memberships'), (each) => ({
      id: add(context, each).id,
    })),
  }));
  api.delete('/organization_memberships/destroy_many', async (request) => ({
    job_status: jobs.add(
      kind('Delete'),
      idList(queryOf(request)['ids']),
      (id) => (remove(context, id), { id }),
    ),
  }));
  api.delete('/organization_memberships/:id', async (request, reply) => {
    remove(context, idOf(request));
    return noContent(reply);
  });
  api.delete('/users/:id/organization_memberships/:membership', async (request, reply) => {
    remove(context, ofUser(context, idOf(request), idOf(request, 'membership')).id);
    return noContent(reply);
  });
  api.delete('/users/:id/organizations/:organization', async (request, reply) => {
    remove(context, inOrganization(context, idOf(request), idOf(request, 'organization')).id);
    return noContent(reply);
  });
}

function defaultRoutes(api: FastifyInstance, context: Context): void {
  const { memberships } = context.store;
  api.put('/users/:id/organization_memberships/:membership/make_default', async (request) => {
    const { user_id: userId } = memberships.makeDefault(idOf(request, 'membership'));
    follow(context, userId);
    return { organization_memberships: memberships.list({ userId }) };
  });
  api.put('/users/:id/organizations/:organization/make_default', async (request) => {
    const { id, user_id: userId } = inOrganization(context, idOf(request), idOf(request, 'organization'));
    const membership = memberships.makeDefault(id);
    follow(context, userId);
    return { organization_membership: membership };
  });
}

function add(context: Context, given: Fields): Membership {
  const { users, organizations, store } = context;
  const user = users.get(Number(given['user_id']));
  const organization = organizations.get(Number(given['organization_id']));
  const membership = store.memberships.add(user.id, organization.id, given['default'] === true);
  follow(context, user.id);
  tellMembership(context, membership, 'created');
  return store.memberships.get(membership.id);
}

function remove(context: Context, id: number): void {
  const { memberships } = context.store;
  const membership = memberships.get(id);
  memberships.remove(id);
  follow(context, membership.user_id);
  tellMembership(context, membership, 'deleted');
}

/** Updates a user's `organization_id` to the default membership. */
function follow({ users, store }: Context, userId: number): void {
  users.reorganize(userId, store.memberships.organizationsOf(userId)[0] ?? null);
}

function tellMembership({ users, store }: Context, membership: Membership, type: string): void {
  store.onEvent({
    type: `user.organization_membership_${type}`,
    kind: 'user',
    record: users.get(membership.user_id),
    actorId: null,
    change: { organization: { id: String(membership.organization_id) } },
  });
}
