import { countedChanges } from '../sync/brake';
import { canonicalKey, parseCanonicalKey, parseRef, type CanonicalKey } from '../sync/canonicalKey';
import { isHeld, newLink, type Link } from '../sync/link';
import { retryFailed } from '../sync/pairFiles';
import { planPair, type PairState, type Plan } from '../sync/planner';
import { otherSide, type RefKey, type SyncRecord } from '../sync/record';
import { offeredAgain } from '../sync/refusedWrite';
import type { Decisions } from '../sync/resolution';
import { mayStemFromDeletedField } from '../sync/rules/absence';
import { RetryLater } from '../systems/errors';
import {
  signalWaitingPairs,
  loadReferences,
  originRef,
  summarise,
  type ActivityContext,
} from './activityContext';
import { withFormerBindings } from './formerBindings';
import { PairKnowledge } from './pairKnowledge';
import { noteUndone, undoFor } from './pairUndo';
import { PlanKeeper, readStep } from './planKeeper';
import { expectKnownMapping } from './remapActivities';
import type { PlanInput, Step } from './types';

/** A backfill writes its page within moments. */
const HELD_RETRY_MS = 2_000;
/** The lists of fields are read within seconds. */
const FIELDS_RETRY_MS = 3_000;

/** One answer to "what next?" for one pair. */
export class PairTurn {
  private readonly key: CanonicalKey;
  private readonly origin: RefKey;

  private readonly knowledge: PairKnowledge;
  private readonly keeper: PlanKeeper;

  private readonly input: PlanInput;

  constructor(
    private readonly context: ActivityContext,
    input: PlanInput,
  ) {
    this.input = { ...input };
    this.key = input.key;
    this.origin = originRef(input.key);
    this.knowledge = new PairKnowledge(context, this.input);
    this.keeper = new PlanKeeper(context, this.input);
  }

  async run(): Promise<Step> {
    const { context, key } = this;
    const paused = await this.holdBack();
    if (paused) return paused;
    // Each pass either answers or changes the store so that the next pass sees something new.
    for (let pass = 0; pass < 6; pass += 1) {
      const stored = await context.store.get(key);
      if (pass === 0) this.lookAgainAfterBug(stored);
      const link = stored && (await withFormerBindings(context, stored));
      const step = await this.pass(pass === 0 ? await this.withRetries(link) : link);
      if (step) return step;
    }
    throw new Error(`${key}: no plan after six passes`);
  }

  /** @returns null where the pair must be looked at again */
  private async pass(link: Link | null): Promise<Step | null> {
    const { context, input, key, knowledge } = this;
    const { store, mapping } = context;
    const { entity } = parseCanonicalKey(key);
    if (link) await expectKnownMapping(context, link.mappingVersion);
    if (link && isHeld(link, context.now()))
      throw new RetryLater(`${key} is being written by a backfill`, {
        retryAfterMs: HELD_RETRY_MS,
        unknownOutcome: false,
      });
    const decisions = await knowledge.decisions(link);
    const members = knowledge.members(link, decisions);
    const observed = await store.observations.get([...members, ...(input.looked?.matches ?? [])]);
    const unread = decisions.counterpart === 'none' ? [] : knowledge.unread(link, members, observed);
    const [firstUnread] = unread;
    if (firstUnread) return readStep(firstUnread, unread);

    const own = members.flatMap((ref) => observed.get(ref) ?? []);
    const state = await this.state(link, { members, observed, own, decisions });
    const plan = planPair(state, mapping);
    this.expectNewFields(plan);
    if (await this.isBraked(plan, state)) return null;
    if (state.undo) await noteUndone(context, key, plan, state.undo);
    await this.reportStrays(link);
    const step = await this.keeper.applyPlan(
      plan,
      link ?? newLink(key, entity, mapping.version, context.now().toISOString()),
      own,
      decisions,
    );
    // Nobody waits for what waits for a person.
    if (plan.do === 'quarantine' || plan.do === 'conflict') await signalWaitingPairs(context, [this.origin]);
    return step;
  }

  private async state(
    link: Link | null,
    { members, observed, own, decisions }: Gathered,
  ): Promise<PairState> {
    const { context, key, knowledge } = this;
    const { store, mapping } = context;
    const table = mapping.entities[parseCanonicalKey(key).entity];
    const references = await loadReferences(context, [{ table, records: own, link }]);
    const claims = await knowledge.claims(link);
    const awaited = await knowledge.awaitedSibling(link, observed.get(this.origin));
    const undo = await undoFor(context, key, this.input.causes);
    // What an undo holds, it holds for all but itself.
    const holds = (await store.holds.of(table.entity)).filter(({ by }) => undo === null || by !== 'undo');
    return {
      key,
      link,
      observed: knowledge.observations(members, observed),
      ...(claims.candidates && { candidates: await knowledge.candidates(claims.owners, observed) }),
      ...(claims.owner !== undefined && claims.owner !== key && { claimedBy: claims.owner }),
      decisions,
      ...(awaited !== null && { olderSibling: awaited }),
      ...(holds.length > 0 && { holds }),
      ...(undo && { undo }),
      references,
      hops: this.input.hops,
      linksSince: store.since,
      now: context.now().toISOString(),
    };
  }

  /** @returns whether this plan was one too many of its kind, so that a hold began and the pair is planned again */
  private async isBraked(plan: Plan, state: PairState): Promise<boolean> {
    const { brake, mapping } = this.context;
    // An undo was counted by the person who asked for it.
    if (!brake || state.undo) return false;
    const table = mapping.entities[parseCanonicalKey(this.key).entity];
    return brake.count(this.key, countedChanges(plan, { state, table }), state.holds ?? [], mapping.version);
  }

  /** What the turn was told that ended in a bug is gone with its workflow: both records are read again. */
  private lookAgainAfterBug(link: Link | null): void {
    if (link?.reason?.code === 'bug') this.input.force = true;
  }

  /**
   * A field that was deactivated, or an option that was renamed, leaves records without a value before the list of fields was
   * read again. Nothing is taken away from the other side until it was.
   * @throws RetryLater
   */
  private expectNewFields(plan: Plan): void {
    const { context, key } = this;
    const table = context.mapping.entities[parseCanonicalKey(key).entity];
    if (plan.do !== 'write' || !plan.intent.writes.some((write) => mayStemFromDeletedField(table, write)))
      return;
    if (!context.fields || context.fields.wereReadSinceAskedBy(key)) return;
    throw new RetryLater(`${key} waits until the lists of fields were read again: a value is gone`, {
      retryAfterMs: FIELDS_RETRY_MS,
      unknownOutcome: false,
    });
  }

  /** A change is the occasion to try again files that failed; a person's word, or a reconcile's, for values, too. */
  private async withRetries(link: Link | null): Promise<Link | null> {
    const { input, context } = this;
    if (!input.first || link?.intent !== null || (!input.force && input.hints.length === 0)) return link;
    const files = retryFailed(link.files ?? []);
    const table = context.mapping.entities[link.entity];
    const notTaken = input.force ? offeredAgain(link, table) : null;
    if (!files && !notTaken) return link;
    return context.store.save({ ...link, ...(files && { files }), ...(notTaken && { notTaken }) });
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
}

/** What was found out of a pair before it is planned. */
interface Gathered {
  members: RefKey[];
  observed: Map<RefKey, SyncRecord>;
  own: SyncRecord[];
  decisions: Decisions;
}
