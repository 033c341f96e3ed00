import { pino } from 'pino';
import type { ActivityContext } from '../../src/activities/activityContext';
import { judgeCounted } from '../../src/activities/countedHolds';
import { holdId, type BrakeHold, type HoldState } from '../../src/sync/holds';
import { bindingsOf } from '../../src/sync/rules/sameFields';
import { testMapping } from '../support/world';

/** Issue 21, the brake: how a remap continues with the hold under which it counted. */

const mapping = testMapping([
  { id: 'note', zendesk: 'costs', pms: 'note', type: 'text', direction: 'both', winner: 'zendesk' },
]);
const bound = bindingsOf(mapping.entities.TicketToProject)['note'] ?? '';
const change = { entity: 'TicketToProject', kind: 'replaced', row: 'note', side: 'pms' } as const;
const ALLOWED = 3;

/** @param marked pairs that were counted @param open pairs that do not have the mapping yet */
async function judged(
  marked: number,
  open: number,
): Promise<{ state: HoldState; pairs: number; notified: number }> {
  let hold: BrakeHold = {
    ...{ ...change, id: holdId(change, bound), bound, state: 'counting', by: 'brake' },
    ...{ cause: 'mapping changed', since: '', counts: { pairs: 12, linked: 12, allowed: ALLOWED } },
    examples: [],
  };
  let notified = 0;
  const store = {
    holds: {
      all: async () => [hold],
      setState: async (_id: string, state: HoldState, counts = hold.counts) => {
        hold = { ...hold, state, counts };
      },
      waitUntilCachesExpire: async () => undefined,
    },
    countHeldBy: async () => marked,
    countOfOtherMapping: async () => open,
    heldBy: async (_id: string, after: string | null) =>
      after === null ? Array.from({ length: marked }, (_, n) => `TicketToProject/zendesk:ticket:${n}`) : [],
  };
  const signalPair = async () => void (notified += 1);
  const log = pino({ level: 'silent' });
  await judgeCounted({ store, mapping, log, signalPair } as unknown as ActivityContext);
  return { state: hold.state, pairs: hold.counts.pairs, notified };
}

test('few pairs, all of them counted: they continue', async () => {
  expect(await judged(ALLOWED, 0)).toEqual({ state: 'released', pairs: ALLOWED, notified: ALLOWED });
  expect(await judged(1, ALLOWED - 1)).toMatchObject({ state: 'released', pairs: 1 });
});

test('too many pairs are held, even if others were not counted', async () => {
  expect(await judged(ALLOWED + 1, 0)).toEqual({ state: 'held', pairs: ALLOWED + 1, notified: 0 });
  expect(await judged(ALLOWED + 1, 9)).toMatchObject({ state: 'held' });
});

test('few pairs, and others that an API did not return: all wait until they are counted', async () => {
  expect(await judged(2, 10)).toEqual({ state: 'counting', pairs: 12, notified: 0 });
  expect(await judged(0, ALLOWED + 1)).toMatchObject({ state: 'counting', notified: 0 });
});
