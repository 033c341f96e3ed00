import { heartbeat } from '@temporalio/activity';
import { parseCanonicalKey, refKey, type CanonicalKey } from '../sync/canonicalKey';
import type { Link } from '../sync/link';
import { disorderOf, nothingTidied, type Tidied } from '../sync/disorder';
import { entityOf } from '../sync/mapping';
import { filterReason, isEcho, hasUncomparedRow } from '../sync/planner';
import { SIDES, type SyncRecord } from '../sync/record';
import type { Claim, KeptObservation } from '../links/linkWalk';
import { loadReferences, type ActivityContext } from './activityContext';
import { ownKey } from './dispatch';
import { guardedBy } from './guarded';
import type { ReconcileStep, UpkeepActivities } from './types';

const ITEMS_PER_PAGE = 500;
/** A claim without a link, or an unprocessed observation, counts as abandoned after this time. */
const SETTLED_MS = 30 * 60_000;
/** A nightly walk of comments begins this long before the start of the last reconcile. */
const OVERLAP_MS = 24 * 3_600_000;
/** For this long after a property exists again, hygiene signals pairs that have not compared its values yet. */
const SIGNALLED_FOR_MS = 24 * 3_600_000;
/** Such pairs signalled for each page, because each costs two reads. The others are signalled at the next run. */
const COMPARED_PER_PAGE = 100;

/** Activities that maintain the link store. They touch no API. */
export function upkeepActivities(live: ActivityContext): UpkeepActivities {
  const { store, systems } = live;
  const guarded = guardedBy(live, 'background');

  return {
    reconcileSteps: ({ full }) =>
      guarded(null, async ({ mapping }) => {
        const [last] = await store.upkeep.reportsFirst(1);
        const since = full || !last ? null : new Date(Date.parse(last.startedAt) - OVERLAP_MS).toISOString();
        const steps: ReconcileStep[] = [];
        // Parents before their children, so that the children need not wait.
        for (const table of Object.values(mapping.entities)) {
          for (const side of SIDES) {
            const kind = table.kind[side];
            if (steps.some((step) => step.side === side && step.kind === kind)) continue;
            steps.push({ side, kind, since: systems[side].histories.includes(kind) ? since : null });
          }
        }
        return steps;
      }),

    saveReport: (report) => guarded(null, () => store.upkeep.saveReport(report)),

    tidy: ({ part, after }) =>
      guarded(null, async (context) => {
        const tidied = nothingTidied();
        const tidier = new Tidier(context, tidied);
        let last: string | undefined;
        let count = 0;
        switch (part) {
          case 'links': {
            const links = await store.linksAfter(after, ITEMS_PER_PAGE);
            await tidier.links(links);
            [last, count] = [links.at(-1)?._id, links.length];
            break;
          }
          case 'claims': {
            const claims = await store.upkeep.claimsAfter(after, ITEMS_PER_PAGE);
            await tidier.claims(claims);
            [last, count] = [claims.at(-1)?.ref, claims.length];
            break;
          }
          case 'journal':
            tidied.dropped += await store.journal.sweep();
            break;
          case 'observations': {
            const observations = await store.upkeep.observationsAfter(after, ITEMS_PER_PAGE);
            await tidier.observations(observations);
            [last, count] = [observations.at(-1)?.ref, observations.length];
            break;
          }
        }
        tidied.looked = count;
        return { after: count === ITEMS_PER_PAGE && last !== undefined ? last : null, tidied };
      }),
  };
}

class Tidier {
  constructor(
    private readonly context: ActivityContext,
    private readonly tidied: Tidied,
  ) {}

  async links(links: Link[]): Promise<void> {
    const { store, now } = this.context;
    const awaited = links.flatMap((link) => link.waitsFor);
    const owners = await store.claims.owners(awaited);
    const parents = await store.getMany(owners.values());
    for (const link of links) {
      const states = link.waitsFor.map((ref) => {
        const parent = parents.get(owners.get(ref) ?? '');
        if (!parent) return 'unknown';
        return parent.sides.zendesk && parent.sides.pms ? 'linked' : 'at work';
      });
      const disorder = disorderOf(link, states, now());
      if (disorder) await this.signal(link._id, disorder);
    }
    await this.uncompared(links);
  }

