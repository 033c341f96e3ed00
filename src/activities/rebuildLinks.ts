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
import { dispatchOrSetAside, setRecordAside, setAside } from './takeIn';

/** The outcome for the pairs that back-references name. */
export interface RebuildCounts {
  /** Restored links. */
  rebuilt: number;
  /** Restored pairs whose values differ: the sync merges them. */
  differing: number;
  /** Restored pairs with a record that was deleted or archived. */
  ended: number;
  /** Pairs that are linked already. */
  kept: number;
  /**
   * Records with several possible counterparts: the sync looks for matches, and asks a person if that is not enough.
   */
  ambiguous: number;
  /** Records whose back-reference names a record that no longer exists. */
  orphaned: number;
  /** Pairs that were not restored, because a record of them is set aside. */
  aside: number;
}
export interface RebuildReport {
  records: Record<Side, number>;
  entities: Record<EntityType, RebuildCounts>;
  /** Pairs that were signalled afterwards: without a link, or with differing values. */
  told: number;
  /** Records and pages that are set aside by now; `aside list` says why. */
  aside: number;
}

/** Pairs that are processed together, with a few reads of the store. */
const BATCH = 100;

/** The records of a page that are not on the shelf. */
type LeftOut = Pick<WalkedPage, 'gone'> & { unreadable: readonly Unreadable[] };

/** Puts all readable records of both sides on a shelf. @returns the number of records of each side */
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
 * Restores links from back-references, then signals the pairs of all other records and of records whose values differ.
 * It writes to neither system. It may run beside the service and may be repeated: existing claims and links stay as
 * they are. A record that cannot be read or stored is set aside, and does not block the others.
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
  let signalled = 0;
  for await (const batch of inBatches(shelved(context.mapping, shelf)))
    signalled += await dispatchOrSetAside(context, { records: batch, gone: [] }, 'rebuild');
  return { records, entities, told: signalled, aside: await context.store.aside.count() };
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
    /** `unread`: records that exist, but could not be put on the shelf. */
    private readonly read: { shelf: RecordShelf; unread: ReadonlySet<RefKey> },
    private readonly entity: EntityType,
    private readonly counts: RebuildCounts,
  ) {}

  /** Restores the pairs of these records. A pair that causes a bug does not block the others. */
  async rebuild(marked: SyncRecord[]): Promise<void> {
    for (const { pair, references } of await this.referring(await this.pairs(marked))) {
      try {
        await this.restore(pair, references);
      } catch (error) {
        await this.leaveAside(pair, error);
      }
    }
  }

  /** The pairs with their references, which are looked up for all of them at once. */
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
    const existing = (await store.getMany([key])).get(key);
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
      // The running service has created the link meanwhile.
      if (!(error instanceof StaleLink)) throw error;
      counts.kept += 1;
      return;
    }
    counts.rebuilt += 1;
    if (differing.length > 0) counts.differing += 1;
    if (link.status === 'tombstone') counts.ended += 1;
  }

  /** @throws the error if a later attempt may succeed: the command is then repeated */
  private async leaveAside({ key, records }: Found, error: unknown): Promise<void> {
    if (isForLater(error)) throw error;
    this.counts.aside += 1;
    await setRecordAside(this.context, records[parseCanonicalKey(key).origin.side], error);
  }

  /** The pairs that the records' back-references name unambiguously. */
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
      // If both records name each other, the pair is found twice, and processed once.
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

  /** The key of the pair: the one that surviving claims of both records agree on, or else `key`. */
  private async keyOf(key: CanonicalKey, records: Record<Side, SyncRecord>): Promise<CanonicalKey> {
    const refs = SIDES.map((side) => refKey(records[side].ref));
    const owners = new Set((await this.context.store.claims.owners(refs)).values());
    const [only, ...more] = owners;
    return only !== undefined && more.length === 0 ? only : key;
  }

  /** Claims both records, Zendesk's first, as every pair does. @returns whether this pair has both */
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
