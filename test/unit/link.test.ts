import { abandonIntent, triedOf } from '../../src/sync/abandonedIntent';
import { newLink, type Intent, type PlannedWrite } from '../../src/sync/link';
import { unexpectedValues, type Plan } from '../../src/sync/planner';
import { SIDES } from '../../src/sync/record';
import { withNotTaken } from '../../src/sync/refusedWrite';
import { NO_REFERENCES, World, testMapping } from '../support/world';

const write = (over: Partial<PlannedWrite>): PlannedWrite => ({
  side: 'zendesk',
  op: 'update',
  ref: 'zendesk:ticket:1',
  version: '1',
  values: {},
  backRef: null,
  idempotencyKey: 'k',
  rows: [],
  expects: {},
  lookFirst: false,
  insisted: false,
  done: false,
  ...over,
});
const side = { version: '1', order: 1, state: 'live' as const, updatedAt: '', backRef: true };
const link = (writes: PlannedWrite[]) => {
  const intent: Intent = {
    id: 'i',
    writes,
    next: {
      snapshot: { text: 'second', title: 'b' },
      residue: { zendesk: { text: 'first' }, pms: {} },
      conflicts: [],
      overruled: [],
      waitsFor: [],
    },
    then: 'linked',
    seen: {},
  };
  return {
    ...newLink('TicketToProject/zendesk:ticket:1', 'TicketToProject', 'v', ''),
    snapshot: { text: 'first', title: 'a' },
    sides: {
      zendesk: { ...side, ref: 'zendesk:ticket:1', residue: {} },
      pms: { ...side, ref: 'pms:project:1', residue: { text: 'odd' } },
    },
    intent,
  };
};

