import { timingSafeEqual } from 'node:crypto';
import type { Source } from './source';

/** How far a delivery's time may lie from ours, before or after. Older ones could be replays. */
export const REPLAY_WINDOW_MS = 5 * 60_000;

/** Whether a delivery's time is acceptable; checked before its body is read. */
export function isTimely(source: Source, timestamp: string, now: number): boolean {
  const time = source.timeOf(timestamp);
  return time !== null && Math.abs(now - time) <= REPLAY_WINDOW_MS;
}

/**
 * Whether the body was signed with one of the secrets, over timestamp and raw body. Takes as long for a wrong
 * signature as for a right one, and as long for the first secret as for the last.
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
    // The length of a signature is no secret; timingSafeEqual insists on equal ones.
    const equal = given.length === expected.length && timingSafeEqual(given, expected);
    found = equal || found;
  }
  return found;
}
