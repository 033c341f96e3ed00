import fc from 'fast-check';
import { isEcho, planPair, type Plan } from '../../src/sync/planner';
import type { Mapping } from '../../src/sync/mapping';
import { SIDES, type Json, type Side, type Values } from '../../src/sync/record';
import { agreedBase } from '../../src/sync/rules/binding';
import { bindingsOf } from '../../src/sync/rules/sameFields';
import { examine } from '../../src/sync/reconcileVerdict';
import { rebuiltLink } from '../../src/sync/rebuiltLink';
import { NO_REFERENCES, NOW, World, record, testMapping } from '../support/world';

/** A1: an agreement counts for the fields that a row named at that time, and for no others. */

const title = { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' };
const costIn = (zendesk: string, over: Record<string, unknown> = {}): Mapping =>
  testMapping([
    title,
    { zendesk, pms: 'cost', type: 'string', direction: 'both', winner: 'latest', ...over },
  ]);
const FIRST = costIn('custom_fields.1');
const SECOND = costIn('custom_fields.2');

/** A pair that agreed on `x` in the first field. */
function agreedPair(mapping = FIRST): World {
  const world = World.of(mapping, 'zendesk', { subject: 'a', 'custom_fields.1': 'x' });
  world.settle();
  expect(world.records.pms?.values['cost']).toBe('x');
  return world;
}

/** The same pair under another mapping, with further values of the ticket. */
function under(mapping: Mapping, before: World, ticket: Values = {}): World {
  const world = new World(mapping, before.key);
  world.link = before.link && { ...before.link, mappingVersion: mapping.version };
  world.records = { ...before.records };
  const { zendesk } = world.records;
  if (zendesk) world.records.zendesk = { ...zendesk, values: { ...zendesk.values, ...ticket } };
  return world;
}

const writesOf = (plan: Plan) =>
  plan.do === 'write' ? plan.intent.writes.map(({ side, values }) => ({ side, values })) : plan.do;

describe('A1: a row whose mapping names another field', () => {
  test('has a first meeting: the empty field is filled, and no value is cleared', () => {
    const world = under(SECOND, agreedPair(), { 'custom_fields.2': null });
    expect(writesOf(world.plan(SIDES, true))).toEqual([
      { side: 'zendesk', values: { 'custom_fields.2': 'x' } },
    ]);
    world.settle();
    expect(world.records.zendesk?.values['custom_fields.2']).toBe('x');
    expect(world.records.pms?.values['cost']).toBe('x');
    expect(writesOf(world.plan(SIDES, true))).toBe('settled');
  });

  test('reads both sides before it decides, and the history keeps the value that the declared winner replaced', () => {
    const world = under(SECOND, agreedPair(), { 'custom_fields.2': 'y' });
    expect(world.plan(['zendesk'])).toMatchObject({ do: 'read' });
    world.edit('zendesk', { subject: 'b' });
    world.settle();
    expect(world.records.pms?.values['cost']).toBe('y');
    expect(world.link?.history).toMatchObject([{ row: 'cost', side: 'pms', lost: 'x', kept: 'y' }]);
  });

  test('is not an echo, and reconcile finds it', () => {
    const world = under(SECOND, agreedPair(), { 'custom_fields.2': null });
    const { link, records } = world;
    if (!link || !records.pms) throw new Error('no pair');
    const table = SECOND.entities.TicketToProject;
    expect(isEcho(SECOND, table, link, records.pms, NO_REFERENCES)).toBe(false);
    expect(examine(SECOND, table, link, records.pms, NO_REFERENCES)).toEqual({
      kind: 'drifted',
      rows: ['cost'],
    });
    expect(
      isEcho(
        FIRST,
        FIRST.entities.TicketToProject,
        { ...link, mappingVersion: FIRST.version },
        records.pms,
        NO_REFERENCES,
      ),
    ).toBe(true);
  });

  test.each<[string, Mapping]>([
    ['another type', costIn('custom_fields.1', { type: 'text' })],
    ['another transform', costIn('custom_fields.1', { type: 'enum', transform: 'enum', table: { x: 'x' } })],
    [
      'another PMS property',
      testMapping([
        title,
        { id: 'cost', zendesk: 'custom_fields.1', pms: 'price', type: 'string', direction: 'both' },
      ]),
    ],
  ])('a row with %s has a first meeting, too', (_, other) => {
    const { link } = agreedPair();
    const row = other.entities.TicketToProject.rows[1];
    if (!link || !row) throw new Error('no pair');
    expect(agreedBase(other.entities.TicketToProject, row, link)).toBeNull();
  });

  test.each<[string, Mapping]>([
    ['another winner', costIn('custom_fields.1', { winner: 'pms' })],
    ['another default', costIn('custom_fields.1', { default: 'none' })],
    ['another direction', costIn('custom_fields.1', { direction: 'toPms' })],
  ])('a row with %s keeps its agreement', (_, other) => {
    const { link } = agreedPair();
    const row = other.entities.TicketToProject.rows[1];
    if (!link || !row) throw new Error('no pair');
    expect(agreedBase(other.entities.TicketToProject, row, link)).toEqual({ zendesk: 'x', pms: 'x' });
  });

  test('a value written to the former field is no agreement about the new field', () => {
    const before = agreedPair();
    if (!before.link) throw new Error('no link');
    const old = bindingsOf(FIRST.entities.TicketToProject);
    before.link = {
      ...before.link,
      attempted: { pms: { cost: ['x'] } },
      attemptedAs: { cost: old['cost'] ?? '' },
    };
    const world = under(SECOND, before, { 'custom_fields.2': null });
    expect(writesOf(world.plan(SIDES, true))).toEqual([
      { side: 'zendesk', values: { 'custom_fields.2': 'x' } },
    ]);
  });

  test('a conflict parked for the former field is decided again', () => {
    const manual = costIn('custom_fields.1', { winner: 'manual' });
    const before = agreedPair(manual);
    before.edit('zendesk', { 'custom_fields.1': 'z' });
    before.edit('pms', { cost: 'p' });
    expect(before.settle()).toMatchObject({ do: 'settled', agreement: { conflicts: [{ row: 'cost' }] } });
    const world = under(costIn('custom_fields.2', { winner: 'manual' }), before, { 'custom_fields.2': null });
    expect(writesOf(world.plan(SIDES, true))).toEqual([
      { side: 'zendesk', values: { 'custom_fields.2': 'p' } },
    ]);
  });

  test('a write planned for the former field is no agreement about the new field', () => {
    const world = World.of(FIRST, 'zendesk', { subject: 'a', 'custom_fields.1': 'x' });
    world.settle();
    world.edit('pms', { cost: 'y' });
    const plan = world.plan(['pms']);
    if (plan.do !== 'write' || !world.link) throw new Error('no write');
    const committed = {
      ...world.link,
      snapshot: plan.intent.next.snapshot,
      bound: plan.intent.next.bound ?? {},
    };
    const row = SECOND.entities.TicketToProject.rows[1];
    expect(row && agreedBase(SECOND.entities.TicketToProject, row, committed)).toBeNull();
  });

  test('rows that share an id share an agreement, and both have a first meeting when one names another field', () => {
    const shared = (second: string) =>
      testMapping([
        title,
        { id: 'cost', zendesk: 'custom_fields.1', pms: 'cost', type: 'string', direction: 'toPms' },
        { id: 'cost', zendesk: second, pms: 'cost', type: 'string', direction: 'toZendesk' },
      ]);
    const before = World.of(shared('custom_fields.2'), 'zendesk', {
      subject: 'a',
      'custom_fields.1': 'x',
      'custom_fields.2': 'x',
    });
    before.settle();
    before.settle();
    const same = under(shared('custom_fields.2'), before);
    expect(writesOf(same.plan(SIDES, true))).toBe('settled');
    const world = under(shared('custom_fields.3'), before, { 'custom_fields.3': null });
    expect(writesOf(world.plan(SIDES, true))).toEqual([
      { side: 'zendesk', values: { 'custom_fields.3': 'x' } },
    ]);
  });

  test('a rebuilt link records the bindings of its rows', () => {
    const { records, key } = agreedPair();
    const { zendesk, pms } = records;
    if (!zendesk || !pms) throw new Error('no pair');
    const table = FIRST.entities.TicketToProject;
    const { link } = rebuiltLink(key, FIRST, table, { zendesk, pms }, NO_REFERENCES, NOW);
    expect(link.bound).toEqual(bindingsOf(table));
  });

  test('no value is ever emptied by a new binding', () => {
    const value = fc.constantFrom<Json>(null, 'x', 'y', 'z');
    fc.assert(
      fc.property(
        value,
        value,
        value,
        fc.constantFrom('latest', 'zendesk', 'pms', 'manual'),
        fc.boolean(),
        (agreed, field, cost, winner, isFresh) => {
          const first = costIn('custom_fields.1', { winner });
          const before = World.of(first, 'zendesk', { subject: 'a', 'custom_fields.1': agreed });
          before.settle();
          before.edit('pms', { cost });
          const world = under(costIn('custom_fields.2', { winner }), before, { 'custom_fields.2': field });
          const seen: readonly Side[] = isFresh ? SIDES : ['zendesk'];
          const plan = world.plan(seen, isFresh);
          if (plan.do !== 'write') return;
          for (const { values } of plan.intent.writes)
            for (const written of Object.values(values)) expect(written).not.toBeNull();
          const shown = world.settle();
          expect(shown.do).toBe('settled');
          const lost = world.link?.history.map((entry) => entry.lost) ?? [];
          const after = [
            world.records.zendesk?.values['custom_fields.2'],
            world.records.pms?.values['cost'],
            ...lost,
          ];
          for (const each of [field, cost]) if (each !== null) expect(after).toContain(each);
        },
      ),
    );
  });
});

test('a link from a release without bindings uses its snapshot', () => {
  const world = agreedPair();
  const { link } = world;
  const row = FIRST.entities.TicketToProject.rows[1];
  if (!link || !row) throw new Error('no pair');
  const old = { ...link };
  delete old.bound;
  expect(agreedBase(FIRST.entities.TicketToProject, row, old)).toEqual({ zendesk: 'x', pms: 'x' });
  // It records the bindings from its next agreement on.
  world.link = old;
  world.edit('zendesk', { subject: 'b' });
  world.settle();
  expect(world.link.bound).toEqual(bindingsOf(FIRST.entities.TicketToProject));
});

test('a plan for a row with another binding uses only records that were just read', () => {
  const world = under(SECOND, agreedPair(), { 'custom_fields.2': 'y' });
  const { link, key, records } = world;
  const seen = records.zendesk ?? record('zendesk', {});
  const state = {
    key,
    link,
    observed: { zendesk: { record: seen, fresh: true } },
    references: NO_REFERENCES,
    hops: 0,
    linksSince: NOW,
    now: NOW,
  };
  expect(planPair(state, SECOND)).toEqual({ do: 'read', refs: ['pms:project:P-1'] });
});
