import { parseRef, refKey, type CanonicalKey } from '../sync/canonicalKey';
import { triedOf, withOverruled, type Overruling } from '../sync/abandonedIntent';
import { agreed, seenVersion, withoutMarks, type Intent, type Link } from '../sync/link';
import type { Reason } from '../sync/reasons';
import { withoutAgreement } from '../sync/absentRecord';
import type { Mapping } from '../sync/mapping';
import { withoutNotTaken } from '../sync/notTaken';
import type { Plan } from '../sync/planner';
import { SIDES, type RefKey, type Side, type SyncRecord } from '../sync/record';
import { actedOn, type Decisions } from '../sync/resolution';
import { writeWords } from '../sync/writeWords';
import { observationDigest } from '../links/observationStore';
import { signalWaitingPairs, originRef, recordsOf, summarise, type ActivityContext } from './activityContext';
import { endsIntent, forgetRedacted, noteEnded } from './journalling';
import { tellNewConflicts } from './newConflicts';
import { beginAnew, handOver, parkPair, endTurn } from './pairEnds';
import { PairJoin } from './pairJoin';
import { PairWaits, sameList } from './pairWaits';
import type { PlanInput, Step } from './types';

/** Makes plans durable: stores the plan of a pair on its link, and names the workflow's next step. */
export class PlanKeeper {
  private readonly key: CanonicalKey;
  private readonly origin: RefKey;

  private readonly waits: PairWaits;

  constructor(
    private readonly context: ActivityContext,
    private readonly input: PlanInput,
  ) {
    this.key = input.key;
    this.origin = originRef(input.key);
    this.waits = new PairWaits(context, input);
  }

  /** @returns the step for the workflow; null if the pair must be planned again */
  async applyPlan(
    plan: Plan,
    link: Link,
    observed: SyncRecord[],
    decisions: Decisions,
  ): Promise<Step | null> {
    const { context, key } = this;
    const { store } = context;
    if (link.intent && endsIntent(plan, link.intent)) await noteEnded(context, link, { records: observed });
    switch (plan.do) {
      case 'read': {
        const [first] = plan.refs;
        if (!first) throw new Error(`${key}: a plan to read nothing`);
        return readStep(first, plan.refs);
      }
      case 'look':
        return { next: 'look', origin: refKey(plan.origin.ref) };
      case 'settled':
        return this.settle(plan, link, observed, decisions);
      case 'join':
        return new PairJoin(context, this.input).join(link, plan, decisions);
      case 'write':
        return this.begin(plan, link, observed, decisions);
      case 'bury':
        return this.bury(plan, link, observed, decisions);
      case 'wait':
        return this.waits.wait(link, plan);
      case 'redirect':
        return handOver(context, this.input, link, plan.to);
      case 'ignore':
        if (link.rev > 0) await store.remove(link);
        await store.observations.forget(observed);
        await this.waits.notifyOutOfScope(plan.reason);
        return { next: 'rest', state: summarise(key, link, 'ignored', plan.reason) };
      case 'conflict':
        await store.decisions.drop(key, actedOn(decisions, []));
        return endTurn(await parkPair(context, link, 'conflict', plan.code, plan.reason, plan.candidates));
      case 'unlink':
        return this.unlink(link, observed, decisions);
      case 'part':
        return this.releaseFormer(plan, link, decisions);
      case 'absent':
        return this.absent(plan, link);
      case 'brake':
        return this.brake(plan, link);
      case 'rest':
        await store.observations.forget(observed);
        return endTurn(link);
      case 'quarantine':
        return endTurn(await parkPair(context, link, 'quarantined', plan.code, plan.reason));
    }
  }

