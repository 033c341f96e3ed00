import type { BrakeHold } from '../sync/holds';
import { bindingsOf } from '../sync/rules/sameFields';
import type { ActivityContext } from './activityContext';
import { signalHeldPairs } from './heldPairSignals';

/**
 * Judges the holds in the state `counting` after a remap has signalled all pairs. The marks on the links show how many
 * values the mapping would replace. If they are few, the hold ends. If the row names other fields now, the hold has no
 * cause any more and ends, too. Pairs that could not be planned (an API is unavailable, a rate limit is reached, the
 * entity is paused) were not counted. If they could make the number too large, the hold stays in the state `counting`
 * until the next remap.
 */
export async function judgeCounted(context: ActivityContext): Promise<void> {
  const { store, mapping, log } = context;
  for (const hold of await store.holds.all()) {
    if (hold.by !== 'brake' || hold.bound === undefined || hold.row === null) continue;
    const isOver = bindingsOf(mapping.entities[hold.entity])[hold.row] !== hold.bound;
    if (isOver) {
      await signalPairsOf(context, hold);
      await store.holds.end(hold.id);
      continue;
    }
    if (hold.state !== 'counting') continue;
    const { allowed } = hold.counts;
    // Count these before the marks: a pair that gets the mapping in between is counted twice, and not missed.
    const open = await store.countOfOtherMapping(hold.entity, mapping.version);
    const pairs = await store.countHeldBy(hold.id);
    const isFew = pairs <= allowed;
    if (isFew && pairs + open > allowed) {
      await store.holds.setState(hold.id, 'counting', { ...hold.counts, pairs: pairs + open });
      log.warn({ hold: hold.id, pairs, open, allowed }, UNKNOWN);
      continue;
    }
    await store.holds.setState(hold.id, isFew ? 'released' : 'held', { ...hold.counts, pairs });
    log.warn({ hold: hold.id, pairs, allowed }, isFew ? FEW : MANY);
    if (isFew) await signalPairsOf(context, hold);
  }
}

const FEW = 'the changed mapping replaces the values of few pairs: the hold ends';
const UNKNOWN =
  'the brake holds the values that the changed mapping would replace, because some pairs were not counted yet; run "zendesk-pms-sync remap" again';
const MANY =
  'the brake holds the values that the changed mapping would replace; "zendesk-pms-sync brake show" says more';

async function signalPairsOf(context: ActivityContext, { id }: BrakeHold): Promise<void> {
  await context.store.holds.waitUntilCachesExpire();
  await signalHeldPairs(context, id);
}
