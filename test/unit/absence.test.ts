import { bindProperties, type OfferedProperty } from '../../src/sync/bindProperties';
import type { Mapping } from '../../src/sync/mapping';
import { filterReason, isEcho, type Plan } from '../../src/sync/planner';
import { examine } from '../../src/sync/reconcileVerdict';
import { SIDES, type Values } from '../../src/sync/record';
import { NO_REFERENCES, World, record, testMapping } from '../support/world';

/** F1: absent is not empty. A row rests while the list of fields of a side does not have its property. */

const MAPPING = testMapping(
  [
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
    {
      zendesk: 'custom_fields.Severity',
      pms: 'severity',
      type: 'string',
      direction: 'both',
      winner: 'latest',
      default: 'none',
    },
  ],
  {
    match: [
      { zendesk: 'custom_fields.Severity', pms: 'severity' },
      { zendesk: 'subject', pms: 'title' },
    ],
    filter: { zendesk: { 'custom_fields.Severity': ['s1'] } },
  },
);
const SUBJECT = { name: 'subject', aliases: [] };
const severity = (id: number) => ({
  name: `custom_fields.${id}`,
  aliases: ['custom_fields.Severity'],
});
const formerly = () => 'custom_fields.1';

function boundTo(...ticket: OfferedProperty[]): Mapping {
  const project = ['title', 'severity'].map((name) => ({ name, aliases: [] }));
  const offered = { zendesk: new Map([['ticket', ticket]]), pms: new Map([['project', project]]) };
  return bindProperties(MAPPING, offered, 'mapping.yaml', formerly);
}

const OFFERED = boundTo(SUBJECT, severity(1));
const GONE = boundTo(SUBJECT);
const MADE_ANEW = boundTo(SUBJECT, severity(2));
const tableOf = (mapping: Mapping) => mapping.entities.TicketToProject;
const writesOf = (plan: Plan) =>
  plan.do === 'write' ? plan.intent.writes.map(({ side, op, values }) => ({ side, op, values })) : plan.do;

/** A pair that agreed on `s1`; `match` would look for a counterpart first. */
function agreedPair(): World {
  const world = World.of(OFFERED, 'zendesk', { subject: 'a', 'custom_fields.1': 's1' });
  world.settle();
  expect(world.records.pms?.values['severity']).toBe('s1');
  return world;
}

/** The same pair at another time; the ticket shows the fields that there are. */
function under(mapping: Mapping, before: World, ticket: Values): World {
  const world = new World(mapping, before.key);
  world.link = before.link;
  world.records = { ...before.records };
  if (before.records.zendesk) world.records.zendesk = { ...before.records.zendesk, values: ticket };
  return world;
}

