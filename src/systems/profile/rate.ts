import { untoldRate } from '../pmsAdapter';
import type { RateRules } from '../budget';
import { callsIn, waitOf } from '../waits';
import type { Profile } from './profileSchema';

/** The rate limit of a PMS: one limit for all calls, read from headers if the profile names them. */
export function rateRules({ rate, callsPerMinute }: Profile): RateRules {
  const fixedRate = untoldRate(callsPerMinute);
  if (!rate) return fixedRate;
  return {
    ...fixedRate,
    read(header) {
      const valueOf = (name: string) => header(name.toLowerCase());
      const limit = callsIn(valueOf(rate.limit));
      const remaining = callsIn(valueOf(rate.remaining));
      if (limit === null || remaining === null) return [];
      return [{ bucket: 'account', limit, remaining, resetMs: waitOf(valueOf(rate.reset)) }];
    },
  };
}
