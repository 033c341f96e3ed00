import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { MongoClient } from 'mongodb';
import { Deliveries } from '../../src/intake/deliveries';
import { REPLAY_WINDOW_MS } from '../../src/intake/signature';
import {
  deliver,
  pmsChange,
  pmsDelivery,
  ticketEvent,
  zendeskDelivery,
  type Sent,
} from '../support/deliveries';
import { startGate, type Gate } from '../support/gate';
import { SECRETS, startTestIntake, type TestIntake } from '../support/intake';
import { testServers } from '../support/servers';

/** The webhook receiver over HTTP, on real servers, without a worker, so that its signals stay visible. */

const [ZENDESK = '', PMS = ''] = [SECRETS.zendesk[0], SECRETS.pms[0]];
const MINUTE = 60_000;

let intake: TestIntake;
let name: string;
const send = (sent: Sent) => deliver(intake.url, sent);
const waiting = async () => [
  ...(await intake.hints.take('zendesk', 100)),
  ...(await intake.hints.take('pms', 100)),
];

beforeEach(() => {
  name = `intake-${randomUUID().slice(0, 8)}`;
});
afterEach(() => intake.stop());

describe('while both servers are available', () => {
  beforeEach(async () => {
    intake = await startTestIntake(testServers(), { name });
  });

  test('a genuine delivery is answered after its hint is stored and its reader is notified', async () => {
    const updated = '2026-01-02T03:04:05Z';
    const event = ticketEvent(7, 'status_changed', { updated_at: updated, actor_id: '99' });
    expect(await send(zendeskDelivery(event, { secret: ZENDESK }))).toMatchObject({
      status: 200,
      text: '{"status":"accepted"}',
    });
    expect(await send(pmsDelivery(pmsChange('project', 'P-1', 4), { secret: PMS }))).toMatchObject({
      status: 200,
    });
    expect(await waiting()).toMatchObject([
      { ref: 'zendesk:ticket:7', order: Date.parse(updated), actors: ['99'] },
      { ref: 'pms:project:P-1', order: 4, actors: [''] },
    ]);
    expect([await intake.signals('zendesk'), await intake.signals('pms')]).toEqual([1, 1]);
  });

  const genuine = () => zendeskDelivery(ticketEvent(1), { secret: ZENDESK });
  test.each<[string, () => Sent]>([
    ['without a signature', () => ({ ...genuine(), headers: { 'content-type': 'application/json' } })],
    ['signed with another secret', () => zendeskDelivery(ticketEvent(1), { secret: 'somebody-else' })],
    ['signed with an empty secret', () => zendeskDelivery(ticketEvent(1), { secret: '' })],
    ['with another body', () => ({ ...genuine(), body: JSON.stringify(ticketEvent(2)) })],
    [
      'with another time',
      () => {
        const sent = genuine();
        const later = new Date(Date.now() + 1000).toISOString();
        return {
          ...sent,
          headers: { ...sent.headers, 'x-zendesk-webhook-signature-timestamp': later },
        };
      },
    ],
    [
      'of six minutes ago',
      () => zendeskDelivery(ticketEvent(1), { secret: ZENDESK, at: Date.now() - 6 * MINUTE }),
    ],
    [
      'of the far future',
      () => zendeskDelivery(ticketEvent(1), { secret: ZENDESK, at: Date.now() + 6 * MINUTE }),
    ],
    ['with the other side’s secret', () => pmsDelivery(pmsChange('project', 'P-1'), { secret: ZENDESK })],
    [
      'of six minutes ago, of the PMS',
      () => pmsDelivery(pmsChange('note', 'N-1'), { secret: PMS, at: Date.now() - 6 * MINUTE }),
    ],
    [
      'with an invalid time',
      () => {
        const sent = pmsDelivery(pmsChange('note', 'N-1'), { secret: PMS });
        return { ...sent, headers: { ...sent.headers, 'x-pms-timestamp': '1e99' } };
      },
    ],
    [
      'signed by the other side’s method',
      () => ({ ...pmsDelivery(pmsChange('note', 'N-1'), { secret: ZENDESK }), path: '/webhooks/zendesk' }),
    ],
  ])('a delivery %s is refused and stores nothing', async (_, make) => {
    expect(await send(make())).toMatchObject({ status: 401, text: '{"error":"unauthorized"}' });
    expect(await waiting()).toEqual([]);
    expect(await intake.signals('zendesk')).toBe(0);
    expect(await intake.signals('pms')).toBe(0);
  });

  test('a repeated delivery is answered and not processed again', async () => {
    const invocation = randomUUID();
    const event = ticketEvent(7);
    const first = zendeskDelivery(event, { secret: ZENDESK, invocation });
    expect((await send(first)).text).toBe('{"status":"accepted"}');
    const again = [
      first,
      // A repeated attempt has another time and signature.
      zendeskDelivery(event, { secret: ZENDESK, invocation, at: Date.now() + 1500 }),
      // A replay with another id: the header is not signed.
      { ...first, headers: { ...first.headers, 'x-zendesk-webhook-invocation-id': randomUUID() } },
    ];
    for (const sent of again) expect((await send(sent)).text).toBe('{"status":"duplicate"}');
    expect(await intake.signals('zendesk')).toBe(1);
    // All receivers share the known deliveries, also after a restart.
    const before = intake;
    await before.receiver.stop();
    intake = await startTestIntake(testServers(), { name });
    expect((await send(first)).text).toBe('{"status":"duplicate"}');
    expect(await intake.signals('zendesk')).toBe(1);
    await before.stop();
  });

  test('A16: two deliveries of a trigger within a second, for one ticket, are both processed', async () => {
    const at = Date.now();
    const body = { ticket_id: '7' };
    const one = zendeskDelivery(body, { secret: ZENDESK, invocation: randomUUID(), at });
    const two = zendeskDelivery(body, { secret: ZENDESK, invocation: randomUUID(), at });
    expect(one.headers['x-zendesk-webhook-signature']).toBe(two.headers['x-zendesk-webhook-signature']);
    for (const sent of [one, two]) expect((await send(sent)).text).toBe('{"status":"accepted"}');
    for (const sent of [one, two]) expect((await send(sent)).text).toBe('{"status":"duplicate"}');
  });

  test('many deliveries for one record become one hint and one signal', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        send(
          zendeskDelivery(
            ticketEvent(7, 'tags_changed', { updated_at: new Date(1e12 + i * 1000).toISOString() }),
            {
              secret: ZENDESK,
            },
          ),
        ),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
    expect(await waiting()).toMatchObject([{ ref: 'zendesk:ticket:7', order: 1e12 + 49_000 }]);
    // Batches in progress at the last events may add a few signals, but never one per event.
    expect(await intake.signals('zendesk')).toBeLessThan(25);
  });

  test.each<[string, () => Sent, string[]]>([
    [
      'a comment',
      () =>
        zendeskDelivery(
          ticketEvent(7, 'comment_added', { event: { comment: { id: '55', body: 'secret words' } } }),
          { secret: ZENDESK },
        ),
      ['zendesk:comment:7-55'],
    ],
    [
      'a redaction, which may change the description',
      () =>
        zendeskDelivery(ticketEvent(7, 'comment_redacted', { event: { comment: { id: '55' } } }), {
          secret: ZENDESK,
        }),
      ['zendesk:comment:7-55', 'zendesk:ticket:7'],
    ],
    [
      'a deletion',
      () => zendeskDelivery(ticketEvent(7, 'soft_deleted'), { secret: ZENDESK }),
      ['zendesk:ticket:7'],
    ],
    [
      'a rating',
      () => zendeskDelivery(ticketEvent(7, 'csat_received'), { secret: ZENDESK }),
      ['zendesk:ticket:7'],
    ],
    ['a merge', () => zendeskDelivery(ticketEvent(7, 'merged'), { secret: ZENDESK }), ['zendesk:ticket:7']],
    [
      'a restoration',
      () => zendeskDelivery(ticketEvent(7, 'undeleted'), { secret: ZENDESK }),
      ['zendesk:ticket:7'],
    ],
    [
      'a trigger',
      () =>
        zendeskDelivery('{"ticket_id": "7", "organization_id": "3", "title": "ignored"}', {
          secret: ZENDESK,
        }),
      ['zendesk:ticket:7', 'zendesk:organization:3'],
    ],
    [
      'a trigger on a ticket without an organization',
      () => zendeskDelivery('{"ticket_id": "7", "organization_id": ""}', { secret: ZENDESK }),
      ['zendesk:ticket:7'],
    ],
    [
      'a deletion in the PMS',
      () => pmsDelivery(pmsChange('note', 'N-9', 3, 'deleted'), { secret: PMS }),
      ['pms:note:N-9'],
    ],
  ])('the event %s is mapped to its record, by id alone', async (_, make, refs) => {
    expect((await send(make())).status).toBe(200);
    const hints = await waiting();
    expect(hints.map(({ ref }) => ref).sort()).toEqual([...refs].sort());
    expect(JSON.stringify(hints)).not.toContain('secret words');
  });

  test.each<[string, () => Sent]>([
    [
      'an event of a user',
      () =>
        zendeskDelivery(
          { ...ticketEvent(1), type: 'zen:event-type:user.created', subject: 'zen:user:5' },
          { secret: ZENDESK },
        ),
    ],
    [
      'an event without mapped content',
      () => zendeskDelivery(ticketEvent(1, 'sla_policy_changed'), { secret: ZENDESK }),
    ],
    ['an unknown kind of the PMS', () => pmsDelivery(pmsChange('invoice', 'I-1'), { secret: PMS })],
  ])('the event %s is answered with success, counted, and ignored', async (_, make) => {
    const sent = make();
    expect(await send(sent)).toMatchObject({ status: 200, text: '{"status":"ignored"}' });
    expect(await waiting()).toEqual([]);
    expect(intake.counts.of(sent.path.endsWith('pms') ? 'pms' : 'zendesk', 'ignored')).toBe(1);
  });

  test.each([
    '',
    '{',
    '[]',
    'null',
    '"x"',
    '{"type":"zen:event-type:ticket.created"}',
    '{"ticket_id":"1; drop"}',
  ])('a signed body that is not an event (%s) is refused', async (body) => {
    const answer = await send(zendeskDelivery(body, { secret: ZENDESK }));
    expect(answer.status).toBe(400);
    expect(await waiting()).toEqual([]);
  });

  test('the receiver reports that it is alive and that it is ready', async () => {
    expect((await fetch(`${intake.url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${intake.url}/readyz`);
    expect(await ready.json()).toEqual({ status: 'ready', temporal: true, mongodb: true });
  });

  test('deliveries received before the stop are processed', async () => {
    const answers = Array.from({ length: 20 }, (_, i) =>
      send(zendeskDelivery(ticketEvent(i + 1), { secret: ZENDESK })),
    );
    // Wait until they have arrived.
    await Promise.race(answers);
    const late = send(zendeskDelivery(ticketEvent(50), { secret: ZENDESK })).catch(() => null);
    await intake.receiver.stop();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(20).fill(200));
    const refused = await late;
    const refs = (await waiting()).map(({ ref }) => ref);
    expect(refs).toEqual(
      expect.arrayContaining(Array.from({ length: 20 }, (_, i) => `zendesk:ticket:${i + 1}`)),
    );
    // The delivery in between was either accepted or refused, and its sender knows which.
    expect(refs.includes('zendesk:ticket:50')).toBe(refused?.status === 200);
  });
});

