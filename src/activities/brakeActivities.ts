import type { ActivityContext } from './activityContext';
import { guardedBy } from './guarded';
import { tellHeldPage } from './tellHeld';
import type { BrakeActivities } from './types';

/** Activities that end a hold of the brake. They touch no API. */
export function brakeActivities(live: ActivityContext): BrakeActivities {
  const guarded = guardedBy(live, 'background');
  return {
    beginEnd: ({ hold, how }) =>
      guarded(null, async ({ store, log }) => {
        await store.holds.setState(hold, how);
        log.info({ hold, how }, 'a hold of the brake ends');
        // A pair that is told before its worker has heard of it would be held again.
        await store.holds.waitUntilCachesExpire();
      }),

    tellHeld: (page) => guarded(null, (context) => tellHeldPage(context, page)),

    countHeld: ({ hold, keys }) =>
      guarded(null, async ({ store }) => {
        const links = await store.getMany(keys);
        return [...links.values()].filter((link) => link.braked?.some((mark) => mark.hold === hold)).length;
      }),

    finishEnd: ({ hold, how, left }) =>
      guarded(null, async ({ store }) => {
        const ended = (await store.holds.all()).find(({ id }) => id === hold);
        if (!ended) return;
        await store.changeCounts.forget(hold);
        // A mapping that was judged by a person is not judged again. What is left of a discarded hold must not be carried
        // out by pairs that are told later.
        const isBound = ended.bound !== undefined && ended.by === 'brake';
        if (how === 'releasing' && isBound) await store.holds.setState(hold, 'released');
        else if (how === 'releasing' || (left === 0 && !isBound)) await store.holds.end(hold);
      }),
  };
}
