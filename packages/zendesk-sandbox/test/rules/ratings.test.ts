import type { Fields } from '../../src';
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

describe('rule 55: the ratings of the account', () => {
  const list = async (query = '') =>
    (await rig.api.get(`/satisfaction_ratings?${query}`)).body['satisfaction_ratings'] as (Fields & {
      id: number;
      ticket_id: number;
    })[];
  const ticketsOf = async (query: string) => (await list(query)).map(({ ticket_id: id }) => id);

  test('an answer changes the record of the offer', async () => {
    const id = await solved();
    await rate(id, { score: 'offered' });
    const [offer] = (await list()).filter(({ ticket_id: of }) => of === id);
    expect(offer).toEqual({
      url: `${rig.sandbox.url}/api/v2/satisfaction_ratings/${offer?.id}.json`,
      id: offer?.id,
      assignee_id: rig.userId(AGENT),
      group_id: null,
      requester_id: rig.userId(REQUESTER),
      ticket_id: id,
      score: 'offered',
      created_at: (await rig.ticket(id)).updated_at,
      updated_at: (await rig.ticket(id)).updated_at,
    });
    rig.later();
    await rate(id, { score: 'bad', comment: 'Slow' });
    const { id: shown } = (await rig.ticket(id)).satisfaction_rating;
    expect(shown).toBe(offer?.id);
    const { body } = await rig.api.get(`/satisfaction_ratings/${offer?.id}`);
    expect(body['satisfaction_rating']).toEqual({
      ...offer,
      score: 'bad',
      comment: 'Slow',
      reason: null,
      reason_id: null,
      reason_code: null,
      updated_at: (await rig.ticket(id)).updated_at,
    });
    expect((await rig.api.get('/satisfaction_ratings/1')).status).toBe(404);
  });

  test('a list by score, comment and time, for administrators', async () => {
    const [good, bad, asked] = [await solved(), await solved(), await solved()];
    rig.later(60);
    const since = rig.sandbox.store.seconds();
    await rate(good, { score: 'good' });
    await rate(bad, { score: 'bad', comment: 'No' });
    await rate(asked, { score: 'offered' });
    const from = `start_time=${since}`;
    expect(await ticketsOf(from)).toEqual([good, bad, asked]);
    expect(await ticketsOf(`${from}&score=received`)).toEqual([good, bad]);
    expect(await ticketsOf(`${from}&score=good`)).toEqual([good]);
    expect(await ticketsOf(`${from}&score=good_with_comment`)).toEqual([]);
    expect(await ticketsOf(`${from}&score=bad_with_comment`)).toEqual([bad]);
    expect(await ticketsOf(`${from}&score=received_without_comment`)).toEqual([good]);
    expect(await ticketsOf(`${from}&score=offered`)).toEqual([asked]);
    expect(await ticketsOf(`end_time=${since - 1}`)).not.toContain(good);
    const { count: total } = (await rig.api.get('/satisfaction_ratings/count')).body as unknown as {
      count: { value: number };
    };
    expect(total.value).toBe((await list()).length);
    expect((await rig.api.as(AGENT).get('/satisfaction_ratings')).status).toBe(403);
  });
});