test('a sender that keeps its connection open, or never ends its request, does not delay the stop', async () => {
  intake = await startTestIntake(testServers(), { name });
  const { port } = new URL(intake.url);
  const { path, headers, body } = zendeskDelivery(ticketEvent(1), { secret: ZENDESK });
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: x',
    ...Object.entries(headers).map((pair) => pair.join(': ')),
  ].join('\r\n');
  const sockets = ['', body, body.slice(1)].map((given) => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => undefined).resume();
    if (given !== '') socket.write(`${head}\r\ncontent-length: ${body.length}\r\n\r\n${given}`);
    return once(socket, 'close');
  });
  // In flight: its answer comes during the stop.
  while (!(await intake.hints.count('zendesk'))) await new Promise((resolve) => setImmediate(resolve));
  await intake.receiver.stop();
  await Promise.all(sockets);
});

test('two secrets are valid while one replaces the other', async () => {
  intake = await startTestIntake(testServers(), {
    name,
    secrets: { zendesk: ['the-new-one', 'the-old-one'] },
  });
  const status = async (secret: string) => (await send(zendeskDelivery(ticketEvent(1), { secret }))).status;
  expect([await status('the-new-one'), await status('the-old-one'), await status('an-older-one')]).toEqual([
    200, 200, 401,
  ]);
  // The PMS has no secret here, so no delivery for it is accepted.
  expect((await send(pmsDelivery(pmsChange('note', 'N-1'), { secret: '' }))).status).toBe(404);
});

