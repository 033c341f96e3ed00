import { createHash } from 'node:crypto';
import type { AnyBulkWriteOperation, Filter } from 'mongodb';
import { duplicatesOf } from '../platform/mongoErrors';
import { refKey } from '../sync/canonicalKey';
import type { RefKey, SyncRecord } from '../sync/record';
import { TOGETHER, byIds, type ReadByIds } from './byIds';
import type { Stored } from './migrations';
import { Together } from './together';
import type { VersionedDocuments } from './versions';

export interface ObservationDocument extends Stored {
  _id: RefKey;
  order: number;
  at: string;
  record: string;
  digest: string;
  parent?: RefKey;
}

/** An observation that a pair took in: what is known of the record by now, and what the plan was made of. */
export interface TakenIn {
  ref: RefKey;
  order: number;
  digest?: string;
}

/** What was last seen of a record, until its pair has dealt with it: no record's body passes through a workflow history. */
export class ObservationStore {
  private readonly read: ReadByIds<ObservationDocument>;
  private readonly forgets = new Together<Filter<ObservationDocument>[], void>(TOGETHER, async (lists) => {
    await this.observations.all.bulkWrite(
      lists.flat().map((filter) => ({ deleteOne: { filter } })),
      { ordered: false },
    );
    return lists.map(() => undefined);
  });

  constructor(
    private readonly observations: VersionedDocuments<ObservationDocument>,
    private readonly now: () => Date,
  ) {
    this.read = byIds(observations.all);
  }

  /** Keeps each record unless a newer one is kept already. */
  async keep(records: SyncRecord[]): Promise<void> {
    if (records.length === 0) return;
    const at = this.now().toISOString();
    const writes = records.map((record): AnyBulkWriteOperation<ObservationDocument> => {
      const _id = refKey(record.ref);
      // A newer observation does not match the filter; the upsert then meets its _id and is refused.
      return {
        replaceOne: {
          filter: { _id, order: { $lte: record.order } },
          replacement: this.observations.stamp({
            order: record.order,
            at,
            record: JSON.stringify(record),
            digest: observationDigest(record),
            ...(record.parent !== undefined && { parent: record.parent }),
          }),
          upsert: true,
        },
      };
    });
    try {
      await (await this.observations.toWrite()).bulkWrite(writes, { ordered: false });
    } catch (error) {
      duplicatesOf(error);
    }
  }

  async get(refs: Iterable<RefKey>): Promise<Map<RefKey, SyncRecord>> {
    const found = await this.observations.readInPlace(await this.read([...new Set(refs)]));
    return new Map(found.map(({ _id, record }) => [_id, JSON.parse(record) as SyncRecord]));
  }

  /** Observations of records below a parent: those of its comments that their pairs have not dealt with. */
  async below(parent: RefKey): Promise<SyncRecord[]> {
    const found = await this.observations.readInPlace(await this.observations.all.find({ parent }).toArray());
    return found.map(({ record }) => JSON.parse(record) as SyncRecord);
  }

  /** Drops just these observations, which the pair has dealt with; one that was replaced since stays. */
  async forget(records: SyncRecord[]): Promise<void> {
    // By content, not by order: two contents may share an order where the side's clock is coarse.
    const filters = records.map((record) => ({ _id: refKey(record.ref), record: JSON.stringify(record) }));
    if (filters.length > 0) await this.forgets.do(filters);
  }

  /** The same without reading them: what is older than what is known of the record, and what has this digest. */
  async forgetTakenIn(records: TakenIn[]): Promise<void> {
    const filters = records.map(({ ref, order, digest }): Filter<ObservationDocument> => ({
      _id: ref,
      $or: [{ order: { $lt: order } }, ...(digest === undefined ? [] : [{ digest }])],
    }));
    if (filters.length > 0) await this.forgets.do(filters);
  }

  /** About how many records wait for their pairs. */
  async count(): Promise<number> {
    return this.observations.all.estimatedDocumentCount();
  }
}

/** Names what was observed of a record by its content. */
export function observationDigest(record: SyncRecord): string {
  return createHash('sha1').update(JSON.stringify(record)).digest('base64');
}
