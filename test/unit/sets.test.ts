import { abandonIntent } from '../../src/sync/abandonedIntent';
import { NOW, NO_REFERENCES, World, testMapping } from '../support/world';
import type { Link, PlannedWrite } from '../../src/sync/link';
import type { PropertyRow } from '../../src/sync/mapping';
import { compareAnswer, isEcho, hasUncomparedRow } from '../../src/sync/planner';
import { rebuiltLink } from '../../src/sync/rebuiltLink';
import type { Side, SyncRecord } from '../../src/sync/record';
import { elementsOf } from '../../src/sync/heldSets';
import { answeredSet, mergedSet } from '../../src/sync/rules/sets';

/** Sets are merged by element: F2, F18 and F19 of the faults in the field. */

const mapping = testMapping([
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both' },
  { zendesk: 'tags', pms: 'tags', type: 'string[]', direction: 'both', transform: 'tags' },
]);
const row = mapping.entities.TicketToProject.rows[1] as PropertyRow;

/** A pair that agreed on these tags, in the PMS's spelling. */
function agreedOn(tags: string[]): World {
  const world = World.of(mapping, 'pms', { title: 'x', tags });
  world.settle();
  world.settle();
  return world;
}
const tagsOf = (world: World) => ({
  zendesk: world.records.zendesk?.values['tags'],
  pms: world.records.pms?.values['tags'],
});

describe('F19: both sides edit the set at the same time', () => {
  test('additions and removals of both sides are merged', () => {
    const world = agreedOn(['a', 'b', 'c']);
    world.edit('zendesk', { tags: ['a', 'b', 'x'] });
    world.edit('pms', { tags: ['b', 'c', 'y'] });
    world.settle();
    expect(tagsOf(world)).toEqual({ zendesk: ['b', 'x', 'y'], pms: ['b', 'x', 'y'] });
    expect(world.link?.history).toEqual([]);
  });

  test('a first meeting is the union', () => {
    const merged = mergedSet({
      row,
      agreed: null,
      base: null,
      current: { zendesk: ['a'], pms: ['b'] },
      returned: { zendesk: new Set(), pms: new Set() },
      added: { zendesk: new Set(), pms: new Set() },
      removed: { zendesk: new Set(), pms: new Set() },
      again: [],
    });
    expect(merged).toEqual({ value: ['a', 'b'], shown: { zendesk: ['a', 'b'], pms: ['a', 'b'] } });
  });
});

describe('F18: each side keeps its spelling, and the elements that the other side cannot store', () => {
  test('an agent’s new tag does not change the spelling of the others, although the project is not read first', () => {
    const world = agreedOn(['Big Customer', 'VIP', 'a,b']);
    expect(tagsOf(world).zendesk).toEqual(['big_customer', 'vip']);
    world.edit('zendesk', { tags: ['big_customer', 'vip', 'new'] });
    world.settle(['zendesk']);
    expect(tagsOf(world).pms).toEqual(['a,b', 'Big Customer', 'new', 'VIP']);
    world.settle();
    expect(tagsOf(world).zendesk).toEqual(['big_customer', 'vip', 'new']);
  });

  test('an element in another Unicode form is the same element', () => {
    const world = agreedOn(['Mu\u0308ller']);
    world.edit('zendesk', { tags: ['müller', 'x'] });
    world.settle(['zendesk']);
    expect(tagsOf(world).pms).toEqual(['Mu\u0308ller', 'x']);
  });
});

