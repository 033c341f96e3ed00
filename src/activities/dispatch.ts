import { observationDigest } from '../links/observationStore';
import { canonicalKey, parseRef, refKey, tryParseRef, type CanonicalKey } from '../sync/canonicalKey';
import { isHeld, type Link } from '../sync/link';
import type { Cause } from '../sync/journalCauses';
import { entitiesOfKind, entityOf, type Mapping } from '../sync/mapping';
import { filterReason, isEcho } from '../sync/planner';
import { type EntityType, type RecordRef, type RefKey, type SyncRecord } from '../sync/record';
import type { References } from '../sync/values';
import type { ChangePage } from '../systems/port';
import { inParallel } from '../systems/inParallel';
import { loadReferences, summarise, type ActivityContext } from './activityContext';
import type { Hint } from './types';

/** Concurrent signals: enough to keep Temporal busy, and few enough to leave capacity to the workers. */
const SIGNALS_AT_ONCE = 20;
/** Edits older than this are background work: nobody waits for them (a backfill, a rewound cursor, a long outage). */
const INTERACTIVE_MS = 15 * 60_000;

/**
 * Dispatches a page of changes to the pairs concerned: stores each record as an observation, then signals its pair.
 * Echoes and repeats end here, without an action in Temporal.
 *
 * @param page `gone`: records that their side reported as deleted; `absent`: records that were not found, which alone
 * does not prove that they were deleted; `cause`: for the journal
 * @returns the number of signalled pairs
 */
export async function dispatchChanges(
  context: ActivityContext,
  page: Pick<ChangePage, 'records' | 'gone'> & { absent?: RecordRef[]; cause?: Cause },
): Promise<number> {
  const { store, mapping } = context;
  const causes = page.cause === undefined ? {} : { causes: [page.cause] };
  const items = page.records.flatMap((record) => {
    const entity = record.skip ? null : entityOf(mapping, record.ref.side, record.ref.kind, record.values);
    return entity ? [{ entity, record, ref: refKey(record.ref) }] : [];
  });
  const goneRefs = page.gone.map(refKey);
  const absentRefs = (page.absent ?? []).map(refKey);
  const ended = items.filter(({ record }) => record.state !== 'live').map(({ ref }) => ref);
  const owners = await ownersOf(context, {
    refs: [...items.map(({ ref }) => ref), ...goneRefs, ...absentRefs],
    ended: [...ended, ...goneRefs],
  });
  const links = await store.getMany(owners.values());
  const linkOf = (ref: string) => links.get(owners.get(ref) ?? '') ?? null;
  const references = await loadReferences(
    context,
    items.map(({ entity, record, ref }) => ({
      table: mapping.entities[entity],
      records: [record],
      link: linkOf(ref),
    })),
  );
  const news = items.filter((item) => isNews(mapping, linkOf(item.ref), item, references));
  const refused = new Set(await store.observations.keep(news.map(({ record }) => record)));
  const keyOf = (item: (typeof items)[number]) => owners.get(item.ref) ?? ownKey(item.entity, item.record);
  const held = await keysHeldByBackfill(
    context,
    links,
    news.filter(({ ref, record }) => owners.has(ref) || record.backRef !== null).map(keyOf),
  );

  const inboxes = new Map<CanonicalKey, Hint[]>();
  const addHint = (key: CanonicalKey, hint: Hint) => inboxes.set(key, [...(inboxes.get(key) ?? []), hint]);
  for (const item of news) {
    const key = keyOf(item);
    if (!held.has(key)) addHint(key, hintOf(item.ref, item.record));
  }
  const addHintForOwner = (hint: Hint) => {
    const owner = owners.get(hint.ref);
    if (owner) addHint(owner, hint);
  };
  for (const ref of goneRefs) addHintForOwner({ ref, version: null, gone: true });
  for (const ref of absentRefs) addHintForOwner({ ref, version: null });
  const first = page.records[0]?.ref ?? page.gone[0];
  if (first) context.metrics.dispatched(first.side, inboxes.size);
  const old = oldRecords(context.now(), news);
  await inParallel([...inboxes], SIGNALS_AT_ONCE, ([key, hints]) => {
    const lane = hints.every(({ ref }) => old.has(ref)) ? 'background' : 'interactive';
    const link = links.get(key);
    // The store has an observation with a greater order. Only the record itself shows which of the two is older.
    const force = hints.some(({ ref }) => refused.has(ref));
    return context.signalPair(key, { hints, force, hops: 0, lane, ...causes }, link && summarise(key, link));
  });
  return inboxes.size;
}

