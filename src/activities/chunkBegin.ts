import { refKey } from '../sync/canonicalKey';
import type { Intent, Link } from '../sync/link';
import type { SyncRecord } from '../sync/record';
import { atWork, split, type AtWork, type ChunkWork, type Decided, type NotWritten } from './chunkWork';

/**
 * Stores the intents of a chunk before any write is sent: those of new pairs, and those that an earlier attempt began.
 */
export class ChunkBegin {
  constructor(private readonly work: ChunkWork) {}

  /** Claims the origins of new pairs and stores their intents, held by this chunk. */
  async begin(items: { item: Decided; link: Link; intent: Intent }[], rest: NotWritten): Promise<AtWork[]> {
    const { left, waiting } = rest;
    const { store, systems } = this.work.context;
    const { bulk } = systems[this.work.to];
    const plain: typeof items = [];
    for (const each of items) {
      const kind = this.work.kindOf(each.link);
      const [write, ...more] = each.intent.writes;
      const isCreate = write?.op === 'create' && write.side === this.work.to && more.length === 0;
      // If files must be stored before their record, the pair's own workflow copies them.
      const staged = (each.intent.next.files ?? []).length > 0 && systems[this.work.to].stage !== undefined;
      if (isCreate && !staged && bulk?.canCreate(kind)) plain.push(each);
      else left.push(each.item.record);
    }
    const free = await this.withoutCounterpart(plain, left);
    const claimed = await store.claims.claimMany(
      free.map(({ item }) => ({ ref: refKey(item.record.ref), key: item.key })),
    );
    const own = free.filter(({ item }) => {
      const isOwn = claimed.get(refKey(item.record.ref)) === item.key;
      // Another page has claimed it since, mostly for a join with a record of the other side.
      if (!isOwn) waiting.push(item.record);
      return isOwn;
    });
    return this.work.store(
      own.map(({ item, link, intent }) => ({
        link: { ...link, intent: this.work.held(intent) },
        origin: item.record,
      })),
      rest,
    );
  }

  /** If the other side accepts a second record with the same back-reference, existing ones are left to their pairs. */
  private async withoutCounterpart<T extends { item: Decided; link: Link }>(
    items: T[],
    left: SyncRecord[],
  ): Promise<T[]> {
    const port = this.work.context.systems[this.work.to];
    const asked = items.filter(({ link }) => !port.uniqueBackRef(this.work.kindOf(link)));
    if (asked.length === 0) return items;
    const named = await this.work.shelf.naming(asked.map(({ item }) => refKey(item.record.ref)));
    const taken = new Set(named.map(({ backRef }) => backRef));
    return items.filter(({ item }) => {
      const isTaken = taken.has(refKey(item.record.ref));
      if (isTaken) left.push(item.record);
      return !isTaken;
    });
  }

  /**
   * Continues the writes that an earlier attempt stored. If that attempt may have sent a create, and the system would
   * create the record twice, the write is left to its pair, which looks for the record first. This waits until the
   * system has finished its bulk jobs.
   */
  async resume(items: AtWork[], left: SyncRecord[]): Promise<AtWork[]> {
    if (items.length === 0) return [];
    const { store, systems } = this.work.context;
    const port = systems[this.work.to];
    const [again, unsure] = split(
      items,
      ({ link, write }) =>
        write.op !== 'create' || port.uniqueBackRef(this.work.kindOf(link)) || this.work.chunk.sent === null,
    );
    if (unsure.length > 0) {
      await port.bulk?.settled();
      await this.work.release(unsure, left);
    }
    const links = again.map(({ link }) => ({ ...link, intent: this.work.held(link.intent) }));
    const saved = new Map((await store.saveMany(links)).map((link) => [link._id, link]));
    return again.flatMap(({ link, origin }) => {
      const stored = saved.get(link._id);
      // Otherwise the pair's own workflow has taken the link over.
      return (stored && atWork(stored, origin)) ?? [];
    });
  }
}
