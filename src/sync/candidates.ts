import { type CanonicalKey, parseCanonicalKey, refKey } from './canonicalKey';
import type { Link } from './link';
import type { Candidates } from './planner/state';
import type { RefKey, SyncRecord } from './record';

/** Whether a pair keeps the records that it has: it is linked, or a person keeps its record by itself. */
export function isSettled(link: Link | undefined): boolean {
  return Boolean(link?.sides.zendesk && link.sides.pms) || link?.unlinked === true;
}

/**
 * Sorts the records that a look-up of counterparts found: free records, and records of other pairs.
 *
 * @param found the records; `record` may be absent if another pair has it
 */
export function sortCandidates(
  key: CanonicalKey,
  found: readonly { ref: RefKey; record: SyncRecord | undefined }[],
  rivals: RefKey[],
  owners: ReadonlyMap<RefKey, CanonicalKey>,
  links: ReadonlyMap<CanonicalKey, Link>,
): Candidates {
  const origin = refKey(parseCanonicalKey(key).origin);
  const result: Candidates = { free: [], taken: [], rivals };
  for (const { ref, record } of found) {
    const owner = owners.get(ref);
    if (owner !== undefined && owner !== key) {
      result.taken.push({ ref, key: owner, settled: isSettled(links.get(owner)) });
    } else if (record) {
      // A record that was created for another one is not free, even if its link was lost.
      if (record.backRef === null || record.backRef === origin) result.free.push(record);
      else result.taken.push({ ref, key: record.backRef, settled: true });
    }
  }
  return result;
}
