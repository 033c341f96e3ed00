import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { JobKind } from '../jobs';
import type { Fields, Organization, User } from '../model';
import { parseRequest } from '../refusal';
import {
  envelope,
  envelopes,
  idList,
  idOf,
  listOf,
  listing,
  manyChanges,
  noContent,
  queryOf,
  textOfPath,
  type Context,
} from './context';

const mergeBody = z.looseObject({ organization_merge: z.looseObject({ winner_id: z.coerce.number() }) });

const kind = (action: JobKind['action']): JobKind => ({ action, resource: 'Organization' });

/** https://developer.zendesk.com/api-reference/ticketing/organizations/organizations/ */
export function organizationRoutes(api: FastifyInstance, context: Context): void {
  const show = (organization: Organization) => context.organizations.shown(organization);
  readRoutes(api, context, show);
  writeRoutes(api, context, show);
  bulkRoutes(api, context);
  mergeRoutes(api, context);
  relatedRoutes(api, context);
}

type Show = (organization: Organization) => Fields;

function readRoutes(api: FastifyInstance, context: Context, show: Show): void {
  const { organizations, store } = context;
  const list = listing(context);
  api.get('/organizations', async (request) => list(request, 'organizations', organizations.live(), show));
  api.get('/organizations/count', async () => ({
    count: { value: organizations.live().length, refreshed_at: store.now() },
  }));
  api.get('/organizations/search', async (request) => {
    const { external_id: externalId, name } = queryOf(request);
    const found =
      externalId !== undefined ? organizations.byExternalId(externalId) : organizations.byName(name ?? '');
    return list(request, 'organizations', found, show);
  });
  api.get('/organizations/autocomplete', async (request) => {
    const start = (queryOf(request)['name'] ?? '').toLowerCase();
    const found = organizations.live().filter(({ name }) => name.toLowerCase().startsWith(start));
    return list(request, 'organizations', found, show);
  });
  api.get('/organizations/show_many', async (request) => {
    const { ids, external_ids: externalIds } = queryOf(request);
    const found =
      ids !== undefined
        ? idList(ids).flatMap((id) => store.organizations.get(id) ?? [])
        : listOf(externalIds).flatMap((each) => organizations.byExternalId(each));
    return list(
      request,
      'organizations',
      found.filter((each) => each.deleted_at === null),
      show,
    );
  });
  api.get('/organizations/:id', async (request) => ({
    organization: show(organizations.get(idOf(request))),
  }));
}

function writeRoutes(api: FastifyInstance, { organizations, actor }: Context, show: Show): void {
  api.post('/organizations', async (request, reply) => {
    const organization = organizations.create(envelope(request, 'organization'), actor(request).id);
    return reply
      .code(201)
      .header('location', organization['url'])
      .send({ organization: show(organization) });
  });
  api.post('/organizations/create_or_update', async (request, reply) => {
    const given = envelope(request, 'organization');
    const { organization, created } = organizations.createOrUpdate(given, actor(request).id);
    return reply.code(created ? 201 : 200).send({ organization: show(organization) });
  });
  api.put('/organizations/:id', async (request) => ({
    organization: show(
      organizations.update(idOf(request), envelope(request, 'organization'), actor(request).id),
    ),
  }));
  api.delete('/organizations/:id', async (request, reply) => {
    organizations.remove(idOf(request), actor(request).id);
    return noContent(reply);
  });
}

function bulkRoutes(api: FastifyInstance, { organizations, jobs, actor }: Context): void {
  api.post('/organizations/create_many', async (request) => {
    const { id: by } = actor(request);
    const step = (each: object) => ({ id: organizations.create(each, by).id });
    return { job_status: jobs.add(kind('Create'), envelopes(request, 'organizations'), step) };
  });
  api.put('/organizations/update_many', async (request) => {
    const { id: by } = actor(request);
    const changes = manyChanges(request, 'organization', 'organizations');
    const step = ({ id, ...each }: (typeof changes)[number]) => ({
      id: organizations.update(Number(id), each, by).id,
    });
    return { job_status: jobs.add(kind('Update'), changes, step) };
  });
  api.delete('/organizations/destroy_many', async (request) => {
    const { ids, external_ids: externalIds } = queryOf(request);
    const { id: by } = actor(request);
    const gone =
      ids !== undefined
        ? idList(ids)
        : listOf(externalIds).flatMap((each) => organizations.byExternalId(each).map(({ id }) => id));
    return { job_status: jobs.add(kind('Delete'), gone, (id) => (organizations.remove(id, by), { id })) };
  });
}

function mergeRoutes(api: FastifyInstance, { organizations, actor }: Context): void {
  api.post('/organizations/:id/merge', async (request) => {
    const { organization_merge: merge } = parseRequest(mergeBody, request.body);
    return {
      organization_merge: organizations.merge(idOf(request), merge.winner_id, actor(request).id),
    };
  });
  api.get('/organization_merges/:id', async (request) => ({
    organization_merge: organizations.mergeStatus(textOfPath(request)),
  }));
}

/** The people who belong to an organization. */
function relatedRoutes(api: FastifyInstance, context: Context): void {
  const { organizations, store, users } = context;
  const list = listing(context);
  const members = (id: number): User[] =>
    users.list({}).filter((user) => store.memberships.organizationsOf(user.id).includes(id));
  api.get('/organizations/:id/users', async (request) => {
    const found = members(organizations.get(idOf(request)).id);
    return list(request, 'users', found, (user) => users.shown(user));
  });
  api.get('/organizations/:id/users/count', async (request) => ({
    count: {
      value: members(organizations.get(idOf(request)).id).length,
      refreshed_at: store.now(),
    },
  }));
}
