import { systemActivities } from '../../src/activities/systemActivities';
import type { ActivityContext } from '../../src/activities/activityContext';
import type { PairSummary, TurnFindings } from '../../src/activities/types';
import type { CanonicalKey } from '../../src/sync/canonicalKey';
import { bringIntoAgreement, type TurnActivities } from '../../src/workflows/turn';
import { testMapping } from '../support/world';

// Found by chaos 99014.

const KEY: CanonicalKey = 'TicketToProject/zendesk:ticket:1';
const ORIGIN = 'zendesk:ticket:1';
const DONE: PairSummary = { key: KEY, status: 'linked', zendesk: '1', pms: 'P-1', reason: null };
const INBOX = { hints: [], force: false, hops: 0 };

test('a turn plans again, and creates nothing, if no look-up for matches was possible', async () => {
  const looked: TurnFindings['looked'][] = [];
  const answers = [null, ['pms:project:P-1'], []] as const;
  let calls = 0;
  const activities: TurnActivities = {
    planPair: async (input) => {
      looked.push(input.looked);
      return input.looked ? { next: 'rest', state: DONE } : { next: 'look', origin: ORIGIN };
    },
    system: () => ({
      readRecords: () => Promise.reject(new Error('nothing to read')),
      lookForMatches: async () => {
        const answer = answers[calls++];
        return answer ? [...answer] : null;
      },
      writePlanned: () => Promise.reject(new Error('nothing to write')),
    }),
  };
  expect(await bringIntoAgreement(activities, KEY, INBOX)).toEqual(DONE);
  expect(looked).toEqual([null, null, { matches: ['pms:project:P-1'], rivals: [] }]);
});

test('a look-up without an observation of the origin finds nothing out', async () => {
  const store = {
    claims: { owners: async () => new Map() },
    observations: { get: async () => new Map(), keep: async () => [] },
  };
  const mapping = testMapping([{ zendesk: 'subject', pms: 'title', type: 'string', direction: 'both' }]);
  const context = { store, mapping, systems: { pms: {}, zendesk: {} } } as unknown as ActivityContext;
  const activities = systemActivities(context, 'pms', 'interactive');
  expect(await activities.lookForMatches({ key: KEY, origin: ORIGIN })).toBeNull();
});

test('each write is told the revision that the plan or the write before has saved', async () => {
  const told: object[] = [];
  const activities: TurnActivities = {
    planPair: async () => ({ next: 'write', sides: ['zendesk', 'pms', 'zendesk'], rev: 3 }),
    system: (side) => ({
      readRecords: () => Promise.reject(new Error('nothing to read')),
      lookForMatches: () => Promise.reject(new Error('nothing to look for')),
      writePlanned: async (input) => {
        told.push({ side, ...input });
        return { next: 'done', state: DONE, ...(told.length === 1 && { rev: 4 }) };
      },
    }),
  };
  expect(await bringIntoAgreement(activities, KEY, INBOX)).toEqual(DONE);
  // A release before 0.3.0 does not name the revision.
  expect(told).toEqual([
    { side: 'zendesk', key: KEY, rev: 3 },
    { side: 'pms', key: KEY, rev: 4 },
    { side: 'zendesk', key: KEY },
  ]);
});
