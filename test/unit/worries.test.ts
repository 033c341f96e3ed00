import type { HoldShown } from '../../src/operator/brake';
import { worriesOf, type Status } from '../../src/operator/status';

const quiet: Status = {
  pairs: Object.fromEntries(
    ['OrgToCustomer', 'TicketToProject', 'CommentToProject'].map((type) => [
      type,
      { pending: 3, linked: 9, conflict: 0, quarantined: 0, tombstone: 1, pausedSince: null, heldBack: 0 },
    ]),
  ) as unknown as Status['pairs'],
  streams: [
    { name: 'zendesk:tickets', movedAt: null, readAt: null, lagSeconds: 299 },
    { name: 'pms:changes', movedAt: null, readAt: null, lagSeconds: null },
  ],
  budgets: [],
  schedules: [
    { id: 's', exists: true, paused: false, note: '', lastRun: null, nextRun: null, running: true },
  ],
  workers: 1,
  failedStarts: [],
  waitingRecords: 5,
  resting: [],
  apiToken: null,
  bugs: { count: 0, examples: [] },
  aside: { count: 0, examples: [] },
  brake: [],
};
const POLLS = { zendesk: 60, pms: 15 };
const of = (change: Partial<Status>) => worriesOf({ ...quiet, ...change }, POLLS);

test('what goes its way worries nobody', () => {
  expect(of({})).toEqual([]);
});

test('an API token’s end is a worry from 30 days before it', () => {
  const notice = 'Zendesk API tokens end';
  expect(of({ apiToken: { daysLeft: 31, notice } })).toEqual([]);
  expect(of({ apiToken: { daysLeft: 30, notice } })).toEqual([notice]);
});

test('F1: what rests is a worry, once for all pairs, and says since when', () => {
  const rests = {
    entity: 'TicketToProject' as const,
    what: 'row "custom_fields.Severity ↔ severity"',
    side: 'zendesk' as const,
    kind: 'ticket',
    property: 'custom_fields.Severity',
    name: 'custom_fields.360001',
    since: '2026-11-29T10:00:00.000Z',
  };
  expect(of({ resting: [rests] })).toEqual([
    'TicketToProject row "custom_fields.Severity ↔ severity" rests since 2026-11-29T10:00:00.000Z: zendesk ticket does not offer "custom_fields.Severity" (custom_fields.360001) any more; it goes on when the field is back, or change the mapping',
  ]);
});

test('A7, A9: pairs in bug, and what was set aside, are named', () => {
  const one = {
    what: 'zendesk:ticket:7',
    side: 'zendesk',
    kind: 'record',
    reason: 'tickets.0.updated_at: invalid',
    bytes: 99,
    since: '',
    last: '',
  } as const;
  expect(of({ bugs: { count: 2, examples: ['a'] }, aside: { count: 1, examples: [one] } })).toEqual([
    '2 ended in a bug (a, …): "zendesk-pms-sync links find --code bug"; report it, then resync them',
    '1 could not be taken in (zendesk:ticket:7): "zendesk-pms-sync aside list"',
  ]);
});

test('each worry says what to do', () => {
  expect(of({ workers: 0 })).toEqual(['no worker runs: start one with "zendesk-pms-sync start"']);
  expect(
    of({
      streams: [
        { name: 'zendesk:tickets', movedAt: null, readAt: null, lagSeconds: 301 },
        { name: 'pms:changes', movedAt: null, readAt: null, lagSeconds: 119 },
      ],
    }),
  ).toEqual([expect.stringMatching(/^zendesk:tickets was read to its end 301 s ago: .*doctor/)]);
  expect(of({ schedules: [{ ...quiet.schedules[0]!, paused: true, note: 'night shift' }] })).toEqual([
    'Schedule s is paused (night shift): resume it in the Temporal Web UI',
  ]);
  const tickets = { ...quiet.pairs.TicketToProject, conflict: 2, quarantined: 1, pausedSince: '2026-11-25' };
  expect(of({ pairs: { ...quiet.pairs, TicketToProject: tickets } })).toEqual([
    'TicketToProject: 2 in conflict: "zendesk-pms-sync conflicts list"',
    'TicketToProject: 1 in quarantine: "zendesk-pms-sync quarantine list"',
    'TicketToProject is paused since 2026-11-25: "zendesk-pms-sync resume TicketToProject"',
  ]);
});

test('what the brake holds is named: which row, how many pairs, since when, and why', () => {
  const hold: HoldShown = {
    ...{ id: 'TicketToProject/emptied/priority/pms', entity: 'TicketToProject', kind: 'emptied' },
    ...{ row: 'priority', side: 'pms', state: 'held', by: 'brake', cause: 'side answered with less' },
    ...{ since: '2026-11-30T01:00:00.000Z', counts: { pairs: 11, linked: 50, allowed: 10 }, waiting: 39 },
    examples: ['TicketToProject/zendesk:ticket:1'],
  };
  expect(of({ brake: [hold] })).toEqual([
    'the brake holds emptying of TicketToProject priority in the PMS since 2026-11-30T01:00:00.000Z: side answered with less (11 of 50 pairs, 10 allowed); 39 pairs wait, e.g. TicketToProject/zendesk:ticket:1: "zendesk-pms-sync brake show"',
  ]);
  expect(of({ brake: [{ ...hold, state: 'released' }] })).toEqual([]);
  expect(of({ brake: [{ ...hold, by: 'undo' }] })).toEqual([]);
});
