import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { LinkStore } from '../links/linkStore';
import { allowedOf, type BrakeSettings, type CountedChange, type Threshold } from '../sync/brake';
import type { CanonicalKey } from '../sync/canonicalKey';
import { EXAMPLES_KEPT, holdId, type BrakeHold, type HoldId, type Holds } from '../sync/holds';
import type { EntityType, RefKey } from '../sync/record';
import { ChangeWindow } from './changeWindow';
import type { SyncMetrics } from './metrics';

/** For how long the number of linked pairs is cached. */
const LINKED_MS = 60_000;
/** How many kinds of change are remembered at most, in each of the caches below. */
const KINDS_AT_MOST = 500;

type Store = Pick<
  LinkStore,
  'holds' | 'changeCounts' | 'countLinked' | 'countOfOtherMapping' | 'countHeldBy' | 'heldBy'
>;

interface Surroundings {
  store: Store;
  log: Logger;
  metrics: SyncMetrics;
  now: () => Date;
}

/** What came of counting a plan's changes; null: the plan may be carried out. */
export type Counted = 'hold' | { read: RefKey } | null;

/** One change of a pair, as it is judged. */
interface Judged {
  key: CanonicalKey;
  counted: CountedChange;
  threshold: Threshold;
  id: HoldId;
}

/**
 * Counts the values that plans would empty or replace, and the pairs that they would end, and begins a hold if there
 * are too many changes of one kind. Each process has one brake for each connection.
 */
export class Brake {
  private readonly window: ChangeWindow;
  /** Pairs that were counted, so that a pair that is planned again is not counted twice. */
  private readonly seen = new LRUCache<HoldId, Set<CanonicalKey>>({ max: KINDS_AT_MOST });
  private readonly linked = new LRUCache<EntityType, number>({ max: 10, ttl: LINKED_MS });
  /**
   * Holds that a changed mapping does not need, by the id of the hold and the version of the mapping: few pairs are
   * left to be brought to it, so that their changes are counted one by one.
   */
  private readonly few = new LRUCache<string, true>({ max: KINDS_AT_MOST });

  constructor(
    private readonly around: Surroundings,
    private readonly settings: BrakeSettings,
  ) {
    const windowMs = settings.windowMinutes * 60_000;
    this.window = new ChangeWindow(around.store.changeCounts, windowMs, around);
  }

  /**
   * Counts what a pair's plan would destroy, before any of it is written.
   * @param holds those of the pair's entity @param mappingVersion the version of the mapping that the plan was made by
   * @returns `hold`: a hold began, and the pair must be planned again. `read`: the end of the pair would be one too
   * many, so read this record first, because an end of both records is not counted
   */
  async count(
    key: CanonicalKey,
    changes: readonly CountedChange[],
    holds: Holds,
    mappingVersion: string,
  ): Promise<Counted> {
    let begun: Counted = null;
    for (const counted of changes) {
      const threshold = this.settings.thresholds[counted.measure];
      if (!threshold || isKnown(holds, counted)) continue;
      const judged = { key, counted, threshold, id: holdId(counted.change, counted.bound) };
      const found = await this.isTooMany(judged, mappingVersion);
      if (typeof found === 'object') return found;
      if (found) begun = 'hold';
    }
    return begun;
  }

  /**
   * Begins a hold if the changes that one page of a reconcile has found are too many by themselves, before any pair is
   * signalled. They are not added to the count: each pair counts its own change when it is planned.
   */
  async foresee(found: readonly { key: CanonicalKey; changes: readonly CountedChange[] }[]): Promise<void> {
    const pairs = new Map<HoldId, Judged[]>();
    for (const { key, changes } of found)
      for (const counted of changes) {
        const threshold = this.settings.thresholds[counted.measure];
        if (!threshold) continue;
        const id = holdId(counted.change, counted.bound);
        pairs.set(id, [...(pairs.get(id) ?? []), { key, counted, threshold, id }]);
      }
    for (const all of pairs.values()) {
      const [first] = all;
      if (!first || all.length <= first.threshold.least) continue;
      const { entity } = first.counted.change;
      if (isKnown(await this.around.store.holds.of(entity), first.counted)) continue;
      const [linked, allowed] = await this.allowed(first);
      if (all.length <= allowed) continue;
      const examples = all.slice(0, EXAMPLES_KEPT).map(({ key }) => key);
      await this.begin(first.counted, 'held', { pairs: all.length, linked, allowed }, examples);
    }
  }

