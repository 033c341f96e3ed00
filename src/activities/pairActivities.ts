import { sortCandidates } from '../sync/candidates';
import { canonicalKey, parseCanonicalKey, parseRef, refKey, type CanonicalKey } from '../sync/canonicalKey';
import {
  NO_PART,
  agreed,
  attemptsOf,
  isHeld,
  newLink,
  seenVersion,
  withOverruled,
  type Intent,
  type Link,
  type Overruling,
} from '../sync/link';
import { entityOf, isComment } from '../sync/mapping';
import { olderSibling } from '../sync/siblings';
import { retried } from '../sync/pairFiles';
import { planPair, type Candidates, type Observation, type Plan } from '../sync/planner';
import { SIDES, otherSide, type RefKey, type Side, type SyncRecord, type Values } from '../sync/record';
import { NO_DECISIONS, type Decisions } from '../sync/resolution';
import { observationDigest } from '../links/observationStore';
import { RetryLater } from '../systems/errors';
import {
  callWaiting,
  entityOfRef,
  loadReferences,
  originRef,
  summarise,
  type ActivityContext,
} from './activityContext';
import { guardedBy } from './guarded';
import { activityLog } from './log';
import { keepDecision } from './decisions';
import { expectKnownMapping } from './remapActivities';
import type { PairActivities, PlanInput, Step } from './types';

/** A backfill writes its page within moments. */
const HELD_RETRY_MS = 2_000;

/** Activities that decide what a pair needs next. They touch the link store only, never an API. */
export function pairActivities(live: ActivityContext): PairActivities {
  const guarded = guardedBy(live, 'interactive');
  return {
    planPair: (input) =>
      guardedBy(live, input.lane ?? 'interactive')(input.key, (context) => new Turn(context, input).run()),
    decide: ({ key, resolution }) => guarded(key, (context) => keepDecision(context, key, resolution)),
  };
}

/** One answer to "what next?" for one pair. */
class Turn {
  private readonly key: CanonicalKey;
  private readonly origin: RefKey;

  constructor(
    private readonly context: ActivityContext,
    private readonly input: PlanInput,
  ) {
    this.key = input.key;
    this.origin = originRef(input.key);
  }

  async run(): Promise<Step> {
    const { context, input, key } = this;
    const { entity } = parseCanonicalKey(key);
    const { store, mapping } = context;
    const paused = await this.holdBack();
    if (paused) return paused;
    // Each pass either answers or changes the store so that the next pass sees something new.
    for (let pass = 0; pass < 6; pass += 1) {
      const link = pass === 0 ? await this.withFilesRetried(await store.get(key)) : await store.get(key);
      if (link) await expectKnownMapping(context, link.mappingVersion);
      if (link && isHeld(link, context.now()))
        throw new RetryLater(`${key} is being written by a backfill`, {
          retryAfterMs: HELD_RETRY_MS,
          unknownOutcome: false,
        });
      const decisions = await this.decisions(link);
      const members = this.members(link, decisions);
      const observed = await store.observations.get([...members, ...(input.looked?.matches ?? [])]);
      const unread = decisions.counterpart === 'none' ? [] : this.unread(link, members, observed);
      const [firstUnread] = unread;
      if (firstUnread) return readStep(firstUnread, unread);

      const table = mapping.entities[entity];
      const own = members.flatMap((ref) => observed.get(ref) ?? []);
      const references = await loadReferences(context, [{ table, records: own, link }]);
      const claims = await this.claims(link);
      const awaited = await this.awaitedSibling(link, observed.get(this.origin));
      const plan = planPair(
        {
          key,
          link,
          observed: this.observations(members, observed),
          ...(claims.candidates && { candidates: await this.candidates(claims.owners, observed) }),
          ...(claims.owner !== undefined && claims.owner !== key && { claimedBy: claims.owner }),
          decisions,
          ...(awaited !== null && { olderSibling: awaited }),
          references,
          hops: input.hops,
          linksSince: store.since,
          now: context.now().toISOString(),
        },
        mapping,
      );
      await this.reportStrays(link);
      const step = await this.carryOut(
        plan,
        link ?? newLink(key, entity, mapping.version, context.now().toISOString()),
        own,
        decisions,
      );
      // Nobody waits for what waits for a person.
      if (plan.do === 'quarantine' || plan.do === 'conflict') await callWaiting(context, [this.origin]);
      if (step) return step;
    }
    throw new Error(`${key}: no plan after six passes`);
  }

