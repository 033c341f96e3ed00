import { refusal, useSandbox } from '../support/rig';
import { Receiver } from '../support/receiver';

const rig = useSandbox();
const receiver = new Receiver();
const REQUESTER = 'rater@x.example';
const AGENT = 'bob@sandbox.example';

afterAll(() => receiver.stop());

const rate = (id: number, rating: object) =>
  rig.api.control('POST', `/tickets/${id}/satisfaction_rating`, rating);
const solved = async () => {
  const { id } = await rig.api.ticket({ requester: { name: 'R', email: REQUESTER } });
  // A ticket is solved by its assignee.
  const { status } = await rig.put(id, { status: 'solved', assignee_id: rig.userId(AGENT) });
  expect(status).toBe(200);
  rig.later();
  return id;
};

test('rule 55: a new ticket has no rating, and the API cannot write one', async () => {
  const { id } = await rig.api.ticket({ satisfaction_rating: { score: 'good' } });
  expect((await rig.ticket(id)).satisfaction_rating).toEqual({ score: 'unoffered' });
  await rig.put(id, { satisfaction_rating: { score: 'good' }, subject: 'S' });
  expect((await rig.ticket(id)).satisfaction_rating).toEqual({ score: 'unoffered' });
});

test('rule 55: a rating is in the ticket and in both exports, and moves updated_at', async () => {
  const id = await solved();
  const before = await rig.ticket(id);
  await rate(id, { score: 'offered' });
  expect((await rig.ticket(id)).satisfaction_rating).toEqual({ score: 'offered' });
  await rate(id, { score: 'bad', comment: 'Too late' });
  const rating = { score: 'bad', comment: 'Too late', id: expect.any(Number) as unknown };
  const after = await rig.ticket(id);
  expect(after.satisfaction_rating).toEqual(rating);
  expect(Date.parse(after.updated_at)).toBeGreaterThan(Date.parse(before.updated_at));
  expect((await rig.exported(id))?.satisfaction_rating).toEqual(rating);
  const events = (await rig.events(id)).slice(-2);
  expect(events.map(({ child_events: [child] }) => child?.event_type)).toEqual([
    'SatisfactionRating',
    'SatisfactionRating',
  ]);
  expect(events.map(({ updater_id: updater }) => updater)).toEqual([-1, rig.userId(REQUESTER)]);
  const { audits } = (await rig.api.get(`/tickets/${id}/audits`)).body;
  expect(audits.at(-1)?.events).toMatchObject([
    { type: 'SatisfactionRating', score: 'bad', body: 'Too late', assignee_id: rig.userId(AGENT) },
  ]);
});

test('rule 55: a ticket that was never solved cannot be rated; a reopened one can', async () => {
  const { id } = await rig.api.ticket();
  const answer = await rate(id, { score: 'good' });
  expect(answer.status).toBe(422);
  expect(refusal(answer)).toEqual({ status: ['Ticket is not solved'] });
  const reopened = await solved();
  await rig.put(reopened, { status: 'open' });
  expect((await rate(reopened, { score: 'good' })).status).toBe(200);
});

test('rule 55: a rating sends a webhook', async () => {
  const endpoint = await receiver.start();
  const subscriptions = ['csat_requested', 'csat_received'].map((each) => `zen:event-type:ticket.${each}`);
  await rig.api.post('/webhooks', { webhook: { name: 'w', endpoint, subscriptions } });
  const id = await solved();
  await rate(id, { score: 'offered' });
  expect((await receiver.of('ticket.csat_requested')).body.subject).toBe(`zen:ticket:${id}`);
  await rate(id, { score: 'good' });
  expect((await receiver.of('ticket.csat_received')).body.event).toMatchObject({
    satisfaction_score: { score: 'good' },
  });
});
