import { guardedBy } from './guarded';
import type { ActivityContext } from './activityContext';
import { expectActedOn, keepDecision } from './decisions';
import { PairTurn } from './pairTurn';
import type { PairActivities } from './types';

/** Activities that decide what a pair needs next. They touch the link store only, never an API. */
export function pairActivities(live: ActivityContext): PairActivities {
  const guarded = guardedBy(live, 'interactive');
  return {
    planPair: (input) =>
      guardedBy(live, input.lane ?? 'interactive')(input.key, (context) =>
        new PairTurn(context, input).run(),
      ),
    decide: ({ key, resolution }) => guarded(key, (context) => keepDecision(context, key, resolution)),
    expectActedOn: ({ key, resolution, id }) =>
      guarded(key, (context) => expectActedOn(context, key, resolution, id)),
  };
}
