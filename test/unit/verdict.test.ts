import { holdWords, type HoldShown } from '../../src/operator/brake';
import type { Status } from '../../src/operator/status';
import { faultLine, notStarted, reportsFullDisk, verdict, type Facts } from '../../src/operator/verdict';

/** O3: one pure function, whose verdict `status`, the console and the health endpoint show. */

const NOW = new Date('2026-11-25T12:00:00Z');
const SINCE = '2026-11-25T11:58:00.000Z';
const poll = (side: string, everySeconds: number) => ({
  ...{ id: `q-poll-${side}`, exists: true, paused: false, note: '', lastRun: null, nextRun: null },
  everySeconds,
  running: true,
});
const quiet: Status = {
  pairs: Object.fromEntries(
    ['OrgToCustomer', 'TicketToProject', 'CommentToProject'].map((type) => [
      type,
      { pending: 3, linked: 9, conflict: 0, quarantined: 0, tombstone: 1, pausedSince: null, heldBack: 0 },
    ]),
  ) as unknown as Status['pairs'],
  streams: [
    { name: 'zendesk:tickets', movedAt: null, readAt: SINCE, lagSeconds: 299 },
    { name: 'pms:changes', movedAt: null, readAt: null, lagSeconds: null },
  ],
  budgets: [],
  schedules: [poll('zendesk', 60), poll('pms', 15)],
  workers: 1,
  temporalFault: null,
  failedStarts: [],
  waitingRecords: 5,
  resting: [],
  apiToken: null,
  bugs: { count: 0, examples: [] },
  aside: { count: 0, examples: [] },
  brake: [],
};
const facts: Facts = {
  now: NOW,
  connection: null,
  temporal: null,
  mongodb: null,
  disk: null,
  status: quiet,
  troubles: [],
};
const lines = (change: Partial<Facts>) => verdict({ ...facts, ...change }).faults.map(faultLine);
const ofStatus = (change: Partial<Status>) => lines({ status: { ...quiet, ...change } });
const trouble = (
  name: 'zendesk' | 'pms' | 'mapping' | 'zendesk:twin',
  code: 'unauthorized',
  text: string,
) => ({
  ...{ name, code, text },
  since: SINCE,
  at: NOW.toISOString(),
});

test('O3: a service without problems is well', () => {
  expect(verdict(facts)).toEqual({ well: true, line: 'all is well', faults: [] });
});

test('O3: an outage of either API has its own message, instead of "read to its end … ago"', () => {
  const refused = trouble('zendesk', 'unauthorized', 'Zendesk GET /x: answered 401; check the token');
  const outage = {
    ...trouble('pms', 'unauthorized', 'PMS GET /y: pms.example:443 cannot be reached (ECONNRESET)'),
    code: 'unavailable' as const,
  };
  const behind = [{ name: 'zendesk:tickets', movedAt: null, readAt: null, lagSeconds: 900 }];
  expect(lines({ troubles: [outage, refused], status: { ...quiet, streams: behind } })).toEqual([
    'The PMS does not answer as it should (PMS GET /y: pms.example:443 cannot be reached (ECONNRESET)), since 2026-11-25 11:58 UTC: no change from or to it is synced; none is lost; check that it runs and can be reached; the sync continues automatically, and "npx zendesk-pms-sync doctor" tests the connection',
    'Zendesk refuses the calls of the sync (Zendesk GET /x: answered 401; check the token), since 2026-11-25 11:58 UTC: no change from or to it is synced; none is lost; correct its credential or rights; "npx zendesk-pms-sync doctor" names what is wrong',
  ]);
});

