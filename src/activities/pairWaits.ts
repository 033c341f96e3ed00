import { canonicalKey, parseCanonicalKey, parseRef, type CanonicalKey } from '../sync/canonicalKey';
import { NO_PART, type Link } from '../sync/link';
import { entityOf } from '../sync/mapping';
import type { Plan } from '../sync/planner';
import type { RefKey } from '../sync/record';
import { entityOfRef, originRef, type ActivityContext } from './activityContext';
import { endTurn } from './pairEnds';
import type { PlanInput, Step } from './types';

/** The waits that concern one pair: it waits for records of other pairs, and other pairs wait for its record. */
export class PairWaits {
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
   * Notifies the pairs that wait for this pair that it is out of scope. Siblings continue without it. Children keep
   * waiting, and their links say why; they get no signal, because they would signal this pair in turn, without end.
   */
  async notifyOutOfScope(why: string): Promise<void> {
    const { context, key, origin } = this;
    const { entity } = parseCanonicalKey(key);
    const waiting = await context.store.waitingFor([origin]);
    const siblings = waiting.filter((each) => parseCanonicalKey(each).entity === entity);
    for (const each of siblings)
      await context.signalPair(each, { hints: [], force: false, hops: 0, causes: ['pair'] });
    const children = waiting.filter((each) => !siblings.includes(each));
    if (children.length === 0) return;
    const text = `waits for ${origin}, which is out of scope: ${why}`;
    const since = context.now().toISOString();
    await context.store.noteWait(children, origin, { code: NO_PART, text, since, nextAttempt: null });
  }

  /**
   * Stores a new wait and has the pair planned once more, because an awaited record may have been linked meanwhile. If
   * the wait is stored already, starts the awaited pairs that do not exist yet.
   */
  async wait(link: Link, plan: Extract<Plan, { do: 'wait' }>): Promise<Step | null> {
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
    // An out-of-scope parent notifies its children when it enters scope. Check it again only after a forced resync or a
    // change of the mapping.
    if (link.reason?.code === NO_PART && !this.input.force) return endTurn(link);
    const [ended] = await this.startAwaitedPairs(plan.waitsFor);
    const text = ended ? `${plan.reason}: ${ended}` : plan.reason;
    if (link.reason?.text === text) return endTurn(link);
    return endTurn(
      await store.save({ ...link, reason: { code: 'waiting', text, since, nextAttempt: null } }),
    );
  }

  /** Starts the awaited pairs that have no link yet. @returns the reasons of the awaited pairs that have ended */
  async startAwaitedPairs(refs: RefKey[]): Promise<string[]> {
    const { store, mapping, signalPair } = this.context;
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
      if (!parent)
        await signalPair(owner, { hints: [{ ref, version: null }], force: false, hops: 0, causes: ['pair'] });
      else if (parent.status === 'tombstone' && parent.reason) ended.push(parent.reason.text);
    }
    return ended;
  }
}

export function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