describe('an abandoned plan', () => {
  test('keeps the texts that its follow-ups wrote', () => {
    const followUp = write({ op: 'followUp', rows: ['text'], done: true });
    expect(abandonIntent(link([followUp, write({ rows: ['title'] })]))).toMatchObject({
      intent: null,
      attempted: { zendesk: { title: ['b'] } },
      snapshot: { text: 'second', title: 'a' },
      sides: { zendesk: { residue: { text: 'first' } }, pms: { residue: {} } },
    });
  });

  test('stores no values of a create that was refused after a look-up, and those of an update', () => {
    const refusal = { rows: ['title'], words: 'no', now: '', isCertain: false };
    const attemptsAfter = (op: 'create' | 'update') => {
      const refused = write({ op, rows: ['title'], lookFirst: true });
      return withNotTaken(link([refused]), refused, refusal).attempted;
    };
    expect(attemptsAfter('create')).toEqual({});
    expect(attemptsAfter('update')).toEqual({ zendesk: { title: ['b'] } });
  });

  test('leaves the link unchanged if no answer came, and stores the values that may have been written', () => {
    const before = link([write({ rows: ['title'] })]);
    expect(abandonIntent(before)).toEqual({
      ...before,
      intent: null,
      attempted: { zendesk: { title: ['b'] } },
      attemptedOn: { zendesk: { title: ['1'] } },
    });
  });

  test('sent nothing after the first write that is not known to be done', () => {
    const before = link([write({ op: 'followUp', rows: ['text'] }), write({ rows: ['title'] })]);
    const entry = { at: '', row: 'title', lost: 'c', kept: 'b', rule: 'winner latest' };
    const overruled = [
      { ...entry, side: 'zendesk' as const },
      { ...entry, side: 'pms' as const },
    ];
    const intent = { ...before.intent, next: { ...before.intent.next, overruled } };
    expect(abandonIntent({ ...before, intent })).toEqual({ ...before, intent: null, attempted: {} });
    const writes = [write({ rows: ['title'] }), write({ side: 'pms', rows: ['title'] })];
    expect(abandonIntent({ ...before, intent: { ...intent, writes } })).toMatchObject({
      attempted: { zendesk: { title: ['b'] } },
      unconfirmed: [{ side: 'zendesk' }],
    });
    const [refused] = writes;
    const none = abandonIntent({ ...before, intent: { ...intent, writes } }, refused);
    expect(none).toEqual({ ...before, intent: null, attempted: {} });
  });

  test('has agreed on rows whose writes are all done, and on no others', () => {
    const done = write({ rows: ['title'], done: true });
    const before = link([write({ op: 'followUp', rows: ['text'] }), done]);
    expect(abandonIntent(before)).toMatchObject({
      intent: null,
      attempted: { zendesk: {} },
      snapshot: { text: 'first', title: 'b' },
    });
    const both = [done, write({ side: 'pms', rows: ['title'] })];
    expect(abandonIntent(link(both))).toMatchObject({ snapshot: { title: 'a' } });
  });

  test('a follow-up that was sent is not planned again, whatever state earlier writes left', () => {
    const mapping = testMapping([
      { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
      {
        ...{ zendesk: 'description', pms: 'text', type: 'text', direction: 'both', winner: 'zendesk' },
        ...{ fixedOn: 'zendesk', onEdit: 'followUp' },
      },
    ]);
    const world = World.of(mapping, 'pms', { title: 'a', text: 'x' });
    world.settle();
    world.edit('pms', { text: 'y', title: 'b' });
    if (!world.link) throw new Error('no link');
    // The answer to the create was lost, and the record was found: nothing is agreed yet.
    const attempted = { zendesk: { title: ['a'], text: ['x'] } };
    world.link = { ...world.link, snapshot: null, attempted };
    delete world.link.bound;
    const opsOf = (plan: Plan) => (plan.do === 'write' ? plan.intent.writes.map(({ op }) => op) : []);
    const plan = world.plan(['zendesk', 'pms'], true);
    expect(opsOf(plan)).toEqual(['followUp', 'update']);
    if (plan.do !== 'write') return;
    const [followUp, update] = plan.intent.writes;
    if (!followUp || !update) return;
    const intent = { ...plan.intent, writes: [{ ...followUp, done: true }, update] };
    world.link = abandonIntent({ ...world.link, intent }, update);
    expect(opsOf(world.plan(['zendesk', 'pms'], true))).toEqual(['update']);
  });
});

test('a replaced value is compared with the value in the plan, in canonical form', () => {
  const mapping = testMapping([
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both' },
    { zendesk: 'tags', pms: 'tags', type: 'string[]', direction: 'both', transform: 'tags' },
    { zendesk: 'due', pms: 'due', type: 'date', direction: 'both' },
  ]);
  const planned = write({
    rows: ['title', 'tags', 'due'],
    expects: { title: 'a', tags: ['x', 'y'], due: null },
  });
  const found = (held: Record<string, string | string[]>) =>
    unexpectedValues(mapping, mapping.entities.TicketToProject, planned, held, NO_REFERENCES);
  expect(found({ subject: ' a ', tags: ['Y', 'x'] })).toEqual({});
  expect(found({ subject: 'b', tags: ['x'], unmapped: 'z' })).toEqual({ title: 'b', tags: ['x'] });
  expect(found({ due: 'never' })).toEqual({ due: 'never' });
});

describe('a write of ours whose answer was lost', () => {
  const mapping = testMapping([
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'pms' },
  ]);
  /** The snapshot has "a"; Zendesk has "b", and an update that wrote "b" to the PMS was abandoned. */
  function lost(pms: string): World {
    const world = World.of(mapping, 'zendesk', { subject: 'a' });
    world.settle();
    world.edit('zendesk', { subject: 'b' });
    world.edit('pms', { title: pms });
    if (world.link) world.link = { ...world.link, attempted: { pms: { title: ['b'] } } };
    return world;
  }

  test('is agreed on if both sides show it, also for the edit after it', () => {
    const world = lost('b');
    expect(world.plan(SIDES, true)).toMatchObject({ do: 'settled', agreement: { snapshot: { title: 'b' } } });
    world.settle();
    world.edit('zendesk', { subject: 'c' });
    world.settle();
    // The PMS had no edit of its own, or it would have won.
    expect(world.records.pms?.values['title']).toBe('c');
    expect(world.link?.history).toEqual([]);
  });

  test('is an edit of the person alone if a person has changed it since', () => {
    const world = lost('mine');
    world.settle();
    expect(world.records.zendesk?.values['subject']).toBe('mine');
  });
});

