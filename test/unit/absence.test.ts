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

/** A pair that agreed on `s1`; `match` would search for a counterpart first. */
function agreedPair(): World {
  const world = World.of(OFFERED, 'zendesk', { subject: 'a', 'custom_fields.1': 's1' });
  world.settle();
  expect(world.records.pms?.values['severity']).toBe('s1');
  return world;
}

/** The same pair at another time; the ticket shows the fields that exist. */
function under(mapping: Mapping, before: World, ticket: Values): World {
  const world = new World(mapping, before.key);
  world.link = before.link;
  world.records = { ...before.records };
  if (before.records.zendesk) world.records.zendesk = { ...before.records.zendesk, values: ticket };
  return world;
}

describe('F1: a field that was deactivated or deleted', () => {
  test('rests its row, and is not an error of the mapping', () => {
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

  test('is an error that names the existing fields, if it was never bound', () => {
    const offered = { zendesk: new Map([['ticket', [SUBJECT]]]), pms: new Map() };
    expect(() => bindProperties(MAPPING, offered, 'mapping.yaml')).toThrow(
      'mapping.yaml: TicketToProject row "custom_fields.Severity ↔ severity": zendesk ticket has no property "custom_fields.Severity"; it has subject',
    );
  });

  test('neither matches records nor excludes one', () => {
    expect(tableOf(GONE).match).toEqual([{ zendesk: 'subject', pms: 'title' }]);
    expect(filterReason(tableOf(OFFERED), record('zendesk', { 'custom_fields.1': 's2' }))).toContain(
      'filtered out',
    );
    expect(filterReason(tableOf(GONE), record('zendesk', { subject: 'a' }))).toBeNull();
  });

  test('changes nothing on the other side, and causes neither reads nor writes', () => {
    const world = under(GONE, agreedPair(), { subject: 'a' });
    expect(writesOf(world.plan(SIDES, true))).toBe('settled');
    // A record of an API that omits empty values shows no more.
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

  test('is not filled by a default, also in a new record', () => {
    const world = World.of(GONE, 'zendesk', { subject: 'a' });
    world.settle();
    expect(world.records.pms?.values).toMatchObject({ title: 'a', severity: null });
    expect(world.link?.snapshot).toEqual({ title: 'a' });
    const other = World.of(GONE, 'pms', { title: 'a', severity: 's1' });
    other.settle();
    expect(other.writes.at(-1)?.values).toEqual({ subject: 'a' });
  });

  test('returns: the edits made meanwhile are merged against the snapshot', () => {
    const world = under(GONE, agreedPair(), { subject: 'a' });
    world.edit('pms', { severity: 's2' });
    expect(world.settle(['pms'])).toMatchObject({ do: 'settled' });
    expect(world.link?.rested).toEqual(['severity']);
    expect(world.link?.snapshot).toMatchObject({ severity: 's1' });
    // No record changes by it, so an edit of another property is needed.
    const back = under(OFFERED, world, { subject: 'b', 'custom_fields.1': 's1' });
    back.edit('zendesk', { subject: 'b' });
    expect(back.plan(['zendesk'])).toMatchObject({ do: 'read' });
    back.settle();
    expect(back.records.zendesk?.values).toEqual({ subject: 'b', 'custom_fields.1': 's2' });
    expect(back.link?.rested).toBeUndefined();
    expect(back.link?.history).toEqual([]);
  });

  test('returns after edits on both sides: the history keeps the loser’s value', () => {
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

  test('is created again with the same title: the row is bound again, and the empty field is filled', () => {
    expect(tableOf(MADE_ANEW).rows[1]?.zendesk).toBe('custom_fields.2');
    const resting = under(GONE, agreedPair(), { subject: 'a' });
    resting.settle();
    const world = under(MADE_ANEW, resting, { subject: 'a', 'custom_fields.2': null });
    world.settle();
    expect(world.records.zendesk?.values['custom_fields.2']).toBe('s1');
    expect(world.records.pms?.values['severity']).toBe('s1');
  });

  test('rests in a record that lacks it before the list of fields was read again', () => {
    const world = under(OFFERED, agreedPair(), { subject: 'a' });
    expect(writesOf(world.plan(SIDES, true))).toBe('settled');
  });
});

describe('F1: an option whose tag was renamed', () => {
  const mapping = (table: Record<string, string>, options: string[]) =>
    bindProperties(
      testMapping([
        { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both' },
        {
          zendesk: 'custom_fields.1',
          pms: 'severity',
          type: 'enum',
          direction: 'both',
          transform: 'enum',
          table,
        },
        { zendesk: 'custom_fields.2', pms: 'parts', type: 'string[]', direction: 'both' },
      ]),
      {
        zendesk: new Map([
          [
            'ticket',
            [
              { name: 'subject', aliases: [] },
              { name: 'custom_fields.1', aliases: [], custom: { options } },
              {
                name: 'custom_fields.2',
                aliases: [],
                custom: { options: ['a', 'b', 'c'].filter((each) => options.includes('s1') || each !== 'a') },
              },
            ],
          ],
        ]),
        pms: new Map(),
      },
      'mapping.yaml',
    );
  const TABLE = { s1: 'high', s2: 'low' };
  const BEFORE = mapping(TABLE, ['s1', 's2']);
  const RENAMED = mapping(TABLE, ['s1_new', 's2']);
  const before = () => {
    const world = World.of(BEFORE, 'zendesk', {
      subject: 'a',
      'custom_fields.1': 's1',
      'custom_fields.2': ['a', 'b'],
    });
    world.settle();
    expect(world.records.pms?.values).toMatchObject({ severity: 'high', parts: ['a', 'b'] });
    return world;
  };
  const renamed = () =>
    under(RENAMED, before(), { subject: 'a', 'custom_fields.1': null, 'custom_fields.2': ['b'] });

  test('clears nothing, and is no edit when the option returns', () => {
    const world = renamed();
    world.settle();
    expect(world.writes).toEqual([]);
    expect(world.records.pms?.values).toMatchObject({ severity: 'high', parts: ['a', 'b'] });
    const back = under(BEFORE, world, { subject: 'a', 'custom_fields.1': null, 'custom_fields.2': ['b'] });
    expect(writesOf(back.plan(SIDES, true))).toBe('settled');
  });

  test('does not block edits of the other side, or of its own', () => {
    const world = renamed();
    world.edit('pms', { severity: 'low', parts: ['a', 'b', 'c'] });
    world.settle();
    expect(world.records.zendesk?.values).toMatchObject({
      'custom_fields.1': 's2',
      'custom_fields.2': ['b', 'c'],
    });
    const other = renamed();
    other.edit('zendesk', { 'custom_fields.1': 's2' });
    other.settle();
    expect(other.records.pms?.values['severity']).toBe('low');
  });

  test('fills the empty field again when the table has the new tag', () => {
    const world = under(mapping({ s1_new: 'high', s2: 'low' }, ['s1_new', 's2']), before(), {
      subject: 'a',
      'custom_fields.1': null,
      'custom_fields.2': ['a', 'b'],
    });
    world.settle();
    expect(world.records.zendesk?.values['custom_fields.1']).toBe('s1_new');
    expect(world.records.pms?.values['severity']).toBe('high');
  });

  test('a new option in the table does not change agreements', () => {
    const world = under(mapping({ ...TABLE, s3: 'none' }, ['s1', 's2', 's3']), before(), {
      subject: 'a',
      'custom_fields.1': null,
      'custom_fields.2': ['a', 'b'],
    });
    expect(writesOf(world.plan(SIDES, true))).toEqual([
      { side: 'pms', op: 'update', values: { severity: null } },
    ]);
  });
});