describe('F2: tags that belong to a field', () => {
  const withOwned = (world: World, tags: string[], owned: string[]) => {
    world.edit('zendesk', { tags });
    const ticket = world.records.zendesk;
    if (ticket) world.records.zendesk = { ...ticket, owned: { tags: owned } };
  };

  test('are neither synced nor removed by an edit of the tags', () => {
    const world = agreedOn(['vip']);
    withOwned(world, ['vip'], ['s1']);
    world.settle();
    expect(tagsOf(world).pms).toEqual(['vip']);
    world.edit('pms', { tags: ['vip', 'q3'] });
    world.settle(['pms']);
    expect(world.writes.at(-1)).toMatchObject({ side: 'zendesk', values: { tags: ['q3', 'vip', 's1'] } });
  });

  test('a tag that becomes a field’s tag stays on the other side; a tag whose field is deleted is not added there', () => {
    const world = agreedOn(['vip', 's1']);
    const writes = world.writes.length;
    withOwned(world, ['vip'], ['s1']);
    world.settle();
    withOwned(world, ['vip', 's2'], ['s1']);
    world.settle();
    expect(tagsOf(world).pms).toEqual(['s1', 's2', 'vip']);
    const gone = agreedOn(['vip']);
    withOwned(gone, ['vip'], ['s1']);
    gone.settle();
    withOwned(gone, ['vip', 's1'], []);
    gone.settle();
    expect(tagsOf(gone).pms).toEqual(['vip']);
    expect(world.writes.length).toBe(writes + 1);
  });
});

