import * as fc from 'fast-check';
import { holdId } from '../../src/sync/holds';
import type { Values } from '../../src/sync/record';
import { bindingsOf } from '../../src/sync/rules/sameFields';
import { alike, standing, undoOf, withoutChange } from '../../src/sync/undo';
import { World, testMapping } from '../support/world';

/** A mapping row names a wrong, filled field, and is corrected. The row is `cost`; `right` and `wrong` are fields. */

const row = (zendesk: string, winner: string) => ({
  zendesk,
  pms: 'cost',
  type: 'string',
  direction: 'both',
  winner,
});
const other = { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' };
const right = (winner = 'pms') => testMapping([row('right', winner), other]);
const wrong = (winner = 'pms') => testMapping([row('wrong', winner), other]);
const MISTAKE = { cause: 'mapping' };

/** A pair that was synced by the right mapping, and then by the wrong one. */
function mistaken(winner: string): World {
  const world = World.of(right(), 'zendesk', { subject: 's', right: 'true value', wrong: 'of its own' });
  world.settle();
  world.mapping = wrong(winner);
  world.causes = [`remap:${world.mapping.version}`];
  world.settle();
  world.causes = ['poll:zendesk:tickets'];
  return world;
}
const fields = (world: World): Values => ({
  right: world.records.zendesk?.values['right'] ?? null,
  wrong: world.records.zendesk?.values['wrong'] ?? null,
  cost: world.records.pms?.values['cost'] ?? null,
});
const BEFORE = { right: 'true value', wrong: 'of its own', cost: 'true value' };
/** Nothing more is written, whatever is read again. */
function expectRest(world: World): void {
  const { length } = world.writes;
  world.settle();
  world.resync();
  expect(world.writes).toHaveLength(length);
}

describe.each([
  ['pms', { right: 'true value', wrong: 'true value', cost: 'true value' }, 'zendesk wrong'],
  ['zendesk', { right: 'true value', wrong: 'of its own', cost: 'of its own' }, 'pms cost'],
])('a row whose mapping named a wrong field, with the winner %s', (winner, harm, place) => {
  test('is restored after the mapping is corrected, and agrees on its former value', () => {
    const world = mistaken(winner);
    expect(fields(world)).toEqual(harm);
    world.mapping = right(winner);
    expect(world.undo(MISTAKE)).toEqual({ [place]: 'restored' });
    expect(fields(world)).toEqual(BEFORE);
    expect(world.link).toMatchObject({ status: 'linked', snapshot: { cost: 'true value' }, conflicts: [] });
    expect(world.link?.bound?.['cost']).toBe(bindingsOf(world.mapping.entities.TicketToProject)['cost']);
    expectRest(world);
    // Both fields of the row sync.
    world.edit('zendesk', { right: 'new' });
    world.settle();
    expect(fields(world)).toEqual({ right: 'new', wrong: 'of its own', cost: 'new' });
  });

  test('is restored even if the corrected mapping has already spread the wrong value', () => {
    const world = mistaken(winner);
    const cause = `mapping:${world.mapping.version}`;
    world.mapping = right('pms');
    world.settle();
    world.undo({ cause });
    expect(fields(world)).toEqual(BEFORE);
    expectRest(world);
  });

  /** A hold of an undo on the row with its present binding. */
  function hold(world: World): void {
    const bound = bindingsOf(world.mapping.entities.TicketToProject)['cost'] ?? '';
    const change = { entity: 'TicketToProject', kind: 'written', row: 'cost', side: null } as const;
    const counts = { pairs: 1, linked: 1, allowed: 0 };
    const by = { state: 'held', by: 'undo', cause: 'undo', since: '', counts, examples: [] } as const;
    world.holds = [{ ...change, id: holdId(change, bound), bound, ...by, examples: [] }];
  }

  test('writes nothing while held under the old mapping, and uses the restored value under the corrected mapping', () => {
    const world = mistaken(winner);
    hold(world);
    expect(world.undo(MISTAKE, { hold: true })).toEqual({ [place]: 'restored' });
    expect(fields(world)).toEqual(BEFORE);
    expectRest(world);
    world.mapping = right(winner);
    world.settle();
    expect(fields(world)).toEqual(BEFORE);
    expect(world.link).toMatchObject({ status: 'linked', snapshot: { cost: 'true value' } });
    expectRest(world);
  });

  test.each([
    ['zendesk', 'wrong'],
    ['pms', 'cost'],
  ] as const)('keeps a person’s later edit on %s %s where it is, while held', (side, property) => {
    const world = mistaken(winner);
    world.edit(side, { [property]: 'by a person' });
    world.settle();
    const before = fields(world);
    hold(world);
    expect(world.undo(MISTAKE, { hold: true })).toEqual({ [place]: 'edited' });
    expectRest(world);
    world.mapping = right(winner);
    world.settle();
    expect(fields(world)).toEqual(before);
    expect(world.link?.conflicts).toMatchObject([{ row: 'cost', zendesk: 'true value', pms: 'by a person' }]);
    expectRest(world);
  });

  test('is not restored while the mapping is unchanged', () => {
    const world = mistaken(winner);
    const { restores } = undoOf(world.journal, { ...MISTAKE, until: '9' });
    expect(standing(restores, bindingsOf(world.mapping.entities.TicketToProject))).toEqual(['cost']);
    expect(standing(restores, bindingsOf(right().entities.TicketToProject))).toEqual([]);
    expect(world.undo(MISTAKE)).toEqual({ [place]: 'cause stands' });
    expect(fields(world)).toEqual(harm);
  });

  test.each([
    ['zendesk', 'wrong'],
    ['pms', 'cost'],
  ] as const)('keeps a person’s later edit on %s %s, and a person decides', (side, property) => {
    const world = mistaken(winner);
    world.edit(side, { [property]: 'by a person' });
    world.settle();
    const before = fields(world);
    world.mapping = right(winner);
    expect(world.undo(MISTAKE)).toEqual({ [place]: 'edited' });
    expect(fields(world)).toEqual(before);
    expect(world.link?.conflicts).toMatchObject([
      {
        row: 'cost',
        zendesk: 'true value',
        pms: 'by a person',
        by: expect.stringContaining('undo:') as string,
      },
    ]);
    expectRest(world);
    world.decisions = { rows: new Map([['cost', { row: 'cost', choice: 'zendesk' }]]), counterpart: null };
    world.settle();
    world.decisions = { rows: new Map(), counterpart: null };
    expect(fields(world)).toMatchObject({ right: 'true value', cost: 'true value' });
    expectRest(world);
  });

  test('syncs a person’s later edit of the right field again', () => {
    const world = mistaken(winner);
    world.edit('zendesk', { right: 'by a person' });
    world.settle();
    world.mapping = right(winner);
    world.undo(MISTAKE);
    expect(fields(world)).toEqual({ right: 'by a person', wrong: 'of its own', cost: 'by a person' });
    expectRest(world);
  });

  test('does not undo other rows of the same write', () => {
    const world = World.of(right(), 'zendesk', { subject: 's', right: 'true value', wrong: 'of its own' });
    world.settle();
    world.mapping = wrong(winner);
    world.edit('zendesk', { subject: 'edited' });
    world.settle();
    world.mapping = right(winner);
    world.undo(MISTAKE);
    expect(fields(world)).toEqual(BEFORE);
    expect(world.records.pms?.values['title']).toBe('edited');
  });

  test('can be undone and the undo itself undone', () => {
    const world = mistaken(winner);
    world.mapping = right(winner);
    world.undo(MISTAKE);
    world.undo({ cause: 'undo' });
    expect(fields(world)[place.split(' ')[1] ?? '']).toBe(harm[place.split(' ')[1] as keyof typeof harm]);
    expectRest(world);
  });

  test('is unchanged by a repeated undo', () => {
    const world = mistaken(winner);
    world.mapping = right(winner);
    world.undo(MISTAKE);
    const { length } = world.writes;
    expect(world.undo(MISTAKE)).toEqual({ [place]: 'already' });
    expect(world.writes).toHaveLength(length);
    expect(fields(world)).toEqual(BEFORE);
  });

  test('leaves a refused value to a person, and restores the others', () => {
    const world = mistaken(winner);
    world.mapping = right(winner);
    const [side] = place.split(' ');
    world.undo(MISTAKE, { refused: { [side ?? '']: 'closed' } });
    expect(world.undone).toMatchObject([{ fate: 'refused' }]);
    expect(fields(world)).toEqual(harm);
    expectRest(world);
  });
});

describe('an undo of writes that a mapping did not cause', () => {
  const mapping = testMapping([
    { ...other, winner: 'latest' },
    { zendesk: 'tags', pms: 'labels', type: 'string[]', direction: 'both', transform: 'tags' },
  ]);
  const linked = () => {
    const world = World.of(mapping, 'zendesk', { subject: 'a', tags: ['x'] });
    world.settle();
    world.causes = ['resync'];
    return world;
  };

  test('restores one side, keeps the other, and a person decides between them', () => {
    const world = linked();
    world.edit('zendesk', { subject: 'b' });
    world.settle();
    expect(world.undo({ cause: 'resync' })).toEqual({ 'pms title': 'restored' });
    expect([world.records.zendesk?.values['subject'], world.records.pms?.values['title']]).toEqual([
      'b',
      'a',
    ]);
    expect(world.link?.conflicts).toMatchObject([{ row: 'title', zendesk: 'b', pms: 'a' }]);
    expectRest(world);
    world.edit('pms', { title: 'b' });
    world.settle();
    expect(world.link).toMatchObject({ status: 'linked', conflicts: [], snapshot: { title: 'b' } });
  });

  test('of a set removes just the added elements, and restores the removed ones', () => {
    const world = linked();
    world.edit('zendesk', { tags: ['y'] });
    world.settle();
    expect(world.records.pms?.values['labels']).toEqual(['y']);
    world.edit('pms', { labels: ['y', 'own'] });
    expect(world.undo({ cause: 'resync', row: 'labels' })).toEqual({ 'pms labels': 'restored' });
    expect(world.records.pms?.values['labels']).toEqual(['own', 'x']);
    expectRest(world);
    // A person's additions sync.
    world.edit('zendesk', { tags: [...(world.records.zendesk?.values['tags'] as string[]), 'new'] });
    world.settle();
    expect(world.records.pms?.values['labels']).toEqual(['new', 'own', 'x']);
  });

  test('restores the value from before the first of several writes', () => {
    const world = linked();
    for (const subject of ['b', 'c']) {
      world.edit('zendesk', { subject });
      world.settle();
    }
    world.undo({ cause: 'resync' });
    expect(world.records.pms?.values['title']).toBe('a');
  });

  test('lists what cannot be undone, with a fix', () => {
    const world = World.of(mapping, 'zendesk', { subject: 'a' });
    world.causes = ['resync'];
    world.settle();
    expect(undoOf(world.journal, { until: '9', cause: 'resync' })).toMatchObject({
      restores: [],
      cannot: [{ what: 'created', ref: 'pms:project:P-1' }],
    });
  });
});

test('never makes an internal record public', () => {
  const mapping = testMapping([
    {
      zendesk: 'public',
      pms: 'visible',
      type: 'boolean',
      direction: 'both',
      winner: 'latest',
    },
    other,
  ]);
  const world = World.of(mapping, 'zendesk', { subject: 'a', public: true });
  world.settle();
  world.causes = ['resync'];
  world.edit('zendesk', { public: false });
  world.settle();
  expect(world.records.pms?.values['visible']).toBe(false);
  expect(world.undo({ cause: 'resync' })).toEqual({ 'pms visible': 'public' });
  expect(world.records.pms?.values['visible']).toBe(false);
});

describe('equal values', () => {
  test.each([
    [null, ''],
    [null, []],
    [1, '1'],
    ['a\r\nb', 'a\nb '],
    [
      ['b', 'a'],
      ['a', 'b'],
    ],
  ])('%j and %j', (a, b) => {
    expect(alike(a, b)).toBe(true);
  });
  test.each([
    ['a', 'b'],
    [0, null],
    [false, null],
    [['a'], ['a', 'b']],
  ])('%j and %j are different', (a, b) => {
    expect(alike(a, b)).toBe(false);
  });
});

test('elements that others changed since are kept', () => {
  const tags = fc.uniqueArray(fc.constantFrom<string>('a', 'b', 'c', 'd', 'e'));
  fc.assert(
    fc.property(tags, tags, tags, (former, written, now) => {
      const back = new Set(withoutChange({ former, written }, now));
      for (const each of ['a', 'b', 'c', 'd', 'e']) {
        const [was, is, there] = [former, written, now].map((set) => set.includes(each));
        const expected = was === is ? there : was;
        expect([each, back.has(each)]).toEqual([each, expected]);
      }
    }),
  );
});

test('whatever people do meanwhile, an undo overwrites no edit, and ends', () => {
  const edit = fc.record({
    side: fc.constantFrom('zendesk' as const, 'pms' as const),
    field: fc.constantFrom('right', 'wrong'),
    value: fc.constantFrom('1', '2', 'true value', 'of its own', ''),
    settles: fc.boolean(),
  });
  const run = fc.record({
    winner: fc.constantFrom('pms', 'zendesk', 'latest'),
    edits: fc.array(edit, { maxLength: 4 }),
    isRemapped: fc.boolean(),
    cause: fc.constantFrom<'mapping' | undefined>('mapping', undefined),
  });
  fc.assert(
    fc.property(run, ({ winner, edits, isRemapped, cause }) => {
      const world = mistaken(winner);
      for (const { side, field, value, settles } of edits) {
        world.edit(side, side === 'pms' ? { cost: value } : { [field]: value });
        if (settles) world.settle();
      }
      world.mapping = right(winner);
      if (isRemapped) world.settle();
      const before = fields(world);
      // A person's latest value differs from the sync's latest write.
      const written = (property: string) =>
        world.journal.flatMap(({ rows }) => rows).findLast((each) => each.property === property);
      const isOurs = alike(written('wrong')?.shown, before['wrong']);
      world.undo(cause ? { cause } : { row: 'cost' });
      const after = fields(world);
      if (!isOurs) expect(after['wrong']).toEqual(before['wrong']);
      expect(world.link?.intent).toBeNull();
      expectRest(world);
      const { conflicts = [] } = world.link ?? {};
      if (conflicts.length === 0) expect(alike(after['right'], after['cost'])).toBe(true);
      if (edits.length === 0) expect(after).toEqual(BEFORE);
      // The wrong value does not reach the right field.
      const isPersons = edits.some(({ value }) => value === 'of its own');
      if (!isPersons) expect(after['right']).not.toBe('of its own');
    }),
    { numRuns: 300 },
  );
});
