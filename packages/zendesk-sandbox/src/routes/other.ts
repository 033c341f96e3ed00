import type { FastifyInstance } from 'fastify';
import type { Fields } from '../model';
import { paged } from '../paging';
import { badRequest } from '../refusal';
import { sortedResults } from '../rules/sorting';
import { checkSearchPage, search } from '../search';
import { envelope, idOf, listOf, listing, noContent, queryOf, textOfPath, type Context } from './context';

export function otherRoutes(api: FastifyInstance, context: Context): void {
  const { store, jobs, apiTokens } = context;
  const list = listing(context);
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
    checkSearchPage(queryOf(request));
    const found = sortedResults(store, search(store, queryOf(request)), queryOf(request));
    const { results, ...page } = list(request, 'results', found);
    return { results, facets: null, ...page };
  });
  // https://developer.zendesk.com/api-reference/ticketing/ticket-management/search/#export-search-results
  api.get('/search/export', async (request) => {
    const query = queryOf(request);
    const type = query['filter[type]'];
    if (type === undefined) throw badRequest('InvalidParameter', 'filter[type] is missing');
    const found = search(store, { query: `type:${type} ${query['query'] ?? ''}` });
    const { results, ...page } = paged(
      'results',
      found,
      { 'page[size]': '100', ...query },
      { url: `${store.baseUrl()}/search/export.json`, rules: store.rules },
    );
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
export function webhookRoutes(api: FastifyInstance, context: Context): void {
  const { webhooks } = context;
  const list = listing(context);
  api.post('/webhooks', async (request, reply) => {
    const webhook = webhooks.add(envelope(request, 'webhook'), context.actor(request).id);
    return reply.code(201).send({ webhook });
  });
  api.get('/webhooks', async (request) => ({
    webhooks: webhooks.list(queryOf(request)['filter[name_contains]']),
    meta: { has_more: false },
  }));
  api.post('/webhooks/test', async (request) => ({
    response: await webhooks.test(
      queryOf(request)['webhook_id'],
      ((request.body ?? {}) as { request?: Fields }).request ?? {},
    ),
  }));
  api.get('/webhooks/:id/invocations', async (request) => {
    const { invocations, ...page } = list(request, 'invocations', webhooks.invocations(textOfPath(request)));
    return { invocations, ...page };
  });
  api.get('/webhooks/:id/invocations/:invocation/attempts', async (request) => ({
    attempts: webhooks.attempts(textOfPath(request), textOfPath(request, 'invocation')),
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
}

/** https://developer.zendesk.com/api-reference/ticketing/business-rules/triggers/ */
export function triggerRoutes(api: FastifyInstance, context: Context): void {
  const { triggers } = context;
  const list = listing(context);
  api.post('/triggers', async (request, reply) =>
    reply.code(201).send({ trigger: triggers.add(envelope(request, 'trigger')) }),
  );
  api.get('/triggers', async (request) => list(request, 'triggers', triggers.list(queryOf(request))));
  api.get('/triggers/active', async (request) =>
    list(request, 'triggers', triggers.list({ ...queryOf(request), active: 'true' })),
  );
  api.get('/triggers/:id', async (request) => ({ trigger: triggers.get(idOf(request)) }));
  api.put('/triggers/:id', async (request) => ({
    trigger: triggers.change(idOf(request), envelope(request, 'trigger')),
  }));
  api.delete('/triggers/:id', async (request, reply) => {
    triggers.remove(idOf(request));
    return noContent(reply);
  });
}