/** Tags `reports, nordics`, field Components: a PMS tag that is also an option of a Zendesk field. */
describe('F2, F18: a tag of the PMS that belongs to a field of Zendesk', () => {
  /** The mapping while these are options of a field. */
  const reserving = (...reserved: string[]) => {
    const table = mapping.entities.TicketToProject;
    const rows = table.rows.map((each) =>
      each.id === row.id && reserved.length > 0 ? { ...each, reserved } : each,
    );
    return { ...mapping, entities: { ...mapping.entities, TicketToProject: { ...table, rows } } };
  };
  const made = (reserved: string[], tags: string[]): World => {
    const world = World.of(reserving(...reserved), 'pms', { title: 'x', tags });
    world.settle();
    world.settle();
    return world;
  };
  /** Zendesk's record, in which some tags belong to a field. */
  const show = (world: World, tags: string[], owned: string[]) => {
    world.edit('zendesk', { tags });
    const ticket = world.records.zendesk;
    if (ticket) world.records.zendesk = { ...ticket, owned: { tags: owned } };
  };
  const sentTags = (world: World) =>
    world.writes.filter(({ side }) => side === 'zendesk').map(({ values }) => values['tags']);

  test('is not written, neither at the create of the ticket nor later: it would set the field', () => {
    const world = made(['reports', 'nordics'], ['Reports', 'vip']);
    expect(sentTags(world)).toEqual([['vip']]);
    world.edit('pms', { tags: ['Reports', 'nordics', 'vip', 'new'] });
    world.settle();
    expect(sentTags(world).at(-1)).toEqual(['new', 'vip']);
    expect(world.link?.notTaken ?? []).toEqual([]);
    expect(world.link).toMatchObject({ reason: null, reserved: { tags: { pms: ['nordics', 'reports'] } } });
  });

  test('is not reported, whether or not the ticket has it by its field', () => {
    const world = made(['reports'], ['reports', 'vip']);
    show(world, ['vip'], ['reports']);
    world.settle();
    show(world, ['vip'], []);
    world.settle();
    expect(world.link?.notTaken ?? []).toEqual([]);
    expect(tagsOf(world)).toEqual({ zendesk: ['vip'], pms: ['reports', 'vip'] });
    expect(world.writes).toHaveLength(1);
  });

  test.each([true, false])(
    'stays in the PMS when Zendesk edits its tags (the project is read: %s)',
    (isRead) => {
      const world = made(['reports'], ['Reports', 'vip']);
      show(world, ['x'], []);
      world.settle(isRead ? ['zendesk', 'pms'] : ['zendesk']);
      expect(tagsOf(world).pms).toEqual(['Reports', 'x']);
      world.edit('zendesk', { tags: [] });
      world.settle(isRead ? ['zendesk', 'pms'] : ['zendesk']);
      expect(tagsOf(world).pms).toEqual(['Reports']);
    },
  );

  test.each([true, false])(
    'stays if both sides had it, a field got it as an option, and an agent clears the field (read: %s)',
    (isRead) => {
      const world = agreedOn(['s1', 'vip']);
      world.mapping = reserving('s1');
      show(world, ['vip'], ['s1']);
      world.settle(isRead ? ['zendesk', 'pms'] : ['zendesk']);
      show(world, ['vip', 'x'], []);
      world.settle(isRead ? ['zendesk', 'pms'] : ['zendesk']);
      expect(tagsOf(world)).toEqual({ zendesk: ['vip', 'x'], pms: ['s1', 'vip', 'x'] });
    },
  );

  test('loses the report of an earlier release, which showed it as not taken', () => {
    const world = agreedOn(['vip']);
    world.onWrite = (side, values) => (side === 'zendesk' ? { ...values, tags: ['vip'] } : values);
    world.edit('pms', { tags: ['reports', 'vip'] });
    world.settle();
    expect(world.link?.notTaken).toMatchObject([
      { row: 'tags', side: 'zendesk', offered: ['reports', 'vip'] },
    ]);
    world.mapping = reserving('reports');
    world.resync();
    expect(world.link).not.toHaveProperty('notTaken');
    expect(world.link).toMatchObject({ snapshot: { tags: ['vip'] }, reason: null });
    expect(tagsOf(world)).toEqual({ zendesk: ['vip'], pms: ['reports', 'vip'] });
  });

  test('is synced after the field is deleted, and link hygiene finds its pair', () => {
    const world = made(['reports', 'nordics'], ['Reports', 'vip']);
    expect(hasUncomparedRow(world.mapping, world.link as Link)).toBe(false);
    world.mapping = reserving('nordics');
    expect(hasUncomparedRow(world.mapping, world.link as Link)).toBe(true);
    // Hygiene notifies it, and it reads both.
    world.settle([]);
    expect(tagsOf(world)).toEqual({ zendesk: ['reports', 'vip'], pms: ['Reports', 'vip'] });
    expect(hasUncomparedRow(world.mapping, world.link as Link)).toBe(false);
    world.edit('zendesk', { tags: ['vip'] });
    world.settle();
    expect(tagsOf(world).pms).toEqual(['vip']);
  });

  test('stays on both sides if the field is deleted while the ticket has the tag: nothing is written', () => {
    const world = made(['reports'], ['reports', 'vip']);
    show(world, ['vip'], ['reports']);
    world.settle();
    world.mapping = reserving();
    show(world, ['reports', 'vip'], []);
    const { length } = world.writes;
    world.settle();
    expect(world.writes).toHaveLength(length);
    expect(tagsOf(world)).toEqual({ zendesk: ['reports', 'vip'], pms: ['reports', 'vip'] });
    world.edit('zendesk', { tags: ['vip'] });
    world.settle();
    expect(tagsOf(world).pms).toEqual(['vip']);
  });

  test('stays in the PMS if the field is deleted and takes its tag from the ticket', () => {
    const world = agreedOn(['s1', 'vip']);
    world.mapping = reserving('s1');
    show(world, ['vip'], ['s1']);
    world.settle();
    world.mapping = reserving();
    show(world, ['vip'], []);
    world.settle();
    expect(tagsOf(world)).toEqual({ zendesk: ['s1', 'vip'], pms: ['s1', 'vip'] });
  });

  test('counts as taken if the ticket gets it from our write before the mapping knows the option', () => {
    const world = agreedOn(['vip']);
    world.edit('pms', { tags: ['reports', 'vip'] });
    const plan = world.plan(['pms']);
    if (plan.do !== 'write') throw new Error('expected a write');
    const [write] = plan.intent.writes;
    const answer = { ...(world.records.zendesk as SyncRecord), owned: { tags: ['reports'] } };
    const table = world.mapping.entities.TicketToProject;
    const compared = compareAnswer(
      world.mapping,
      table,
      write as PlannedWrite,
      answer,
      plan.intent.next,
      NO_REFERENCES,
    );
    expect(compared).toMatchObject({ notTaken: [], changedRows: [], residue: {} });
  });

  test.each(['toZendesk', 'toPms'] as const)('is not changed by a one-way row (%s), either', (direction) => {
    const oneWay = (...reserved: string[]) => {
      const by = reserving(...reserved);
      const table = by.entities.TicketToProject;
      const rows = table.rows.map((each) => (each.id === row.id ? { ...each, direction } : each));
      return { ...by, entities: { ...by.entities, TicketToProject: { ...table, rows } } };
    };
    const world = World.of(oneWay('reports'), direction === 'toPms' ? 'zendesk' : 'pms', {
      title: 'x',
      subject: 'x',
    });
    world.settle();
    world.edit('pms', { tags: ['reports'] });
    world.settle();
    const from = direction === 'toPms' ? 'zendesk' : 'pms';
    world.edit(from, { tags: from === 'pms' ? ['reports', 'a'] : ['a'] });
    world.settle([from]);
    world.settle();
    expect(tagsOf(world)).toEqual({
      zendesk: ['a'],
      pms: expect.arrayContaining(['a', 'reports']) as string[],
    });
    expect(world.link?.notTaken ?? []).toEqual([]);
    const { length } = world.writes;
    world.settle();
    expect(world.writes).toHaveLength(length);
  });

  test('is not changed by an undo', () => {
    const world = made(['reports'], ['Reports', 'vip']);
    world.causes = ['poll:zendesk'];
    show(world, ['vip', 'x'], []);
    world.settle(['zendesk']);
    world.causes = [];
    expect(tagsOf(world).pms).toEqual(['Reports', 'vip', 'x']);
    world.undo({ cause: 'poll:zendesk' });
    expect(tagsOf(world).pms).toEqual(['Reports', 'vip']);
  });

  test('is agreed on after links are rebuilt', () => {
    const world = made(['reports'], ['reports', 'vip']);
    const records = world.records as Record<Side, SyncRecord>;
    const table = world.mapping.entities.TicketToProject;
    const { link, differing } = rebuiltLink(world.key, world.mapping, table, records, NO_REFERENCES, NOW);
    expect(differing).toEqual([]);
    expect(link).toMatchObject({ snapshot: { tags: ['vip'] }, reserved: { tags: { pms: ['reports'] } } });
    for (const side of ['zendesk', 'pms'] as const)
      expect(isEcho(world.mapping, table, link, records[side], NO_REFERENCES)).toBe(true);
  });
});

