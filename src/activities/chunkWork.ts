import type { Chunk } from '../links/backfillStore';
import type { RecordShelf } from '../links/shelf';
import { noBackfill, type BackfillTally } from '../sync/backfillTally';
import type { BackfillItem, BackfillVerdict } from '../sync/backfillVerdict';
import { parseCanonicalKey, refKey, type CanonicalKey } from '../sync/canonicalKey';
import type { Cause } from '../sync/journalCauses';
import { releasedIntent, type Intent, type Link, type PlannedWrite } from '../sync/link';
import { entityOf } from '../sync/mapping';
import { otherSide, type RefKey, type Side, type SyncRecord } from '../sync/record';
import type { References } from '../sync/values';
import { ReferenceReader, type ActivityContext } from './activityContext';
import { hintOf, ownKey } from './dispatch';
import { inParallel } from '../systems/inParallel';
import type { Hint, Inbox } from './types';

/**
 * How long a page holds a link before the pair's own workflow may take it over. This is far longer than an attempt
 * takes from the begin of the hold to its answer, including rate limits and the queue of bulk jobs.
 */
const HOLD_MS = 30 * 60_000;
const SIGNALS_AT_ONCE = 20;

/** A write in progress: the stored link with its intent, held by this chunk. */
export interface AtWork {
  link: Link & { intent: Intent };
  write: PlannedWrite;
  /** The record that it is made for. */
  origin: SyncRecord;
}

/** An item with its verdict. */
export type Decided = BackfillItem & { verdict: BackfillVerdict };

/** Records that are not written now: left to their pairs (`left`), or to be tried again (`waiting`). */
export interface NotWritten {
  left: SyncRecord[];
  waiting: SyncRecord[];
}

/**
 * One attempt at a chunk of a backfill's page: the state that its steps share, and how records are left to their pairs.
 */
export class ChunkWork {
  readonly tallies = noBackfill();
  readonly to: Side;
  private readonly handedOver = new Set<RefKey>();
  /** Caches the parents that have both their records while the chunk is written. */
  private readonly parents: ReferenceReader;

  /** @param chunk as it was before this attempt began */
  constructor(
    readonly context: ActivityContext,
    readonly from: Side,
    readonly chunk: Chunk,
    readonly shelf: RecordShelf,
  ) {
    this.to = otherSide(from);
    this.parents = new ReferenceReader(context);
  }

  /** Hands records to their pairs' own workflows. */
  async leave(some: SyncRecord[]): Promise<void> {
    const records = some.filter(({ ref }) => !this.handedOver.has(refKey(ref)));
    if (records.length === 0) return;
    for (const { ref } of records) this.handedOver.add(refKey(ref));
    const { store } = this.context;
    await store.observations.keep(records);
    const owners = await store.claims.owners(records.map(({ ref }) => refKey(ref)));
    const signals = records.flatMap((record) => {
      const ref = refKey(record.ref);
      const key = owners.get(ref) ?? this.keyOf(record);
      return key === null ? [] : [{ key, inbox: inboxOf([hintOf(ref, record)]) }];
    });
    for (const { key } of signals) this.tallies[parseCanonicalKey(key).entity].left += 1;
    await this.signal(signals);
  }

  /** The cause of writes, for the journal: it names the backfill. */
  private get cause(): Cause {
    return `backfill:${this.chunk.id.slice(0, this.chunk.id.indexOf('/'))}`;
  }

  tally({ key }: Pick<BackfillItem, 'key'>): BackfillTally {
    return this.tallies[parseCanonicalKey(key).entity];
  }

  keyOf(record: SyncRecord): CanonicalKey | null {
    const entity = entityOf(this.context.mapping, record.ref.side, record.ref.kind, record.values);
    return entity && ownKey(entity, record);
  }

  async signal(pairs: { key: CanonicalKey; inbox: Inbox }[]): Promise<void> {
    await inParallel(pairs, SIGNALS_AT_ONCE, ({ key, inbox }) =>
      this.context.signalPair(key, { ...inbox, causes: [this.cause] }),
    );
  }

  references(items: { key: CanonicalKey; records: SyncRecord[]; link: Link | null }[]): Promise<References> {
    const { mapping } = this.context;
    this.parents.forgetUnlinked();
    return this.parents.read(
      items.map(({ key, ...item }) => ({ ...item, table: mapping.entities[parseCanonicalKey(key).entity] })),
    );
  }

  /**
   * Stores new links with their intents. If another page or a pair's workflow was faster, the record is tried again
   * later, with the result of the other.
   */
  async store(items: { link: Link; origin: SyncRecord }[], { waiting }: NotWritten): Promise<AtWork[]> {
    const inserted = await this.context.store.insertMany(items.map(({ link }) => link));
    const byKey = new Map(inserted.map((link) => [link._id, link]));
    for (const { link, origin } of items) if (!byKey.has(link._id)) waiting.push(origin);
    return items.flatMap(({ link, origin }) => {
      const stored = byKey.get(link._id);
      return (stored && atWork(stored, origin)) ?? [];
    });
  }

  held(intent: Intent): Intent {
    const until = new Date(this.context.now().getTime() + HOLD_MS).toISOString();
    return { ...intent, causes: [this.cause], hold: { by: this.chunk.id, until } };
  }

  kindOf({ entity }: Pick<Link, 'entity'>): string {
    return this.context.mapping.entities[entity].kind[this.to];
  }

  /** Releases links to their pairs' own workflows, which find out what the attempt has done. */
  async release(items: AtWork[], left: SyncRecord[]): Promise<void> {
    const links = items.map(({ link }) => ({ ...link, intent: releasedIntent(link.intent) }));
    await this.context.store.saveMany(links);
    for (const { link, origin, write } of items) {
      if (write.op === 'create') left.push(origin);
      else {
        this.tallies[link.entity].left += 1;
        await this.context.signalPair(link._id, { ...inboxOf([]), force: true, causes: [this.cause] });
      }
    }
  }
}

export function inboxOf(hints: Hint[]): Inbox {
  return { hints, force: false, hops: 0, lane: 'background' };
}

/** The first write of a link's intent; null if the link has no intent. */
export function atWork(link: Link, origin: SyncRecord): AtWork | null {
  const { intent } = link;
  const [write] = intent?.writes ?? [];
  return intent && write ? { link: { ...link, intent }, write, origin } : null;
}

export function split<T>(items: T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}
