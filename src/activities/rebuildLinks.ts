import { DOCUMENT_BYTES } from '../links/documentSize';
import type { RecordShelf, TooLargeRecord } from '../links/shelf';
import { StaleLink } from '../links/staleLink';
import { canonicalKey, parseCanonicalKey, refKey, type CanonicalKey } from '../sync/canonicalKey';
import { entityOf, type Mapping } from '../sync/mapping';
import { rebuiltLink } from '../sync/rebuiltLink';
import {
  ENTITY_TYPES,
  SIDES,
  type EntityType,
  type RefKey,
  type Side,
  type SyncRecord,
} from '../sync/record';
import type { References } from '../sync/values';
import type { SystemPort } from '../systems/port';
import type { Unreadable } from '../systems/unreadable';
import { walk, type WalkedPage } from '../systems/walkRecords';
import { loadReferences, type ActivityContext } from './activityContext';
import { isForLater } from './failures';
import { handOn, leave, setAside } from './takeIn';

/** What became of the pairs that back-references tell of. */
export interface RebuildCounts {
  /** Links made anew. */
  rebuilt: number;
  /** Of those, pairs whose values differ: the sync goes on with them. */
  differing: number;
  /** Of those, pairs one of whose records was deleted or archived. */
  ended: number;
  /** Pairs that are linked already. */
  kept: number;
  /** Records of which several name each other: the sync itself looks closer, and asks a person where that is not enough. */
  ambiguous: number;
  /** Records that name one which is gone. */
  orphaned: number;
  /** Pairs that were not restored, because a record of them is set aside. */
  aside: number;
}
export interface RebuildReport {
  records: Record<Side, number>;
  entities: Record<EntityType, RebuildCounts>;
  /** Records that the sync was told of afterwards: those without a link, or with differing values. */
  told: number;
  /** Records and pages that are set aside by now; `aside list` says why. */
  aside: number;
}

/** Pairs handled together: a few reads of the store serve them all. */
const BATCH = 100;

/** What a page had that is not on the shelf. */
type LeftOut = Pick<WalkedPage, 'gone'> & { unreadable: readonly Unreadable[] };

/** Puts all records of both sides on a shelf that can be read and kept. @returns how many were read of each side */
export async function fillShelf(
  { systems, mapping }: { systems: Record<Side, SystemPort>; mapping: Mapping },
  shelf: RecordShelf,
  onPage: (side: Side, records: number, leftOut: LeftOut) => Promise<void> | void,
): Promise<Record<Side, number>> {
  const counts = { zendesk: 0, pms: 0 };
  for (const side of SIDES) {
    const kinds = new Set(ENTITY_TYPES.map((type) => mapping.entities[type].kind[side]));
    for await (const page of walk(systems[side], kinds)) {
      const tooLarge = await shelf.put(page.records.filter((record) => record.skip === null));
      await shelf.remove(page.gone);
      counts[side] += page.records.length;
      const unreadable = [...(page.unreadable ?? []), ...tooLarge.map(unkept)];
      await onPage(side, counts[side], { gone: page.gone, unreadable });
    }
  }
  return counts;
}

function unkept({ ref, bytes }: TooLargeRecord): Unreadable {
  const reason = `found ${bytes} bytes, expected ${DOCUMENT_BYTES} at most in the link store`;
  return { ref, name: refKey(ref), reason, bytes };
}

/** All records, parents before children. */
export async function* shelved(mapping: Mapping, shelf: RecordShelf): AsyncIterable<SyncRecord> {
  const kinds = ENTITY_TYPES.flatMap((type) =>
    SIDES.map((side) => ({ side, kind: mapping.entities[type].kind[side] })),
  );
  const seen = new Set<string>();
  for (const { side, kind } of kinds) {
    if (seen.has(`${side}:${kind}`)) continue;
    seen.add(`${side}:${kind}`);
    yield* shelf.all(side, kind);
  }
}

export async function* inBatches<T>(items: AsyncIterable<T>): AsyncIterable<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/**
 * Restores links from back-references alone, then tells the sync of every record that has none or whose values differ
 * from its counterpart's. Neither system is written to. Safe beside a running service and safe to repeat: what is
 * claimed or linked already stays as it is. A record that cannot be read or kept is set aside, and holds up no other.
 */
export async function rebuildLinks(
  context: ActivityContext,
  shelf: RecordShelf,
  onProgress: (side: Side, records: number) => void,
): Promise<RebuildReport> {
  const unread = new Set<RefKey>();
  const records = await fillShelf(context, shelf, async (side, count, { unreadable }) => {
    onProgress(side, count);
    await setAside(context, side, unreadable);
    for (const { ref } of unreadable) if (ref) unread.add(refKey(ref));
  });
  const entities = Object.fromEntries(
    ENTITY_TYPES.map((type) => [
      type,
      { rebuilt: 0, differing: 0, ended: 0, kept: 0, ambiguous: 0, orphaned: 0, aside: 0 },
    ]),
  ) as Record<EntityType, RebuildCounts>;
  // Parents first: a child's snapshot names its parent's pair.
  for (const entity of ENTITY_TYPES) {
    for await (const batch of inBatches(marked(context.mapping, shelf, entity)))
      await new Batch(context, { shelf, unread }, entity, entities[entity]).rebuild(batch);
  }
  let told = 0;
  for await (const batch of inBatches(shelved(context.mapping, shelf)))
    told += await handOn(context, { records: batch, gone: [] }, 'rebuild');
  return { records, entities, told, aside: await context.store.aside.count() };
}