describe('the answer to a write', () => {
  test.each<[string, string[], string[], string[], { shown: string[]; isChanged: boolean }]>([
    [
      'the answer shows the set as written',
      ['a', 'b'],
      ['a'],
      ['a', 'b'],
      { shown: ['a', 'b'], isChanged: false },
    ],
    ['an element was not taken', ['a', 'b'], ['a'], ['a'], { shown: ['a'], isChanged: false }],
    [
      'an element that the system added is a change to sync',
      ['a'],
      [],
      ['a', 'x'],
      { shown: ['a'], isChanged: true },
    ],
    [
      'a removed element that returned is not taken',
      ['a'],
      ['a', 'x'],
      ['a', 'x'],
      { shown: ['a', 'x'], isChanged: false },
    ],
  ])('%s', (_, meant, before, answer, expected) => {
    expect(answeredSet(meant, before, answer)).toEqual(expected);
  });
});

describe('a system that changes a set by itself', () => {
  /** Writes, and the changes that a trigger of Zendesk makes to each. */
  const triggered = (world: World, trigger: (tags: string[]) => string[]) => {
    world.onWrite = (side, values) =>
      side === 'zendesk' ? { ...values, tags: trigger(elementsOf(values['tags'])) } : values;
  };

  test('syncs the elements that it adds in its answer', () => {
    const world = agreedOn(['a']);
    triggered(world, (tags) => [...tags, 'auto']);
    world.edit('pms', { tags: ['a', 'b'] });
    world.settle();
    world.settle();
    expect(tagsOf(world).pms).toEqual(['a', 'auto', 'b']);
  });

  test('an element that it restores is not exchanged without end', () => {
    const world = agreedOn(['a', 'auto']);
    triggered(world, (tags) => [...new Set([...tags, 'auto'])]);
    world.edit('pms', { tags: ['a'] });
    for (let turn = 0; turn < 4; turn += 1) world.settle();
    const { length } = world.writes;
    for (let turn = 0; turn < 4; turn += 1) world.settle();
    expect(world.writes).toHaveLength(length);
    expect(tagsOf(world)).toEqual({ zendesk: ['a', 'auto'], pms: ['a'] });
  });
});

