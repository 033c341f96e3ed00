import type { BrakeHold } from '../sync/holds';
import { bindingsOf } from '../sync/rules/sameFields';
import type { ActivityContext } from './activityContext';
import { tellHeld } from './tellHeld';

/**
 * All pairs were brought to the mapping: what it would replace is counted by now, by the marks on the links. Where that is
 * few, the hold ends by itself. Where a row names other fields by now, its hold has no cause any more. Pairs that could not
 * be planned meanwhile (an API is unavailable, its rate is used up, the entity is paused) were not counted: while they
 * could make it too many, the hold goes on counting, and the next remap judges it.
 */
export async function judgeCounted(context: ActivityContext): Promise<void> {
  const { store, mapping, log } = context;
  for (const hold of await store.holds.all()) {
    if (hold.by !== 'brake' || hold.bound === undefined || hold.row === null) continue;
    const isOver = bindingsOf(mapping.entities[hold.entity])[hold.row] !== hold.bound;
    if (isOver) {
      await tellAll(context, hold);
      await store.holds.end(hold.id);
      continue;
    }
    if (hold.state !== 'counting') continue;
    const { allowed } = hold.counts;
    // Before the marks: a pair that is brought to the mapping in between is counted twice, and none is missed.
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
    if (isFew) await tellAll(context, hold);
  }
}

const FEW = 'the changed mapping replaces the values of few pairs: they go on';
const UNKNOWN =
  'the brake holds what the changed mapping would replace, as some pairs were not counted yet; run "zendesk-pms-sync remap" again';
const MANY =
  'the brake holds what the changed mapping would replace; "zendesk-pms-sync brake show" says more';

async function tellAll(context: ActivityContext, { id }: BrakeHold): Promise<void> {
  await context.store.holds.waitUntilCachesExpire();
  await tellHeld(context, id);
}
