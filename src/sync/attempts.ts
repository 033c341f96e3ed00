import { textDigest } from './digest';
import type { Json } from './record';
import { sameValue } from './values';

/**
 * Values of writes whose outcome is unknown, as a link keeps them. Of a long text a digest is enough: it is only compared,
 * and ten of them would make the link larger than a document can be.
 */

const LONG_TEXT = 256;

export function asAttempt(value: Json): Json {
  return typeof value === 'string' && value.length > LONG_TEXT ? { digest: textDigest(value) } : value;
}

/** Whether a side shows what was written. What earlier releases stored is the value itself. */
export function isAttempt(tried: Json, shown: Json): boolean {
  return sameValue(tried, shown) || sameValue(tried, asAttempt(shown));
}
