import { randomUUID } from 'node:crypto';
import { type AnyBulkWriteOperation, type Collection, type Db } from 'mongodb';
import { duplicatesOf } from '../platform/mongoErrors';
import { SIDES, type RefKey, type Side } from '../sync/record';
import { parseRef } from '../sync/canonicalKey';

/**
 * Unread hints: the ids of records that webhooks named. Each record has one document, however often it is named. So a
 * burst costs one read, and the number of documents is bounded by the number of records.
 */

/** The data of an event about a record, without the record's content. */
export interface ChangeHint {
  ref: RefKey;
  /** The record's order at the event; null if the event does not have it: the record must then be read. */
  order: number | null;
  /** The id of the user who made the change, on the record's side; null if the event does not have it. */
  actor: string | null;
  /** The event reports that the record was deleted. */
  ends?: true;
}

/** A hint as it was read from the store: all events about the record since it was last read. */
export interface WaitingHint {
  ref: RefKey;
  /** The greatest order; Infinity if the record must be read. */
  order: number;
  /** The users who made the changes; an empty id means an unknown user. */
  actors: string[];
  /** An event reported that the record was deleted. */
  ends?: true;
  /** Changes with each event, so that an event during the read is not dropped with the hint. */
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

  /** Adds events to the hints. May be repeated. */
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

  /** Up to `limit` hints of one side. They stay in the store until they are dropped. */
  async take(side: Side, limit: number): Promise<WaitingHint[]> {
    const found = await this.waiting[side].find().limit(limit).toArray();
    return found.map(({ _id, ...rest }) => ({ ref: _id, ...rest }));
  }

  /** Drops these hints, except those that got another event since. */
  async drop(side: Side, hints: WaitingHint[]): Promise<void> {
    const writes = hints.map(({ ref, stamp }): AnyBulkWriteOperation<HintDocument> => ({
      deleteOne: { filter: { _id: ref, stamp } },
    }));
    if (writes.length > 0) await this.waiting[side].bulkWrite(writes, { ordered: false });
  }

  async count(side: Side): Promise<number> {
    return this.waiting[side].countDocuments();
  }

  /** Repeats the command if two receivers insert the same record's hint at once: the refused one then updates it. */
  private async upsert(side: Side, writes: AnyBulkWriteOperation<HintDocument>[]): Promise<void> {
    try {
      await this.waiting[side].bulkWrite(writes, { ordered: false });
    } catch (error) {
      const again = duplicatesOf(error).flatMap((index) => writes[index] ?? []);
      await this.waiting[side].bulkWrite(again, { ordered: false });
    }
  }
}
