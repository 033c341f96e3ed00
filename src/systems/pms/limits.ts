import type { RateRules } from '../budget';

/** The PMS counts all calls together; docs/pms-openapi.yaml, `X-RateLimit-*`. */
export const PMS_RATE: RateRules = {
  bucketsOf: () => ['account'],
  assumed: { account: 60 },
  read(header) {
    const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) => {
      const value = header(`x-ratelimit-${name}`);
      return value === null || value === '' ? NaN : Number(value);
    });
    if (!Number.isFinite(limit) || !Number.isFinite(remaining)) return [];
    return [
      {
        bucket: 'account',
        limit: limit as number,
        remaining: remaining as number,
        resetMs: Number.isFinite(reset) ? (reset as number) * 1000 : null,
      },
    ];
  },
};
