import { lastForecastWords } from '../../src/operator/cli/commands/backfillCommand';
import { forecastWords } from '../../src/operator/cli/forecastWords';
import { DOCUMENTED_TICKET_UPDATES } from '../../src/checks/plan/forecastLimits';
import { forecast, noWork, type SyncLimits, type SyncWork } from '../../src/sync/forecast';

const LIMITS: SyncLimits = {
  account: 700,
  exports: 10,
  ticketUpdates: DOCUMENTED_TICKET_UPDATES,
  share: 0.7,
  updatesOfOneTicket: 30,
  pms: 600,
  pmsBulk: 100,
};

function workOf(zendesk: Partial<SyncWork['zendesk']>, pms: Partial<SyncWork['pms']> = {}): SyncWork {
  const none = noWork();
  return { zendesk: { ...none.zendesk, ...zendesk }, pms: { ...none.pms, ...pms } };
}

const forecastOf = (work: SyncWork, limits: Partial<SyncLimits> = {}) =>
  forecast(work, { ...LIMITS, ...limits });
const callsOf = (work: SyncWork, limits: Partial<SyncLimits> = {}) =>
  Object.fromEntries(forecastOf(work, limits).limits.map(({ limit, calls }) => [limit, calls]));

test.each([
  // a minute, while agents work, minutes, minutes without agents
  [100, 70, 200, 140],
  [20, 14, 1_000, 700],
])('14,000 ticket updates at %i a minute', (ticketUpdates, allowed, minutes, minutesWithoutAgents) => {
  const found = forecastOf(workOf({ ticketUpdates: 14_000 }), { ticketUpdates });
  expect(found).toMatchObject({ binds: 'ticketUpdates', minutes, minutesWithoutAgents });
  expect(found.limits.find(({ limit }) => limit === 'ticketUpdates')).toEqual({
    limit: 'ticketUpdates',
    calls: 14_000,
    allowed,
    perMinutes: 1,
    minutes,
  });
});

test('comments, follow-ups, files and redactions are ticket updates, too', () => {
  const one = (what: Partial<SyncWork['zendesk']>) => callsOf(workOf(what))['ticketUpdates'];
  for (const kind of ['ticketUpdates', 'newComments', 'followUps', 'files', 'redactions'] as const)
    expect([kind, one({ [kind]: 3 })]).toEqual([kind, 3]);
  for (const kind of ['newTickets', 'newOrganizations', 'organizationUpdates', 'tickets'] as const)
    expect([kind, one({ [kind]: 3 })]).toEqual([kind, 0]);
});

test('records are read by the thousand and created by the hundred', () => {
  expect(callsOf(workOf({ organizations: 1, tickets: 1_000, comments: 1_001 }))).toMatchObject({
    exports: 4,
    account: 4,
  });
  // Each job is started with one call, and five calls wait for its end.
  expect(callsOf(workOf({ newTickets: 101, newOrganizations: 100 }))).toMatchObject({ account: 18 });
  expect(callsOf(workOf({}, { records: 401, created: 101, updated: 10 }))).toMatchObject({ pms: 3 + 2 + 20 });
  expect(callsOf(workOf({}, { created: 101 }), { pmsBulk: 1 })).toMatchObject({ pms: 101 });
});

test.each([
  [30, 0],
  [31, 10],
  [61, 20],
])('%i updates of one ticket: the first thirty run at once', (busiestTicket, minutes) => {
  expect(forecastOf(workOf({ ticketUpdates: busiestTicket, busiestTicket }))).toMatchObject(
    minutes === 0 ? { binds: 'ticketUpdates' } : { binds: 'updatesOfOneTicket', minutes },
  );
});

test.each<[string, SyncWork, Partial<SyncLimits>]>([
  ['account', workOf({ organizationUpdates: 5_000 }), {}],
  ['exports', workOf({ comments: 900_000 }), {}],
  ['pms', workOf({ ticketUpdates: 10 }, { created: 9_000 }), { pmsBulk: 1, pms: 60 }],
  ['ticketUpdates', workOf({ newComments: 100 }, { created: 9_000 }), { ticketUpdates: 20 }],
])('%s can be the slowest limit', (binds, work, limits) => {
  expect(forecastOf(work, limits).binds).toBe(binds);
});

describe('in words', () => {
  test.each<[string, SyncWork, Partial<SyncLimits>]>([
    [
      'about 3 h 20 min: 14,000 ticket updates at 70 a minute bind; about 2 h 20 min if no agent works',
      workOf({ ticketUpdates: 14_000 }),
      {},
    ],
    [
      'about 16 h 40 min: 14,000 ticket updates at 14 a minute bind; about 11 h 40 min if no agent works',
      workOf({ ticketUpdates: 14_000 }),
      { ticketUpdates: 20 },
    ],
    ['about 50 min: 500 pages of Zendesk exports at 10 a minute bind', workOf({ comments: 500_000 }), {}],
    [
      'about 10 min: 40 updates of one ticket at 30 in 10 minutes bind',
      workOf({ newComments: 40, busiestTicket: 40 }),
      {},
    ],
    [
      'about 6 d 22 h: 10,000 calls to the PMS at 1 a minute bind',
      workOf({}, { created: 10_000 }),
      { pms: 1, pmsBulk: 1 },
    ],
    ['about 2 h: 7,200 calls to the PMS at 60 a minute bind', workOf({}, { updated: 3_600 }), { pms: 60 }],
    ['less than a minute', workOf({ ticketUpdates: 69 }), {}],
    ['less than a minute', noWork(), {}],
  ])('%s', (words, work, limits) => {
    expect(forecastWords(forecastOf(work, limits))).toBe(words);
  });

  test('a backfill shows the estimate of the last plan, or how to get one', () => {
    const kept = { ...forecastOf(workOf({ ticketUpdates: 14_000 })), at: '2026-11-29T14:00:00.000Z' };
    expect(lastForecastWords(kept)).toMatch(
      /^By the plan of 2026-11-29T14:00:00.000Z it takes about 3 h 20 min: /,
    );
    expect(lastForecastWords(null)).toContain('plan --summary');
  });
});
