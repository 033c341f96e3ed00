import type { Limit, LimitReading, LimitedBy, Refusal } from '../budget';
import { MINUTE_MS } from './budgetWindow';

/**
 * Which limits refused a call, as far as its answer tells: those that show nothing left; else one that shows nothing at
 * all; else the record's own. A refusal that is about one record is no reason for anybody else to wait.
 */
export function refusedBy(
  call: readonly LimitedBy[],
  readings: readonly LimitReading[],
  limits: Readonly<Record<string, Limit>>,
  { retryAfterMs }: Refusal,
): readonly LimitedBy[] {
  const told = new Map(readings.map((reading) => [reading.bucket, reading]));
  const spent = call.filter(({ bucket }) => told.get(bucket)?.remaining === 0);
  if (spent.length > 0) return spent;
  // An answer without the account's figures may come from a gateway before the API.
  const account = call.filter(({ bucket }) => bucket === 'account' && !told.has(bucket));
  if (account.length > 0) return account;
  const records = call.filter(({ record }) => record !== undefined);
  const silent = call.filter(({ bucket, record }) => record === undefined && !told.has(bucket));
  if (records.length === 0) return silent;
  const windowOf = ({ bucket }: LimitedBy) => limits[bucket]?.windowMs ?? MINUTE_MS;
  const shortest = Math.min(...records.map(windowOf));
  // A short wait is that of the endpoint, whose window is shorter than the record's.
  const endpoint = silent.filter(
    (each) => windowOf(each) < shortest && retryAfterMs !== null && retryAfterMs <= windowOf(each),
  );
  return endpoint.length > 0 ? endpoint : records;
}

/** For how long: as the answer asks, or else until the limit's window ends; null where it says neither. */
export function refusalMs(
  { bucket }: LimitedBy,
  readings: readonly LimitReading[],
  { retryAfterMs }: Refusal,
): number | null {
  return retryAfterMs ?? readings.find((reading) => reading.bucket === bucket)?.resetMs ?? null;
}
