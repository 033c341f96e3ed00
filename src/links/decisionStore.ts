import { randomUUID } from 'node:crypto';
import type { CanonicalKey } from '../sync/canonicalKey';
import { WHOLE_PAIR, decisionsOf, type Decision, type Decisions } from '../sync/resolution';
import type { Stored } from './migrations';
import type { VersionedDocuments } from './versions';

export interface DecisionDocument extends Stored {
  _id: string;
  decision: string;
  /** Distinguishes the decision from a later one on the same row. Releases before 0.3.0 stored none. */
  stamp?: string;
}

/** People's decisions, until their pairs have carried them out. */
export class DecisionStore {
  constructor(private readonly pending: VersionedDocuments<DecisionDocument>) {}

  /**
   * Stores a decision until the pair has carried it out. A later decision on the same row replaces it.
   * @returns the decision's id
   */
  async keep(key: CanonicalKey, decision: Decision): Promise<string> {
    const _id = decisionId(key, 'row' in decision ? decision.row : WHOLE_PAIR);
    const stamp = randomUUID();
    const document = this.pending.stamp({ decision: JSON.stringify(decision), stamp });
    await (await this.pending.toWrite()).replaceOne({ _id }, document, { upsert: true });
    return stamp;
  }

  /** The open decisions on the pair as a whole and on these rows. */
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

  /** Drops decisions that were carried out or no longer apply, but no later decisions on the same rows. */
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
