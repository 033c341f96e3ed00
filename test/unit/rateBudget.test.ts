import fc from 'fast-check';
import { refusalMs, refusedBy } from '../../src/systems/budget/limitRefusal';
import { RecordLimits } from '../../src/systems/budget/recordLimits';
import {
  MINUTE_MS,
  allowance,
  freshWindow,
  lotSize,
  nextTurn,
  type BudgetWindow,
  type WindowRules,
} from '../../src/systems/budget/budgetWindow';
import { loadProfile } from '../../src/config/loadProfile';
import { untoldRate } from '../../src/systems/pmsAdapter';
import type { LimitedBy, LimitedCall } from '../../src/systems/budget';
import { rateRules } from '../../src/systems/profile/rate';
import { LONGEST_WAIT_MS, waitOf } from '../../src/systems/waits';
import { ZENDESK_RATE } from '../../src/systems/zendesk/zendeskLimits';

const PMS_RATE = rateRules(loadProfile('contract'));
const ALONE: WindowRules = { windowMs: MINUTE_MS, ceiling: null, share: 1 };
/** A call is sent at least this long before a window's end. */
const LAST = MINUTE_MS - 300;
const headers = (values: Record<string, string>) => (name: string) => values[name] ?? null;
const window = (over: Partial<BudgetWindow> = {}): BudgetWindow => ({
  ...freshWindow(700, ALONE, 0),
  ours: 1,
  used: 1,
  endsAt: MINUTE_MS,
  ...over,
});

describe('which limits a call counts against', () => {
  const account = { bucket: 'account' };
  const update = { bucket: 'tickets-update' };
  const ticket = { bucket: 'ticket', record: '7' };
  test.each<[string, LimitedCall['method'], string, LimitedBy[], string?]>([
    ['a ticket’s properties, or a comment', 'PUT', '/api/v2/tickets/7', [ticket, update, account]],
    ['tags', 'POST', '/api/v2/tickets/7/tags', [ticket, update, account]],
    ['privacy', 'PUT', '/api/v2/tickets/7/comments/8/make_private', [ticket, update, account]],
    ['a file', 'PUT', '/api/v2/tickets/7/comments/8/attachments/9/redact', [ticket, update, account]],
    ['a redaction', 'PUT', '/api/v2/comment_redactions/8', [ticket, update, account], '7'],
    ['reading a ticket', 'GET', '/api/v2/tickets/7', [account]],
    ['creating a ticket', 'POST', '/api/v2/tickets', [account]],
    ['deleting a ticket', 'DELETE', '/api/v2/tickets/7', [account]],
    ['an organization', 'PUT', '/api/v2/organizations/7', [{ bucket: 'organization', record: '7' }, account]],
    [
      'a user',
      'PUT',
      '/api/v2/users/7',
      [{ bucket: 'user', record: '7' }, { bucket: 'users-update' }, account],
    ],
    ['a person', 'POST', '/api/v2/users/create_or_update', [{ bucket: 'users-update' }, account]],
    ['ticket fields', 'GET', '/api/v2/ticket_fields', [{ bucket: 'ticket-fields' }, account]],
    ['tickets’ export', 'GET', '/api/v2/incremental/tickets/cursor', [{ bucket: 'exports' }, account]],
    ['events’ export', 'GET', '/api/v2/incremental/ticket_events', [{ bucket: 'exports' }, account]],
    [
      'users’ export',
      'GET',
      '/api/v2/incremental/users/cursor.json',
      [{ bucket: 'exports-cursor' }, account],
    ],
    ['a job', 'POST', '/api/v2/tickets/create_many', [{ bucket: 'jobs' }, account]],
    [
      'a file’s content, which is not a call of the API',
      'GET',
      '/attachments/token/k1/',
      [{ bucket: 'upload', record: 'k1' }, { bucket: 'attachments' }],
    ],
    ['a file on another host', 'GET', '/files/k1', []],
  ])('%s', (...row) => {
    // An unnamed parameter, because Jest would take the last one for a callback if a row lacks it.
    const [, method, path, limits, concerns] = row;
    expect(ZENDESK_RATE.bucketsOf({ method, path, ...(concerns !== undefined && { concerns }) })).toEqual(
      limits,
    );
    for (const { bucket } of limits) expect(ZENDESK_RATE.limits).toHaveProperty([bucket]);
  });

  test('a PMS has one limit for the account, whatever the call', () => {
    for (const rules of [PMS_RATE, untoldRate(30)])
      expect(rules.bucketsOf({ method: 'PUT', path: '/x' })).toEqual([account]);
    expect(untoldRate(30).limits).toEqual({ account: { calls: 30 } });
  });
});