  /** Looked for only where there can be one: a linked pair is told by force, for a person has just spoken. */
  private async decisions(link: Link | null): Promise<Decisions> {
    const rows = link?.conflicts.map(({ row }) => row) ?? [];
    const settled = link?.sides.zendesk && link.sides.pms && !link.unlinked;
    if (settled && rows.length === 0 && !this.input.force) return NO_DECISIONS;
    return this.context.store.decisions.of(this.key, rows);
  }

  /** A change, or a person's word, is the occasion to try again what failed. */
  private async withFilesRetried(link: Link | null): Promise<Link | null> {
    const { input } = this;
    const occasion = input.first && (input.force || input.hints.length > 0);
    const files = occasion && link?.intent === null ? retried(link.files ?? []) : null;
    return link && files ? this.context.store.save({ ...link, files }) : link;
  }

  /** While its entity type is paused, a pair keeps what it was told, and rests. */
  private async holdBack(): Promise<Step | null> {
    const { context, input, key } = this;
    const { store } = context;
    const { entity } = parseCanonicalKey(key);
    if (!(await store.control.isPaused(entity))) return null;
    const held = { key, refs: [...new Set(input.hints.map(({ ref }) => ref))], force: input.force };
    await store.control.holdBack(held, entity);
    // Whoever ends the pause looks for what is held back after that: one of the two sees the other.
    if (!(await store.control.isPaused(entity))) {
      await store.control.drop(held);
      return null;
    }
    const link = await store.get(key);
    const text = `${entity} is paused`;
    // A reason that a person must see to stays in sight.
    const free = link?.status === 'linked' || (link?.status === 'pending' && link.waitsFor.length === 0);
    if (free && link.reason?.code !== 'paused')
      await store.noteReason(key, {
        code: 'paused',
        text,
        since: context.now().toISOString(),
        nextAttempt: null,
      });
    return { next: 'rest', state: summarise(key, link, 'paused', text) };
  }

  /** The records of this pair that are known by now. */
  private members(link: Link | null, { counterpart }: Decisions = NO_DECISIONS): RefKey[] {
    const sides = SIDES.flatMap((side) => link?.sides[side]?.ref ?? []);
    if (sides.length < 2 && counterpart !== null && counterpart !== 'create' && counterpart !== 'none')
      sides.push(counterpart);
    return [...new Set([this.origin, ...sides])];
  }

