import type { Collection, Db } from 'mongodb';
import type { Side } from '../sync/record';

/** What could not be taken in and was passed over, so that all else goes on. Times are ISO. */
export interface SetAside {
  /** The record's reference, e.g. `zendesk:ticket:123`; where it could not be told, the place where it was found. */
  what: string;
  side: Side;
  /** `record`: it can be read again by its reference. `nameless`: only a walk meets it again. `page`: of a backfill. */
  kind: 'record' | 'nameless' | 'page';
  /** Which field, what was found, what was expected; no content of the record. */
  reason: string;
  /** Of its JSON text; null where the whole answer could not be read. */
  bytes: number | null;
  since: string;
  /** When it was met last. */
  last: string;
}

type AsideDocument = Omit<SetAside, 'what'> & { _id: string };

/** The list of what was passed over: `status` shows it, `aside retry` empties it. */
export class SetAsideStore {
  private readonly items: Collection<AsideDocument>;

  constructor(
    db: Db,
    prefix: string,
    private readonly now: () => Date,
  ) {
    this.items = db.collection(`${prefix}aside`);
  }

  /** Safe to repeat: what is met again keeps since when. */
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

  /** The next in the order of their names. */
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

  /** Drops these as they were listed; one that was met again since stays. */
  async drop(items: readonly SetAside[]): Promise<void> {
    if (items.length === 0) return;
    await this.items.bulkWrite(
      items.map(({ what, last }) => ({ deleteOne: { filter: { _id: what, last } } })),
      { ordered: false },
    );
  }

  /** A record that was taken in is aside no longer. */
  async forget(what: readonly string[]): Promise<void> {
    if (what.length > 0) await this.items.deleteMany({ _id: { $in: [...what] } });
  }

  /** Pages belong to one backfill; the next one reads them again. */
  async forgetPages(): Promise<void> {
    await this.items.deleteMany({ kind: 'page' });
  }
}
