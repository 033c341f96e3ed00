import { createHash } from 'node:crypto';
import type { AnyBulkWriteOperation, Filter } from 'mongodb';
import { duplicatesOf } from '../platform/mongoErrors';
import { refKey } from '../sync/canonicalKey';
import type { RefKey, SyncRecord } from '../sync/record';
import { SHARED_PACE, TOGETHER, byIds, type ReadByIds } from './byIds';
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
  /** When the record was created, in milliseconds; absent if it has no parent. */
  made?: number;
}

/** Siblings that are read together; usually the first of them is the wanted one. */
const SIBLINGS = 20;

/**
 * Records as they were last seen, until their pairs have processed them. So no content passes through a workflow
 * history.
 */
export class ObservationStore {
  private readonly read: ReadByIds<ObservationDocument>;
  private readonly forgets = new Together<Filter<ObservationDocument>[], void>(
    TOGETHER,
    async (lists) => {
      await this.observations.all.bulkWrite(
        lists.flat().map((filter) => ({ deleteOne: { filter } })),
        { ordered: false },
      );
      return lists.map(() => undefined);
    },
    SHARED_PACE,
  );

  constructor(
    private readonly observations: VersionedDocuments<ObservationDocument>,
    private readonly now: () => Date,
  ) {
    this.read = byIds(observations.all, { pace: SHARED_PACE });
  }

  /**
   * Stores each record, unless an observation with a greater order is stored already.
   *
   * @param replaced digests of the observations from before these records were read; a newly read record replaces its
   * observation even if its order is smaller, because a side's order may go back
   * @returns the records that were not stored
   */
  async keep(records: SyncRecord[], replaced: ReadonlyMap<RefKey, string> = new Map()): Promise<RefKey[]> {
    if (records.length === 0) return [];
    const at = this.now().toISOString();
    const writes = records.map((record): AnyBulkWriteOperation<ObservationDocument> => {
      const _id = refKey(record.ref);
      const former = replaced.get(_id);
      const notGreater: Filter<ObservationDocument> = { order: { $lte: record.order } };
      const older = former === undefined ? notGreater : { $or: [notGreater, { digest: former }] };
      // Another observation does not match the filter; the upsert then fails with a duplicate _id.
      return {
        replaceOne: {
          filter: { _id, ...older },
          replacement: this.observations.stamp({
            order: record.order,
            at,
            record: JSON.stringify(record),
            digest: observationDigest(record),
            ...(record.parent !== undefined && {
              parent: record.parent,
              made: Date.parse(record.createdAt),
            }),
          }),
          upsert: true,
        },
      };
    });
    try {
      await (await this.observations.toWrite()).bulkWrite(writes, { ordered: false });
      return [];
    } catch (error) {
      return duplicatesOf(error).flatMap((index) => {
        const record = records[index];
        return record ? [refKey(record.ref)] : [];
      });
    }
  }

  /** The digests of the observations of these records. */
  async digests(refs: Iterable<RefKey>): Promise<Map<RefKey, string>> {
    const found = await this.read([...new Set(refs)]);
    return new Map(found.map(({ _id, digest }) => [_id, digest]));
  }

  async get(refs: Iterable<RefKey>): Promise<Map<RefKey, SyncRecord>> {
    const found = await this.observations.readInPlace(await this.read([...new Set(refs)]));
    return new Map(found.map(({ _id, record }) => [_id, JSON.parse(record) as SyncRecord]));
  }

  /**
   * Observations of a parent's children (the unprocessed comments of a ticket) that were created before a time or at
   * it, in pages, the latest first. So one comment among a thousand new ones does not read all of them.
   */
  async *below(parent: RefKey, until: string): AsyncIterable<SyncRecord[]> {
    const before = { parent, made: { $lte: Date.parse(until) } };
    // Releases before 0.3.0 stored no time.
    yield await this.recordsOf(
      await this.observations.all.find({ parent, made: { $exists: false } }).toArray(),
    );
    for (let skip = 0; ; skip += SIBLINGS) {
      const found = await this.observations.all
        .find(before)
        .sort({ made: -1, _id: 1 })
        .skip(skip)
        .limit(SIBLINGS)
        .toArray();
      yield await this.recordsOf(found);
      if (found.length < SIBLINGS) return;
    }
  }

  private async recordsOf(found: ObservationDocument[]): Promise<SyncRecord[]> {
    const documents = await this.observations.readInPlace(found);
    return documents.map(({ record }) => JSON.parse(record) as SyncRecord);
  }

  /** Drops observations that their pair has processed, unless they were replaced since. */
  async forget(records: SyncRecord[]): Promise<void> {
    // Compare the content, not the order: with a coarse clock, two contents may have one order.
    const filters = records.map((record) => ({ _id: refKey(record.ref), record: JSON.stringify(record) }));
    if (filters.length > 0) await this.forgets.do(filters);
  }

  /** The same, by the digests of the observations. */
  async forgetTakenIn(digests: Record<RefKey, string>): Promise<void> {
    const filters = Object.entries(digests).map(([_id, digest]) => ({ _id, digest }));
    if (filters.length > 0) await this.forgets.do(filters);
  }

  /** The approximate number of observations. */
  async count(): Promise<number> {
    return this.observations.all.estimatedDocumentCount();
  }
}

/** A digest of a record's content. */
export function observationDigest(record: SyncRecord): string {
  return createHash('sha1').update(JSON.stringify(record)).digest('base64');
}
