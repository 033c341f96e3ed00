import { temporal } from '@temporalio/proto';
import { canonicalKey, parseRef } from '../../src/sync/canonicalKey';
import type { Mapping } from '../../src/sync/mapping';
import type { Side, SyncRecord, Values } from '../../src/sync/record';
import { PMS_ID, SYNC_STATUS, ZENDESK_ID } from '../../src/workflows/searchAttributes';
import { MemorySystem, lostAnswer } from '../support/memorySystem';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';
import { testMapping } from '../support/world';

/** The pair loop on a real Temporal server and a real link store, with faults between any two instructions. */

const { EventType } = temporal.api.enums.v1;

const ROWS = [
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
  {
    zendesk: 'text',
    pms: 'text',
    type: 'text',
    direction: 'both',
    winner: 'latest',
    fixedOn: 'zendesk',
    onEdit: 'followUp',
  },
  { zendesk: 'note', pms: 'note', type: 'text', direction: 'both', winner: 'manual' },
  {
    zendesk: 'organization_id',
    pms: 'customerId',
    type: 'reference',
    direction: 'both',
    transform: 'reference',
    entity: 'OrgToCustomer',
    winner: 'zendesk',
  },
];

function mappingOf(
  match: { zendesk: string; pms: string }[] = [],
  extra: Record<string, unknown> = {},
): Mapping {
  const mapping = testMapping(ROWS, extra);
  const orgs = testMapping([{ zendesk: 'name', pms: 'name', type: 'string', direction: 'both' }], {
    match,
  }).entities.TicketToProject;
  const kind = { zendesk: 'organization', pms: 'customer' };
  return {
    ...mapping,
    entities: { ...mapping.entities, OrgToCustomer: { ...orgs, entity: 'OrgToCustomer', kind } },
  };
}

