import { textDigest } from './digest';
import type { Json } from './record';

const LONG_TEXT = 256;

/**
 * The form in which a link keeps a value of a write with unknown outcome. A long text is replaced by a digest: it is
 * only compared, and ten long texts could exceed the size of a document.
 */
export function asAttempt(value: Json): Json {
  return typeof value === 'string' && value.length > LONG_TEXT ? { digest: textDigest(value) } : value;
}
