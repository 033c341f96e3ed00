import fc from 'fast-check';
import { inWords, secondsLeft } from '../../src/operator/cli/commands/backfillCommand';
import { backfillSteps, decideBackfill, type BackfillItem } from '../../src/sync/backfillVerdict';
import { addBackfill, doneIn, noBackfill } from '../../src/sync/backfillTally';
import { canonicalKey, refKey } from '../../src/sync/canonicalKey';
import { isHeld, newLink, releasedIntent, type Intent } from '../../src/sync/link';
import { emptyAgreement } from '../../src/sync/planner';
import type { SyncRecord } from '../../src/sync/record';
import type { BackfillProgress } from '../../src/workflows/backfill';
import { SCENARIO_MAPPING as mapping } from '../support/scenarios';

const NOW = '2026-01-01T00:00:00.000Z';
const ref = { side: 'zendesk', kind: 'ticket', id: '1' } as const;
const key = canonicalKey('TicketToProject', ref);

const ticket = (over: Partial<SyncRecord> = {}): SyncRecord => ({
  ref,
  version: '1',
  order: 1,
  createdAt: NOW,
  updatedAt: NOW,
  state: 'live',
  values: { subject: 'a' },
  backRef: null,
  foreignBackRef: false,
  skip: null,
  ...over,
});
const knowledge = {
  mapping,
  references: { byRef: new Map(), byKey: new Map() },
  by: 'run/0/0',
  linksSince: NOW,
  now: NOW,
};
const verdictOf = (over: Partial<BackfillItem> = {}) =>
  decideBackfill({ record: ticket(), key, owner: undefined, link: null, fresh: false, ...over }, knowledge);
const intent: Intent = {
  id: 'i',
  writes: [],
  next: emptyAgreement(),
  then: 'linked',
  seen: {},
  hold: { by: 'run/0/0', until: '2026-01-01T00:30:00.000Z' },
};
const linkWith = (over: object) => ({ ...newLink(key, 'TicketToProject', mapping.version, NOW), ...over });

describe('what a backfill does with a record', () => {
  test('creates an unknown record on the other side', () => {
    expect(verdictOf()).toMatchObject({
      do: 'write',
      intent: { writes: [{ side: 'pms', op: 'create', backRef: refKey(ref) }] },
    });
  });

  test('resumes an intent that it began itself, and leaves another page’s intent for later', () => {
    expect(verdictOf({ owner: key, link: linkWith({ intent }) }).do).toBe('resume');
    const other = { ...intent, hold: { by: 'run/0/1', until: NOW } };
    expect(verdictOf({ owner: key, link: linkWith({ intent: other }) }).do).toBe('later');
  });

  test('leaves a pair at work, and a record that was created for another one, to their pairs', () => {
    expect(verdictOf({ owner: key, link: linkWith({ intent: releasedIntent(intent) }) }).do).toBe('leave');
    const made = canonicalKey('TicketToProject', { side: 'pms', kind: 'project', id: '9' });
    expect(verdictOf({ record: ticket({ backRef: 'pms:project:9' }), key: made }).do).toBe('leave');
  });

  test('waits for the link of a record that another page has just claimed', () => {
    const made = canonicalKey('TicketToProject', { side: 'pms', kind: 'project', id: '9' });
    expect(verdictOf({ key: made, owner: made }).do).toBe('later');
  });

  test('reads a record again that may be older than its link, and only then leaves it to its pair', () => {
    const side = { ref: refKey(ref), version: '3', order: 3, state: 'live', updatedAt: NOW, residue: {} };
    const snapshot = { subject: 'b' };
    const link = linkWith({ status: 'linked', snapshot, sides: { zendesk: { ...side, backRef: true } } });
    const seen = (order: number, fresh = false) =>
      verdictOf({ owner: key, link, record: ticket({ version: String(order), order }), fresh }).do;
    expect([seen(1), seen(3), seen(4), seen(1, true)]).toEqual(['read', 'leave', 'leave', 'leave']);
  });

  test('waits for a parent that is not linked', () => {
    const record = ticket({ values: { subject: 'a', organization_id: '5' } });
    expect(verdictOf({ record })).toEqual({ do: 'wait', waitsFor: ['zendesk:organization:5'] });
  });

  test('leaves a tombstone, once, for a record that ended before it was linked', () => {
    const verdict = verdictOf({ record: ticket({ state: 'deleted' }) });
    if (verdict.do !== 'keep') throw new Error(verdict.do);
    expect(verdict.link.status).toBe('tombstone');
    expect(verdictOf({ record: ticket({ state: 'deleted' }), link: verdict.link })).toEqual({
      do: 'nothing',
      because: 'ended',
    });
  });

  test('searches for a match first if the entity has match rules', () => {
    const org = { side: 'zendesk', kind: 'organization', id: '5' } as const;
    const own = canonicalKey('OrgToCustomer', org);
    const item = {
      record: ticket({ ref: org, values: { name: 'Acme' } }),
      key: own,
      owner: undefined,
      link: null,
      fresh: false,
    };
    expect(decideBackfill(item, knowledge).do).toBe('look');
    const none = { free: [], taken: [], rivals: [] };
    expect(decideBackfill(item, { ...knowledge, candidates: none }).do).toBe('write');
  });
});

