import type { RecordShelf } from '../links/shelf';
import { StaleLink } from '../links/staleLink';
import { canonicalKey, refKey, type CanonicalKey } from '../sync/canonicalKey';
import { entityOf, type Mapping } from '../sync/mapping';
import { rebuiltLink } from '../sync/rebuiltLink';
import {
  ENTITY_TYPES,
  SIDES,
  type EntityType,
  type RecordRef,
  type RefKey,
  type Side,
  type SyncRecord,
} from '../sync/record';
import type { SystemPort } from '../systems/port';
import { walk } from '../systems/walkRecords';
import { loadReferences, type ActivityContext } from './activityContext';
import { dispatchChanges } from './dispatch';

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
}
export interface RebuildReport {
  records: Record<Side, number>;
  entities: Record<EntityType, RebuildCounts>;
  /** Records that the sync was told of afterwards: those without a link, or with differing values. */
  told: number;
}

/** Pairs handled together: a few reads of the store serve them all. */
const BATCH = 100;

/** Puts all records of both sides on a shelf. @returns how many were read of each side */
export async function fillShelf(
  { systems, mapping }: { systems: Record<Side, SystemPort>; mapping: Mapping },
  shelf: RecordShelf,
  onPage: (side: Side, records: number, gone: RecordRef[]) => Promise<void> | void,
): Promise<Record<Side, number>> {
  const counts = { zendesk: 0, pms: 0 };
  for (const side of SIDES) {
    const kinds = new Set(ENTITY_TYPES.map((type) => mapping.entities[type].kind[side]));
    for await (const page of walk(systems[side], kinds)) {
      await shelf.put(page.records.filter((record) => record.skip === null));
      await shelf.remove(page.gone);
      counts[side] += page.records.length;
      await onPage(side, counts[side], page.gone);
    }
  }
  return counts;
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
 * claimed or linked already stays as it is.
 */
export async function rebuildLinks(
  context: ActivityContext,
  shelf: RecordShelf,
  onProgress: (side: Side, records: number) => void,
): Promise<RebuildReport> {
  const records = await fillShelf(context, shelf, onProgress);
  const entities = Object.fromEntries(
    ENTITY_TYPES.map((type) => [
      type,
      { rebuilt: 0, differing: 0, ended: 0, kept: 0, ambiguous: 0, orphaned: 0 },
    ]),
  ) as Record<EntityType, RebuildCounts>;
  // Parents first: a child's snapshot names its parent's pair.
  for (const entity of ENTITY_TYPES) {
    for await (const batch of inBatches(marked(context.mapping, shelf, entity)))
      await new Batch(context, shelf, entity, entities[entity]).rebuild(batch);
  }
  let told = 0;
  for await (const batch of inBatches(shelved(context.mapping, shelf)))
    told += await dispatchChanges(context, { records: batch, gone: [] });
  return { records, entities, told };
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
    private readonly shelf: RecordShelf,
    private readonly entity: EntityType,
    private readonly counts: RebuildCounts,
  ) {}

  async rebuild(marked: SyncRecord[]): Promise<void> {
    const { context, entity, counts } = this;
    const { store, mapping } = context;
    const table = mapping.entities[entity];
    const pairs = await this.pairs(marked);
    const references = await loadReferences(
      context,
      pairs.map(({ records }) => ({ table, records: SIDES.map((side) => records[side]), link: null })),
    );
    for (const { key, records } of pairs) {
      const existing = await store.get(key);
      if (existing && (existing.sides.zendesk ?? existing.sides.pms ?? existing.unlinked)) {
        counts.kept += 1;
        continue;
      }
      if (!(await this.claim(key, records))) {
        counts.kept += 1;
        continue;
      }
      const now = context.now().toISOString();
      const { link, differing } = rebuiltLink(key, mapping, table, records, references, now);
      try {
        await store.save({ ...link, rev: existing?.rev ?? 0 });
      } catch (error) {
        // The service was faster.
        if (!(error instanceof StaleLink)) throw error;
        counts.kept += 1;
        continue;
      }
      counts.rebuilt += 1;
      if (differing.length > 0) counts.differing += 1;
      if (link.status === 'tombstone') counts.ended += 1;
    }
  }

  /** The pairs that these records and their back-references name without a doubt. */
  private async pairs(marked: SyncRecord[]): Promise<Found[]> {
    const { shelf, entity, counts } = this;
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
        counts.orphaned += 1;
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
