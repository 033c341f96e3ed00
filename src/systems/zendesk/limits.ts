import type { LimitReading, RateRules } from '../budget';

const EXPORTS = /^\/api\/v2\/incremental\//;

/**
 * Zendesk counts every call against the account, and incremental exports once more by themselves.
 * https://developer.zendesk.com/api-reference/introduction/rate-limits/
 */
export const ZENDESK_RATE: RateRules = {
  bucketsOf: (path) => (EXPORTS.test(path) ? ['exports', 'account'] : ['account']),
  assumed: { account: 200, exports: 10 },
  read(header) {
    const readings: LimitReading[] = [];
    const limit = numberIn(header('x-rate-limit'));
    const remaining = numberIn(header('x-rate-limit-remaining'));
    if (limit !== null && remaining !== null) {
      const reset = numberIn(header('ratelimit-reset'));
      readings.push({ bucket: 'account', limit, remaining, resetMs: reset === null ? null : reset * 1000 });
    }
    // `total=10; remaining=9; resets=58`
    const parts = new Map(
      (header('zendesk-ratelimit-incremental-exports') ?? '').split(';').map((part) => {
        const [name = '', value = ''] = part.split('=');
        return [name.trim(), numberIn(value.trim())];
      }),
    );
    const total = parts.get('total') ?? null;
    const left = parts.get('remaining') ?? null;
    const resets = parts.get('resets') ?? null;
    if (total !== null && left !== null) {
      readings.push({
        bucket: 'exports',
        limit: total,
        remaining: left,
        resetMs: resets === null ? null : resets * 1000,
      });
    }
    return readings;
  },
};

function numberIn(text: string | null): number | null {
  const value = text === null || text === '' ? NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}
