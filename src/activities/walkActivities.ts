import { heartbeat } from '@temporalio/activity';
import { emptiedRows, type CountedChange } from '../sync/brake';
import { parseRef, refKey, type CanonicalKey } from '../sync/canonicalKey';
import { entityOf, type EntityMapping } from '../sync/mapping';
import { examine, type Verdict } from '../sync/reconcileVerdict';
import { addFindings, noFindings, type AllFindings } from '../sync/findings';
import type { Link } from '../sync/link';
import { otherSide, type EntityType, type RefKey, type Side, type SyncRecord } from '../sync/record';
import { entityOfRef, loadReferences, type ActivityContext } from './activityContext';
import { hintOf, ownKey } from './dispatch';
import { inParallel } from '../systems/inParallel';
import { readApart } from '../systems/readApart';
import { guardedBy } from './guarded';
import { setAside } from './takeIn';
import type { Hint, WalkActivities } from './types';

/** Pages that one activity walks: what a killed worker has to walk again. */
const PAGES_PER_WALK = 10;
const CLAIMS_PER_PAGE = 1_000;
const RECORDS_PER_READ = 100;
const SIGNALS_AT_ONCE = 20;
/** Pairs of one page whose values are offered again: each costs two reads and a write or two. */
const OFFERS_PER_PAGE = 20;

/** Activities that walk one side's records for a reconcile, in the background lane. */
export function walkActivities(live: ActivityContext, side: Side): WalkActivities {
  const { store, systems } = live;
  const port = systems[side];
  const guarded = guardedBy(live, 'background');

  return {
    walkRecords: ({ run, kind, since, cursor: from }) =>
      guarded(null, async (context) => {
        let findings = noFindings();
        let cursor = from;
        for (let pages = 0; pages < PAGES_PER_WALK; pages += 1) {
          const page = await port.walk(kind, cursor, since === null ? null : new Date(since));
          await setAside(context, side, page.unreadable);
          findings = addFindings(findings, await examineRecords(context, run, page.records));
          ({ cursor } = page);
          heartbeat();
          if (cursor === null) break;
        }
        return { cursor, findings };
      }),

    sweepUnseen: ({ run, kinds, after }) =>
      guarded(null, async (context) => {
        const claims = await store.upkeep.claimsAfter(after, CLAIMS_PER_PAGE);
        const unseen = claims
          .filter((claim) => claim.seen !== run)
          .map((claim) => claim.ref)
          .filter((ref) => parseRef(ref).side === side && kinds.includes(parseRef(ref).kind));
        let findings = noFindings();
        for (let i = 0; i < unseen.length; i += RECORDS_PER_READ) {
          const some = unseen.slice(i, i + RECORDS_PER_READ).map(parseRef);
          const { results, unreadable } = await readApart(port, some);
          await setAside(context, side, unreadable);
          const records = results.flatMap(({ record }) => record ?? []);
          const gone = results.flatMap(({ ref, record }) => (record ? [] : refKey(ref)));
          findings = addFindings(findings, await examineRecords(context, run, records));
          findings = addFindings(findings, await signalPairsOfGone(context, run, gone));
          heartbeat();
        }
        const last = claims.at(-1);
        return { cursor: claims.length === CLAIMS_PER_PAGE && last ? last.ref : null, findings };
      }),
  };
}

