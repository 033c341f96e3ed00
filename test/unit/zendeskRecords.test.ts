import { KnownPeople } from '../../src/systems/zendesk/people';
import { PROPERTIES } from '../../src/systems/zendesk/zendeskProperties';
import { ticketRecord } from '../../src/systems/zendesk/zendeskRecords';
import { ticketSchema } from '../../src/systems/zendesk/zendeskSchemas';

/** How the adapter reads Zendesk's answers. */

const ACCOUNT = {
  people: new KnownPeople(new Map()),
  groups: new Map<number, string>(),
  fields: { tags: new Set<string>(), unnamed: () => [] },
  firstComments: new Map<string, boolean>(),
  aiAgentTickets: false,
  baseUrl: 'https://acme.zendesk.com',
};
const TICKET = {
  id: 1,
  status: 'new',
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
};
const valuesOf = (more: object) => ticketRecord(ticketSchema.parse({ ...TICKET, ...more }), ACCOUNT).values;

test.each<[string, object, string | null]>([
  ['was given', { satisfaction_rating: { id: 15, score: 'good', comment: 'Great' } }, 'good'],
  ['was requested', { satisfaction_rating: { score: 'offered' } }, 'offered'],
  ['has only a state', { satisfaction_rating: 'unoffered' }, 'unoffered'],
  ['has no score', { satisfaction_rating: {} }, null],
  ['is not part of the plan', { satisfaction_rating: null }, null],
  ['is missing', {}, null],
])('a rating that %s', (_, more, score) => {
  expect(valuesOf(more)['satisfaction_rating.score']).toBe(score);
});

test('a ticket has the properties that the mapping may name', () => {
  // If no comment is public, the first comment is not.
  expect(Object.keys(valuesOf({ is_public: false })).sort()).toEqual(
    Object.keys(PROPERTIES['ticket'] ?? {}).sort(),
  );
});