test('the memory of deliveries is bounded', async () => {
  intake = await startTestIntake(testServers(), { name });
  const mongo = await MongoClient.connect(testServers().mongodbUri);
  let now = Date.now();
  const deliveries = Deliveries.of(mongo.db(name), () => now);
  await deliveries.remember(['a', 'b']);
  // Also if another receiver was faster.
  await deliveries.remember(['b', 'c']);
  expect(await deliveries.known(['a', 'b', 'c', 'd'])).toEqual(new Set(['a', 'b', 'c']));
  now += 2 * REPLAY_WINDOW_MS;
  await deliveries.remember(['e']);
  expect((await deliveries.known(['a', 'e'])).size).toBe(2);
  now += 24 * 60 * MINUTE;
  await deliveries.remember(['f']);
  expect(await deliveries.known(['a', 'b', 'c', 'e', 'f'])).toEqual(new Set(['f']));
  await mongo.close();
});

describe('while a server is unavailable', () => {
  let gate: Gate;
  afterEach(() => gate.close());

  test.each(['temporal', 'mongodb'] as const)(
    'without %s nothing is accepted, and the repeated delivery succeeds',
    async (away) => {
      const servers = testServers();
      const mongodb = servers.mongodbUri.replace('mongodb://', '').replace(/\/.*$/, '');
      gate = await startGate(away === 'temporal' ? servers.temporalAddress : mongodb);
      const through =
        away === 'temporal'
          ? { ...servers, temporalAddress: gate.address }
          : { ...servers, mongodbUri: `mongodb://${gate.address}` };
      intake = await startTestIntake(through, { name, direct: servers });
      const sent = (ticket: number, invocation: string) =>
        zendeskDelivery(ticketEvent(ticket), { secret: ZENDESK, invocation });
      expect((await send(sent(1, 'one'))).status).toBe(200);

      gate.shut();
      const refused = await Promise.all([2, 3, 4].map((ticket) => send(sent(ticket, `try ${ticket}`))));
      for (const { status, retryAfter, text } of refused) {
        expect(status).toBe(503);
        expect(Number(retryAfter)).toBeGreaterThan(0);
        expect(text).toBe('{"error":"unavailable"}');
      }
      expect((await fetch(`${intake.url}/healthz`)).status).toBe(200);
      expect((await fetch(`${intake.url}/readyz`)).status).toBe(503);
      expect(await intake.signals('zendesk')).toBe(1);

      gate.open();
      // The sender repeats the delivery until it is accepted.
      for (const ticket of [2, 3, 4]) {
        let answer = await send(sent(ticket, `try ${ticket}`));
        while (answer.status === 503) answer = await send(sent(ticket, `try ${ticket}`));
        expect(answer.text).toBe('{"status":"accepted"}');
      }
      expect((await waiting()).map(({ ref }) => ref)).toEqual(
        expect.arrayContaining([2, 3, 4].map((ticket) => `zendesk:ticket:${ticket}`)),
      );
      expect(await intake.signals('zendesk')).toBeGreaterThan(1);
    },
  );
});