/** Compares records with their links, and signals the pairs that need a repair. */
async function examineRecords(
  context: ActivityContext,
  run: string,
  records: SyncRecord[],
): Promise<AllFindings> {
  const { store, mapping } = context;
  const findings = noFindings();
  const items = records.flatMap((record) => {
    const entity = entityOf(mapping, record.ref.side, record.ref.kind, record.values);
    return entity ? [{ entity, record, ref: refKey(record.ref) }] : [];
  });
  const owners = await store.claims.owners(items.map(({ ref }) => ref));
  const keyOf = (ref: RefKey, entity: EntityType, record: SyncRecord) =>
    owners.get(ref) ?? ownKey(entity, record);
  const links = await store.getMany(items.map(({ ref, entity, record }) => keyOf(ref, entity, record)));
  const linkOf = (item: (typeof items)[number]) =>
    links.get(keyOf(item.ref, item.entity, item.record)) ?? null;
  const references = await loadReferences(
    context,
    items.map((item) => ({
      table: mapping.entities[item.entity],
      records: [item.record],
      link: linkOf(item),
    })),
  );
  const missing: SyncRecord[] = [];
  const emptied: { key: CanonicalKey; changes: CountedChange[] }[] = [];
  const offers: typeof items = [];
  const tell = new Map<CanonicalKey, { hints: Hint[]; force: boolean; entity: EntityType }>();
  for (const item of items) {
    const { entity, record, ref } = item;
    const verdict = examine(mapping, mapping.entities[entity], linkOf(item), record, references);
    count(findings, entity, record.ref.side, verdict);
    if (verdict.kind === 'notTaken') offers.push(item);
    if (!NEEDS_REPAIR.has(verdict.kind)) continue;
    // A list may be out of date, so the pair reads both records itself. A new pair begins with the listed record.
    const force = verdict.kind !== 'missing';
    if (!force) missing.push(record);
    const link = linkOf(item);
    if (verdict.kind === 'drifted' && link) {
      const changes = emptiedRows(mapping, mapping.entities[entity], link, record, references);
      emptied.push({ key: link._id, changes });
    }
    tell.set(keyOf(ref, entity, record), { hints: [hintOf(ref, record)], force, entity });
  }
  // If there are many, the next reconcile draws others.
  for (const { entity, record, ref } of sampled(offers, OFFERS_PER_PAGE))
    tell.set(keyOf(ref, entity, record), { hints: [], force: true, entity });
  await context.brake?.foresee(emptied);
  await store.observations.keep(missing);
  await store.upkeep.markSeen(
    items.map(({ ref }) => ref),
    run,
  );
  return addFindings(findings, await signalPairs(context, tell, run));
}

/**
 * Signals the pairs of records that neither the walk nor a read by id found. A pair ends only if an earlier complete
 * reconcile did not find the record either, because a side may show us nothing for a while.
 */
async function signalPairsOfGone(
  context: ActivityContext,
  run: string,
  gone: RefKey[],
): Promise<AllFindings> {
  const { store, mapping } = context;
  const findings = noFindings();
  const missedBefore = await store.upkeep.markMissed(gone, run);
  const owners = await store.claims.owners(gone);
  const links = await store.getMany(owners.values());
  const ends: { key: CanonicalKey; changes: CountedChange[] }[] = [];
  const tell = new Map<CanonicalKey, { hints: Hint[]; force: boolean; entity: EntityType }>();
  for (const [ref, key] of owners) {
    const link = links.get(key);
    const entity = link?.entity ?? entityOfRef(mapping, ref);
    if (!entity || !link || link.status === 'tombstone') continue;
    findings[entity].orphaned += 1;
    const hint: Hint = { ref, version: null, ...(missedBefore.has(ref) && { gone: true }) };
    // The brake holds the end of this record, so the pair has noticed it.
    if (link.braked?.some((mark) => mark.gone === ref)) continue;
    if (hint.gone) ends.push({ key, changes: [endOf(mapping.entities[entity], link, parseRef(ref).side)] });
    tell.set(key, { hints: [hint], force: true, entity });
  }
  await context.brake?.foresee(ends);
  return addFindings(findings, await signalPairs(context, tell, run));
}

/** The change that the end of a record causes, for the brake. */
function endOf({ entity, onDelete }: EntityMapping, { sides }: Link, gone: Side): CountedChange {
  const side = otherSide(gone);
  const kind = onDelete === 'archive' && sides[side]?.state === 'live' ? 'archives' : 'ends';
  return { change: { entity, kind, row: null, side }, measure: kind, cause: 'records not found' };
}

async function signalPairs(
  { signalPair }: ActivityContext,
  tell: Map<CanonicalKey, { hints: Hint[]; force: boolean; entity: EntityType }>,
  run: string,
): Promise<AllFindings> {
  const findings = noFindings();
  await inParallel([...tell], SIGNALS_AT_ONCE, ([key, { hints, force }]) =>
    signalPair(key, { hints, force, hops: 0, lane: 'background', causes: [`reconcile:${run}`] }),
  );
  for (const [key, { entity }] of tell) {
    findings[entity].told += 1;
    findings[entity].examples.push(key);
  }
  return findings;
}

function sampled<T>(items: readonly T[], most: number): T[] {
  const drawn = items.map((item) => ({ item, lot: Math.random() })).sort((a, b) => a.lot - b.lot);
  return drawn.slice(0, most).map(({ item }) => item);
}

const NEEDS_REPAIR = new Set<Verdict['kind']>(['missing', 'drifted', 'ended', 'returned']);

function count(findings: AllFindings, entity: EntityType, side: Side, verdict: Verdict): void {
  const into = findings[entity];
  into.walked[side] += 1;
  into[verdict.kind] += 1;
  if (verdict.kind !== 'drifted') return;
  for (const row of verdict.rows) into.rows[row] = (into.rows[row] ?? 0) + 1;
}