describe('a value that may have been taken back after a write of ours whose answer was lost', () => {
  const mapping = testMapping([
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'pms' },
    { zendesk: 'note', pms: 'memo', type: 'string', direction: 'both', winner: 'pms' },
  ]);
  /** Zendesk says "b", and an update that took it to the PMS was given up: the PMS showed "a" until then. */
  function givenUp(): World {
    const world = World.of(mapping, 'zendesk', { subject: 'a' });
    world.settle();
    world.edit('zendesk', { subject: 'b' });
    const plan = world.plan(['zendesk']);
    if (plan.do !== 'write' || !world.link) throw new Error('expected a write');
    world.link = { ...world.link, intent: plan.intent };
    return world;
  }
  const lostOf = (world: World) => world.link?.history.map(({ side: on, lost, kept }) => [on, lost, kept]);

  test('is in the history once the value is written again', () => {
    const world = givenUp();
    world.edit('pms', { title: 'b' });
    world.edit('pms', { title: 'a' });
    world.settle();
    expect(world.records.pms?.values['title']).toBe('b');
    expect(lostOf(world)).toEqual([['pms', 'a', 'b']]);
  });

  test('of the side that it came from is in the history once the other side’s edit of it is carried there', () => {
    const world = givenUp();
    world.edit('pms', { title: 'b' });
    world.edit('pms', { title: 'c' });
    world.edit('zendesk', { subject: 'a' });
    world.settle();
    expect(world.records.zendesk?.values['subject']).toBe('c');
    expect(lostOf(world)).toEqual([['zendesk', 'a', 'c']]);
  });

  test('is not in the history where the record has not changed since: nothing was written', () => {
    const world = givenUp();
    world.settle();
    expect(world.records.pms?.values['title']).toBe('b');
    expect(lostOf(world)).toEqual([]);
  });
});

describe('after the worker died while it wrote', () => {
  const mapping = testMapping([
    { zendesk: 'note', pms: 'memo', type: 'string', direction: 'both', winner: 'zendesk' },
  ]);
  /** Both sides were edited, and Zendesk's value was being written to the PMS. */
  function died(): World {
    const world = World.of(mapping, 'zendesk', { note: 'a' });
    world.settle();
    world.edit('zendesk', { note: 'b' });
    world.edit('pms', { memo: 'c' });
    const plan = world.plan(SIDES);
    if (plan.do !== 'write' || !world.link) throw new Error('expected a write');
    world.link = { ...world.link, intent: plan.intent };
    return world;
  }

  test('both records are read again: what was seen before does not show what was written', () => {
    const world = died();
    expect(world.plan(SIDES)).toEqual({ do: 'read', refs: ['pms:project:P-1'] });
    expect(world.plan(SIDES, true)).toMatchObject({ do: 'write' });
  });

  test('what the records showed of an earlier write holds, although the next plan is given up, too', () => {
    const rows = [
      { zendesk: 'note', pms: 'memo', type: 'string', direction: 'both', winner: 'zendesk' },
      { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'zendesk' },
    ];
    const world = World.of(testMapping(rows), 'zendesk', { note: 'a', subject: 's' });
    world.settle();
    world.edit('zendesk', { note: 'b' });
    const plan = world.plan(['zendesk']);
    if (plan.do !== 'write' || !world.link) throw new Error('expected a write');
    world.link = abandonIntent({ ...world.link, intent: plan.intent });
    world.edit('pms', { memo: 'b' });
    world.edit('zendesk', { subject: 't' });
    const next = world.plan(SIDES, true);
    if (next.do !== 'write') throw new Error('expected a write');
    world.edit('pms', { memo: 'c' });
    const saved = { ...world.link, ...triedOf(world.link), intent: next.intent };
    world.link = abandonIntent(saved, next.intent.writes[0]);
    world.settle();
    // A person of the PMS saw "b" and edited it.
    expect(world.records.zendesk?.values).toMatchObject({ note: 'c', subject: 't' });
    expect(world.link?.history).toEqual([]);
  });

  test('a value that may be overruled is judged by a record that was read since, and by no export', () => {
    const world = died();
    world.link = world.link && abandonIntent(world.link);
    const lost = { side: 'pms', lost: 'c', kept: 'b' };
    expect(world.plan(SIDES, true)).toMatchObject({ overruling: { known: [], unknown: [] } });
    if (world.link) world.link = { ...world.link, attempted: {} };
    expect(world.plan(SIDES)).toMatchObject({ overruling: { known: [], unknown: [lost] } });
    world.edit('pms', { memo: 'b' });
    expect(world.plan(SIDES)).toMatchObject({ overruling: { known: [lost], unknown: [] } });
  });
});

