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
import type { Counted } from './brake';
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

/** Delay of the next attempt while a backfill writes the pair, which takes a moment. */
const HELD_RETRY_MS = 2_000;
/** Delay of the next attempt while the lists of fields are read, which takes some seconds. */
const FIELDS_RETRY_MS = 3_000;

/** Finds the next step of one pair (activity `planPair`). */
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
    const paused = await this.restIfPaused();
    if (paused) return paused;
    // Each pass either returns a step or changes the store, so that the next pass has new input.
    for (let pass = 0; pass < 6; pass += 1) {
      const stored = await context.store.get(key);
      if (pass === 0) this.readAgainAfterBug(stored);
      const link = stored && (await withFormerBindings(context, stored));
      const step = await this.pass(pass === 0 ? await this.withRetries(link) : link);
      if (step) return step;
    }
    throw new Error(`${key}: no plan after six passes`);
  }

  /** @returns null if another pass is needed */
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
    this.expectFieldsReadAgain(plan);
    const counted = await this.count(plan, state);
    if (counted === 'hold') return null;
    if (counted !== null) return readStep(counted.read, [counted.read]);
    if (state.undo) await noteUndone(context, key, plan, state.undo);
    await this.reportStrays(link);
    const step = await this.keeper.applyPlan(
      plan,
      link ?? newLink(key, entity, mapping.version, context.now().toISOString()),
      own,
      decisions,
    );
    // Other pairs must not wait for a pair that waits for a person.
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
    // The hold of an undo does not apply to the undo itself.
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

  /** Counts the plan's changes that destroy something. @returns the result of `Brake.count` */
  private async count(plan: Plan, state: PairState): Promise<Counted> {
    const { brake, mapping } = this.context;
    // A person has started the undo and has seen the number of its changes.
    if (!brake || state.undo) return null;
    const table = mapping.entities[parseCanonicalKey(this.key).entity];
    return brake.count(this.key, countedChanges(plan, { state, table }), state.holds ?? [], mapping.version);
  }

  /** If the last turn ended with a bug, its messages were lost with the workflow, so both records are read again. */
  private readAgainAfterBug(link: Link | null): void {
    if (link?.reason?.code === 'bug') this.input.force = true;
  }

  /**
   * If a field is deactivated or an option is renamed, records lose its value before the sync has read the list of
   * fields again. Until then, no plan may remove the value on the other side.
   * @throws RetryLater
   */
  private expectFieldsReadAgain(plan: Plan): void {
    const { context, key } = this;
    const table = context.mapping.entities[parseCanonicalKey(key).entity];
    if (plan.do !== 'write' || !plan.intent.writes.some((write) => mayStemFromDeletedField(table, write)))
      return;
    if (!context.fields || context.fields.wereReadSinceAskedBy(key)) return;
    throw new RetryLater(`${key} waits until the lists of fields were read again: a value was removed`, {
      retryAfterMs: FIELDS_RETRY_MS,
      unknownOutcome: false,
    });
  }

  /**
   * A change makes failed files due again. A forced turn (resync, reconcile) also offers values again that were not
   * taken.
   */
  private async withRetries(link: Link | null): Promise<Link | null> {
    const { input, context } = this;
    if (!input.first || link?.intent !== null || (!input.force && input.hints.length === 0)) return link;
    const files = retryFailed(link.files ?? []);
    const table = context.mapping.entities[link.entity];
    const notTaken = input.force ? offeredAgain(link, table) : null;
    if (!files && !notTaken) return link;
    return context.store.save({ ...link, ...(files && { files }), ...(notTaken && { notTaken }) });
  }

  /** If the entity type is paused, the pair stores its messages and rests. @returns null if it is not paused */
  private async restIfPaused(): Promise<Step | null> {
    const { context, input, key } = this;
    const { store } = context;
    const { entity } = parseCanonicalKey(key);
    if (!(await store.control.isPaused(entity))) return null;
    const held = { key, refs: [...new Set(input.hints.map(({ ref }) => ref))], force: input.force };
    await store.control.holdBack(held, entity);
    // `resume` ends the pause first, and looks for stored messages then. If the pause has ended by now, `resume` may
    // have missed this message, so the turn continues.
    if (!(await store.control.isPaused(entity))) {
      await store.control.drop(held);
      return null;
    }
    const link = await store.get(key);
    const text = `${entity} is paused`;
    // A reason that needs a person's attention is not replaced.
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

  /**
   * Marks a record as a conflict if it names this pair's origin as its counterpart although the pair has another one.
   */
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
      const text = `${ref} names or matches ${this.origin}, which is linked to ${counterpart}; a person must decide which of them is the counterpart`;
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

/** The input that was read for a plan. */
interface Gathered {
  members: RefKey[];
  observed: Map<RefKey, SyncRecord>;
  own: SyncRecord[];
  decisions: Decisions;
}
