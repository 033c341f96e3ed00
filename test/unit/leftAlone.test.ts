import { startZendeskSandbox, type ZendeskSandbox } from 'zendesk-sandbox';
import { zendeskSystem } from '../../src/systems/zendesk/zendeskSystem';
import { World, testMapping } from '../support/world';

/** F31: records and values of Zendesk that the sync ignores (docs/zendesk.md). */

let zendesk: ZendeskSandbox;
beforeAll(async () => (zendesk = await startZendeskSandbox({ obeys: 'all' })));
afterAll(async () => zendesk.close());

const system = (aiAgentTickets: boolean) =>
  zendeskSystem({
    baseUrl: zendesk.url,
    auth: { by: 'oauth', clientId: zendesk.clientId, secret: () => zendesk.clientSecret },
    aiAgentTickets,
  });
const made = () => {
  const admin = zendesk.store.userByEmail.get(zendesk.adminEmail);
  if (!admin) throw new Error('no admin');
  return { admin, ...zendesk.tickets.create({ subject: 'Real', comment: { body: 'words' } }, admin) };
};

test('F31: tickets of AI agents are synced only if the setting says so, by export and by webhook alike', async () => {
  const { ticket } = made();
  zendesk.store.putTicket({ ...ticket, support_type: 'ai_agent' }, ticket);
  const ref = { side: 'zendesk' as const, kind: 'ticket', id: String(ticket.id) };
  for (const takesPart of [false, true]) {
    const port = system(takesPart);
    const { records } = await port.changes('tickets', null);
    expect(records.some((record) => record.ref.id === ref.id)).toBe(takesPart);
    const [read] = await port.read([ref]);
    expect(read?.record?.skip).toBe(takesPart ? null : 'a ticket of an AI agent');
  }
});

test('F31: a scrubbed ticket has ended; "SCRUBBED" is no edit of its subject, and is not written', async () => {
  const { ticket, admin } = made();
  zendesk.tickets.remove(ticket.id, admin);
  zendesk.tickets.removeForGood(ticket.id, admin);
  const { records } = await system(false).changes('tickets', null);
  const scrubbed = records.find((record) => record.ref.id === String(ticket.id));
  expect(scrubbed).toMatchObject({ state: 'deleted', values: { subject: 'SCRUBBED' } });
  if (!scrubbed) throw new Error('not shown');
  const row = { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' };
  const world = World.of(testMapping([row]), 'zendesk', { subject: 'Real' });
  world.settle();
  const { link } = world;
  const seen = { ...scrubbed, ref: { ...scrubbed.ref, id: '1' }, order: Date.now(), version: 'later' };
  world.records.zendesk = seen;
  expect(world.plan(['zendesk'], false, link)).toMatchObject({ do: 'bury', intent: null });
});

test('F31: a field that triage fills adds no tag, so a person’s tag with the same text stays a tag', async () => {
  const field = { type: 'tagger', title: 'Intent', custom_field_options: [{ name: 'I', value: 'intent_1' }] };
  await fetch(`${zendesk.url}/api/v2/ticket_fields`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${zendesk.bearer(zendesk.adminEmail)}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ ticket_field: field }),
  });
  const intent = zendesk.store.ticketFields.list().find(({ title }) => title === 'Intent');
  if (!intent) throw new Error('no field');
  Object.assign(intent.more, { key: 'standard::intent' });
  const { ticket } = made();
  zendesk.store.putTicket({ ...ticket, tags: ['intent_1'] }, ticket);
  const { records } = await system(false).changes('tickets', null);
  const found = records.find((each) => each.ref.id === String(ticket.id));
  expect(found).toMatchObject({ values: { tags: ['intent_1'] } });
  expect(found?.owned).toBeUndefined();
});
