import { parseCanonicalKey, refKey } from '../sync/canonicalKey';
import type { Link } from '../sync/link';
import { otherSide, type RefKey } from '../sync/record';

/** The record that a pair began with. Every command accepts it in place of the pair's key, and it is shorter. */
export function recordOf({ _id }: Pick<Link, '_id'>): RefKey {
  return refKey(parseCanonicalKey(_id).origin);
}

/** The record on the other side; null if there is none yet. */
export function counterpartOf({ _id, sides }: Pick<Link, '_id' | 'sides'>): RefKey | null {
  const { origin } = parseCanonicalKey(_id);
  return sides[otherSide(origin.side)]?.ref ?? null;
}
