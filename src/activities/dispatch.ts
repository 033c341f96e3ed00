import { observationDigest } from '../links/observationStore';
import { canonicalKey, parseRef, refKey, tryParseRef, type CanonicalKey } from '../sync/canonicalKey';
import { isHeld, type Link } from '../sync/link';
import type { Cause } from '../sync/journalCauses';
import { entityOf } from '../sync/mapping';
import { filterReason, isEcho } from '../sync/planner';
import type { EntityType, RecordRef, RefKey, SyncRecord } from '../sync/record';
import type { ChangePage } from '../systems/port';
import { inParallel } from '../systems/inParallel';
import { loadReferences, summarise, type ActivityContext } from './activityContext';
import type { Hint } from './types';

/** Signals under way at once: enough to keep Temporal busy, few enough not to crowd out the workers. */
const SIGNALS_AT_ONCE = 20;
/** Nobody watches for the effect of an edit that is older than this: a backfill, a rewound cursor, a long outage. */
const WATCHED_MS = 15 * 60_000;

/**
 * Hands a page of changes to the pairs concerned: keeps each record where its pair will find it, then tells
 * the pair. Echoes of our own writes and repeats stop here, without an action in Temporal.
 *
 * @param page `gone`: they ended, as their side says; `absent`: they were not found, which proves nothing by itself;
 * `cause`: for the journal
 *
 * @returns how many pairs were told
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
  const owners = await store.claims.owners([...items.map(({ ref }) => ref), ...goneRefs, ...absentRefs]);
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
  const news = items.filter(({ entity, record, ref }) => {
    const [link, table] = [linkOf(ref), mapping.entities[entity]];
    if (link?.unlinked || isRefusedOn(link, record)) return false;
    return link ? !isEcho(mapping, table, link, record, references) : filterReason(table, record) === null;
  });
  const refused = new Set(await store.observations.keep(news.map(({ record }) => record)));
  const keyOf = (item: (typeof items)[number]) => owners.get(item.ref) ?? ownKey(item.entity, item.record);
  const held = await heldKeys(
    context,
    links,
    news.filter(({ ref, record }) => owners.has(ref) || record.backRef !== null).map(keyOf),
  );

  const inboxes = new Map<CanonicalKey, Hint[]>();
  const tell = (key: CanonicalKey, hint: Hint) => inboxes.set(key, [...(inboxes.get(key) ?? []), hint]);
  for (const item of news) {
    const key = keyOf(item);
    if (!held.has(key)) tell(key, hintOf(item.ref, item.record));
  }
  const tellOwner = (hint: Hint) => {
    const owner = owners.get(hint.ref);
    if (owner) tell(owner, hint);
  };
  for (const ref of goneRefs) tellOwner({ ref, version: null, gone: true });
  for (const ref of absentRefs) tellOwner({ ref, version: null });
  const first = page.records[0]?.ref ?? page.gone[0];
  if (first) context.metrics.dispatched(first.side, inboxes.size);
  const old = oldOnes(context.now(), news);
  await inParallel([...inboxes], SIGNALS_AT_ONCE, ([key, hints]) => {
    const lane = hints.every(({ ref }) => old.has(ref)) ? 'background' : 'interactive';
    const link = links.get(key);
    // Another one with a greater order waits to be planned: which of the two is older, only the record itself tells.
    const force = hints.some(({ ref }) => refused.has(ref));
    return context.hint(key, { hints, force, hops: 0, lane, ...causes }, link && summarise(key, link));
  });
  return inboxes.size;
}

/** An export lists its latest events with each poll: a write that was refused is not sent again for them. */
function isRefusedOn(link: Link | null, record: SyncRecord): boolean {
  return link?.status === 'quarantined' && link.refusedOn?.[refKey(record.ref)] === observationDigest(record);
}

/** A record that says itself that it ended may not be found when it is read. */
export function hintOf(ref: RefKey, { version, state }: SyncRecord): Hint {
  return { ref, version, ...(state !== 'live' && { gone: true }) };
}

function oldOnes(now: Date, news: readonly { record: SyncRecord; ref: RefKey }[]): Set<RefKey> {
  const watchedSince = now.getTime() - WATCHED_MS;
  const isOld = ({ record }: { record: SyncRecord }) => Date.parse(record.updatedAt) < watchedSince;
  return new Set(news.filter(isOld).map(({ ref }) => ref));
}

/**
 * Pairs that a backfill is writing: it looks for observations once it is done, so that these need not be told. Asked
 * after the observations are kept, so that one of the two sees the other.
 */
async function heldKeys(
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

/** A record that nobody claimed begins a pair, unless it says itself which record it was made for. */
export function ownKey(entity: EntityType, record: SyncRecord): CanonicalKey {
  const back = tryParseRef(record.backRef);
  return canonicalKey(entity, back && back.side !== record.ref.side ? back : parseRef(refKey(record.ref)));
}