test('O3: an outage of Temporal, one of MongoDB, and a full disk each have a message', () => {
  const down = { ...quiet, workers: null, schedules: [] };
  expect(lines({ temporal: 't:7233: connect ECONNREFUSED', status: down })).toEqual([
    'Temporal does not answer (t:7233: connect ECONNREFUSED), since 2026-11-25 11:58 UTC: nothing is synced; no edit is lost; start it, or correct TEMPORAL_ADDRESS; the sync continues automatically',
  ]);
  expect(lines({ mongodb: 'connect ECONNREFUSED m:27017', status: null })).toEqual([
    'MongoDB does not answer (connect ECONNREFUSED m:27017): nothing is synced; no edit is lost; start it, or correct MONGODB_URI; the sync continues automatically',
  ]);
  expect(lines({ disk: { path: '.zendesk-pms-sync', freeMb: 3 } })).toEqual([
    'The disk of .zendesk-pms-sync is nearly full (3 MB left): nothing can be stored, so nothing is synced; no edit is lost; make room on that disk; the sync continues automatically',
  ]);
  // A server's message about its disk comes first, then its outage.
  expect(lines({ temporal: 'database or disk is full', status: down })[0]).toMatch(/^The disk is full /);
});

test.each([
  ['database or disk is full', true],
  ['Exception writing: No space left on device', true],
  ['ENOSPC: write', true],
  ['connect ECONNREFUSED', false],
])('O3: "%s" means a full disk: %s', (words, expected) => expect(reportsFullDisk(words)).toBe(expected));

test('O3: a refused mapping and a second installation have messages', () => {
  expect(
    lines({
      troubles: [
        { ...trouble('mapping', 'unauthorized', 'entities.X: expected …'), code: 'unusable' },
        { ...trouble('zendesk:twin', 'unauthorized', 'as user 7'), code: 'twin' },
      ],
    }),
  ).toEqual([
    'The changed mapping file is refused (entities.X: expected …), since 2026-11-25 11:58 UTC: the mapping before the change stays in use; correct the file; "npx zendesk-pms-sync mapping check" has the details',
    'Another installation syncs this Zendesk account (as user 7), since 2026-11-25 11:58 UTC: each installation overwrites the changes of the other; stop one of the two installations; if there is only one, its webhook is left over from another PUBLIC_URL: "npx zendesk-pms-sync webhooks remove --elsewhere"',
  ]);
});

test('O3: an outage comes before decisions that wait for a person, and the line counts the others', () => {
  const tickets = {
    ...quiet.pairs.TicketToProject,
    conflict: 2,
    quarantined: 1,
    pausedSince: '2026-11-25T00:00',
  };
  const status = { ...quiet, workers: 0, pairs: { ...quiet.pairs, TicketToProject: tickets } };
  const { well, line, faults } = verdict({ ...facts, connection: 'acme', status });
  expect(well).toBe(false);
  expect(faults.map(({ code }) => code)).toEqual(['no_worker', 'conflicts', 'quarantine', 'paused']);
  expect(line).toMatch(/^No worker runs, since .* \(and 3 more\)$/);
  expect(faults.map(({ cure }) => cure).slice(1)).toEqual([
    '"npx zendesk-pms-sync conflicts list --connection acme"',
    '"npx zendesk-pms-sync quarantine list --connection acme"',
    '"npx zendesk-pms-sync resume TicketToProject --connection acme"',
  ]);
});

test('the end of an API token is a problem from 30 days before it', () => {
  const notice = 'Zendesk API tokens end';
  expect(ofStatus({ apiToken: { daysLeft: 31, notice } })).toEqual([]);
  expect(ofStatus({ apiToken: { daysLeft: 30, notice } })).toEqual([`${notice}; see docs/zendesk.md`]);
});

test('a stream that lags for no known cause, and a paused Schedule, are shown with a command', () => {
  const streams = [
    { name: 'zendesk:tickets', movedAt: null, readAt: null, lagSeconds: 301 },
    { name: 'pms:changes', movedAt: null, readAt: null, lagSeconds: 119 },
  ];
  expect(ofStatus({ streams })).toEqual([
    expect.stringMatching(/^zendesk:tickets was last read to its end 301 s ago/),
  ]);
  const schedules = [{ ...poll('zendesk', 60), paused: true, note: 'night shift' }];
  expect(ofStatus({ streams, schedules })).toEqual([
    'Schedule q-poll-zendesk is paused (night shift): its task does not run; resume it: "npx zendesk-pms-sync schedules resume q-poll-zendesk"',
  ]);
});

