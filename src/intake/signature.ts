import { timingSafeEqual } from 'node:crypto';
import type { Source } from './source';

/** The largest difference between a delivery's time and ours. An older delivery could be a replay. */
export const REPLAY_WINDOW_MS = 5 * 60_000;

/** Whether a delivery's time is acceptable; checked before its body is read. */
export function isTimely(source: Source, timestamp: string, now: number): boolean {
  const time = source.timeOf(timestamp);
  return time !== null && Math.abs(now - time) <= REPLAY_WINDOW_MS;
}

/**
 * Whether timestamp and raw body were signed with one of the secrets. Takes the same time for every signature and every
 * secret.
 */
export function isSigned(
  source: Source,
  secrets: readonly string[],
  { timestamp, signature, body }: { timestamp: string; signature: string; body: Buffer },
): boolean {
  const given = Buffer.from(signature);
  let found = false;
  for (const secret of secrets) {
    const expected = Buffer.from(source.sign(secret, timestamp, body));
    // timingSafeEqual requires equal lengths. The length of a signature is no secret.
    const equal = given.length === expected.length && timingSafeEqual(given, expected);
    found = equal || found;
  }
  return found;
}
