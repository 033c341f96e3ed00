import type { Db } from 'mongodb';
import type { BackfillTallies } from '../sync/backfillTally';
import type { SyncRecord } from '../sync/record';
import type { Stored } from './migrations';
import { openShelf, type RecordShelf } from './shelf';
import type { Versions, VersionedDocuments } from './versions';

/** Some records of a page: as many as one bulk call takes. */
export interface Chunk {
  id: string;
  /** Null once they are written. */
  records: SyncRecord[] | null;
  /** The attempt that sent them, or may have; null for none. */
  sent: string | null;
  tallies: BackfillTallies | null;
}

/** A chunk, or a page's list of them; looked up by name only, never by range. */
interface ChunkDocument extends Stored {
  /** Of a page: how many chunks it has. */
  chunks?: number;
  records: string | null;
  sent: string | null;
  tallies: string | null;
}

/**
 * What a backfill has read and not yet written, so that no body passes through a workflow history: pages in chunks,
 * and records to look for. All of it goes with the end of the backfill.
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
   * Says that a backfill is to read what there is, so that no stream is followed from its beginning. A stream that is
   * followed already goes on.
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

  /** Keeps a page; reading it again replaces it. */
  async putPage(run: string, page: number, chunks: SyncRecord[][]): Promise<void> {
    const documents: ChunkDocument[] = chunks.map((records, n) => ({
      _id: chunkId(run, page, n),
      records: JSON.stringify(records),
      sent: null,
      tallies: null,
    }));
    // Last: a page that has a list has its chunks.
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

  /** Names of a page's chunks, in order. */
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

  /** Notes who sends a chunk. @returns false where another attempt did since it was read */
  async markSent(id: string, from: string | null, to: string | null): Promise<boolean> {
    const { matchedCount } = await this.chunks.all.updateOne({ _id: id, sent: from }, { $set: { sent: to } });
    return matchedCount > 0;
  }

  async finish(id: string, tallies: BackfillTallies): Promise<void> {
    const set = { records: null, tallies: JSON.stringify(tallies) };
    await this.chunks.all.updateOne({ _id: id }, { $set: set });
  }

  /** Records by match values and back-references, for this run alone. */
  shelf(run: string, lookedFor: ReadonlyMap<string, readonly string[]>): Promise<RecordShelf> {
    const known = this.shelves.get(run);
    if (known) return known;
    // One at a time; what an earlier run had open is not asked for again.
    this.shelves.clear();
    const shelf = openShelf(this.db, this.shelfPrefix(run), lookedFor, this.versions.schema);
    this.shelves.set(run, shelf);
    shelf.catch(() => this.shelves.delete(run));
    return shelf;
  }

  /** Drops all that any run left. */
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

/** Before the names of all runs. */
const ANNOUNCED = '!announced';

function chunkId(run: string, page: number, chunk: number): string {
  return `${run}/${page}/${chunk}`;
}