test('an element that a person adds again after a removal of unknown outcome stays', () => {
  const world = agreedOn(['x']);
  world.edit('pms', { tags: [] });
  const plan = world.plan(['pms']);
  if (plan.do !== 'write' || !world.link) throw new Error('expected a write');
  world.link = { ...world.link, intent: plan.intent };
  // The removal was done, its answer was lost, and a person added the tag again.
  world.edit('zendesk', { tags: ['x'] });
  world.settle();
  world.settle();
  expect(tagsOf(world)).toEqual({ zendesk: ['x'], pms: ['x'] });
});

test('a removal that was not sent, on a record that has not changed since: nobody added the element again', () => {
  const world = agreedOn(['x']);
  world.edit('zendesk', { tags: [] });
  world.edit('pms', { tags: ['x', 'y'] });
  const plan = world.plan(['zendesk', 'pms']);
  if (plan.do !== 'write' || !world.link) throw new Error('expected a write');
  world.link = { ...world.link, intent: plan.intent };
  world.settle();
  expect(tagsOf(world)).toEqual({ zendesk: ['y'], pms: ['y'] });
});

test('a removal of unknown outcome, and then a person of the other side adds the element again: it stays', () => {
  const world = agreedOn(['x']);
  world.edit('zendesk', { tags: [] });
  const plan = world.plan(['zendesk']);
  if (plan.do !== 'write' || !world.link) throw new Error('expected a write');
  world.link = abandonIntent({ ...world.link, intent: plan.intent });
  expect(world.link.attemptedRemovals).toEqual({ pms: { tags: ['x'] } });
  world.edit('pms', { tags: [] });
  world.edit('zendesk', { tags: ['x'] });
  world.settle();
  expect(tagsOf(world)).toEqual({ zendesk: ['x'], pms: ['x'] });
  expect(world.link).not.toHaveProperty('attemptedRemovals');
});

test('a set that was refused after a creation without an answer is offered whole, and not in part', () => {
  const world = World.of(mapping, 'pms', { title: 'x', tags: ['a'] });
  world.settle();
  const { link } = world;
  if (!link?.sides.zendesk) throw new Error('no link');
  const sides = { ...link.sides, zendesk: { ...link.sides.zendesk, made: true as const } };
  const attempts = {
    attempted: { zendesk: { tags: [['a']] } },
    attemptedAdds: { zendesk: { tags: ['a'] } },
  };
  const notTaken = [
    {
      ...{ row: 'tags', side: 'zendesk' as const, offered: ['a', 'b'], shown: ['a'] },
      ...{ why: 'refused' as const, words: 'no', since: '' },
    },
  ];
  world.link = { ...link, snapshot: null, sides, ...attempts, notTaken };
  world.edit('pms', { tags: ['a', 'b', 'c'] });
  world.settle();
  expect(tagsOf(world)).toEqual({ zendesk: ['a', 'b', 'c'], pms: ['a', 'b', 'c'] });
});

test('a set that was written to one side only: an earlier attempt at it does not bring back what is removed now', () => {
  const world = agreedOn([]);
  if (!world.link) throw new Error('no link');
  world.link = { ...world.link, attempted: { zendesk: { tags: [[]] } } };
  world.edit('zendesk', { tags: ['a'] });
  world.edit('pms', { tags: ['b'] });
  const plan = world.plan(['zendesk', 'pms'], true);
  if (plan.do !== 'write') throw new Error('expected a write');
  const [done, refused] = plan.intent.writes;
  if (done?.side !== 'zendesk' || !refused) throw new Error('expected two writes');
  world.edit('zendesk', done.values);
  world.edit('pms', { tags: [] });
  const intent = { ...plan.intent, writes: [{ ...done, done: true }, refused] };
  world.link = abandonIntent({ ...world.link, intent }, refused);
  world.edit('zendesk', { subject: 'y' });
  world.settle();
  world.settle();
  expect(tagsOf(world)).toEqual({ zendesk: ['a'], pms: ['a'] });
});

