import { sortCandidates } from '../sync/candidates';
import { canonicalKey, parseCanonicalKey, parseRef, refKey, type CanonicalKey } from '../sync/canonicalKey';
import type { Link } from '../sync/link';
import { isComment } from '../sync/mapping';
import type { Candidates, Observation } from '../sync/planner';
import { SIDES, type RefKey, type Side, type SyncRecord } from '../sync/record';
import { NO_DECISIONS, type Decisions } from '../sync/resolution';
import { olderSibling, type Sibling } from '../sync/siblings';
import { originRef, type ActivityContext } from './activityContext';
import type { PlanInput } from './types';

/** Reads the input of a pair's next plan from the link store. */
export class PairKnowledge {
  private readonly key: CanonicalKey;
  private readonly origin: RefKey;

  constructor(
    private readonly context: ActivityContext,
    private readonly input: PlanInput,
  ) {
    this.key = input.key;
    this.origin = originRef(input.key);
  }

  /**
   * Reads a person's decisions if there can be any. A decision about a linked pair without conflicts arrives with
   * `force`.
   */
  async decisions(link: Link | null): Promise<Decisions> {
    const rows = link?.conflicts.map(({ row }) => row) ?? [];
    const settled = link?.sides.zendesk && link.sides.pms && !link.unlinked;
    if (settled && rows.length === 0 && !this.input.force) return NO_DECISIONS;
    return this.context.store.decisions.of(this.key, rows);
  }

  /** The records of this pair that are known so far. */
  members(link: Link | null, { counterpart }: Decisions = NO_DECISIONS): RefKey[] {
    const sides = SIDES.flatMap((side) => link?.sides[side]?.ref ?? []);
    if (sides.length < 2 && counterpart !== null && counterpart !== 'create' && counterpart !== 'none')
      sides.push(counterpart);
    return [...new Set([this.origin, ...sides])];
  }

  /** Records to read before planning: with `force` all; otherwise those that a hint names and that were not seen. */
  unread(link: Link | null, members: RefKey[], observed: Map<RefKey, SyncRecord>): RefKey[] {
    const { input } = this;
    const known = new Set([...input.fresh, ...input.gone]);
    const wanted = input.force
      ? members
      : members.filter((ref) => {
          const hint = input.hints.findLast((candidate) => candidate.ref === ref);
          return hint && !observed.has(ref) && hint.version !== link?.sides[parseRef(ref).side]?.version;
        });
    return wanted.filter((ref) => !known.has(ref));
  }

  observations(members: RefKey[], observed: Map<RefKey, SyncRecord>): Partial<Record<Side, Observation>> {
    const result: Partial<Record<Side, Observation>> = {};
    for (const ref of members) {
      const record = observed.get(ref);
      const side = parseRef(ref).side;
      if (this.input.gone.includes(ref))
        result[side] = { record: null, fresh: true, ...this.unprovenUnlessReported(ref) };
      else if (record) result[side] = { record, fresh: this.input.fresh.includes(ref) };
    }
    return result;
  }

  /** A record that was not found counts as ended only if a hint reports its end, too. */
  private unprovenUnlessReported(ref: RefKey): { unproven?: true } {
    const isReported = this.input.hints.some((hint) => hint.ref === ref && hint.gone === true);
    return isReported ? {} : { unproven: true };
  }

  async claims(
    link: Link | null,
  ): Promise<{ owner?: CanonicalKey; owners: Map<RefKey, CanonicalKey>; candidates: boolean }> {
    if (link?.sides.zendesk && link.sides.pms) return { owners: new Map(), candidates: false };
    const { looked } = this.input;
    const owners = await this.context.store.claims.owners([this.origin, ...(looked?.matches ?? [])]);
    const owner = owners.get(this.origin);
    return { ...(owner !== undefined && { owner }), owners, candidates: looked !== null };
  }

  /** The comment before a new one, if it is not written yet: the new one waits for it. */
  async awaitedSibling(link: Link | null, origin: SyncRecord | undefined): Promise<RefKey | null> {
    const { store, mapping } = this.context;
    const { entity } = parseCanonicalKey(this.key);
    if (!isComment(mapping.entities[entity]) || origin?.parent === undefined) return null;
    if (link?.sides.zendesk && link.sides.pms) return null;
    const older: Sibling[] = [];
    let untimed = true;
    for await (const records of store.observations.below(origin.parent, origin.createdAt)) {
      const owners = await store.claims.owners(records.map(({ ref }) => refKey(ref)));
      const keyOf = ({ ref }: SyncRecord) => owners.get(refKey(ref)) ?? canonicalKey(entity, ref);
      const links = await store.getMany(records.map(keyOf));
      older.push(...records.map((record) => ({ record, link: links.get(keyOf(record)) ?? null })));
      const nearest = olderSibling(origin, older);
      // The first page has records without times; the others are sorted, the latest first.
      if (nearest !== null && !untimed && !isTied(records, older, nearest)) return nearest;
      untimed = false;
    }
    return olderSibling(origin, older);
  }

  async candidates(
    owners: Map<RefKey, CanonicalKey>,
    observed: Map<RefKey, SyncRecord>,
  ): Promise<Candidates> {
    const { matches = [], rivals = [] } = this.input.looked ?? {};
    const links = await this.context.store.getMany(owners.values());
    const found = matches.map((ref) => ({ ref, record: observed.get(ref) }));
    return sortCandidates(this.key, found, rivals, owners, links);
  }
}

/** Whether the last record of a page is as old as the nearest sibling: the next page may then have a nearer one. */
function isTied(page: readonly SyncRecord[], older: readonly Sibling[], nearest: RefKey): boolean {
  const found = older.find(({ record }) => refKey(record.ref) === nearest);
  return page.at(-1)?.createdAt === found?.record.createdAt;
}