test('keeps a value of a one-way row in the history if its new counterpart has no such value', () => {
  const mapping = testMapping([
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both' },
    { zendesk: 'place', pms: 'room', type: 'string', direction: 'toZendesk' },
  ]);
  const world = World.of(mapping, 'zendesk', { subject: 's', place: 'here' });
  world.settle();
  world.settle();
  expect(world.records.zendesk?.values['place']).toBeNull();
  expect(world.link?.history).toMatchObject([{ row: 'room', side: 'zendesk', lost: 'here', kept: null }]);
});

test('a value that a new record sets, and that its origin lacks, is carried back and overrules nothing', () => {
  const mapping = testMapping([
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both' },
    { zendesk: 'channel', pms: 'source', type: 'string', direction: 'toPms' },
  ]);
  const world = World.of(mapping, 'pms', { title: 't' });
  world.onWrite = (side, values) => (side === 'zendesk' ? { ...values, channel: 'api' } : values);
  world.settle();
  // Zendesk's record alone is enough to carry the value: the project is not read for it.
  expect(world.plan(['zendesk'], true)).toMatchObject({ do: 'write' });
  world.settle(['zendesk']);
  expect(world.records.pms?.values['source']).toBe('api');
  expect(world.link?.history).toEqual([]);
});

test('keeps every value that it may have overruled at a first meeting', () => {
  const mapping = testMapping([
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'pms' },
  ]);
  const world = World.of(mapping, 'pms', { title: 'ours' });
  world.settle();
  world.edit('zendesk', { subject: 'edited' });
  if (!world.link) throw new Error('no link');
  const overruled = {
    at: 'now',
    row: 'title',
    side: 'zendesk',
    lost: 'theirs',
    kept: 'ours',
    rule: 'winner pms',
  };
  world.link = {
    ...world.link,
    snapshot: null,
    attempted: { zendesk: { title: ['ours'] } },
    unconfirmed: [{ ...overruled, side: 'zendesk' }],
  };
  world.settle();
  expect(world.records.pms?.values['title']).toBe('edited');
  expect(world.link?.history).toMatchObject([
    { side: 'zendesk', lost: 'theirs', kept: 'ours' },
    { side: 'pms', lost: 'ours', kept: 'edited' },
  ]);
});