test('an element stays removed after its removal was refused because the record had changed', () => {
  const world = agreedOn(['x']);
  world.edit('zendesk', { tags: [], subject: 'y' });
  const plan = world.plan(['zendesk']);
  if (plan.do !== 'write' || !world.link) throw new Error('expected a write');
  const [refused] = plan.intent.writes;
  world.edit('pms', { title: 'z' });
  world.link = abandonIntent({ ...world.link, intent: plan.intent }, refused);
  world.settle();
  expect(tagsOf(world)).toEqual({ zendesk: [], pms: [] });
});

test('after one write is done and the other refused, missing elements on the refused side do not count as removed', () => {
  const world = agreedOn([]);
  world.edit('zendesk', { tags: ['a'] });
  world.edit('pms', { tags: ['b'] });
  const plan = world.plan(['zendesk', 'pms']);
  if (plan.do !== 'write' || !world.link) throw new Error('expected a write');
  const [done, refused] = plan.intent.writes;
  if (!done || !refused) throw new Error('expected two writes');
  world.edit(done.side, done.values);
  // A person edits the record of the second write, so that its precondition fails.
  const text = refused.side === 'pms' ? { title: 'z' } : { subject: 'z' };
  world.edit(refused.side, text);
  const intent = { ...plan.intent, writes: [{ ...done, done: true }, refused] };
  world.link = abandonIntent({ ...world.link, intent }, refused);
  world.settle();
  world.settle();
  expect(tagsOf(world)).toEqual({ zendesk: ['a', 'b'], pms: ['a', 'b'] });
});

test.each(['first', 'second'] as const)(
  'after one write is done and the other refused, an element that a person removes from the %s stays removed',
  (which) => {
    const world = agreedOn(['kept']);
    world.edit('zendesk', { tags: ['kept', 'a'] });
    world.edit('pms', { tags: ['kept', 'b'] });
    const plan = world.plan(['zendesk', 'pms']);
    if (plan.do !== 'write' || !world.link) throw new Error('expected a write');
    const [done, refused] = plan.intent.writes;
    if (!done || !refused) throw new Error('expected two writes');
    world.edit(done.side, done.values);
    // The elements that either side added itself; the first side has the other's, too.
    const own = { zendesk: 'a', pms: 'b' };
    const gone = own[refused.side];
    const left = which === 'second' ? ['kept'] : ['kept', own[done.side]];
    world.edit(which === 'second' ? refused.side : done.side, { tags: left });
    if (which === 'first')
      world.edit(refused.side, refused.side === 'pms' ? { title: 'z' } : { subject: 'z' });
    const intent = { ...plan.intent, writes: [{ ...done, done: true }, refused] };
    world.link = abandonIntent({ ...world.link, intent }, refused);
    world.settle();
    world.settle();
    const expected = ['kept', 'a', 'b'].filter((each) => each !== gone).sort();
    for (const tags of Object.values(tagsOf(world))) expect([...(tags as string[])].sort()).toEqual(expected);
    expect(world.link?.notTaken ?? []).toEqual([]);
  },
);

