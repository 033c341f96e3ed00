import type { CanonicalKey } from '../sync/canonicalKey';
import { decisionsOf, type Decision, type Decisions } from '../sync/resolution';
import type { Stored } from './migrations';
import type { VersionedDocuments } from './versions';

export interface DecisionDocument extends Stored {
  _id: string;
  decision: string;
}

/** What people decided, until the pair has acted on it. */
export class DecisionStore {
  constructor(private readonly pending: VersionedDocuments<DecisionDocument>) {}

  /** Keeps what a person decided until the pair has acted on it; a later decision on the same replaces it. */
  async keep(key: CanonicalKey, decision: Decision): Promise<void> {
    const _id = decisionId(key, 'row' in decision ? decision.row : null);
    const document = this.pending.stamp({ decision: JSON.stringify(decision) });
    await (await this.pending.toWrite()).replaceOne({ _id }, document, { upsert: true });
  }

  /** The decisions that wait: on the pair as a whole, and on these rows. */
  async of(key: CanonicalKey, rows: string[]): Promise<Decisions> {
    const found = await this.pending.all.find({ _id: { $in: decisionIds(key, rows) } }).toArray();
    return decisionsOf(found.map((each) => JSON.parse(this.pending.read(each).decision) as Decision));
  }

  /** Drops what was acted on, or is moot: the decision on the pair as a whole, and those on these rows. */
  async drop(key: CanonicalKey, rows: string[]): Promise<void> {
    await this.pending.all.deleteMany({ _id: { $in: decisionIds(key, rows) } });
  }
}

function decisionId(key: CanonicalKey, row: string | null): string {
  return `${key}#${row ?? ''}`;
}

function decisionIds(key: CanonicalKey, rows: string[]): string[] {
  return [null, ...rows].map((row) => decisionId(key, row));
}