describe('what the headers of answers say', () => {
  test('each limit of Zendesk is read from its header', () => {
    const read = ZENDESK_RATE.read(
      headers({
        'x-rate-limit': '700',
        'x-rate-limit-remaining': '699',
        'ratelimit-reset': '41',
        'zendesk-ratelimit-incremental-exports': 'total=10; remaining=0; resets=58',
        'zendesk-ratelimit-incremental-exports-cursor': 'total=20; remaining=19; resets=2',
        'zendesk-ratelimit-tickets-update': 'total=100; remaining=99; resets=41',
        'zendesk-ratelimit-ticket-fields-index': 'total=20; remaining=19; resets=60',
        'zendesk-ratelimit-inflight-jobs': 'total=30; remaining=29; resets=60',
        'zendesk-ratelimit-create-update-user': 'total=5; remaining=4; resets=60',
      }),
    );
    expect(read.map((reading) => Object.values(reading) as unknown[])).toEqual([
      ['account', 700, 699, 41_000],
      ['exports', 10, 0, 58_000],
      ['exports-cursor', 20, 19, 2_000],
      ['ticket-fields', 20, 19, 60_000],
      ['tickets-update', 100, 99, 41_000],
      ['jobs', 30, 29, 60_000],
      ['user', 5, 4, 60_000],
    ]);
    for (const { bucket } of read) expect(ZENDESK_RATE.limits).toHaveProperty([bucket]);
  });

  test.each([
    [{ 'x-rate-limit': '7', 'x-rate-limit-remaining': '6', 'rate-limit-reset': '9' }, 9_000],
    [{ 'rate-limit': '7', 'rate-limit-remaining': '6', 'rate-limit-reset': '9' }, 9_000],
    [{ 'ratelimit-limit': '7', 'ratelimit-remaining': '6' }, null],
  ])('the account’s limit is read from older names: %j', (given, resetMs) => {
    expect(ZENDESK_RATE.read(headers(given))).toEqual([
      { bucket: 'account', limit: 7, remaining: 6, resetMs },
    ]);
  });

  test('the PMS’s headers are read, and malformed or missing ones are ignored', () => {
    const read = { 'x-ratelimit-limit': '6000', 'x-ratelimit-remaining': '12', 'x-ratelimit-reset': '3' };
    expect(PMS_RATE.read(headers(read))).toEqual([
      { bucket: 'account', limit: 6000, remaining: 12, resetMs: 3_000 },
    ]);
    expect(PMS_RATE.read(headers({}))).toEqual([]);
    expect(PMS_RATE.read(headers({ 'x-ratelimit-limit': 'many', 'x-ratelimit-remaining': '' }))).toEqual([]);
    expect(ZENDESK_RATE.read(headers({ 'x-rate-limit': 'x', 'x-rate-limit-remaining': '1' }))).toEqual([]);
  });

  const NOW = Date.parse('2026-11-29T12:00:00Z');
  test.each<[string, string | null, number | null]>([
    ['seconds', '41', 41_000],
    ['an HTTP date', 'Sun, 29 Nov 2026 12:00:07 GMT', 7_000],
    ['a time in seconds', String(NOW / 1000 + 60), 60_000],
    ['a time in milliseconds', String(NOW + 60_000), 60_000],
    ['a time in the past', String(NOW / 1000 - 60), 0],
    ['a date of 2083', '3576531661', LONGEST_WAIT_MS],
    ['a day', '86400', LONGEST_WAIT_MS],
    ['a negative number', '-5', 0],
    ['nonsense', 'soon', null],
    ['nothing', null, null],
    ['a blank', ' ', null],
  ])('a wait is capped at a quarter of an hour: %s', (_what, value, expected) => {
    expect(waitOf(value, NOW)).toBe(expected);
  });

  test('any header gives a valid wait or none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double().map(String), fc.bigInt().map(String)), (value) => {
        const wait = waitOf(value, NOW);
        expect(wait === null || (wait >= 0 && wait <= LONGEST_WAIT_MS)).toBe(true);
      }),
    );
  });
});

