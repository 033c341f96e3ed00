import type { ReasonCode } from '../../src/sync/reasons';
import { addTidied, disorderOf, nothingTidied } from '../../src/sync/disorder';
import { newLink, seenVersion, type Link } from '../../src/sync/link';
import { absentReason } from '../../src/sync/absentRecord';
import { examine } from '../../src/sync/reconcileVerdict';
import { addFindings, noFindings } from '../../src/sync/findings';
import type { SyncRecord } from '../../src/sync/record';
import { NOW, NO_REFERENCES, record, testMapping } from '../support/world';

const mapping = testMapping([
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both' },
  { zendesk: 'status', pms: 'status', type: 'string', direction: 'both' },
]);
const table = mapping.entities.TicketToProject;
const ticket = record('zendesk', { subject: 'A', status: 'open' }, 5);
const project = record('pms', { title: 'A', status: 'open' }, 5);
const linked: Link = {
  ...newLink('TicketToProject/zendesk:ticket:1', 'TicketToProject', mapping.version, NOW),
  status: 'linked',
  snapshot: { subject: 'A', status: 'open', title: 'A' },
  sides: {
    zendesk: { ...seenVersion(ticket), residue: {}, backRef: true },
    pms: { ...seenVersion(project), residue: {}, backRef: true },
  },
};
const rows = table.rows.map(({ id }) => id);
linked.snapshot = Object.fromEntries(rows.map((id, i) => [id, i === 0 ? 'A' : 'open']));

const verdict = (link: Link | null, seen: SyncRecord) => examine(mapping, table, link, seen, NO_REFERENCES);

describe('findings of a walk', () => {
  test.each<[string, Link | null, SyncRecord, string]>([
    ['no link', null, ticket, 'missing'],
    ['no link, and ended', null, { ...ticket, state: 'deleted' }, 'outside'],
    ['no link, and out of scope', null, { ...ticket, skip: 'a description' }, 'outside'],
    ['the content that the link has', linked, ticket, 'agrees'],
    ['A4: a smaller order, and the same content', linked, { ...ticket, order: 4, version: '4' }, 'agrees'],
    [
      'A4: a smaller order, and other content',
      linked,
      { ...ticket, order: 4, version: '4', values: { subject: 'restored', status: 'open' } },
      'drifted',
    ],
    ['ended', linked, { ...ticket, state: 'archived' }, 'ended'],
    ['a link in conflict', { ...linked, status: 'conflict' }, ticket, 'unsettled'],
    ['a link that waits', { ...linked, waitsFor: ['zendesk:organization:1'] }, ticket, 'unsettled'],
    ['the link names another record', linked, { ...ticket, ref: { ...ticket.ref, id: '2' } }, 'unsettled'],
    ['A5: a tombstone without the side that ended', { ...linked, status: 'tombstone' }, ticket, 'returned'],
    [
      'A5: a tombstone of a record that was never linked',
      { ...linked, status: 'tombstone', sides: {} },
      ticket,
      'returned',
    ],
    [
      'A5: a record that was not found earlier, and exists',
      {
        ...linked,
        reason: { code: 'absent', text: absentReason('zendesk:ticket:1'), since: NOW, nextAttempt: null },
      },
      ticket,
      'returned',
    ],
  ])('%s', (_, link, seen, kind) => {
    expect(verdict(link, seen).kind).toBe(kind);
  });

  test('drift names the properties, on either side', () => {
    const edited = { ...ticket, order: 6, version: '6', values: { subject: 'B', status: 'open' } };
    expect(verdict(linked, edited)).toEqual({ kind: 'drifted', rows: [rows[0]] });
    const both = { ...project, order: 6, values: { title: 'B', status: 'done' } };
    expect(verdict(linked, both)).toEqual({ kind: 'drifted', rows });
  });

  test('a record that ended and returned is a finding', () => {
    const pms = linked.sides.pms;
    if (!pms) throw new Error('no side');
    const ended = {
      ...linked,
      status: 'tombstone' as const,
      sides: { ...linked.sides, pms: { ...pms, state: 'archived' as const } },
    };
    expect(verdict(ended, project).kind).toBe('returned');
    expect(verdict({ ...ended, unlinked: true }, project).kind).toBe('agrees');
    expect(verdict(ended, ticket).kind).toBe('agrees');
  });

  test('findings can be added', () => {
    const one = noFindings();
    one.TicketToProject.drifted = 2;
    one.TicketToProject.rows = { title: 2 };
    one.TicketToProject.examples = ['a'];
    const other = noFindings();
    other.TicketToProject.rows = { title: 1, status: 1 };
    other.TicketToProject.examples = Array.from({ length: 40 }, (_, i) => `k${i}`);
    const sum = addFindings(one, other).TicketToProject;
    expect(sum).toMatchObject({ drifted: 2, rows: { title: 3, status: 1 } });
    expect(sum.examples).toHaveLength(20);
  });
});

describe('link hygiene', () => {
  const now = new Date(Date.parse(NOW) + 3_600_000);
  const intent = {
    id: 'x',
    writes: [],
    next: { snapshot: {}, residue: { zendesk: {}, pms: {} }, conflicts: [], overruled: [], waitsFor: [] },
    then: 'linked' as const,
    seen: {},
  };
  const reason = (code: ReasonCode, nextAttempt: string | null) => ({
    code,
    text: code,
    since: NOW,
    nextAttempt,
  });
  const waiting = { ...linked, waitsFor: ['zendesk:organization:1'] };

  test.each<[string, Link, ('linked' | 'at work' | 'unknown')[], string | null]>([
    ['all is well', linked, [], null],
    ['an abandoned intent', { ...linked, intent }, [], 'abandoned'],
    ['an intent that was stored just now', { ...linked, intent, updatedAt: now.toISOString() }, [], null],
    ['pending, and waiting for nothing', { ...linked, status: 'pending' }, [], 'stuck'],
    ['its parent is linked', waiting, ['linked'], 'overlooked'],
    ['its parent has no pair', waiting, ['unknown'], 'overlooked'],
    ['its parent is out of scope', { ...waiting, reason: reason('no_part', null) }, ['unknown'], null],
    [
      'its parent was out of scope',
      { ...waiting, reason: reason('no_part', null) },
      ['linked'],
      'overlooked',
    ],
    ['its parent is being synced', waiting, ['at work'], null],
    ['a next attempt that is long past', { ...linked, reason: reason('retry_later', NOW) }, [], 'overdue'],
    ['a next attempt to come', { ...linked, reason: reason('retry_later', now.toISOString()) }, [], null],
    ['a bug stays visible', { ...linked, reason: reason('bug', null) }, [], null],
    ['a person must decide', { ...linked, status: 'conflict', intent }, [], null],
    ['paused', { ...linked, status: 'pending', reason: reason('paused', null) }, [], null],
  ])('%s', (_, link, parents, disorder) => {
    expect(disorderOf(link, parents, now)).toBe(disorder);
  });

  test('results can be added', () => {
    const one = { ...nothingTidied(), looked: 2, told: { stuck: 1 } };
    expect(addTidied(one, { looked: 1, told: { stuck: 1, overdue: 2 }, released: 1, dropped: 0 })).toEqual({
      looked: 3,
      told: { stuck: 2, overdue: 2 },
      released: 1,
      dropped: 0,
    });
  });
});
