import type { Db } from 'mongodb';
import type { BackfillTallies } from '../sync/backfillTally';
import type { SyncRecord } from '../sync/record';
import type { Stored } from './migrations';
import { openShelf, type RecordShelf } from './shelf';
import type { Versions, VersionedDocuments } from './versions';

/** A part of a page. */
export interface Chunk {
  id: string;
  /** The records; null after they were written. */
  records: SyncRecord[] | null;
  /** The attempt that may have sent the records; null if none has. */
  sent: string | null;
  tallies: BackfillTallies | null;
}

/** A chunk, or the list of a page's chunks. Documents are looked up by name only. */
interface ChunkDocument extends Stored {
  /** Of a page: the number of its chunks. */
  chunks?: number;
  records: string | null;
  sent: string | null;
  tallies: string | null;
}

/**
 * The records that a backfill has read and not written yet: pages in chunks, and a shelf of records for look-ups. So no
 * record content passes through a workflow history. All of it is dropped at the end of the backfill.
 */
export class BackfillStore {
  private readonly chunks: VersionedDocuments<ChunkDocument>;
  private readonly shelves = new Map<string, Promise<RecordShelf>>();

  constructor(
    private readonly db: Db,
    private readonly prefix: string,
    private readonly versions: Versions,
  ) {
    this.chunks = versions.of('backfill');
  }

  /**
   * Announces a backfill, which reads the existing records. Polls then do not read a stream from its beginning. Polls
   * of a stream that was read before continue.
   */
  async announce(): Promise<void> {
    const chunks = await this.chunks.toWrite();
    await chunks.updateOne(
      { _id: ANNOUNCED },
      { $set: this.chunks.stamp({ records: null, sent: null, tallies: null }) },
      { upsert: true },
    );
  }

  async isAnnounced(): Promise<boolean> {
    return (await this.chunks.all.findOne({ _id: ANNOUNCED })) !== null;
  }

  /** Stores a page. A page that is read again replaces it. */
  async putPage(run: string, page: number, chunks: SyncRecord[][]): Promise<void> {
    const documents: ChunkDocument[] = chunks.map((records, n) => ({
      _id: chunkId(run, page, n),
      records: JSON.stringify(records),
      sent: null,
      tallies: null,
    }));
    // The list is stored last, so that a page with a list has all its chunks.
    documents.push({
      _id: `${run}/${page}`,
      chunks: chunks.length,
      records: null,
      sent: null,
      tallies: null,
    });
    const stored = await this.chunks.toWrite();
    for (const { _id, ...rest } of documents)
      await stored.replaceOne({ _id }, this.chunks.stamp(rest), { upsert: true });
  }

  /** The names of a page's chunks, in order. */
  async chunksOf(run: string, page: number): Promise<string[]> {
    const found = await this.chunks.all.findOne({ _id: `${run}/${page}` });
    const { chunks = 0 } = (found && this.chunks.read(found)) ?? {};
    return Array.from({ length: chunks }, (_, n) => chunkId(run, page, n));
  }

  async chunk(id: string): Promise<Chunk | null> {
    const found = await this.chunks.all.findOne({ _id: id });
    if (!found) return null;
    const { records, sent, tallies } = this.chunks.read(found);
    return {
      id,
      records: records === null ? null : (JSON.parse(records) as SyncRecord[]),
      sent,
      tallies: tallies === null ? null : (JSON.parse(tallies) as BackfillTallies),
    };
  }

  /** Stores which attempt sends a chunk. @returns false if another attempt was stored since the chunk was read */
  async markSent(id: string, from: string | null, to: string | null): Promise<boolean> {
    const { matchedCount } = await this.chunks.all.updateOne({ _id: id, sent: from }, { $set: { sent: to } });
    return matchedCount > 0;
  }

  async finish(id: string, tallies: BackfillTallies): Promise<void> {
    const set = { records: null, tallies: JSON.stringify(tallies) };
    await this.chunks.all.updateOne({ _id: id }, { $set: set });
  }

  /** The shelf of this run: records by match values and back-references. */
  shelf(run: string, lookedFor: ReadonlyMap<string, readonly string[]>): Promise<RecordShelf> {
    const known = this.shelves.get(run);
    if (known) return known;
    // Only the present run's shelf is cached.
    this.shelves.clear();
    const shelf = openShelf(this.db, this.shelfPrefix(run), lookedFor, this.versions.schema);
    this.shelves.set(run, shelf);
    shelf.catch(() => this.shelves.delete(run));
    return shelf;
  }

  /** Drops the leftovers of all runs. */
  async clear(): Promise<void> {
    this.shelves.clear();
    const own = `${this.prefix}backfill`;
    for (const { name } of await this.db.listCollections({}, { nameOnly: true }).toArray())
      if (name === own || name.startsWith(`${own}-`)) await this.db.dropCollection(name);
  }

  private shelfPrefix(run: string): string {
    return `${this.prefix}backfill-${run}-`;
  }
}

/** The prefix of the names of all runs. */
const ANNOUNCED = '!announced';

function chunkId(run: string, page: number, chunk: number): string {
  return `${run}/${page}/${chunk}`;
}