describe('which limit refused a call', () => {
  const call = ZENDESK_RATE.bucketsOf({ method: 'PUT', path: '/api/v2/tickets/7' });
  const headersOf = (values: Record<string, number>) =>
    Object.entries(values).map(([bucket, remaining]) => ({ bucket, limit: 100, remaining, resetMs: 41_000 }));
  const names = (readings: Record<string, number>, retryAfterMs: number | null, of = call) =>
    refusedBy(of, headersOf(readings), ZENDESK_RATE.limits, { retryAfterMs }).map(({ bucket }) => bucket);
  const organization = ZENDESK_RATE.bucketsOf({ method: 'PUT', path: '/api/v2/organizations/7' });
  const person = ZENDESK_RATE.bucketsOf({ method: 'PUT', path: '/api/v2/users/7' });
  const file = ZENDESK_RATE.bucketsOf({ method: 'GET', path: '/attachments/token/k1/' });

  test('the limit whose answer shows nothing left, and no other', () => {
    expect(names({ account: 600, 'tickets-update': 0 }, 41_000)).toEqual(['tickets-update']);
    expect(names({ account: 0, 'tickets-update': 30 }, 41_000)).toEqual(['account']);
    expect(names({ account: 600, user: 0 }, 41_000, person)).toEqual(['user']);
  });

  test('the record’s limit, if all limits in the answer have calls left', () => {
    expect(names({ account: 600, 'tickets-update': 70 }, 600_000)).toEqual(['ticket']);
    expect(names({ account: 600, 'tickets-update': 70 }, null)).toEqual(['ticket']);
    expect(names({ account: 600 }, 40_000, organization)).toEqual(['organization']);
    expect(names({}, 60_000, file)).toEqual(['upload']);
  });

  test('a limit without headers, by the length of the wait', () => {
    expect(names({ account: 600 }, 30_000)).toEqual(['tickets-update']);
    expect(names({ account: 600 }, 600_000)).toEqual(['ticket']);
    expect(names({ account: 600, user: 3 }, 1_000, person)).toEqual(['users-update']);
    expect(names({ account: 600, user: 3 }, 60_000, person)).toEqual(['user']);
    const jobs = ZENDESK_RATE.bucketsOf({ method: 'POST', path: '/api/v2/tickets/create_many' });
    expect(names({ account: 600 }, null, jobs)).toEqual(['jobs']);
  });

  test('the account, if the answer names no limit', () => {
    expect(names({}, 5_000)).toEqual(['account']);
  });

  test('never the account while it has calls left', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(call, organization, person, file),
        fc.integer({ min: 1, max: 700 }),
        fc.option(fc.integer({ min: 0, max: 10 }), { nil: undefined }),
        fc.option(fc.integer({ min: 0, max: 900_000 }), { nil: null }),
        (of, account, updates, wait) => {
          const readings = { account, ...(updates !== undefined && { 'tickets-update': updates }) };
          expect(names(readings, wait, of)).not.toContain('account');
        },
      ),
    );
  });

  test('for the requested wait, or else until the limit’s window ends', () => {
    const readings = headersOf({ 'tickets-update': 0 });
    const limit = { bucket: 'tickets-update' };
    expect(refusalMs(limit, readings, { retryAfterMs: 7_000 })).toBe(7_000);
    expect(refusalMs(limit, readings, { retryAfterMs: null })).toBe(41_000);
    expect(refusalMs({ bucket: 'jobs' }, readings, { retryAfterMs: null })).toBeNull();
  });
});

describe('limits of single records', () => {
  const of = { bucket: 'ticket', record: '7' };
  const limits = { ticket: { calls: 3, windowMs: 600_000 } };

  test('allow a number of calls, then one at a time; another record is free', () => {
    const records = new RecordLimits(limits);
    for (const at of [0, 1_000, 2_000]) {
      expect(records.isFree(of, at)).toBe(true);
      records.count(of, at);
    }
    expect(records.isFree(of, 3_000)).toBe(false);
    expect(records.isFree({ ...of, record: '8' }, 3_000)).toBe(true);
    // One second is reserved for the transport to the API.
    expect([1, 2, 3, 4].map(() => records.promise(of, 3_000))).toEqual([
      601_000, 602_000, 603_000, 1_202_000,
    ]);
    expect(records.isFree(of, 601_000)).toBe(true);
  });

  test('a refusal shows that others have called, too', () => {
    const records = new RecordLimits(limits);
    records.count(of, 0);
    records.fill(of, 400_000, 100_000);
    expect(records.isFree(of, 399_000)).toBe(false);
    expect(records.isFree(of, 400_000)).toBe(true);
    expect(records.promise(of, 100_000)).toBeGreaterThanOrEqual(400_000);
  });

  test('calls sent when a record is free never exceed the limit within the window', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 200 }), (gaps) => {
        const records = new RecordLimits(limits);
        const sent: number[] = [];
        let now = 0;
        for (const gap of gaps) {
          now += gap;
          if (!records.isFree(of, now)) continue;
          records.count(of, now);
          sent.push(now);
        }
        for (const at of sent)
          expect(sent.filter((time) => time > at - 600_000 && time <= at).length).toBeLessThanOrEqual(3);
      }),
    );
  });
});