  /** Stores what was counted so far. */
  async stop(): Promise<void> {
    await this.window.stop();
  }

  private async isTooMany(judged: Judged, mappingVersion: string): Promise<boolean | { read: RefKey }> {
    const { id, threshold, counted } = judged;
    if (counted.measure === 'remapped' && (await this.mayBeMany(judged, mappingVersion))) return true;
    await this.window.ensureRead();
    const isNew = this.note(judged);
    if (this.window.of(id) <= threshold.least) return false;
    const [linked, allowed] = await this.allowed(judged);
    if (this.window.of(id) <= allowed) return false;
    if (counted.unread !== undefined) {
      // Whether it counts is known once the pair's other record was read.
      if (isNew) this.takeBack(judged);
      return { read: counted.unread };
    }
    // A person may have ended such a hold a moment ago, which deletes the stored count. Read the count again; this pair
    // is then counted anew.
    await this.window.readAgain();
    this.note(judged);
    const pairs = this.window.of(id);
    if (pairs <= allowed) return false;
    const examples = [...(this.seen.get(id) ?? [])].slice(-EXAMPLES_KEPT);
    return this.begin(counted, 'held', { pairs, linked, allowed }, examples);
  }

  /** @returns whether the pair was not counted before */
  private note({ key, id }: Judged): boolean {
    const seen = this.seen.get(id) ?? new Set();
    // Fewer are counted than were seen: a person ended a hold, or the window has passed.
    if (seen.size > this.window.of(id)) seen.clear();
    if (seen.has(key)) return false;
    seen.add(key);
    this.seen.set(id, seen);
    this.window.add(id, 1);
    return true;
  }

  private takeBack({ key, id }: Judged): void {
    this.seen.get(id)?.delete(key);
    this.window.add(id, -1);
  }

  /**
   * After a change of the mapping: if more pairs than allowed were not synced by it yet, begins a hold with the state
   * `counting`, so that no such change is written before all these pairs were counted.
   * @returns whether the hold was begun, or there is one already
   */
  private async mayBeMany(judged: Judged, mappingVersion: string): Promise<boolean> {
    const { id, counted, key } = judged;
    const once = `${id} ${mappingVersion}`;
    if (this.few.has(once)) return false;
    const pairs = await this.around.store.countOfOtherMapping(counted.change.entity, mappingVersion);
    const [linked, allowed] = await this.allowed(judged);
    if (pairs > allowed) return this.begin(counted, 'counting', { pairs, linked, allowed }, [key]);
    this.few.set(once, true);
    return false;
  }

  /** @returns how many pairs are linked, and how many of them may be changed alike */
  private async allowed({ counted, threshold }: Judged): Promise<[number, number]> {
    const { entity } = counted.change;
    const linked = this.linked.get(entity) ?? (await this.around.store.countLinked(entity));
    this.linked.set(entity, linked);
    return [linked, allowedOf(threshold, linked)];
  }

  private async begin(
    { change, cause, bound }: CountedChange,
    state: BrakeHold['state'],
    counts: BrakeHold['counts'],
    examples: CanonicalKey[],
  ): Promise<true> {
    const { store, log, metrics, now } = this.around;
    const hold: BrakeHold = {
      ...{ ...change, id: holdId(change, bound), state, by: 'brake', cause, since: now().toISOString() },
      ...(bound !== undefined && { bound }),
      ...{ counts, examples },
    };
    if (!(await store.holds.begin(hold))) return true;
    metrics.braked(change.entity, change.kind);
    log.error(
      { hold: hold.id, cause, ...counts, examples },
      `the brake holds ${hold.id}: ${cause}; "zendesk-pms-sync brake show" says more`,
    );
    return true;
  }
}

/**
 * Whether the plan was made in view of a hold on such changes. If the change is planned all the same, a person has
 * released or discarded the hold, or it does not concern this pair: the change is not counted.
 */
function isKnown(holds: Holds, { change, bound }: CountedChange): boolean {
  const id = holdId(change, bound);
  return holds.some((hold) => hold.id === id);
}
