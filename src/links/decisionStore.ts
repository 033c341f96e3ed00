import { randomUUID } from 'node:crypto';
import type { CanonicalKey } from '../sync/canonicalKey';
import { WHOLE_PAIR, decisionsOf, type Decision, type Decisions } from '../sync/resolution';
import type { Stored } from './migrations';
import type { VersionedDocuments } from './versions';

export interface DecisionDocument extends Stored {
  _id: string;
  decision: string;
  /** Tells one decision from a later one on the same; absent in what releases before 0.3.0 stored. */
  stamp?: string;
}

/** What people decided, until the pair has acted on it. */
export class DecisionStore {
  constructor(private readonly pending: VersionedDocuments<DecisionDocument>) {}

  /**
   * Keeps what a person decided until the pair has acted on it; a later decision on the same replaces it.
   * @returns the decision's id
   */
  async keep(key: CanonicalKey, decision: Decision): Promise<string> {
    const _id = decisionId(key, 'row' in decision ? decision.row : WHOLE_PAIR);
    const stamp = randomUUID();
    const document = this.pending.stamp({ decision: JSON.stringify(decision), stamp });
    await (await this.pending.toWrite()).replaceOne({ _id }, document, { upsert: true });
    return stamp;
  }

  /** The decisions that wait: on the pair as a whole, and on these rows. */
  async of(key: CanonicalKey, rows: readonly string[]): Promise<Decisions> {
    const ids = [WHOLE_PAIR, ...rows].map((row) => decisionId(key, row));
    const found = (await this.pending.all.find({ _id: { $in: ids } }).toArray()).map((each) =>
      this.pending.read(each),
    );
    const stamps = found.map(({ _id, stamp }) => [_id.slice(key.length + 1), stamp ?? null] as const);
    return {
      ...decisionsOf(found.map(({ decision }) => JSON.parse(decision) as Decision)),
      ids: new Map(stamps),
    };
  }

  /** Drops what was acted on, or is moot: just these decisions, and no later one on the same. */
  async drop(key: CanonicalKey, ids: Iterable<readonly [row: string, id: string | null]>): Promise<void> {
    const filters = [...ids].map(([row, stamp]) => ({
      _id: decisionId(key, row),
      stamp: stamp ?? { $exists: false },
    }));
    if (filters.length > 0)
      await this.pending.all.bulkWrite(
        filters.map((filter) => ({ deleteOne: { filter } })),
        { ordered: false },
      );
  }
}

function decisionId(key: CanonicalKey, row: string): string {
  return `${key}#${row}`;
}
