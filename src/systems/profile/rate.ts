import { untoldRate } from '../pmsAdapter';
import type { RateRules } from '../budget';
import { callsIn, waitOf } from '../waits';
import type { Profile } from './profileSchema';

/** A PMS counts all calls together, and tells of it in headers or not at all. */
export function rateRules({ rate, callsPerMinute }: Profile): RateRules {
  const untold = untoldRate(callsPerMinute);
  if (!rate) return untold;
  return {
    ...untold,
    read(header) {
      const told = (name: string) => header(name.toLowerCase());
      const limit = callsIn(told(rate.limit));
      const remaining = callsIn(told(rate.remaining));
      if (limit === null || remaining === null) return [];
      return [{ bucket: 'account', limit, remaining, resetMs: waitOf(told(rate.reset)) }];
    },
  };
}