describe('F1: a field that was deactivated or deleted', () => {
  test('makes its row rest, and is no fault of the mapping', () => {
    expect(tableOf(GONE).rows[1]).toMatchObject({ zendesk: 'custom_fields.1', restsOn: 'zendesk' });
    expect(GONE.resting).toEqual([
      {
        entity: 'TicketToProject',
        what: 'row "custom_fields.Severity ↔ severity"',
        side: 'zendesk',
        kind: 'ticket',
        property: 'custom_fields.Severity',
        name: 'custom_fields.1',
      },
      expect.objectContaining({ what: 'match rule "custom_fields.Severity ↔ severity"' }) as object,
      expect.objectContaining({ what: 'filter "custom_fields.Severity"' }) as object,
    ]);
    expect(OFFERED.resting).toEqual([]);
  });

  test('that was never bound is a fault, which names what there is', () => {
    const offered = { zendesk: new Map([['ticket', [SUBJECT]]]), pms: new Map() };
    expect(() => bindProperties(MAPPING, offered, 'mapping.yaml')).toThrow(
      'mapping.yaml: TicketToProject row "custom_fields.Severity ↔ severity": zendesk ticket has no property "custom_fields.Severity"; it has subject',
    );
  });

  test('neither matches nor keeps a record out', () => {
    expect(tableOf(GONE).match).toEqual([{ zendesk: 'subject', pms: 'title' }]);
    expect(filterReason(tableOf(OFFERED), record('zendesk', { 'custom_fields.1': 's2' }))).toContain(
      'filtered out',
    );
    expect(filterReason(tableOf(GONE), record('zendesk', { subject: 'a' }))).toBeNull();
  });

  test('changes nothing on the other side, and costs neither reads nor writes', () => {
    const world = under(GONE, agreedPair(), { subject: 'a' });
    expect(writesOf(world.plan(SIDES, true))).toBe('settled');
    // A record that leaves out what is empty, as some APIs do, says no more.
    const { zendesk, pms } = world.records;
    const { link } = world;
    if (!link || !zendesk || !pms) throw new Error('no pair');
    const partial = { ...zendesk };
    delete partial.complete;
    world.records.zendesk = partial;
    expect(writesOf(world.plan(SIDES, true))).toBe('settled');
    for (const seen of [zendesk, partial, pms]) {
      expect(isEcho(GONE, tableOf(GONE), link, seen, NO_REFERENCES)).toBe(true);
      expect(examine(GONE, tableOf(GONE), link, seen, NO_REFERENCES)).toEqual({ kind: 'agrees' });
    }
    world.edit('zendesk', { subject: 'b' });
    expect(writesOf(world.plan(['zendesk']))).toEqual([
      { side: 'pms', op: 'update', values: { title: 'b' } },
    ]);
  });

  test('is not filled by a default, nor in a new record', () => {
    const world = World.of(GONE, 'zendesk', { subject: 'a' });
    world.settle();
    expect(world.records.pms?.values).toMatchObject({ title: 'a', severity: null });
    expect(world.link?.snapshot).toEqual({ title: 'a' });
    const other = World.of(GONE, 'pms', { title: 'a', severity: 's1' });
    other.settle();
    expect(other.writes.at(-1)?.values).toEqual({ subject: 'a' });
  });

  test('comes back: the edits made meanwhile are merged against what was agreed', () => {
    const world = under(GONE, agreedPair(), { subject: 'a' });
    world.edit('pms', { severity: 's2' });
    expect(world.settle(['pms'])).toMatchObject({ do: 'settled' });
    expect(world.link?.rested).toEqual(['severity']);
    expect(world.link?.snapshot).toMatchObject({ severity: 's1' });
    // No record changes by it, so that an edit of something else is the occasion.
    const back = under(OFFERED, world, { subject: 'b', 'custom_fields.1': 's1' });
    back.edit('zendesk', { subject: 'b' });
    expect(back.plan(['zendesk'])).toMatchObject({ do: 'read' });
    back.settle();
    expect(back.records.zendesk?.values).toEqual({ subject: 'b', 'custom_fields.1': 's2' });
    expect(back.link?.rested).toBeUndefined();
    expect(back.link?.history).toEqual([]);
  });

  test('comes back, edited on both sides: the loser is in the history', () => {
    const world = under(GONE, agreedPair(), { subject: 'a' });
    world.edit('pms', { severity: 's2' });
    world.settle(['pms']);
    const back = under(OFFERED, world, { subject: 'a', 'custom_fields.1': 's1' });
    back.edit('zendesk', { 'custom_fields.1': 's3' });
    back.settle(['zendesk']);
    expect(back.link?.history).toMatchObject([
      { row: 'severity', lost: expect.stringMatching(/^s[23]$/) as string },
    ]);
    expect(back.records.zendesk?.values['custom_fields.1']).toBe(back.records.pms?.values['severity']);
  });

  test('made anew under the same title: the row is bound anew, and the empty field is filled', () => {
    expect(tableOf(MADE_ANEW).rows[1]?.zendesk).toBe('custom_fields.2');
    const resting = under(GONE, agreedPair(), { subject: 'a' });
    resting.settle();
    const world = under(MADE_ANEW, resting, { subject: 'a', 'custom_fields.2': null });
    world.settle();
    expect(world.records.zendesk?.values['custom_fields.2']).toBe('s1');
    expect(world.records.pms?.values['severity']).toBe('s1');
  });

  test('a record that lacks it before the list of fields was read again rests, too', () => {
    const world = under(OFFERED, agreedPair(), { subject: 'a' });
    expect(writesOf(world.plan(SIDES, true))).toBe('settled');
  });
});