test('a hold ends by itself', () => {
  const link = linkWith({ intent });
  expect(isHeld(link, new Date('2026-01-01T00:29:59Z'))).toBe(true);
  expect(isHeld(link, new Date('2026-01-01T00:30:01Z'))).toBe(false);
  expect(isHeld(linkWith({ intent: releasedIntent(intent) }), new Date(NOW))).toBe(false);
});

test('the second side is read completely before the first is written to it; parents come before children', () => {
  const steps = backfillSteps(mapping).map(({ side, kind, do: what }) => `${what} ${side} ${kind}`);
  const firstWrite = steps.findIndex((step) => !step.startsWith('store'));
  expect(steps.slice(firstWrite).filter((step) => step.startsWith('store'))).toEqual([]);
  expect(steps.filter((step) => step.startsWith('store pms'))).toHaveLength(3);
  expect(steps.indexOf('write zendesk organization')).toBeLessThan(steps.indexOf('both zendesk ticket'));
  expect(steps.indexOf('both zendesk ticket')).toBeLessThan(steps.indexOf('write zendesk comment'));
  // F3: comments determine the visibility of their tickets.
  expect(steps.indexOf('store zendesk comment')).toBeLessThan(steps.indexOf('both zendesk ticket'));
});

test('tallies can be added in any order', () => {
  const tally = fc.record({ created: fc.nat(100), left: fc.nat(100), agreed: fc.nat(100) }).map((some) => {
    const tallies = noBackfill();
    tallies.TicketToProject.created.pms = some.created;
    tallies.CommentToProject.left = some.left;
    tallies.OrgToCustomer.agreed = some.agreed;
    return tallies;
  });
  fc.assert(
    fc.property(tally, tally, (a, b) => {
      expect(addBackfill(a, b)).toEqual(addBackfill(b, a));
      expect(doneIn(addBackfill(a, b))).toBe(doneIn(a) + doneIn(b));
    }),
  );
});

test('the remaining time of a step is estimated from the times of its records, if they differ', () => {
  const progress = (first: string | null, reached: string | null) =>
    ({
      startedAt: '2026-01-11T00:00:00Z',
      step: { startedAt: '2026-01-11T00:00:00Z', first, reached },
    }) as BackfillProgress;
  const now = new Date('2026-01-11T00:00:10Z');
  expect(secondsLeft(progress('2026-01-01T00:00:00Z', '2026-01-03T00:00:00Z'), now)).toBeCloseTo(40);
  expect(secondsLeft(progress(null, null), now)).toBeNull();
  expect(secondsLeft(progress('2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'), now)).toBeNull();
});

test('issue 22: a completed backfill is not shown as "ending"', () => {
  const progress = (state: BackfillProgress['state']) =>
    ({
      ...{ state, steps: [], done: 0, tallies: noBackfill(), startedAt: '2026-01-11T00:00:00Z' },
      step: { startedAt: '2026-01-11T00:00:00Z', first: null, reached: null },
    }) as unknown as BackfillProgress;
  const now = new Date('2026-01-11T00:00:10Z');
  expect(inWords(progress('done'), now)).toBe('done · 0 records, 0/s');
  expect(inWords(progress('running'), now)).toBe('running · ending · 0 records, 0/s');
});
