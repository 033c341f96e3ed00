import type { FastifyInstance } from 'fastify';
import { pick, type Fields, type User } from '../model';
import {
  envelope,
  envelopes,
  idList,
  idOf,
  listOf,
  listing,
  manyChanges,
  queryOf,
  type Context,
} from './context';

/** https://developer.zendesk.com/api-reference/ticketing/users/users/ */
export function userRoutes(api: FastifyInstance, context: Context): void {
  const show = (user: User) => context.users.shown(user);
  readRoutes(api, context, show);
  writeRoutes(api, context, show);
  bulkRoutes(api, context);
  deletedUserRoutes(api, context);
}

type Show = (user: User) => Fields;

function readRoutes(api: FastifyInstance, context: Context, show: Show): void {
  const { users, store, access } = context;
  const list = listing(context);

  api.get('/users/me', async (request) => {
    const me = access.me(request);
    return { user: me['id'] === null ? me : show(me as User) };
  });
  api.get('/users', async (request) => list(request, 'users', users.list(queryOf(request)), show));
  api.get('/users/count', async () => ({
    count: { value: users.list({}).length, refreshed_at: store.now() },
  }));
  api.get('/users/show_many', async (request) => {
    const { ids, external_ids: externalIds } = queryOf(request);
    const found =
      ids !== undefined
        ? idList(ids).flatMap((id) => store.users.get(id) ?? [])
        : listOf(externalIds).flatMap((each) => users.byExternalId(each));
    return list(request, 'users', found, show);
  });
  api.get('/users/search', async (request) => list(request, 'users', users.search(queryOf(request)), show));
  api.get('/users/autocomplete', async (request) =>
    list(request, 'users', users.autocomplete(queryOf(request)), show),
  );
  api.get('/users/:id', async (request) => ({ user: show(users.get(idOf(request))) }));
}

function writeRoutes(api: FastifyInstance, { users }: Context, show: Show): void {
  api.post('/users', async (request, reply) =>
    reply.code(201).send({ user: show(users.create(envelope(request, 'user'))) }),
  );
  api.post('/users/create_or_update', async (request, reply) => {
    const { user, created } = users.createOrUpdate(envelope(request, 'user'));
    return reply.code(created ? 201 : 200).send({ user: show(user) });
  });
  api.put('/users/:id', async (request) => ({
    user: show(users.update(idOf(request), envelope(request, 'user'))),
  }));
  api.delete('/users/:id', async (request) => ({ user: show(users.remove(idOf(request))) }));
  api.put('/users/:id/merge', async (request) => ({
    user: show(users.merge(idOf(request), Number(envelope(request, 'user')['id']))),
  }));
}

function bulkRoutes(api: FastifyInstance, { users, jobs }: Context): void {
  api.post('/users/create_many', async (request) => ({
    job_status: jobs.add({ action: 'Create', resource: 'User' }, envelopes(request, 'users'), (each) => ({
      id: users.create(each).id,
    })),
  }));
  api.post('/users/create_or_update_many', async (request) => ({
    job_status: jobs.add({ action: 'Create', resource: 'User' }, envelopes(request, 'users'), (each) => {
      const { user, created } = users.createOrUpdate(each);
      return { id: user.id, status: created ? 'Created' : 'Updated' };
    }),
  }));
  api.put('/users/update_many', async (request) => {
    const step = ({ id, ...each }: Fields) => ({ id: users.update(Number(id), each).id });
    return {
      job_status: jobs.add(
        { action: 'Update', resource: 'User' },
        manyChanges(request, 'user', 'users'),
        step,
      ),
    };
  });
}

const OF_DELETED = [
  ...['id', 'url', 'name', 'email', 'created_at', 'updated_at', 'time_zone', 'phone', 'photo'],
  ...['shared_phone_number', 'locale_id', 'locale', 'organization_id', 'role', 'active'],
];

/** https://developer.zendesk.com/api-reference/ticketing/users/users/#list-deleted-users */
function deletedUserRoutes(api: FastifyInstance, context: Context): void {
  const { users, store } = context;
  const list = listing(context);
  const show = (user: User): Fields => ({
    ...pick(user as Fields, OF_DELETED),
    url: `${store.baseUrl()}/deleted_users/${user.id}.json`,
  });
  api.get('/deleted_users', async (request) => list(request, 'deleted_users', users.deleted(), show));
  api.get('/deleted_users/count', async () => ({
    count: { value: users.deleted().length, refreshed_at: store.now() },
  }));
  api.get('/deleted_users/:id', async (request) => ({
    deleted_user: show(users.getDeleted(idOf(request))),
  }));
  api.delete('/deleted_users/:id', async (request) => ({
    deleted_user: show(users.removeForGood(idOf(request))),
  }));
}
