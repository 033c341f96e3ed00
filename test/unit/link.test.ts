import { abandonIntent } from '../../src/sync/abandonedIntent';
import { newLink, type Intent, type PlannedWrite } from '../../src/sync/link';
import { unexpectedValues, type Plan } from '../../src/sync/planner';
import { SIDES } from '../../src/sync/record';
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

  test('leaves the link unchanged if no answer came, and stores the values that may have been written', () => {
    const before = link([write({ op: 'followUp', rows: ['text'] }), write({ rows: ['title'] })]);
    expect(abandonIntent(before)).toEqual({
      ...before,
      intent: null,
      attempted: { zendesk: { title: ['b'] } },
    });
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