function isNews(
  mapping: Mapping,
  link: Link | null,
  { entity, record }: { entity: EntityType; record: SyncRecord },
  references: References,
): boolean {
  const table = mapping.entities[entity];
  if (link?.unlinked || isRefusedOn(link, record)) return false;
  return link ? !isEcho(mapping, table, link, record, references) : filterReason(table, record) === null;
}

/** The pairs that the records belong to. @param ended those of `refs` that are archived or deleted */
async function ownersOf(
  context: ActivityContext,
  { refs, ended }: { refs: RefKey[]; ended: RefKey[] },
): Promise<Map<RefKey, CanonicalKey>> {
  const owners = await context.store.claims.owners(refs);
  const strays = await strayPairs(
    context,
    ended.filter((ref) => !owners.has(ref)),
  );
  return new Map([...owners, ...strays]);
}

/**
 * The pairs of records that ended without being claimed: such a pair waits for a person to tell its record from another
 * one, and its record may name that other one's pair.
 */
async function strayPairs(
  { store, mapping }: ActivityContext,
  refs: readonly RefKey[],
): Promise<Map<RefKey, CanonicalKey>> {
  if (refs.length === 0) return new Map();
  const keys = refs.flatMap((ref) => {
    const record = parseRef(ref);
    const entities = entitiesOfKind(mapping, record.side, record.kind);
    return entities.map((entity) => [ref, canonicalKey(entity, record)] as const);
  });
  const known = await store.getMany(keys.map(([, key]) => key));
  return new Map(keys.filter(([, key]) => known.get(key)?.status === 'conflict'));
}

/** Whether a refused write was planned from this very record. Exports repeat their latest events at each poll. */
function isRefusedOn(link: Link | null, record: SyncRecord): boolean {
  return link?.status === 'quarantined' && link.refusedOn?.[refKey(record.ref)] === observationDigest(record);
}

/** The hint for a record. If the record shows that it ended, the hint says so, because a read may not find it. */
export function hintOf(ref: RefKey, { version, state }: SyncRecord): Hint {
  return { ref, version, ...(state !== 'live' && { gone: true }) };
}

function oldRecords(now: Date, news: readonly { record: SyncRecord; ref: RefKey }[]): Set<RefKey> {
  const watchedSince = now.getTime() - INTERACTIVE_MS;
  const isOld = ({ record }: { record: SyncRecord }) => Date.parse(record.updatedAt) < watchedSince;
  return new Set(news.filter(isOld).map(({ ref }) => ref));
}

/**
 * The pairs that a backfill is writing. They need no signal, because the backfill looks for observations when it is
 * done. Call this after the observations are stored, so that either this or the backfill notices the other.
 */
async function keysHeldByBackfill(
  { store, now }: ActivityContext,
  known: ReadonlyMap<CanonicalKey, Link>,
  keys: CanonicalKey[],
): Promise<Set<CanonicalKey>> {
  const maybe = keys.filter((key) => {
    const link = known.get(key);
    return !link || isHeld(link, now());
  });
  const links = await store.getMany(maybe);
  return new Set([...links.values()].filter((link) => isHeld(link, now())).map(({ _id }) => _id));
}

/** The key of an unclaimed record: its back-reference names the pair's origin; without one, it begins a pair itself. */
export function ownKey(entity: EntityType, record: SyncRecord): CanonicalKey {
  const back = tryParseRef(record.backRef);
  return canonicalKey(entity, back && back.side !== record.ref.side ? back : parseRef(refKey(record.ref)));
}
