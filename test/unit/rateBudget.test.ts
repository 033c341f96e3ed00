import fc from 'fast-check';
import { WINDOW_MS, allowance, lotSize, type BudgetWindow } from '../../src/budget/window';
import { loadProfile } from '../../src/config/profile';
import { rateRules } from '../../src/systems/profile/rate';
import { ZENDESK_RATE } from '../../src/systems/zendesk/limits';

const PMS_RATE = rateRules(loadProfile('contract'));
const headers = (values: Record<string, string>) => (name: string) => values[name] ?? null;
const window = (over: Partial<BudgetWindow> = {}): BudgetWindow => ({
  window: 1,
  limit: 700,
  used: 0,
  endsAt: WINDOW_MS,
  blockedUntil: 0,
  ...over,
});

describe('rate budget', () => {
  test('Zendesk’s headers are read, also those of an export', () => {
    expect(ZENDESK_RATE.bucketsOf('/api/v2/tickets/1')).toEqual(['account']);
    expect(ZENDESK_RATE.bucketsOf('/api/v2/incremental/tickets/cursor')).toEqual(['exports', 'account']);
    const read = ZENDESK_RATE.read(
      headers({
        'x-rate-limit': '700',
        'x-rate-limit-remaining': '699',
        'ratelimit-reset': '41',
        'zendesk-ratelimit-incremental-exports': 'total=10; remaining=0; resets=58',
      }),
    );
    expect(read).toEqual([
      { bucket: 'account', limit: 700, remaining: 699, resetMs: 41_000 },
      { bucket: 'exports', limit: 10, remaining: 0, resetMs: 58_000 },
    ]);
  });

  test('the PMS’s headers are read; nonsense and absence say nothing', () => {
    const read = { 'x-ratelimit-limit': '6000', 'x-ratelimit-remaining': '12', 'x-ratelimit-reset': '3' };
    expect(PMS_RATE.read(headers(read))).toEqual([
      { bucket: 'account', limit: 6000, remaining: 12, resetMs: 3_000 },
    ]);
    expect(PMS_RATE.read(headers({}))).toEqual([]);
    expect(PMS_RATE.read(headers({ 'x-ratelimit-limit': 'many', 'x-ratelimit-remaining': '' }))).toEqual([]);
    expect(ZENDESK_RATE.read(headers({ 'x-rate-limit': 'x', 'x-rate-limit-remaining': '1' }))).toEqual([]);
  });

  test('background work leaves a fifth at the window’s start and nothing at its end', () => {
    expect(allowance(window(), 'background', null, 0)).toBe(693 - 140);
    expect(allowance(window(), 'background', null, WINDOW_MS / 2)).toBe(693 - 70);
    expect(allowance(window(), 'background', null, WINDOW_MS)).toBe(693);
    expect(allowance(window(), 'interactive', null, 0)).toBe(693);
    expect(allowance(window({ limit: 10 }), 'interactive', null, 0)).toBe(10);
    expect(allowance(window(), 'interactive', 100, 0)).toBe(99);
  });

  test('a lot never exceeds what is left, and something is handed out while anything is', () => {
    fc.assert(
      fc.property(fc.integer({ min: -50, max: 5000 }), fc.integer({ min: 1, max: 64 }), (left, wanted) => {
        const size = lotSize(left, wanted);
        expect(size).toBeLessThanOrEqual(Math.max(0, left));
        if (left > 0) expect(size).toBeGreaterThan(0);
      }),
    );
  });

  test('whatever the lane, time and bound: never more than the limit, background never more than interactive', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: -WINDOW_MS, max: 2 * WINDOW_MS }),
        fc.option(fc.integer({ min: 1, max: 5000 }), { nil: null }),
        (limit, now, ceiling) => {
          const interactive = allowance(window({ limit }), 'interactive', ceiling, now);
          const background = allowance(window({ limit }), 'background', ceiling, now);
          expect(interactive).toBeLessThanOrEqual(Math.min(limit, ceiling ?? limit));
          expect(background).toBeLessThanOrEqual(interactive);
        },
      ),
    );
  });
});