  private async settle(
    plan: PlanOf<'settled'>,
    link: Link,
    observed: SyncRecord[],
    decisions: Decisions,
  ): Promise<Step | null> {
    const { context } = this;
    const { store } = context;
    const settled = agreed(
      withFindings(link, plan),
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
    // Before the save, signal the pairs that wait for these records: if the worker dies in between, the retry signals
    // them again. Those pairs need only the claims on both records. The claims exist since the pair was joined or its
    // record came back.
    if (link.snapshot === null || link.status === 'tombstone' || link.unlinked || this.input.force)
      await signalWaitingPairs(context, recordsOf(link));
    await forgetRedacted(context, this.key, plan.agreement);
    const saved = sameLink(link, settled) ? link : await store.save(settled);
    tellNewConflicts(context, link, saved);
    await this.dropActedOn(link, saved, decisions);
    if (saved.waitsFor.length > 0) {
      // A pair that waits keeps its observation. A new wait is planned once more: a parent may have been linked while
      // the wait was stored.
      if (!sameList(saved.waitsFor, link.waitsFor)) return null;
      await this.waits.startAwaitedPairs(saved.waitsFor);
    } else await store.observations.forget(observed);
    return endTurn(saved);
  }

  private async begin(
    plan: PlanOf<'write'>,
    link: Link,
    observed: SyncRecord[],
    decisions: Decisions,
  ): Promise<Step> {
    const { context, key } = this;
    const { store } = context;
    if (!link.sides.zendesk || !link.sides.pms) {
      const owner = await store.claims.claim(this.origin, key);
      if (owner !== key) return handOver(context, this.input, link, owner);
    }
    const { version: mappingVersion } = context.mapping;
    const saved = await store.save({
      ...withFindings(link, plan),
      ...triedOf(link),
      intent: withDecisions(this.withCauses(withSources(plan.intent, link, observed), link), link, decisions),
      mappingVersion,
    });
    return writeStep(saved, context.mapping);
  }

  /** Adds the causes of this turn to a new intent. A continued intent keeps the causes that it was begun with. */
  private withCauses(intent: Intent, { intent: before }: Link): Intent {
    const { causes } = this.input;
    return intent.id === before?.id || !causes ? intent : { ...intent, causes };
  }

  /** The pair keeps its observations, and continues with them once the missing record is found again. */
  private async absent({ reason: text }: PlanOf<'absent'>, link: Link): Promise<Step> {
    if (link.reason?.code === 'absent' && link.reason.text === text) return endTurn(link);
    const since = this.context.now().toISOString();
    const reason: Reason = { code: 'absent', text, since, nextAttempt: null };
    return endTurn(await this.context.store.save({ ...withoutMarks(link), reason }));
  }

  /**
   * The brake holds the end of the pair. The mark on the link names the record that ended, so that the pair ends once
   * the hold is released.
   */
  private async brake({ mark, reason: text }: PlanOf<'brake'>, link: Link): Promise<Step> {
    const known = link.braked?.length === 1 && link.braked[0]?.hold === mark.hold;
    if (known && link.reason?.text === text) return endTurn(link);
    const since = this.context.now().toISOString();
    const reason: Reason = { code: 'brake', text, since, nextAttempt: null };
    return endTurn(await this.context.store.save({ ...link, braked: [mark], reason }));
  }

  private async bury(
    plan: PlanOf<'bury'>,
    link: Link,
    observed: SyncRecord[],
    decisions: Decisions,
  ): Promise<Step> {
    const { context, key } = this;
    const { store } = context;
    // A new record was asked for in the place of one that its side still shows as ended.
    if (decisions.counterpart === 'create' && link.sides.zendesk && link.sides.pms)
      await store.decisions.drop(key, actedOn(decisions, []));
    const reason: Reason = {
      code: 'ended',
      text: plan.reason,
      since: context.now().toISOString(),
      nextAttempt: null,
    };
    if (plan.intent) {
      const saved = await store.save({
        ...withFindings(link, plan),
        intent: this.withCauses(withSources(plan.intent, link, observed), link),
        reason,
      });
      return writeStep(saved, context.mapping);
    }
    // A tombstone may still have the reason of a retry (a server was unavailable). It is then saved again, with the
    // reason of its end.
    const sides = sidesAfter(link, plan);
    const isSame = sameSides(sides, link.sides);
    if (link.status === 'tombstone' && link.reason?.code === reason.code && isSame) {
      await signalWaitingPairs(context, recordsOf(link));
      return endTurn(link);
    }
    // If no record has this id and no pair waits for it, the id was mistyped: no link is stored.
    const isMistypedId = link.rev === 0 && observed.length === 0;
    if (isMistypedId && (await store.waitingFor([this.origin])).length === 0)
      return { next: 'rest', state: summarise(this.key, null, 'unknown', plan.reason) };
    const saved = await store.save({
      ...withoutMarks(withoutNotTaken(withFindings(link, plan))),
      sides,
      status: 'tombstone',
      reason,
      intent: null,
      waitsFor: [],
    });
    await store.observations.forget(observed);
    await signalWaitingPairs(context, recordsOf(link));
    return endTurn(saved);
  }

  /**
   * Releases the former counterpart, because a person chose another. If the pair's own origin is gone, the record that is
   * left begins a pair of its own.
   */
  private async releaseFormer(plan: PlanOf<'part'>, link: Link, decisions: Decisions): Promise<Step | null> {
    const { context, key } = this;
    const { store } = context;
    if (plan.from === parseRef(this.origin).side) return beginAnew(context, this.input, link, decisions);
    const former = link.sides[plan.from]?.ref;
    if (former !== undefined) await store.claims.release(former, key);
    const sides = { ...link.sides };
    delete sides[plan.from];
    await store.save({ ...withoutAgreement(link), sides });
    return null;
  }

  /**
   * Ends the pair because a person unlinked it. Its claims stay, so that neither of its records gets a new counterpart.
   */
  private async unlink(link: Link, observed: SyncRecord[], decisions: Decisions): Promise<Step> {
    const { key, context } = this;
    const { store } = context;
    const owner = await store.claims.claim(this.origin, key);
    if (owner !== key) {
      await store.decisions.drop(key, actedOn(decisions, []));
      return handOver(context, this.input, link, owner);
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
    // Workers cache for a moment which records a pair joins. Wait until these caches have expired: otherwise a child (a
    // comment) could still be written to the former counterpart.
    await store.waitUntilCachesExpire();
    await store.decisions.drop(key, actedOn(decisions, []));
    await store.observations.forget(observed);
    return endTurn(saved);
  }

  /** Drops decisions that the link shows as carried out. */
  private async dropActedOn(before: Link, after: Link, decisions: Decisions): Promise<void> {
    const open = new Set(after.conflicts.map(({ row }) => row));
    const rows = before.conflicts.map(({ row }) => row).filter((row) => !open.has(row));
    if (rows.length > 0 || before.unlinked)
      await this.context.store.decisions.drop(this.key, actedOn(decisions, rows));
  }
}

type PlanOf<Do extends Plan['do']> = Extract<Plan, { do: Do }>;

/** The link with what the plan found out about the outcome of earlier updates. */
function withFindings(link: Link, { overruling }: { overruling?: Overruling }): Link {
  return overruling ? withOverruled(link, overruling) : link;
}

/** The intent with digests of the observations that it was planned from. A continued intent keeps those it has. */
function withSources(intent: Intent, { intent: before }: Link, observed: SyncRecord[]): Intent {
  if (intent.id === before?.id) return intent;
  const digests = observed.map((record) => [refKey(record.ref), observationDigest(record)]);
  return { ...intent, takenIn: Object.fromEntries(digests) as Record<RefKey, string> };
}

/** Adds to a new intent the decisions that it was planned from. A continued intent keeps its own. */
function withDecisions(intent: Intent, { intent: before }: Link, { ids }: Decisions): Intent {
  if (intent.id === before?.id || ids === undefined || ids.size === 0) return intent;
  return { ...intent, decided: [...ids] };
}

/** What the link stores of both records after one of them has ended. */
function sidesAfter({ sides }: Link, { ended }: PlanOf<'bury'>): Link['sides'] {
  const known = ended && sides[ended.side];
  return known ? { ...sides, [ended.side]: { ...known, ...ended.seen } } : sides;
}

function sameSides(a: Link['sides'], b: Link['sides']): boolean {
  return SIDES.every((side) => a[side]?.state === b[side]?.state);
}

function writeStep({ intent, entity, rev }: Link, mapping: Mapping): Step {
  const pending = (intent?.writes ?? []).filter((write) => !write.done);
  const words: Partial<Record<Side, string>> = {};
  for (const write of pending)
    words[write.side] ??= writeWords(write, mapping.entities[entity].kind[write.side]);
  return { next: 'write', sides: pending.map(({ side }) => side), words, rev };
}

export function readStep(first: RefKey, refs: RefKey[]): Step {
  const { side } = parseRef(first);
  return { next: 'read', side, refs: refs.filter((ref) => parseRef(ref).side === side) };
}

function sameLink(a: Link, b: Link): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