describe('a record that we created without getting an answer', () => {
  const mapping = testMapping([
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'pms' },
    { zendesk: 'due', pms: 'due', type: 'date', direction: 'both', winner: 'pms' },
    {
      zendesk: 'requester',
      pms: 'requester',
      type: 'person',
      transform: 'person',
      direction: 'both',
      winner: 'pms',
    },
    { zendesk: 'group', pms: 'group', type: 'string', direction: 'toPms' },
  ]);
  /** It was found by its back-reference, and has these values then. */
  function found(values: Record<string, string | null>, byUs = true, title = 'written'): World {
    const world = World.of(mapping, 'pms', { title: 'written', due: '2026-12-24' });
    world.settle();
    world.edit('zendesk', values);
    world.edit('pms', { title });
    const { link } = world;
    if (!link?.sides.zendesk) throw new Error('no link');
    const zendesk = { ...link.sides.zendesk, ...(byUs && { made: true as const }) };
    const titles = title === 'written' ? [title] : ['written', title];
    const attempted = { zendesk: { title: titles, due: ['2026-12-24'] } };
    world.link = { ...link, snapshot: null, sides: { ...link.sides, zendesk }, attempted };
    delete world.link.bound;
    world.settle();
    return world;
  }
  const shownOn = ({ records }: World) => [records.zendesk?.values['subject'], records.pms?.values['title']];

  test('an edit of it counts, whichever side wins a first meeting', () => {
    const world = found({ subject: 'edited' });
    expect(shownOn(world)).toEqual(['edited', 'edited']);
    expect(world.link?.history).toEqual([]);
    expect(world.link?.sides.zendesk).not.toHaveProperty('made');
  });

  test('a value that it does not show, or shows only in part, is no edit', () => {
    const world = found({ subject: 'writ', due: null });
    expect(world.records.pms?.values).toMatchObject({ title: 'written', due: '2026-12-24' });
  });

  test('a person whom the side filled in is not synced; other values that the side set are', () => {
    const world = found({ requester: 'admin@sandbox.example', group: 'Support' });
    expect(world.records.pms?.values).toMatchObject({ requester: null, group: 'Support' });
    expect(world.link?.sides.zendesk?.residue).toEqual({ requester: 'admin@sandbox.example' });
    const other = found({ requester: 'admin@sandbox.example' }, false);
    expect(other.records.pms?.values).toMatchObject({ requester: 'admin@sandbox.example' });
  });

  test('a value that a person emptied after we wrote it was not filled in by the other side', () => {
    const rows = [
      { zendesk: 'requester', pms: 'owner', type: 'person', direction: 'both', transform: 'person' },
      {
        ...{ zendesk: 'description', pms: 'text', type: 'text', direction: 'both' },
        ...{ fixedOn: 'zendesk', onEdit: 'followUp' },
      },
    ];
    const world = World.of(testMapping(rows), 'pms', { owner: 'a@b.example', text: 'said' });
    world.settle();
    const { link } = world;
    if (!link?.sides.zendesk) throw new Error('no link');
    world.edit('pms', { owner: null, text: null });
    const attempted = { zendesk: { owner: ['a@b.example'], text: ['said'] } };
    const sides = { ...link.sides, zendesk: { ...link.sides.zendesk, made: true as const } };
    world.link = { ...link, snapshot: null, sides, attempted };
    delete world.link.bound;
    world.settle();
    expect(world.records.zendesk?.values['requester']).toBeNull();
    expect(world.writes.at(-2)).toMatchObject({ op: 'followUp', values: { text: '' } });
  });

  test('a person whom the side filled in is not emptied by a resync', () => {
    const world = found({ requester: 'admin@sandbox.example' });
    world.resync();
    expect(world.records.zendesk?.values['requester']).toBe('admin@sandbox.example');
    expect(world.link?.notTaken).toBeUndefined();
  });

  // Found by chaos 95019.
  test('edits of both sides are in conflict, although the update of one side has an unknown outcome', () => {
    const world = found({ subject: 'theirs' }, true, 'ours');
    expect(shownOn(world)).toEqual(['ours', 'ours']);
    expect(world.link?.history).toMatchObject([{ row: 'title', side: 'zendesk', lost: 'theirs' }]);
  });

  test('another record that is met for the first time keeps its own value', () => {
    expect(shownOn(found({ subject: 'edited' }, false))).toEqual(['written', 'written']);
  });
});