  /** Signals pairs with rows that rested: an edit made meanwhile is synced when the property exists again. */
  private async uncompared(links: Link[]): Promise<void> {
    const { store, mapping, now } = this.context;
    const changedAt = await store.bindings.changedAt();
    if (!changedAt || now().getTime() - changedAt.getTime() > SIGNALLED_FOR_MS) return;
    const some = links.filter((link) => hasUncomparedRow(mapping, link)).slice(0, COMPARED_PER_PAGE);
    for (const { _id } of some) await this.signal(_id, 'offered again');
  }

  /** A claim that no link confirms: its pair is signalled once. If no link confirms it afterwards, it is released. */
  async claims(claims: Claim[]): Promise<void> {
    const { store, now } = this.context;
    const links = await store.getMany(claims.map((claim) => claim.key));
    for (const claim of claims) {
      const { ref, key, strayAt } = claim;
      if (answersFor(links.get(key), claim)) {
        if (strayAt !== null) await store.upkeep.markStray(ref, null);
      } else if (strayAt === null) {
        await store.upkeep.markStray(ref, now());
        await this.signal(key, 'half-made claim');
      } else if (now().getTime() - Date.parse(strayAt) > SETTLED_MS) {
        await store.claims.release(ref, key);
        this.tidied.released += 1;
      }
    }
  }

  async observations(observations: KeptObservation[]): Promise<void> {
    const { context } = this;
    const { store, mapping, now } = context;
    const old = observations.filter(({ at }) => at === null || now().getTime() - Date.parse(at) > SETTLED_MS);
    const owners = await store.claims.owners(old.map(({ ref }) => ref));
    const kept = old.map(({ ref, record }) => {
      const entity = record.skip ? null : entityOf(mapping, record.ref.side, record.ref.kind, record.values);
      return { ref, record, entity, key: owners.get(ref) ?? (entity && ownKey(entity, record)) };
    });
    const links = await store.getMany(kept.flatMap(({ key }) => key ?? []));
    const settled: SyncRecord[] = [];
    for (const { ref, record, entity, key } of kept) {
      const link = links.get(key ?? '') ?? null;
      // Such a pair keeps its observation for a person's decision, a parent, or the end of a pause.
      const isWaiting =
        link &&
        (link.status === 'conflict' ||
          link.status === 'quarantined' ||
          link.waitsFor.length > 0 ||
          link.reason?.code === 'paused');
      if (isWaiting || (entity && (await store.control.isPaused(entity)))) continue;
      if (!entity || !key || (await this.isWithoutChange(entity, link, record))) settled.push(record);
      else await this.signal(key, 'orphaned observation', ref);
    }
    await store.observations.forget(settled);
    this.tidied.dropped += settled.length;
  }

  private async isWithoutChange(
    entity: Link['entity'],
    link: Link | null,
    record: KeptObservation['record'],
  ): Promise<boolean> {
    const { context } = this;
    const table = context.mapping.entities[entity];
    if (!link) return filterReason(table, record) !== null;
    if (link.status === 'tombstone') return record.state !== 'live';
    const references = await loadReferences(context, [{ table, records: [record], link }]);
    return isEcho(context.mapping, table, link, record, references);
  }

  private async signal(key: CanonicalKey, why: string, ref?: string): Promise<void> {
    const hints = [{ ref: ref ?? refKey(parseCanonicalKey(key).origin), version: null }];
    await this.context.signalPair(key, {
      hints,
      force: false,
      hops: 0,
      lane: 'background',
      causes: ['hygiene'],
    });
    this.tidied.told[why] = (this.tidied.told[why] ?? 0) + 1;
    heartbeat();
  }
}

/** Whether the link confirms a claim: it has the record, or may get it (the origin, or a create in progress). */
function answersFor(link: Link | undefined, { ref, key }: Claim): boolean {
  if (!link) return false;
  const held = SIDES.some((side) => link.sides[side]?.ref === ref);
  return held || link.intent !== null || ref === refKey(parseCanonicalKey(key).origin);
}
