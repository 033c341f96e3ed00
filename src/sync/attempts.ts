import { textDigest } from './digest';
import type { Json } from './record';

const LONG_TEXT = 256;

/**
 * A value of a write whose outcome is unknown, as a link keeps it. Of a long text a digest is enough: it is only compared,
 * and ten of them would make the link larger than a document can be.
 */
export function asAttempt(value: Json): Json {
  return typeof value === 'string' && value.length > LONG_TEXT ? { digest: textDigest(value) } : value;
}
