import { parseCanonicalKey, refKey } from '../sync/canonicalKey';
import type { Link } from '../sync/link';
import { otherSide, type RefKey } from '../sync/record';

/** The record that a pair began with: what every command takes for the pair, and shorter than its key. */
export function recordOf({ _id }: Pick<Link, '_id'>): RefKey {
  return refKey(parseCanonicalKey(_id).origin);
}

/** The record on the other side; null before there is one. */
export function counterpartOf({ _id, sides }: Pick<Link, '_id' | 'sides'>): RefKey | null {
  const { origin } = parseCanonicalKey(_id);
  return sides[otherSide(origin.side)]?.ref ?? null;
}