/** The records of an entity that carry a back-reference of ours. */
async function* marked(mapping: Mapping, shelf: RecordShelf, entity: EntityType): AsyncIterable<SyncRecord> {
  for (const side of SIDES) {
    const kind = mapping.entities[entity].kind[side];
    for await (const record of shelf.all(side, kind))
      if (record.backRef !== null && entityOf(mapping, side, kind, record.values) === entity) yield record;
  }
}

interface Found {
  key: CanonicalKey;
  records: Record<Side, SyncRecord>;
}

class Batch {
  constructor(
    private readonly context: ActivityContext,
    /** `unread`: records that are there, though not on the shelf. */
    private readonly read: { shelf: RecordShelf; unread: ReadonlySet<RefKey> },
    private readonly entity: EntityType,
    private readonly counts: RebuildCounts,
  ) {}

  /** One pair that meets an error of ours does not hold up the others. */
  async rebuild(marked: SyncRecord[]): Promise<void> {
    for (const { pair, references } of await this.referring(await this.pairs(marked))) {
      try {
        await this.restore(pair, references);
      } catch (error) {
        await this.leaveAside(pair, error);
      }
    }
  }

  /** Each pair with what its records refer to, which is looked up for all of them at once. */
  private async referring(pairs: Found[]): Promise<{ pair: Found; references: References }[]> {
    const { context, entity } = this;
    const table = context.mapping.entities[entity];
    try {
      const referring = pairs.map(({ records }) => ({
        table,
        records: SIDES.map((side) => records[side]),
        link: null,
      }));
      const references = await loadReferences(context, referring);
      return pairs.map((pair) => ({ pair, references }));
    } catch (error) {
      const [pair] = pairs;
      if (pairs.length > 1) {
        const half = Math.ceil(pairs.length / 2);
        const first = await this.referring(pairs.slice(0, half));
        return [...first, ...(await this.referring(pairs.slice(half)))];
      }
      if (pair) await this.leaveAside(pair, error);
      return [];
    }
  }

  private async restore({ key, records }: Found, references: References): Promise<void> {
    const { context, entity, counts } = this;
    const { store, mapping } = context;
    const existing = await store.get(key);
    const isKnown = existing && (existing.sides.zendesk ?? existing.sides.pms ?? existing.unlinked);
    if (isKnown || !(await this.claim(key, records))) {
      counts.kept += 1;
      return;
    }
    const now = context.now().toISOString();
    const { link, differing } = rebuiltLink(key, mapping, mapping.entities[entity], records, references, now);
    try {
      await store.save({ ...link, rev: existing?.rev ?? 0 });
    } catch (error) {
      // The service was faster.
      if (!(error instanceof StaleLink)) throw error;
      counts.kept += 1;
      return;
    }
    counts.rebuilt += 1;
    if (differing.length > 0) counts.differing += 1;
    if (link.status === 'tombstone') counts.ended += 1;
  }

  /** @throws the error where it passes: the command is repeated then */
  private async leaveAside({ key, records }: Found, error: unknown): Promise<void> {
    if (isForLater(error)) throw error;
    this.counts.aside += 1;
    await leave(this.context, records[parseCanonicalKey(key).origin.side], error);
  }

  /** The pairs that these records and their back-references name without a doubt. */
  private async pairs(marked: SyncRecord[]): Promise<Found[]> {
    const { entity, counts } = this;
    const { shelf, unread } = this.read;
    const named = await shelf.get(marked.flatMap((record) => record.backRef ?? []));
    const claimants = new Map<RefKey, SyncRecord[]>();
    for (const record of await shelf.naming([...named.keys(), ...marked.map((each) => refKey(each.ref))])) {
      const ref = record.backRef ?? '';
      claimants.set(ref, [...(claimants.get(ref) ?? []), record]);
    }
    const found: Found[] = [];
    for (const record of marked) {
      const own = refKey(record.ref);
      const target = named.get(record.backRef ?? '');
      if (!target) {
        counts[unread.has(record.backRef ?? '') ? 'aside' : 'orphaned'] += 1;
        continue;
      }
      const mutual = target.backRef === own;
      // Where each names the other, the pair is met twice and handled once.
      if (mutual && record.ref.side === 'pms') continue;
      const origin = mutual ? record.ref : target.ref;
      const rivals = [
        ...(claimants.get(refKey(target.ref)) ?? []).filter((other) => refKey(other.ref) !== own),
        ...(claimants.get(own) ?? []).filter((other) => refKey(other.ref) !== refKey(target.ref)),
      ];
      const elsewhere = target.backRef !== null && !mutual;
      if (rivals.length > 0 || elsewhere) {
        counts.ambiguous += 1;
        continue;
      }
      const records = { [record.ref.side]: record, [target.ref.side]: target } as Record<Side, SyncRecord>;
      found.push({ key: await this.keyOf(canonicalKey(entity, origin), records), records });
    }
    return found;
  }

  /** The pair's name, or the one that surviving claims of both records agree on. */
  private async keyOf(key: CanonicalKey, records: Record<Side, SyncRecord>): Promise<CanonicalKey> {
    const refs = SIDES.map((side) => refKey(records[side].ref));
    const owners = new Set((await this.context.store.claims.owners(refs)).values());
    const [only, ...more] = owners;
    return only !== undefined && more.length === 0 ? only : key;
  }

  /** Zendesk's first, as every pair does. @returns whether both are this pair's now */
  private async claim(key: CanonicalKey, records: Record<Side, SyncRecord>): Promise<boolean> {
    const { store } = this.context;
    const claimed: RefKey[] = [];
    for (const side of SIDES) {
      const ref = refKey(records[side].ref);
      if ((await store.claims.claim(ref, key)) === key) claimed.push(ref);
      else {
        for (const own of claimed) await store.claims.release(own, key);
        return false;
      }
    }
    return true;
  }
}