test('F1: a resting row is shown once for all pairs, with its start', () => {
  const rests = {
    entity: 'TicketToProject' as const,
    what: 'row "custom_fields.Severity ↔ severity"',
    side: 'zendesk' as const,
    kind: 'ticket',
    property: 'custom_fields.Severity',
    name: 'custom_fields.360001',
    since: '2026-11-29T10:00:00.000Z',
  };
  expect(ofStatus({ resting: [rests] })).toEqual([
    'TicketToProject row "custom_fields.Severity ↔ severity" rests: zendesk ticket does not offer "custom_fields.Severity" (custom_fields.360001) any more, since 2026-11-29 10:00 UTC: this property is not synced; bring the field back, or change the mapping; then the property is synced again',
  ]);
});

test('A7, A9: pairs with bugs, and records set aside, are named', () => {
  const one = {
    what: 'zendesk:ticket:7',
    side: 'zendesk',
    kind: 'record',
    reason: 'tickets.0.updated_at: invalid',
    bytes: 99,
    since: '',
    last: '',
  } as const;
  expect(ofStatus({ bugs: { count: 2, examples: ['a'] }, aside: { count: 1, examples: [one] } })).toEqual([
    'Pairs that failed with a bug: 2 (a, …): they are not synced; "npx zendesk-pms-sync links find --code bug"; report it, then resync them',
    'Records or pages that could not be processed: 1 (zendesk:ticket:7): they are not synced; "npx zendesk-pms-sync aside list"',
  ]);
});

test('a hold of the brake is shown with its row, its number of pairs, its start, its cause and the fix', () => {
  const hold: HoldShown = {
    ...{ id: 'TicketToProject/emptied/priority/pms', entity: 'TicketToProject', kind: 'emptied' },
    ...{ row: 'priority', side: 'pms', state: 'held', by: 'brake', cause: 'side answered with less' },
    ...{ since: SINCE, counts: { pairs: 11, linked: 50, allowed: 10 }, waiting: 39 },
    examples: ['TicketToProject/zendesk:ticket:1'],
  };
  expect(ofStatus({ brake: [hold] })).toEqual([
    'The brake holds emptying of TicketToProject priority in the PMS: side answered with less (11 of 50 pairs, 10 allowed); 39 pairs wait, e.g. TicketToProject/zendesk:ticket:1, since 2026-11-25 11:58 UTC: these changes wait; all else is synced; see "npx zendesk-pms-sync brake show", then "npx zendesk-pms-sync brake release" or "npx zendesk-pms-sync brake discard"',
  ]);
  expect(holdWords({ ...hold, state: 'released', waiting: 0 })).toBe(
    'No longer held: emptying of TicketToProject priority in the PMS, as long as the row names these fields: side answered with less (11 of 50 pairs)',
  );
  const ofUndo: HoldShown = { ...hold, by: 'undo', kind: 'written', side: null, cause: 'undo' };
  expect(holdWords(ofUndo)).toBe(
    'An undo of 11 pairs holds writing of TicketToProject priority; 39 pairs wait',
  );
  expect(ofStatus({ brake: [{ ...hold, state: 'released' }] })).toEqual([]);
  expect(ofStatus({ brake: [{ ...hold, by: 'undo' }] })).toEqual([]);
});

test('issue 22: a refused cursor is recognised by the code that the poll sets, not by the API’s message', () => {
  const message = 'The PMS does not take the cursor that the sync kept of its stream changes (refused)';
  const refused = { ...trouble('pms', 'unauthorized', message), code: 'cursor_refused' as const };
  expect(lines({ troubles: [refused] })).toEqual([
    `${message}, since 2026-11-25 11:58 UTC: no change from it is synced; none is lost; "npx zendesk-pms-sync doctor" has the command that rewinds the stream`,
  ]);
  const other = { ...refused, code: 'refused' as const, text: 'invalid_field (cursor)' };
  expect(lines({ troubles: [other] })).toEqual([
    expect.stringMatching(/correct its credential or rights; "npx zendesk-pms-sync doctor"/),
  ]);
});

test('issue 22: status before any start reports that nothing runs here, and how to start', () => {
  expect(notStarted()).toMatchObject({
    well: false,
    line: 'No service runs in this folder, and neither TEMPORAL_ADDRESS nor MONGODB_URI is set: nothing is synced; no edit is lost; start it: "npx zendesk-pms-sync start"',
  });
});
