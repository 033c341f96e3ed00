import type { FastifyInstance } from 'fastify';
import { shownField, shownOption, type Field, type FieldRegistry } from '../fields/fieldRegistry';
import { envelope, idList, idOf, listing, noContent, queryOf, type Context } from './context';

/**
 * Fields of tickets, organizations and users, and the options of drop-downs (rule 48).
 * https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_fields/
 * https://developer.zendesk.com/api-reference/ticketing/organizations/organization_fields/
 * https://developer.zendesk.com/api-reference/ticketing/users/user_fields/
 */
export function fieldRoutes(api: FastifyInstance, context: Context): void {
  const { ticketFields, organizationFields, userFields } = context.store;
  definitionsOf(api, context, 'ticket_field', ticketFields);
  definitionsOf(api, context, 'organization_field', organizationFields);
  definitionsOf(api, context, 'user_field', userFields);
  optionRoutes(api, context, 'ticket_fields', ticketFields);
  optionRoutes(api, context, 'user_fields', userFields);
}

function definitionsOf(api: FastifyInstance, context: Context, one: string, registry: FieldRegistry): void {
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

/** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_fields/#list-ticket-field-options */
function optionRoutes(api: FastifyInstance, context: Context, path: string, registry: FieldRegistry): void {
  const list = listing(context);
  const url = () => `${context.store.baseUrl()}/${path}`;
  api.get(`/${path}/:id/options`, async (request) => {
    const field = registry.get(idOf(request));
    const options = field.options.map((each) => shownOption(field, each, url()));
    return list(request, 'custom_field_options', options);
  });
  api.get(`/${path}/:id/options/:option`, async (request) => {
    const option = registry.option(idOf(request), idOf(request, 'option'));
    return { custom_field_option: shownOption(registry.get(idOf(request)), option, url()) };
  });
  api.post(`/${path}/:id/options`, async (request, reply) => {
    const id = idOf(request);
    const { option, created } = registry.putOption(id, envelope(request, 'custom_field_option'));
    return reply
      .code(created ? 201 : 200)
      .header('location', `${url()}/${id}/options.json`)
      .send({ custom_field_option: shownOption(registry.get(id), option, url()) });
  });
  api.delete(`/${path}/:id/options/:option`, async (request, reply) => {
    registry.removeOption(idOf(request), idOf(request, 'option'));
    return noContent(reply);
  });
}
