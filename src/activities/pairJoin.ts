import { canonicalKey, refKey, type CanonicalKey } from '../sync/canonicalKey';
import { seenVersion, type Link } from '../sync/link';
import type { Plan } from '../sync/planner';
import { SIDES, otherSide, type RefKey, type Side, type SyncRecord, type Values } from '../sync/record';
import { actedOn, type Decisions } from '../sync/resolution';
import { originRef, type ActivityContext } from './activityContext';
import { handOver, parkPair, endTurn } from './pairEnds';
import type { PlanInput, Step } from './types';

/** Joins a pair's origin with the counterpart that was found or chosen for it. */
export class PairJoin {
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
   * Claims both records of a match, Zendesk's first: two pairs that find each other cannot both succeed.
   * @param decisions one of which may have chosen the counterpart
   * @returns null if the pair must be planned again
   */
  async join(
    link: Link,
    { origin, counterpart }: Extract<Plan, { do: 'join' }>,
    decisions: Decisions,
  ): Promise<Step | null> {
    const { store } = this.context;
    const records = { [origin.ref.side]: origin, [counterpart.ref.side]: counterpart } as Record<
      Side,
      SyncRecord
    >;
    const refused = await this.claim(link, records, decisions);
    if (refused !== 'claimed') return refused;
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
    await store.decisions.drop(this.key, actedOn(decisions, []));
    // If the counterpart has begun a pair of its own, remove that pair: its record belongs to this pair now.
    const rival = await store.get(canonicalKey(link.entity, counterpart.ref));
    if (rival && rival._id !== this.key && !(rival.sides.zendesk && rival.sides.pms))
      await store.remove(rival);
    return null;
  }

  private async claim(
    link: Link,
    records: Record<Side, SyncRecord>,
    decisions: Decisions,
  ): Promise<Step | 'claimed' | null> {
    const { key, context } = this;
    const { store } = context;
    const claimed: RefKey[] = [];
    for (const side of SIDES) {
      const ref = refKey(records[side].ref);
      const owner = await store.claims.claim(ref, key);
      if (owner === key) {
        claimed.push(ref);
        continue;
      }
      for (const own of claimed) await store.claims.release(own, key);
      // If another pair has claimed our origin, hand over to it. Otherwise plan again, with a new look-up.
      if (ref === this.origin) return handOver(context, this.input, link, owner);
      if (decisions.counterpart === null) return null;
      await store.decisions.drop(key, actedOn(decisions, []));
      const text = `${ref}, which was chosen for ${this.origin}, is linked by ${owner}; a person must choose`;
      return endTurn(
        await parkPair(
          context,
          link,
          'conflict',
          'counterpart_taken',
          text,
          link.candidates.filter((other) => other !== ref),
        ),
      );
    }
    return 'claimed';
  }
}
