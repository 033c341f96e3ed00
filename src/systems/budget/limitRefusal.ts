import type { Limit, LimitReading, LimitedBy, Refusal } from '../budget';
import { MINUTE_MS } from './budgetWindow';

/**
 * The limits that refused a call, as far as its answer shows: the exhausted ones; otherwise one without figures in the
 * answer; otherwise the record's own. If the limit of one record refused the call, other calls need not wait.
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
  // A short wait points to the endpoint's limit, whose window is shorter than the record's.
  const endpoint = silent.filter(
    (each) => windowOf(each) < shortest && retryAfterMs !== null && retryAfterMs <= windowOf(each),
  );
  return endpoint.length > 0 ? endpoint : records;
}

/** How long to wait: as the answer asks, otherwise until the end of the limit's window; null if it has neither. */
export function refusalMs(
  { bucket }: LimitedBy,
  readings: readonly LimitReading[],
  { retryAfterMs }: Refusal,
): number | null {
  return retryAfterMs ?? readings.find((reading) => reading.bucket === bucket)?.resetMs ?? null;
}