describe('an element that one side removes after it was written to the other', () => {
  /** The PMS replaces a tag, and a person edits the title in Zendesk: one write to each side. */
  function planned() {
    const world = agreedOn(['first', 'kept']);
    world.edit('pms', { tags: ['second', 'kept'] });
    world.edit('zendesk', { subject: 'y' });
    const plan = world.plan(['zendesk', 'pms']);
    if (plan.do !== 'write' || !world.link) throw new Error('expected a write');
    const toZendesk = plan.intent.writes.find(({ side }) => side === 'zendesk');
    const toPms = plan.intent.writes.find(({ side }) => side === 'pms');
    if (!toZendesk || !toPms) throw new Error('expected two writes');
    return { world, link: world.link, intent: plan.intent, toZendesk, toPms };
  }

  test('stays removed if the write to the other side was done, and the write to this side refused', () => {
    const { world, link, intent, toZendesk, toPms } = planned();
    world.edit('zendesk', toZendesk.values);
    world.edit('pms', { tags: [] });
    const writes = [{ ...toZendesk, done: true }, toPms];
    world.link = abandonIntent({ ...link, intent: { ...intent, writes } }, toPms);
    world.settle();
    expect(tagsOf(world)).toEqual({ zendesk: [], pms: [] });
    expect(world.records.pms?.values['title']).toBe('y');
  });

  test('stays removed if a person removes it on the other side', () => {
    const { world, link, intent, toZendesk, toPms } = planned();
    world.edit('zendesk', { tags: ['kept'] });
    world.edit('pms', { title: 'z' });
    const writes = [{ ...toZendesk, done: true }, toPms];
    world.link = abandonIntent({ ...link, intent: { ...intent, writes } }, toPms);
    world.settle();
    world.settle();
    expect(tagsOf(world)).toEqual({ zendesk: ['kept'], pms: ['kept'] });
  });

  test('stays removed if the answer to the write was lost', () => {
    const { world, link, intent, toZendesk } = planned();
    world.edit('zendesk', toZendesk.values);
    world.edit('pms', { tags: ['kept'] });
    world.link = abandonIntent({ ...link, intent });
    expect(world.link.attemptedAdds).toEqual({ zendesk: { tags: ['second'] } });
    world.settle();
    expect(tagsOf(world)).toEqual({ zendesk: ['kept'], pms: ['kept'] });
    expect(world.link).not.toHaveProperty('attemptedAdds');
  });

  test('stays removed if the answer to the create was lost', () => {
    const world = World.of(mapping, 'pms', { title: 'x', tags: ['a', 'b'] });
    world.settle();
    const { link } = world;
    if (!link) throw new Error('no link');
    const attempts = {
      attempted: { zendesk: { tags: [['a', 'b']] } },
      attemptedAdds: { zendesk: { tags: ['a', 'b'] } },
    };
    world.link = { ...link, snapshot: null, ...attempts };
    world.edit('pms', { tags: ['a'] });
    world.settle();
    expect(tagsOf(world)).toEqual({ zendesk: ['a'], pms: ['a'] });
  });

  test('does not count as removed if the record was not read again', () => {
    const { world, link, intent, toZendesk } = planned();
    world.edit('zendesk', toZendesk.values);
    world.link = abandonIntent({ ...link, intent });
    world.settle(['zendesk']);
    world.settle();
    for (const tags of Object.values(tagsOf(world)))
      expect([...(tags as string[])].sort()).toEqual(['kept', 'second']);
  });
});

test('a value that a person edits right after it was written is no conflict, though the rest of the plan was abandoned', () => {
  const both = testMapping([
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'manual' },
    { zendesk: 'due', pms: 'due', type: 'date', direction: 'both', winner: 'manual' },
  ]);
  const world = World.of(both, 'pms', { title: 'a', due: null });
  world.settle();
  world.edit('pms', { title: 'b' });
  world.edit('zendesk', { due: '2026-12-24' });
  const plan = world.plan(['zendesk', 'pms']);
  if (plan.do !== 'write' || !world.link) throw new Error('expected a write');
  const writes = plan.intent.writes.map((write) => ({ ...write, done: write.side === 'zendesk' }));
  const refused = writes.find(({ done }) => !done);
  world.edit('zendesk', { subject: 'c' });
  world.edit('pms', { due: '2026-12-31' });
  world.link = abandonIntent({ ...world.link, intent: { ...plan.intent, writes } }, refused);
  world.settle();
  expect(world.records.pms?.values['title']).toBe('c');
  expect(world.link.conflicts.map(({ row }) => row)).toEqual(['due']);
});
