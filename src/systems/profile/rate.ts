import { untoldRate } from '../adapter';
import type { RateRules } from '../budget';
import type { Profile } from './schema';

/** A PMS counts all calls together, and tells of it in headers or not at all. */
export function rateRules({ rate, callsPerMinute }: Profile): RateRules {
  const untold = untoldRate(callsPerMinute);
  if (!rate) return untold;
  return {
    ...untold,
    read(header) {
      const [limit, remaining, reset] = [rate.limit, rate.remaining, rate.reset].map((name) => {
        const value = header(name.toLowerCase());
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
}
