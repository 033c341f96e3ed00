import { isDuplicateKey } from '../platform/mongoErrors';
import type { CanonicalKey } from '../sync/canonicalKey';
import type { RefKey } from '../sync/record';
import { byIds, insertNew, type ReadByIds } from './byIds';
import type { Stored } from './migrations';
import type { VersionedDocuments } from './versions';

export interface ClaimDocument extends Stored {
  _id: RefKey;
  key: CanonicalKey;
}

/** The claims: each record belongs to the pair that claimed it first. */
export class Claims {
  private readonly read: ReadByIds<ClaimDocument>;

  constructor(private readonly claims: VersionedDocuments<ClaimDocument>) {
    this.read = byIds(claims.all);
  }

  /** The pairs that have claimed these records. Unclaimed records are absent. */
  async owners(refs: Iterable<RefKey>): Promise<Map<RefKey, CanonicalKey>> {
    const found = await this.read([...new Set(refs)]);
    return new Map(found.map((claim) => [claim._id, this.claims.read(claim).key]));
  }

  /** @returns the owner: the given key, or that of the pair that claimed the record first. */
  async claim(ref: RefKey, key: CanonicalKey): Promise<CanonicalKey> {
    // The owner may release the claim between the refused insert and the read: then try again.
    for (;;) {
      try {
        await (await this.claims.toWrite()).insertOne(this.claims.stamp({ _id: ref, key }));
        return key;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        const owner = await this.claims.all.findOne({ _id: ref });
        if (owner) return this.claims.read(owner).key;
      }
    }
  }

  /** Releases a claim, if this pair still has it. */
  async release(ref: RefKey, key: CanonicalKey): Promise<void> {
    await this.claims.all.deleteOne({ _id: ref, key });
  }

  /** Many {@link claim}s at once. @returns the owner of each record; absent if its claim was released meanwhile */
  async claimMany(claims: readonly { ref: RefKey; key: CanonicalKey }[]): Promise<Map<RefKey, CanonicalKey>> {
    const documents = claims.map(({ ref, key }) => this.claims.stamp({ _id: ref, key }));
    const refused = await insertNew(await this.claims.toWrite(), documents);
    const owners = await this.owners(refused);
    for (const { ref, key } of claims) if (!refused.has(ref)) owners.set(ref, key);
    return owners;
  }
}