  /** Records to be read before planning: all of them by force, and those hinted at that nobody has seen. */
  private unread(link: Link | null, members: RefKey[], observed: Map<RefKey, SyncRecord>): RefKey[] {
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

  private observations(
    members: RefKey[],
    observed: Map<RefKey, SyncRecord>,
  ): Partial<Record<Side, Observation>> {
    const result: Partial<Record<Side, Observation>> = {};
    for (const ref of members) {
      const record = observed.get(ref);
      const side = parseRef(ref).side;
      if (this.input.gone.includes(ref)) result[side] = { record: null, fresh: true };
      else if (record) result[side] = { record, fresh: this.input.fresh.includes(ref) };
    }
    return result;
  }

  private async claims(
    link: Link | null,
  ): Promise<{ owner?: CanonicalKey; owners: Map<RefKey, CanonicalKey>; candidates: boolean }> {
    if (link?.sides.zendesk && link.sides.pms) return { owners: new Map(), candidates: false };
    const { looked } = this.input;
    const owners = await this.context.store.claims.owners([this.origin, ...(looked?.matches ?? [])]);
    const owner = owners.get(this.origin);
    return { ...(owner !== undefined && { owner }), owners, candidates: looked !== null };
  }

  /** A new comment waits for the one before it, where that is still to be written. */
  private async awaitedSibling(link: Link | null, origin: SyncRecord | undefined): Promise<RefKey | null> {
    const { store, mapping } = this.context;
    const { entity } = parseCanonicalKey(this.key);
    if (!isComment(mapping.entities[entity]) || origin?.parent === undefined) return null;
    if (link?.sides.zendesk && link.sides.pms) return null;
    const records = await store.observations.below(origin.parent);
    const owners = await store.claims.owners(records.map(({ ref }) => refKey(ref)));
    const keyOf = ({ ref }: SyncRecord) => owners.get(refKey(ref)) ?? canonicalKey(entity, ref);
    const links = await store.getMany(records.map(keyOf));
    return olderSibling(
      origin,
      records.map((record) => ({ record, link: links.get(keyOf(record)) ?? null })),
    );
  }

  private async candidates(
    owners: Map<RefKey, CanonicalKey>,
    observed: Map<RefKey, SyncRecord>,
  ): Promise<Candidates> {
    const { matches = [], rivals = [] } = this.input.looked ?? {};
    const links = await this.context.store.getMany(owners.values());
    const found = matches.map((ref) => ({ ref, record: observed.get(ref) }));
    return sortCandidates(this.key, found, rivals, owners, links);
  }

  /** A record that names this pair's origin as its counterpart, while the pair has another: for a person. */
  private async reportStrays(link: Link | null): Promise<void> {
    const { context, input } = this;
    const counterpart = link?.sides[otherSide(parseRef(this.origin).side)]?.ref;
    if (!counterpart) return;
    const strays = input.hints
      .map((hint) => hint.ref)
      .filter((ref) => ref !== this.origin && ref !== counterpart);
    for (const ref of new Set(strays)) {
      const owner = (await context.store.claims.owners([ref])).get(ref);
      if (owner !== undefined) continue;
      const key = canonicalKey(parseCanonicalKey(this.key).entity, parseRef(ref));
      const existing = await context.store.get(key);
      const now = context.now().toISOString();
      const text = `${ref} names or matches ${this.origin}, which is linked to ${counterpart}; a person must tell them apart`;
      if (existing?.reason?.text === text) continue;
      const stray =
        existing ?? newLink(key, parseCanonicalKey(this.key).entity, context.mapping.version, now);
      await context.store.save({
        ...stray,
        status: 'conflict',
        reason: { code: 'stray', text, since: now, nextAttempt: null },
      });
    }
  }

  /** Makes a plan durable. @returns the step for the workflow; null where the pair must be planned again. */
  private async carryOut(
    plan: Plan,
    link: Link,
    own: SyncRecord[],
    decisions: Decisions,
  ): Promise<Step | null> {
    const { context, key } = this;
    const { store } = context;
    switch (plan.do) {
      case 'read': {
        const [first] = plan.refs;
        if (!first) throw new Error(`${key}: a plan to read nothing`);
        return readStep(first, plan.refs);
      }
      case 'look':
        return { next: 'look', origin: refKey(plan.origin.ref) };
      case 'settled': {
        const settled = agreed(
          told(link, plan),
          plan.agreement,
          context.mapping.version,
          context.now().toISOString(),
        );
        for (const side of SIDES) {
          const record = plan.seen[side];
          const known = settled.sides[side];
          if (record && known)
            settled.sides[side] = {
              ...known,
              ...seenVersion(record),
              backRef: known.backRef || record.backRef !== null,
            };
        }
        // Whoever waits may go on, also if this dies before it saves: the two are known since they were joined, or back.
        if (link.snapshot === null || link.status === 'tombstone' || link.unlinked || this.input.force)
          await callWaiting(context, this.members(link));
        if (settled.status === 'conflict' && link.status !== 'conflict')
          context.metrics.pairParked(link.entity, 'conflict', 'conflict');
        const saved = sameLink(link, settled) ? link : await store.save(settled);
        await this.dropActedOn(link, saved);
        if (saved.waitsFor.length > 0) {
          // What waits keeps its observation; a parent that came while the wait was stored is seen by another pass.
          if (!sameList(saved.waitsFor, link.waitsFor)) return null;
          await this.callParents(saved.waitsFor);
        } else await store.observations.forget(own);
        return this.rest(saved);
      }
      case 'join':
        return this.join(link, plan.origin, plan.counterpart, decisions.counterpart !== null);
      case 'write': {
        if (!link.sides.zendesk || !link.sides.pms) {
          const owner = await store.claims.claim(this.origin, key);
          if (owner !== key) return this.handOver(link, owner);
        }
        const { version: mappingVersion } = context.mapping;
        const saved = await store.save({
          ...told(link, plan),
          attempted: attemptsOf(link),
          intent: takingIn(plan.intent, link, own),
          mappingVersion,
        });
        return { next: 'write', sides: pendingSides(saved) };
      }
      case 'bury': {
        const reason = {
          code: 'ended',
          text: plan.reason,
          since: context.now().toISOString(),
          nextAttempt: null,
        };
        if (plan.intent) {
          const saved = await store.save({
            ...told(link, plan),
            intent: takingIn(plan.intent, link, own),
            reason,
          });
          return { next: 'write', sides: pendingSides(saved) };
        }
        // What made it wait meanwhile (a server that was away) is over, and says nothing of why it ended.
        if (link.status === 'tombstone' && link.reason?.code === reason.code) {
          await callWaiting(context, this.members(link));
          return this.rest(link);
        }
        const saved = await store.save({
          ...told(link, plan),
          status: 'tombstone',
          reason,
          intent: null,
          waitsFor: [],
        });
        await store.observations.forget(own);
        await callWaiting(context, this.members(link));
        return this.rest(saved);
      }
      case 'wait':
        return this.wait(link, plan);
      case 'redirect':
        return this.handOver(link, plan.to);
      case 'ignore':
        if (link.rev > 0) await store.remove(link);
        await store.observations.forget(own);
        await this.tellOfNoPart(plan.reason);
        return { next: 'rest', state: summarise(key, link, 'ignored', plan.reason) };
      case 'conflict':
        await store.decisions.drop(key, []);
        return this.rest(await this.park(link, 'conflict', plan.code, plan.reason, plan.candidates));
      case 'unlink':
        return this.unlink(link, own);
      case 'part': {
        const former = link.sides[plan.from]?.ref;
        if (former !== undefined) await store.claims.release(former, key);
        const sides = { ...link.sides };
        delete sides[plan.from];
        await store.save({ ...link, sides, snapshot: null, conflicts: [] });
        return null;
      }
      case 'rest':
        await store.observations.forget(own);
        return this.rest(link);
      case 'quarantine':
        return this.rest(await this.park(link, 'quarantined', plan.code, plan.reason));
    }
  }

  private async park(
    link: Link,
    status: 'conflict' | 'quarantined',
    code: string,
    text: string,
    candidates: RefKey[] = [],
  ): Promise<Link> {
    if (link.status === status && link.reason?.text === text) return link;
    this.context.metrics.pairParked(link.entity, status, code);
    activityLog(this.context.log, this.key).warn({ status, code }, 'left to a person');
    const since = this.context.now().toISOString();
    return this.context.store.save({
      ...link,
      status,
      candidates,
      intent: null,
      reason: { code, text, since, nextAttempt: null },
    });
  }

  /** Keeps both records, or the one there is, from being linked by themselves: their claims stay. */
  private async unlink(link: Link, own: SyncRecord[]): Promise<Step> {
    const { key, context } = this;
    const { store } = context;
    const owner = await store.claims.claim(this.origin, key);
    if (owner !== key) {
      await store.decisions.drop(key, []);
      return this.handOver(link, owner);
    }
    const since = context.now().toISOString();
    const saved = await store.save({
      ...link,
      status: 'tombstone',
      unlinked: true,
      candidates: [],
      intent: null,
      waitsFor: [],
      reason: { code: 'unlinked', text: 'a person unlinked it', since, nextAttempt: null },
    });
    await store.decisions.drop(key, []);
    await store.observations.forget(own);
    return this.rest(saved);
  }

  /** A decision is dropped once the link shows what came of it. */
  private async dropActedOn(before: Link, after: Link): Promise<void> {
    const open = new Set(after.conflicts.map(({ row }) => row));
    const rows = before.conflicts.map(({ row }) => row).filter((row) => !open.has(row));
    if (rows.length > 0 || before.unlinked) await this.context.store.decisions.drop(this.key, rows);
  }

  /** Claims both records of a match, Zendesk's first: two pairs that find each other cannot both succeed. */
  private async join(
    link: Link,
    origin: SyncRecord,
    counterpart: SyncRecord,
    chosen: boolean,
  ): Promise<Step | null> {
    const { key, context } = this;
    const { store } = context;
    const records = { [origin.ref.side]: origin, [counterpart.ref.side]: counterpart } as Record<
      Side,
      SyncRecord
    >;
    const claimed: RefKey[] = [];
    for (const side of SIDES) {
      const ref = refKey(records[side].ref);
      const owner = await store.claims.claim(ref, key);
      if (owner === key) {
        claimed.push(ref);
        continue;
      }
      for (const own of claimed) await store.claims.release(own, key);
      // The other pair owns our own record: it is the one. Otherwise look again at who matches.
      if (ref === this.origin) return this.handOver(link, owner);
      if (!chosen) return null;
      await store.decisions.drop(key, []);
      const text = `${ref}, which was chosen for ${this.origin}, is linked by ${owner}; a person must choose`;
      return this.rest(
        await this.park(
          link,
          'conflict',
          'counterpart_taken',
          text,
          link.candidates.filter((other) => other !== ref),
        ),
      );
    }
    const nothing: Values = {};
    for (const side of SIDES) {
      const record = records[side];
      const backRef = record.backRef === refKey(records[otherSide(side)].ref);
      link.sides[side] = { ...seenVersion(record), residue: nothing, backRef };
    }
    await store.save({
      ...link,
      status: 'pending',
      reason: null,
      candidates: [],
      unlinked: false,
      waitsFor: [],
      intent: null,
    });
    if (chosen) await store.decisions.drop(key, []);
    // The counterpart may have waited under a key of its own; this pair speaks for it now.
    const rival = await store.get(canonicalKey(link.entity, counterpart.ref));
    if (rival && rival._id !== key && !(rival.sides.zendesk && rival.sides.pms)) await store.remove(rival);
    return null;
  }

  /** Hands this turn's inbox to the pair that owns the record, and leaves nothing of this one behind. */
  private async handOver(link: Link, owner: CanonicalKey): Promise<Step> {
    const { context, input, key } = this;
    const hints = [
      ...input.hints.filter((hint) => hint.ref !== this.origin),
      { ref: this.origin, version: null },
    ];
    await context.hint(owner, { hints, force: input.force, hops: input.hops + 1 });
    if (link.rev > 0 && !(link.sides.zendesk && link.sides.pms)) await context.store.remove(link);
    return { next: 'rest', state: summarise(key, null, 'handed over', `belongs to ${owner}`) };
  }

  /**
   * Siblings need not wait for what takes no part, and go on. Children wait until it does, and say so; to call them would
   * have them ask for it again, and so on for ever.
   */
  private async tellOfNoPart(why: string): Promise<void> {
    const { context, key, origin } = this;
    const { entity } = parseCanonicalKey(key);
    const waiting = await context.store.waitingFor([origin]);
    const siblings = waiting.filter((each) => parseCanonicalKey(each).entity === entity);
    for (const each of siblings) await context.hint(each, { hints: [], force: false, hops: 0 });
    const children = waiting.filter((each) => !siblings.includes(each));
    if (children.length === 0) return;
    const text = `waits for ${origin}, which takes no part: ${why}`;
    const since = context.now().toISOString();
    await context.store.noteWait(children, origin, { code: NO_PART, text, since, nextAttempt: null });
  }

  /** Stores what is awaited, looks once more (it may have come meanwhile), and sees to it that it is on its way. */
  private async wait(link: Link, plan: Extract<Plan, { do: 'wait' }>): Promise<Step | null> {
    const { context } = this;
    const { store } = context;
    const since = context.now().toISOString();
    const known = link.status === 'pending' && sameList(link.waitsFor, plan.waitsFor);
    if (!known) {
      await store.save({
        ...link,
        status: 'pending',
        waitsFor: plan.waitsFor,
        reason: { code: 'waiting', text: plan.reason, since, nextAttempt: null },
      });
      return null;
    }
    // One that takes no part tells once it does; only a person's word, or a new mapping, is a reason to ask it again.
    if (link.reason?.code === NO_PART && !this.input.force) return this.rest(link);
    const [ended] = await this.callParents(plan.waitsFor);
    const text = ended ? `${plan.reason}: ${ended}` : plan.reason;
    if (link.reason?.text === text) return this.rest(link);
    return this.rest(
      await store.save({ ...link, reason: { code: 'waiting', text, since, nextAttempt: null } }),
    );
  }

  /** Starts the awaited pairs that nobody began yet. @returns why those that ended will not come. */
  private async callParents(refs: RefKey[]): Promise<string[]> {
    const { store, mapping, hint } = this.context;
    const ended: string[] = [];
    const observed = await store.observations.get(refs);
    for (const ref of refs) {
      const record = observed.get(ref);
      const entity = record
        ? entityOf(mapping, record.ref.side, record.ref.kind, record.values)
        : entityOfRef(mapping, ref);
      if (!entity) continue;
      const owner = (await store.claims.owners([ref])).get(ref) ?? canonicalKey(entity, parseRef(ref));
      const parent = await store.get(owner);
      if (!parent) await hint(owner, { hints: [{ ref, version: null }], force: false, hops: 0 });
      else if (parent.status === 'tombstone' && parent.reason) ended.push(parent.reason.text);
    }
    return ended;
  }

  private rest(link: Link): Step {
    return { next: 'rest', state: summarise(this.key, link) };
  }
}

/** The link with what the plan found out about earlier updates. */
function told(link: Link, { overruling }: { overruling?: Overruling }): Link {
  return overruling ? withOverruled(link, overruling) : link;
}

/** The intent with what it was made of; one that is gone on with took in what it did, and nothing that came since. */
function takingIn(intent: Intent, { intent: before }: Link, observed: SyncRecord[]): Intent {
  if (intent.id === before?.id) return intent;
  const digests = observed.map((record) => [refKey(record.ref), observationDigest(record)]);
  return { ...intent, takenIn: Object.fromEntries(digests) as Record<RefKey, string> };
}

function pendingSides(link: Link): Side[] {
  return (link.intent?.writes ?? []).filter((write) => !write.done).map((write) => write.side);
}

function readStep(first: RefKey, refs: RefKey[]): Step {
  const { side } = parseRef(first);
  return { next: 'read', side, refs: refs.filter((ref) => parseRef(ref).side === side) };
}

function sameLink(a: Link, b: Link): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
