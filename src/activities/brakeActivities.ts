import type { ActivityContext } from './activityContext';
import { guardedBy } from './guarded';
import { signalHeldPage } from './heldPairSignals';
import type { BrakeActivities } from './types';

/** Activities that end a hold of the brake. They touch no API. */
export function brakeActivities(live: ActivityContext): BrakeActivities {
  const guarded = guardedBy(live, 'background');
  return {
    beginEnd: ({ hold, how }) =>
      guarded(null, async ({ store, log }) => {
        await store.holds.setState(hold, how);
        log.info({ hold, how }, 'a hold of the brake ends');
        // Workers cache the holds. A pair that is signalled before its worker's cache expires would be held again.
        await store.holds.waitUntilCachesExpire();
      }),

    tellHeld: (page) => guarded(null, (context) => signalHeldPage(context, page)),

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
        // A released hold with `bound` is kept, so that the same mapping is not held again. A discarded hold with `bound`, or
        // with pairs left, is kept, so that pairs that are planned later discard the change, too.
        const isBound = ended.bound !== undefined && ended.by === 'brake';
        if (how === 'releasing' && isBound) await store.holds.setState(hold, 'released');
        else if (how === 'releasing' || (left === 0 && !isBound)) await store.holds.end(hold);
      }),
  };
}