describe('a window', () => {
  test('background work leaves a fifth at the window’s start and nothing at its end', () => {
    expect(allowance(window(), 'background', ALONE, 0)).toBe(Math.floor(693 - 140 * (LAST / MINUTE_MS)));
    expect(allowance(window(), 'background', ALONE, LAST - MINUTE_MS / 2)).toBe(693 - 70);
    expect(allowance(window(), 'background', ALONE, MINUTE_MS)).toBe(693);
    expect(allowance(window(), 'interactive', ALONE, 0)).toBe(693);
    expect(allowance(window({ limit: 10 }), 'interactive', ALONE, 0)).toBe(10);
    expect(allowance(window(), 'interactive', { ...ALONE, ceiling: 100 }, 0)).toBe(99);
  });

  test('a lot never exceeds the remaining calls, and is not empty while any remain', () => {
    fc.assert(
      fc.property(fc.integer({ min: -50, max: 5000 }), fc.integer({ min: 1, max: 64 }), (left, wanted) => {
        const size = lotSize(left, wanted);
        expect(size).toBeLessThanOrEqual(Math.max(0, left));
        if (left > 0) expect(size).toBeGreaterThan(0);
      }),
    );
  });

  test('whatever the lane, time and cap: calls never exceed the limit, nor background calls interactive ones', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: -MINUTE_MS, max: 2 * MINUTE_MS }),
        fc.option(fc.integer({ min: 1, max: 5000 }), { nil: null }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 5000, noNaN: true }),
        fc.integer({ min: 1, max: 5000 }),
        (limit, now, ceiling, share, expected, used) => {
          const rules = { windowMs: MINUTE_MS, ceiling, share };
          const state = window({ limit, expected, used, ours: Math.ceil(used / 2) });
          const interactive = allowance(state, 'interactive', rules, now);
          const background = allowance(state, 'background', rules, now);
          expect(interactive).toBeLessThanOrEqual(Math.min(limit, ceiling ?? limit));
          expect(background).toBeLessThanOrEqual(interactive);
        },
      ),
    );
  });

  test('a turn gets the earliest window with calls left after earlier promises', () => {
    const full = window({ limit: 10, used: 10, ours: 10 });
    const place = (ahead: number, state = full) => nextTurn(state, 'interactive', ALONE, ahead, 30_000);
    // Ten per window: the first ten at the beginning of the next window, the eleventh in the one after it.
    expect(place(0)).toEqual({ at: MINUTE_MS + 50, window: 2 });
    expect(place(9)).toEqual({ at: MINUTE_MS + 50, window: 2 });
    expect(place(10)).toEqual({ at: 2 * MINUTE_MS + 100, window: 3 });
    const promised = { ...full, promised: { interactive: { 2: 10, 3: 4 }, background: {} } };
    expect(place(0, promised)).toMatchObject({ window: 3 });
    expect(place(6, promised)).toMatchObject({ window: 4 });
    expect(nextTurn(full, 'interactive', ALONE, 1e9, 30_000).at).toBeLessThanOrEqual(16 * (MINUTE_MS + 50));
  });

  test('background turns come behind interactive ones', () => {
    const state = window({
      limit: 10,
      used: 10,
      ours: 10,
      promised: { interactive: { 2: 10, 3: 10 }, background: {} },
    });
    expect(nextTurn(state, 'background', ALONE, 0, 30_000)).toMatchObject({ window: 4 });
    expect(nextTurn(state, 'interactive', ALONE, 0, 30_000)).toMatchObject({ window: 4 });
    const waiting = { ...state, promised: { interactive: {}, background: { 2: 10 } } };
    expect(nextTurn(waiting, 'interactive', ALONE, 0, 30_000)).toMatchObject({ window: 2 });
    expect(nextTurn(waiting, 'background', ALONE, 0, 30_000)).toMatchObject({ window: 3 });
  });
});
