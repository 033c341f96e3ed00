import { type Request, HttpClient } from '../../src/systems/http';
import { AlreadyExists } from '../../src/systems/errors';
import { refusal } from '../../src/systems/zendesk/zendeskRefusal';

/** The property that a refusal of Zendesk concerns: by keys and types, whatever the language of the texts. */

const http = new HttpClient({
  side: 'zendesk',
  name: 'Zendesk',
  baseUrl: 'http://127.0.0.1:1',
  headers: {},
  credential: 'ZENDESK_TOKEN',
});
const refused = (ticket: object, details: object) => {
  const request: Request = { method: 'PUT', path: '/api/v2/tickets/1', body: { ticket } };
  const body = { error: 'RecordInvalid', description: 'Record validation errors', details };
  return refusal(http, request, { status: 422, body, header: () => null });
};
const base = (...faults: object[]) => ({
  base: faults.map((fault) => ({ description: 'é obrigatório', error: null, ...fault })),
});

test.each<[string, object, object, string[]]>([
  [
    'F10: solving without an assignee is refused for the status',
    { status: 'solved', subject: 's' },
    base({ ticket_field_id: 1, ticket_field_type: 'FieldAssignee' }),
    ['status'],
  ],
  [
    'F10: solving without a custom field, or with an empty one, is refused for the status, too',
    { status: 'solved', custom_fields: [{ id: 7, value: null }] },
    base(
      { ticket_field_id: 7, ticket_field_type: 'FieldInteger' },
      { ticket_field_id: 8, ticket_field_type: 'FieldTagger' },
    ),
    ['status'],
  ],
  [
    'a custom field whose value is refused, also while solving',
    { status: 'solved', custom_fields: [{ id: 7, value: 'x' }] },
    base({ ticket_field_id: 7, ticket_field_type: 'FieldRegexp' }),
    ['custom_fields.7'],
  ],
  [
    'an empty description',
    { subject: 's' },
    base({ error: 'BlankValue', ticket_field_id: 3, ticket_field_type: 'FieldDescription' }),
    ['description'],
  ],
  [
    'F10: a cleared priority',
    { priority: null },
    { priority: [{ description: 'Prioridade: não pode ser redefinida' }] },
    ['priority'],
  ],
  [
    'several properties at once are named as the sync names them',
    { organization_id: 1, assignee_id: 2 },
    { organization: [{ description: 'a' }], assignee_id: [{ description: 'b' }] },
    ['organization_id', 'assignee'],
  ],
])('%s', (_, ticket, details, fields) => {
  expect(refused(ticket, details)).toMatchObject({ code: 'invalid_field', fields });
});

test('a closed ticket is not blamed on one property, and a taken name is distinguished', () => {
  expect(
    refused({ subject: 's' }, { status: [{ description: 'closed prevents ticket update' }] }),
  ).toMatchObject({ code: 'closed_ticket' });
  expect(
    refused({}, { name: [{ description: 'Name:  Acme has already been taken', error: 'DuplicateValue' }] }),
  ).toBeInstanceOf(AlreadyExists);
});
