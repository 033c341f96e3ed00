import { randomUUID } from 'node:crypto';
import { type AnyBulkWriteOperation, type Collection, type Db } from 'mongodb';
import { duplicatesOf } from '../platform/mongoErrors';
import { SIDES, type RefKey, type Side } from '../sync/record';
import { parseRef } from '../sync/canonicalKey';

/**
 * Hints that wait to be read: the names of records that webhooks spoke of. One document a record, however often it
 * is spoken of, so that a burst costs one read, and what waits is bounded by the number of records.
 */

/** What an event said of a record, without any of its content. */
export interface ChangeHint {
  ref: RefKey;
  /** The record's order as the event knew it; null where the event does not say: it must be read. */
  order: number | null;
  /** The id, on the record's side, of whoever made the change; null where the event does not say. */
  actor: string | null;
  /** The event says that the record was deleted. */
  ends?: true;
}

/** A hint as it was taken: all that was said of the record since it was last read. */
export interface WaitingHint {
  ref: RefKey;
  /** Infinity where it must be read. */
  order: number;
  /** Empty stands for somebody unknown. */
  actors: string[];
  /** An event said that it was deleted. */
  ends?: true;
  /** Changes with each event, so that one that comes during the read is not dropped with it. */
  stamp: string;
}

interface HintDocument {
  _id: RefKey;
  order: number;
  actors: string[];
  ends?: true;
  stamp: string;
}

export class HintStore {
  private readonly waiting: Record<Side, Collection<HintDocument>>;

  constructor(db: Db, prefix = '') {
    const [zendesk, pms] = SIDES.map((side) => db.collection<HintDocument>(`${prefix}hints_${side}`));
    if (!zendesk || !pms) throw new Error('a side is missing');
    this.waiting = { zendesk, pms };
  }

  /** Adds to what waits. Safe to repeat. */
  async keep(hints: ChangeHint[]): Promise<void> {
    for (const side of SIDES) {
      const writes = hints
        .filter(({ ref }) => parseRef(ref).side === side)
        .map(({ ref, order, actor, ends }): AnyBulkWriteOperation<HintDocument> => {
          const update = {
            $max: { order: order ?? Number.POSITIVE_INFINITY },
            $addToSet: { actors: actor ?? '' },
            $set: { stamp: randomUUID(), ...(ends && { ends }) },
          };
          return { updateOne: { filter: { _id: ref }, update, upsert: true } };
        });
      if (writes.length > 0) await this.upsert(side, writes);
    }
  }

  /** Up to `limit` hints of one side. They stay until they are dropped. */
  async take(side: Side, limit: number): Promise<WaitingHint[]> {
    const found = await this.waiting[side].find().limit(limit).toArray();
    return found.map(({ _id, ...rest }) => ({ ref: _id, ...rest }));
  }

  /** Drops just these hints; a record that was spoken of again since stays. */
  async drop(side: Side, hints: WaitingHint[]): Promise<void> {
    const writes = hints.map(({ ref, stamp }): AnyBulkWriteOperation<HintDocument> => ({
      deleteOne: { filter: { _id: ref, stamp } },
    }));
    if (writes.length > 0) await this.waiting[side].bulkWrite(writes, { ordered: false });
  }

  async count(side: Side): Promise<number> {
    return this.waiting[side].countDocuments();
  }

  /** Two receivers may insert the same record's hint at once; the one that is refused then finds it there. */
  private async upsert(side: Side, writes: AnyBulkWriteOperation<HintDocument>[]): Promise<void> {
    try {
      await this.waiting[side].bulkWrite(writes, { ordered: false });
    } catch (error) {
      const again = duplicatesOf(error).flatMap((index) => writes[index] ?? []);
      await this.waiting[side].bulkWrite(again, { ordered: false });
    }
  }
}