describe('the pair loop', () => {
  let stack: Stack;
  let zendesk: MemorySystem;
  let pms: MemorySystem;

  const begin = async (mapping: Mapping = mappingOf([{ zendesk: 'name', pms: 'name' }])) => {
    zendesk = new MemorySystem('zendesk', false, ['name']);
    pms = new MemorySystem('pms', true);
    stack = await startStack(testServers(), mapping, { zendesk, pms });
  };
  afterEach(async () => stack.stop());

  const only = (system: MemorySystem, kind: string): SyncRecord => {
    const all = system.all(kind);
    expect(all).toHaveLength(1);
    return all[0] as SyncRecord;
  };
  const shared = (record: SyncRecord, names: string[]): Values =>
    Object.fromEntries(names.map((name) => [name, record.values[name] ?? null]));

  test('a ticket becomes a project, after its organization, and causes no echo', async () => {
    await begin();
    const org = zendesk.add('organization', { name: 'Acme' });
    zendesk.add('ticket', { subject: 'Printer', text: 'It smokes', organization_id: org.ref.id });
    await stack.settle();
    const project = only(pms, 'project');
    expect(shared(project, ['title', 'text', 'customerId'])).toEqual({
      title: 'Printer',
      text: 'It smokes',
      customerId: only(pms, 'customer').ref.id,
    });
    const writes = () =>
      [...zendesk.calls, ...pms.calls].filter((call) => ['create', 'update', 'followUp'].includes(call));
    expect(writes()).toEqual(['create', 'create']);
    await stack.settle();
    await stack.settle();
    expect(writes()).toEqual(['create', 'create']);
  });

  test('an edit costs one write on the other side and no read', async () => {
    await begin();
    const ticket = zendesk.add('ticket', { subject: 'a', text: 't' });
    await stack.settle();
    zendesk.calls.length = 0;
    pms.calls.length = 0;
    zendesk.edit(ticket.ref, { subject: 'b' });
    await stack.settle();
    expect(only(pms, 'project').values['title']).toBe('b');
    expect(pms.calls.filter((call) => call !== 'changes')).toEqual(['update']);
    expect(zendesk.calls.filter((call) => call !== 'changes')).toEqual([]);
  });

  test('an edit costs two activities in Temporal, and does not set an unchanged status', async () => {
    await begin();
    const ticket = zendesk.add('ticket', { subject: 'a', text: 't' });
    await stack.settle();
    const handle = stack.client.workflow.getHandle(canonicalKey('TicketToProject', ticket.ref));
    const actions = async () => {
      const { events } = await handle.fetchHistory();
      const kinds = (events ?? []).map(({ eventType }) => EventType[eventType ?? 0] ?? '');
      return kinds.filter((kind) => /ACTIVITY_TASK_SCHEDULED|SEARCH_ATTRIBUTES|TIMER/.test(kind));
    };
    const shown = async () => {
      const { typedSearchAttributes: found } = await handle.describe();
      return [SYNC_STATUS, ZENDESK_ID, PMS_ID].map((name) => found.get(name));
    };
    const standing = ['linked', ticket.ref.id, only(pms, 'project').ref.id];
    expect(await shown()).toEqual(standing);
    zendesk.edit(ticket.ref, { subject: 'b' });
    await stack.settle();
    expect(only(pms, 'project').values['title']).toBe('b');
    expect(await actions()).toEqual(Array(2).fill('EVENT_TYPE_ACTIVITY_TASK_SCHEDULED'));
    expect(await shown()).toEqual(standing);
    // The summary of the activity names the change.
    zendesk.edit(ticket.ref, {}, { state: 'deleted' });
    await stack.settle();
    expect((await shown())[0]).toBe('tombstone');
  });

  test('both sides edit different properties at once: both edits survive', async () => {
    await begin();
    const ticket = zendesk.add('ticket', { subject: 'a', text: 't', note: 'n' });
    await stack.settle();
    const project = only(pms, 'project');
    zendesk.edit(ticket.ref, { subject: 'from zendesk' });
    pms.edit(project.ref, { note: 'from pms' });
    await stack.settle();
    await stack.settle();
    expect(only(zendesk, 'ticket').values).toMatchObject({ subject: 'from zendesk', note: 'from pms' });
    expect(only(pms, 'project').values).toMatchObject({ title: 'from zendesk', note: 'from pms' });
  });

  test('a manual conflict parks its property, and the others sync', async () => {
    await begin();
    const ticket = zendesk.add('ticket', { subject: 'a', text: 't', note: 'n' });
    await stack.settle();
    const project = only(pms, 'project');
    zendesk.edit(ticket.ref, { note: 'z', subject: 'b' });
    pms.edit(project.ref, { note: 'p' });
    const summary = await stack.hint('TicketToProject', ticket.ref, { force: true });
    expect(summary.status).toBe('conflict');
    expect(only(pms, 'project').values).toMatchObject({ title: 'b', note: 'p' });
    expect((await stack.store.get(summary.key))?.conflicts).toMatchObject([
      { row: 'note', zendesk: 'z', pms: 'p' },
    ]);
  });

  test.each<[Side, 'before' | 'after']>([
    ['zendesk', 'after'],
    ['zendesk', 'before'],
    ['pms', 'after'],
    ['pms', 'before'],
  ])('a create on %s whose answer is lost (%s it was done) makes one record', async (side, when) => {
    await begin();
    const [origin, target] = side === 'pms' ? [zendesk, pms] : [pms, zendesk];
    let faults = 3;
    target.fault = (at, call) => {
      if (at === when && call === 'create' && faults-- > 0) throw lostAnswer();
    };
    const record =
      side === 'pms'
        ? origin.add('ticket', { subject: 's', text: 't' })
        : origin.add('project', { title: 's', text: 't' });
    await stack.settle();
    expect(only(target, side === 'pms' ? 'project' : 'ticket').backRef).toBe(
      `${record.ref.side}:${record.ref.kind}:${record.ref.id}`,
    );
    await stack.settle();
    expect(target.all(side === 'pms' ? 'project' : 'ticket')).toHaveLength(1);
  });

  test('an update whose answer is lost is not repeated, and not taken for a person’s edit', async () => {
    await begin();
    const ticket = zendesk.add('ticket', { subject: 'a', text: 't' });
    await stack.settle();
    let faults = 1;
    pms.fault = (at, call) => {
      if (at === 'after' && call === 'update' && faults-- > 0) throw lostAnswer();
    };
    zendesk.edit(ticket.ref, { subject: 'b' });
    await stack.settle();
    expect(only(pms, 'project')).toMatchObject({ values: { title: 'b' }, order: 2 });
    expect(only(zendesk, 'ticket')).toMatchObject({ values: { subject: 'b' }, order: 2 });
    // Both sides agree on it now, so a later edit of one side is no conflict.
    pms.edit(only(pms, 'project').ref, { title: 'c' });
    await stack.settle();
    expect(only(zendesk, 'ticket').values['subject']).toBe('c');
    const link = await stack.store.get(`TicketToProject/zendesk:ticket:${ticket.ref.id}`);
    expect(link).toMatchObject({ snapshot: { title: 'c' }, history: [] });
  });

  test('an edit before a lost answer to a create is in the history, although the other side cannot be edited', async () => {
    await begin();
    let faults = 1;
    const project = pms.add('project', { title: 'a', text: 'first' });
    zendesk.fault = (at, call) => {
      if (at !== 'after' || call !== 'create' || faults-- <= 0) return;
      pms.edit(project.ref, { text: 'second' });
      throw lostAnswer();
    };
    await stack.settle();
    await stack.settle();
    expect(zendesk.all('ticket')).toHaveLength(1);
    expect(only(pms, 'project').values['text']).toBe('second');
    expect(zendesk.all('followUp').map(({ values }) => values['text'])).toEqual(['second']);
    const link = await stack.store.get(`TicketToProject/pms:project:${project.ref.id}`);
    expect(link).toMatchObject({ status: 'linked', snapshot: { text: 'second' }, history: [] });
  });

  test.each(['stays', 'is deleted'])(
    'a value that an update with a lost answer overruled is in the history, also if the other record %s',
    async (fate) => {
      await begin();
      const ticket = zendesk.add('ticket', { subject: 'a', text: 't' });
      await stack.settle();
      const project = only(pms, 'project');
      let faults = 1;
      pms.fault = (at, call) => {
        if (at !== 'after' || call !== 'update' || faults-- <= 0) return;
        pms.edit(project.ref, { title: 'newer' });
        throw lostAnswer();
      };
      let deletions = fate === 'stays' ? 0 : 1;
      zendesk.fault = (at, call) => {
        if (at !== 'before' || call !== 'update' || deletions-- <= 0) return;
        zendesk.edit(ticket.ref, {}, { state: 'deleted' });
      };
      pms.edit(project.ref, { title: 'mine' });
      zendesk.edit(ticket.ref, { subject: 'theirs' });
      await stack.settle();
      await stack.settle();
      const link = await stack.store.get(`TicketToProject/zendesk:ticket:${ticket.ref.id}`);
      expect(link?.status).toBe(fate === 'stays' ? 'linked' : 'tombstone');
      expect(only(pms, 'project').values['title']).toBe('newer');
      expect(link?.history).toContainEqual(
        expect.objectContaining({ row: 'title', side: 'pms', lost: 'mine', kept: 'theirs' }),
      );
      expect(link?.unconfirmed).toBeUndefined();
    },
  );

  test('after an edit between our plan and our write, the precondition fails and both edits are kept', async () => {
    await begin();
    const ticket = zendesk.add('ticket', { subject: 'a', text: 't', note: 'n' });
    await stack.settle();
    const project = only(pms, 'project');
    let once = true;
    pms.fault = (at, call) => {
      if (at !== 'before' || call !== 'update' || !once) return;
      once = false;
      pms.edit(project.ref, { note: 'meanwhile' });
    };
    zendesk.edit(ticket.ref, { subject: 'b' });
    await stack.settle();
    await stack.settle();
    expect(only(pms, 'project').values).toMatchObject({ title: 'b', note: 'meanwhile' });
    expect(only(zendesk, 'ticket').values).toMatchObject({ subject: 'b', note: 'meanwhile' });
    // A refused write overruled nothing.
    const link = await stack.store.get(`TicketToProject/zendesk:ticket:${ticket.ref.id}`);
    expect(link?.history).toEqual([]);
  });

  test('matching records on both sides are joined, even if both events arrive at once', async () => {
    await begin();
    const org = zendesk.add('organization', { name: 'Acme' });
    const customer = pms.add('customer', { name: 'ACME' });
    await Promise.all([stack.hint('OrgToCustomer', org.ref), stack.hint('OrgToCustomer', customer.ref)]);
    await stack.settle();
    expect(zendesk.all('organization')).toHaveLength(1);
    expect(pms.all('customer')).toHaveLength(1);
    const links = [];
    for await (const link of stack.store.all()) links.push(link);
    expect(links).toHaveLength(1);
    expect(links[0]).toMatchObject({
      status: 'linked',
      sides: {
        zendesk: { ref: `zendesk:organization:${org.ref.id}` },
        pms: { ref: `pms:customer:${customer.ref.id}` },
      },
    });
    expect(only(pms, 'customer').values['name']).toBe(only(zendesk, 'organization').values['name']);
    // One of the two has the back-reference, so the pair can be found without the link store.
    expect(
      [only(pms, 'customer').backRef, only(zendesk, 'organization').backRef].filter(Boolean),
    ).toHaveLength(1);
  });

  test('an edit after our own write at a first meeting is no conflict, although the answer was lost', async () => {
    await begin();
    const org = zendesk.add('organization', { name: 'Acme' });
    const customer = pms.add('customer', { name: 'ACME' }, { updatedAt: '2026-01-01T00:00:00.000Z' });
    let faults = 1;
    zendesk.fault = (at, call) => {
      if (at !== 'after' || call !== 'update' || faults-- <= 0) return;
      zendesk.edit(org.ref, { name: 'Acme Ltd' });
      // The PMS is later, by an edit of another property.
      pms.edit(customer.ref, {}, { updatedAt: '2099-01-01T00:00:00.000Z' });
      throw lostAnswer();
    };
    await stack.settle();
    await stack.settle();
    expect([only(zendesk, 'organization').values['name'], only(pms, 'customer').values['name']]).toEqual([
      'Acme Ltd',
      'Acme Ltd',
    ]);
  });

  test('two records of one system with the same name are not joined', async () => {
    await begin();
    zendesk.add('organization', { name: 'Acme' });
    pms.add('customer', { name: 'Acme' });
    pms.add('customer', { name: 'Acme' });
    await stack.settle();
    expect(zendesk.all('organization')).toHaveLength(1);
    expect(pms.all('customer')).toHaveLength(2);
    const counts = (await stack.store.countByStatus())['OrgToCustomer'];
    expect(counts).toMatchObject({ linked: 0 });
    expect((counts?.conflict ?? 0) + (counts?.pending ?? 0) + (counts?.quarantined ?? 0)).toBeGreaterThan(0);
  });

  test('a ticket waits for a missing organization, names the reason, and continues when it appears', async () => {
    await begin();
    const missing = parseRef('zendesk:organization:370326104793');
    const ticket = zendesk.add('ticket', { subject: 's', text: 't', organization_id: missing.id });
    await stack.settle();
    const key = `TicketToProject/zendesk:ticket:${ticket.ref.id}`;
    expect(await stack.store.get(key)).toMatchObject({
      status: 'pending',
      reason: {
        text: expect.stringMatching(/waits for zendesk:organization:370326104793.*does not exist/) as unknown,
      },
    });
    expect(pms.all('project')).toHaveLength(0);
    zendesk.add('organization', { name: 'Late' }, { ref: missing });
    await stack.settle();
    await stack.settle();
    expect(only(pms, 'project').values['customerId']).toBe(only(pms, 'customer').ref.id);
    expect((await stack.store.get(key))?.status).toBe('linked');
  });

  test('a linked ticket that moves to a new organization follows once the organization exists', async () => {
    await begin();
    const ticket = zendesk.add('ticket', { subject: 's', text: 't' });
    await stack.settle();
    const org = zendesk.add('organization', { name: 'Next' });
    zendesk.edit(ticket.ref, { organization_id: org.ref.id, subject: 'moved' });
    await stack.settle();
    await stack.settle();
    expect(only(pms, 'project').values).toMatchObject({
      title: 'moved',
      customerId: only(pms, 'customer').ref.id,
    });
  });

  test('an edit that Zendesk cannot store becomes one follow-up, and stays in the PMS', async () => {
    await begin();
    zendesk.add('ticket', { subject: 's', text: 'first' });
    await stack.settle();
    const project = only(pms, 'project');
    let faults = 2;
    zendesk.fault = (at, call) => {
      if (at === 'after' && call === 'followUp' && faults-- > 0) throw lostAnswer();
    };
    pms.edit(project.ref, { text: 'second' });
    await stack.settle();
    await stack.settle();
    expect(zendesk.all('followUp').map((record) => record.values['text'])).toEqual([
      expect.stringContaining('second'),
    ]);
    expect(only(pms, 'project').values['text']).toBe('second');
    expect(only(zendesk, 'ticket').values['text']).toBe('first');
  });

  test('our own write whose answer was lost does not compete with a later edit', async () => {
    await begin();
    zendesk.add('ticket', { subject: 'a', text: 't' });
    await stack.settle();
    const project = only(pms, 'project');
    let once = true;
    zendesk.fault = (at, call) => {
      if (at !== 'after' || call !== 'update' || !once) return;
      once = false;
      // By the clocks, the ticket changed last, so it would win if our write counted as a person's edit.
      const later = pms.edit(project.ref, { title: 'second' }, { updatedAt: '2024-01-01T00:00:00.000Z' });
      void stack.store.observations.keep([later]);
      throw lostAnswer();
    };
    pms.edit(project.ref, { title: 'first' });
    await stack.settle();
    await stack.settle();
    expect(only(zendesk, 'ticket').values['subject']).toBe('second');
    expect(only(pms, 'project').values['title']).toBe('second');
    for await (const link of stack.store.all()) expect(link.history).toEqual([]);
  });

  test('a follow-up is written once, also if the plan’s other write fails its precondition', async () => {
    await begin();
    const ticket = zendesk.add('ticket', { subject: 's', text: 'first', note: 'n' });
    await stack.settle();
    const project = only(pms, 'project');
    let once = true;
    pms.fault = (at, call) => {
      if (at !== 'before' || call !== 'update' || !once) return;
      once = false;
      pms.edit(project.ref, { note: 'meanwhile' });
    };
    pms.edit(project.ref, { text: 'second' });
    zendesk.edit(ticket.ref, { subject: 'changed' });
    await stack.settle();
    await stack.settle();
    expect(zendesk.all('followUp')).toHaveLength(1);
    expect(only(pms, 'project').values).toMatchObject({
      title: 'changed',
      text: 'second',
      note: 'meanwhile',
    });
  });

  test('the end of one record leaves a tombstone, and the other record does not recreate it', async () => {
    await begin();
    const ticket = zendesk.add('ticket', { subject: 's', text: 't' });
    await stack.settle();
    zendesk.edit(ticket.ref, {}, { state: 'deleted' });
    await stack.settle();
    const key = `TicketToProject/zendesk:ticket:${ticket.ref.id}`;
    expect((await stack.store.get(key))?.status).toBe('tombstone');
    await stack.store.noteReason(key, { code: 'retry_later', text: 'away', since: '', nextAttempt: null });
    pms.edit(only(pms, 'project').ref, { title: 'still here' });
    await stack.settle();
    expect(zendesk.all('ticket')).toHaveLength(1);
    expect(await stack.store.get(key)).toMatchObject({ status: 'tombstone', reason: { code: 'ended' } });
  });

  test('a lost link store causes no duplicates: pairs are found by their back-references', async () => {
    await begin();
    zendesk.add('ticket', { subject: 'from zendesk', text: 't' });
    pms.add('project', { title: 'from pms', text: 't' });
    await stack.settle();
    await stack.settle();
    const before = [zendesk, pms];
    await stack.stop();
    stack = await startStack(testServers(), mappingOf(), { zendesk, pms });
    for (const system of before) system.calls.length = 0;
    await stack.settle();
    await stack.settle();
    expect(zendesk.all('ticket')).toHaveLength(2);
    expect(pms.all('project')).toHaveLength(2);
    expect((await stack.store.countByStatus())['TicketToProject']).toMatchObject({ linked: 2 });
  });

  test('many events of one record collapse into one write', async () => {
    await begin();
    const ticket = zendesk.add('ticket', { subject: 'a', text: 't' });
    await stack.settle();
    pms.calls.length = 0;
    for (let i = 0; i < 20; i += 1) zendesk.edit(ticket.ref, { subject: `edit ${i}` });
    await stack.settle();
    expect(only(pms, 'project').values['title']).toBe('edit 19');
    expect(pms.calls.filter((call) => call === 'update')).toHaveLength(1);
  });
});
