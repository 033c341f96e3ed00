import type { FastifyInstance } from 'fastify';
import { shownField, type Field, type FieldRegistry } from '../fields/fieldRegistry';
import { notFound } from '../refusal';
import { DEFAULT_BRAND } from '../tickets/blankTicket';
import { envelope, idList, idOf, listing, noContent, queryOf, type Context } from './context';

/** Definitions by administrators: fields, forms, statuses, brands. */
export function definitionRoutes(api: FastifyInstance, context: Context): void {
  const { store } = context;
  fieldRoutes(api, context, 'ticket_field', store.ticketFields);
  fieldRoutes(api, context, 'organization_field', store.organizationFields);
  formRoutes(api, context);
  statusRoutes(api, context);
  brandRoutes(api, context);
}

/**
 * https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_fields/
 * https://developer.zendesk.com/api-reference/ticketing/organizations/organization_fields/
 */
function fieldRoutes(api: FastifyInstance, context: Context, one: string, registry: FieldRegistry): void {
  const many = `${one}s`;
  const baseUrl = context.store.baseUrl;
  const list = listing(context);
  const show = (field: Field) => shownField(field, registry.list().indexOf(field), baseUrl(), many);
  api.get(`/${many}`, async (request) => {
    const all = registry.list().map(show);
    const query = queryOf(request);
    const isPaged = Object.keys(query).some((key) => /^(page|per_page)/.test(key));
    // Without paging parameters, the list may be complete (rule 12).
    if (isPaged || many !== 'ticket_fields') return list(request, many, all);

    return { [many]: all, next_page: null, previous_page: null, count: all.length };
  });
  // Ids that do not exist are absent from the answer [?] (rule 48).
  api.get(`/${many}/show_many`, async (request) => ({
    [many]: idList(queryOf(request)['ids']).flatMap((id) => {
      const field = registry.find(id);
      return field ? [show(field)] : [];
    }),
  }));
  api.get(`/${many}/:id`, async (request) => ({ [one]: show(registry.get(idOf(request))) }));
  api.post(`/${many}`, async (request, reply) =>
    reply.code(201).send({ [one]: show(registry.add(envelope(request, one))) }),
  );
  api.put(`/${many}/:id`, async (request) => ({
    [one]: show(registry.change(idOf(request), envelope(request, one))),
  }));
  api.delete(`/${many}/:id`, async (request, reply) => {
    registry.remove(idOf(request));
    return noContent(reply);
  });
}

function formRoutes(api: FastifyInstance, { store }: Context): void {
  const { forms, ticketFields } = store;
  const ids = () => ticketFields.list().map(({ id }) => id);
  api.get('/ticket_forms', async () => {
    const all = forms.list(ids());
    return { ticket_forms: all, next_page: null, previous_page: null, count: all.length };
  });
  api.get('/ticket_forms/:id', async (request) => ({
    ticket_form: forms.shown(forms.get(idOf(request)), ids()),
  }));
  api.post('/ticket_forms', async (request, reply) =>
    reply.code(201).send({ ticket_form: forms.shown(forms.add(envelope(request, 'ticket_form')), ids()) }),
  );
  api.put('/ticket_forms/:id', async (request) => ({
    ticket_form: forms.shown(forms.change(idOf(request), envelope(request, 'ticket_form')), ids()),
  }));
}

/** No `meta` here (rule 12). https://developer.zendesk.com/api-reference/ticketing/tickets/custom_ticket_statuses/ */
function statusRoutes(api: FastifyInstance, { store }: Context): void {
  const { customStatuses: statuses } = store;
  api.get('/custom_statuses', async () => {
    const all = statuses.list();
    return { custom_statuses: all, count: all.length, next_page: null, previous_page: null };
  });
  api.get('/custom_statuses/:id', async (request) => ({
    custom_status: statuses.shown(statuses.get(idOf(request))),
  }));
  api.post('/custom_statuses', async (request, reply) =>
    reply.code(201).send({ custom_status: statuses.shown(statuses.add(envelope(request, 'custom_status'))) }),
  );
  api.put('/custom_statuses/:id', async (request) => ({
    custom_status: statuses.shown(statuses.change(idOf(request), envelope(request, 'custom_status'))),
  }));
}

/** https://developer.zendesk.com/api-reference/ticketing/account-configuration/brands/ */
function brandRoutes(api: FastifyInstance, context: Context): void {
  const { store } = context;
  const list = listing(context);
  const brands = () => [
    {
      url: `${store.baseUrl()}/brands/${DEFAULT_BRAND}.json`,
      id: DEFAULT_BRAND,
      name: 'Main',
      brand_url: store.baseUrl().replace('/api/v2', ''),
      subdomain: 'sandbox',
      host_mapping: null,
      has_help_center: false,
      help_center_state: 'disabled',
      active: true,
      default: true,
      is_deleted: false,
      logo: null,
      ticket_form_ids: [],
      signature_template: '{{agent.signature}}',
      created_at: '2024-01-01T00:00:00Z',
      updated_at: '2024-01-01T00:00:00Z',
    },
  ];
  api.get('/brands', async (request) => list(request, 'brands', brands()));
  api.get('/brands/:id', async (request) => {
    const brand = brands().find(({ id }) => id === idOf(request));
    if (!brand) throw notFound();
    return { brand };
  });
}
