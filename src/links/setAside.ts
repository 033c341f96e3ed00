import type { Collection, Db } from 'mongodb';
import type { Side } from '../sync/record';

/** A dead letter: a record or page that was set aside because it could not be processed. Times are ISO. */
export interface SetAside {
  /** The record's reference, e.g. `zendesk:ticket:123`; if it is unknown, the place where the record was found. */
  what: string;
  side: Side;
  /**
   * `record`: it can be read by its reference. `nameless`: only a walk finds it again. `page`: a page of a backfill.
   */
  kind: 'record' | 'nameless' | 'page';
  /** The field, what was found and what was expected; no content of the record. */
  reason: string;
  /** The size of its JSON text; null if the whole answer could not be read. */
  bytes: number | null;
  since: string;
  /** When it was last found. */
  last: string;
}

type AsideDocument = Omit<SetAside, 'what'> & { _id: string };

/** The dead letters: `status` shows their number, `aside retry` processes them again. */
export class SetAsideStore {
  private readonly items: Collection<AsideDocument>;

  constructor(
    db: Db,
    prefix: string,
    private readonly now: () => Date,
  ) {
    this.items = db.collection(`${prefix}aside`);
  }

  /** Adds dead letters. One that is found again keeps the time when it was first found. */
  async keep(items: readonly Omit<SetAside, 'since' | 'last'>[]): Promise<void> {
    if (items.length === 0) return;
    const at = this.now().toISOString();
    await this.items.bulkWrite(
      items.map(({ what, ...rest }) => ({
        updateOne: {
          filter: { _id: what },
          update: { $set: { ...rest, last: at }, $setOnInsert: { since: at } },
          upsert: true,
        },
      })),
      { ordered: false },
    );
  }

  /** The next dead letters, in the order of their names. */
  async list(after: string | null, limit: number): Promise<SetAside[]> {
    const found = await this.items
      .find(after === null ? {} : { _id: { $gt: after } })
      .sort({ _id: 1 })
      .limit(limit)
      .toArray();
    return found.map(({ _id, ...rest }) => ({ what: _id, ...rest }));
  }

  count(): Promise<number> {
    return this.items.countDocuments();
  }

  /** Drops these, unless they were found again since they were listed. */
  async drop(items: readonly SetAside[]): Promise<void> {
    if (items.length === 0) return;
    await this.items.bulkWrite(
      items.map(({ what, last }) => ({ deleteOne: { filter: { _id: what, last } } })),
      { ordered: false },
    );
  }

  /** Drops records that were processed now. */
  async forget(what: readonly string[]): Promise<void> {
    if (what.length > 0) await this.items.deleteMany({ _id: { $in: [...what] } });
  }

  /** Drops the pages: the next backfill reads them again. */
  async forgetPages(): Promise<void> {
    await this.items.deleteMany({ kind: 'page' });
  }
}
