import type { FastifyInstance } from 'fastify';
import { search } from '../search';
import { envelope, idOf, listOf, listing, noContent, queryOf, textOfPath, type Context } from './context';

export function otherRoutes(api: FastifyInstance, context: Context): void {
  const { store, jobs, apiTokens } = context;
  const list = listing(context);
  api.get('/groups', async (request) => list(request, 'groups', store.groups));
  api.get('/brands', async (request) =>
    list(request, 'brands', [
      { id: 360000358316, name: 'Main', subdomain: 'sandbox', active: true, default: true },
    ]),
  );
  // Texts, not booleans: OAS, account; blakmatrix/node-zendesk, accountsettings.
  api.get('/account/settings', async () => ({
    settings: {
      api: {
        accepted_api_agreement: true,
        api_password_access: 'false',
        api_token_access: String(apiTokens.enabled),
      },
    },
  }));
  api.get('/search', async (request) => {
    const { results, ...page } = list(request, 'results', search(store, queryOf(request)));
    return { results, facets: null, ...page };
  });
  api.get('/search/count', async (request) => ({ count: search(store, queryOf(request)).length }));
  api.get('/job_statuses', async (request) => list(request, 'job_statuses', jobs.list()));
  api.get('/job_statuses/show_many', async (request) => ({
    job_statuses: listOf(queryOf(request)['ids']).map((id) => jobs.get(id)),
  }));
  api.get('/job_statuses/:id', async (request) => ({ job_status: jobs.get(textOfPath(request)) }));
}

/** https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/ */
export function webhookRoutes(api: FastifyInstance, { webhooks, triggers }: Context): void {
  api.post('/webhooks', async (request, reply) =>
    reply.code(201).send({ webhook: webhooks.add(envelope(request, 'webhook')) }),
  );
  api.get('/webhooks', async () => ({
    webhooks: webhooks.list(),
    meta: { has_more: false, after_cursor: null, before_cursor: null },
    links: { next: null, prev: null },
  }));
  api.get('/webhooks/:id', async (request) => ({ webhook: webhooks.show(textOfPath(request)) }));
  for (const method of ['PUT', 'PATCH'] as const) {
    api.route({
      method,
      url: '/webhooks/:id',
      handler: async (request, reply) => {
        webhooks.change(textOfPath(request), envelope(request, 'webhook'));
        return noContent(reply);
      },
    });
  }
  api.delete('/webhooks/:id', async (request, reply) => {
    webhooks.remove(textOfPath(request));
    return noContent(reply);
  });
  api.get('/webhooks/:id/signing_secret', async (request) => ({
    signing_secret: webhooks.secret(textOfPath(request)),
  }));
  api.post('/webhooks/:id/signing_secret', async (request, reply) =>
    reply.code(201).send({ signing_secret: webhooks.secret(textOfPath(request), true) }),
  );
  api.post('/triggers', async (request, reply) =>
    reply.code(201).send({ trigger: triggers.add(envelope(request, 'trigger')) }),
  );
  api.get('/triggers', async () => ({ triggers: triggers.list(), next_page: null, previous_page: null }));
  api.delete('/triggers/:id', async (request, reply) => {
    triggers.remove(idOf(request));
    return noContent(reply);
  });
}
