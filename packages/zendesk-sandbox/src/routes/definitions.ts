import type { FastifyInstance } from 'fastify';
import { notFound } from '../refusal';
import { DEFAULT_BRAND } from '../tickets/blankTicket';
import { envelope, idOf, listing, noContent, type Context } from './context';

/** Definitions by administrators: forms, statuses, brands. */
export function definitionRoutes(api: FastifyInstance, context: Context): void {
  formRoutes(api, context);
  statusRoutes(api, context);
  brandRoutes(api, context);
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
  api.delete('/ticket_forms/:id', async (request, reply) => {
    const id = idOf(request);
    forms.remove(id);
    // `deleted_ticket_form_id` is the deleted form of a ticket [D Z:tickets].
    for (const ticket of store.tickets.values())
      if (ticket['ticket_form_id'] === id)
        Object.assign(ticket, { ticket_form_id: null, deleted_ticket_form_id: id });
    return noContent(reply);
  });
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
