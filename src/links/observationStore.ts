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
  /** When the record was made, in milliseconds; absent where it has no parent. */
  made?: number;
}

/** Siblings that are looked at together: mostly the first of them is the one. */
const SIBLINGS = 20;

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

  /**
   * Keeps each record unless one with a greater order is kept already.
   *
   * @param replaced digests of what was kept before these records were read: a record that was read after it replaces it,
   * whatever the orders say, because a side's order may go back
   * @returns the records that were not kept
   */
  async keep(records: SyncRecord[], replaced: ReadonlyMap<RefKey, string> = new Map()): Promise<RefKey[]> {
    if (records.length === 0) return [];
    const at = this.now().toISOString();
    const writes = records.map((record): AnyBulkWriteOperation<ObservationDocument> => {
      const _id = refKey(record.ref);
      const former = replaced.get(_id);
      const notGreater: Filter<ObservationDocument> = { order: { $lte: record.order } };
      const older = former === undefined ? notGreater : { $or: [notGreater, { digest: former }] };
      // Any other observation does not match the filter; the upsert then meets its _id and is refused.
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

  /** Digests of what is kept of these records. */
  async digests(refs: Iterable<RefKey>): Promise<Map<RefKey, string>> {
    const found = await this.read([...new Set(refs)]);
    return new Map(found.map(({ _id, digest }) => [_id, digest]));
  }

  async get(refs: Iterable<RefKey>): Promise<Map<RefKey, SyncRecord>> {
    const found = await this.observations.readInPlace(await this.read([...new Set(refs)]));
    return new Map(found.map(({ _id, record }) => [_id, JSON.parse(record) as SyncRecord]));
  }

  /**
   * Observations of records below a parent that were made before a time, or then, the latest first, some at a time: those of
   * its comments that their pairs have not dealt with. So a comment among a thousand new ones does not read all of them.
   */
  async *below(parent: RefKey, until: string): AsyncIterable<SyncRecord[]> {
    const before = { parent, made: { $lte: Date.parse(until) } };
    // Those that releases before 0.3.0 stored say nothing of their time.
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

  /** Drops just these observations, which the pair has dealt with; one that was replaced since stays. */
  async forget(records: SyncRecord[]): Promise<void> {
    // By content, not by order: two contents may share an order where the side's clock is coarse.
    const filters = records.map((record) => ({ _id: refKey(record.ref), record: JSON.stringify(record) }));
    if (filters.length > 0) await this.forgets.do(filters);
  }

  /** The same without reading them: what has these digests. */
  async forgetTakenIn(digests: Record<RefKey, string>): Promise<void> {
    const filters = Object.entries(digests).map(([_id, digest]) => ({ _id, digest }));
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
