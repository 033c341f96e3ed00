import { startPmsSandbox, type PmsSandbox } from 'pms-sandbox';
import { RandomPeople, changes } from 'testkit';
import { NO_LIMITS, startZendeskSandbox, type ZendeskSandbox } from 'zendesk-sandbox';

/** People who act inside both sandboxes, with no sync between them: what is carried is carried by hand here. */

let zendesk: ZendeskSandbox;
let pms: PmsSandbox;

beforeEach(async () => {
  zendesk = await startZendeskSandbox(NO_LIMITS);
  pms = await startPmsSandbox();
});
afterEach(async () => {
  await zendesk.close();
  await pms.close();
});

describe('random people', () => {
  test('find a counterpart by the back-reference of either record, and journal the value that an edit replaces', () => {
    const people = new RandomPeople(zendesk, pms);
    people.createTicket('zendesk', undefined);
    people.createTicket('pms', undefined);
    const [ticket, project] = people.things.ticket;
    if (!ticket || !project) throw new Error('nothing was made');
    expect([people.idOn('pms', ticket), people.idOn('zendesk', project)]).toEqual([undefined, undefined]);
    const copy = pms.store.create(
      'project',
      { title: 'x', externalRef: `zendesk:ticket:${ticket.id}` },
      'U-1001',
    );
    expect(people.idOn('pms', ticket)).toBe(copy.id);
    people.edit(ticket, 'pms', 'title');
    expect(people.journal.edits).toMatchObject([
      { side: 'pms', ref: `pms:project:${copy.id}`, property: 'title', replaced: 'x' },
    ]);
    expect(people.journal.edits[0]?.value).toBe(pms.store.get('project', copy.id)['title']);
    expect(people.done).toEqual({ create: 2, edit: 1 });
  });

  test('a person whose edit is refused changes nothing', () => {
    const people = new RandomPeople(zendesk, pms);
    people.createTicket('zendesk', undefined);
    const [ticket] = people.things.ticket;
    if (!ticket) throw new Error('nothing was made');
    people.close(ticket);
    people.edit(ticket, 'zendesk', 'title');
    expect(people.done).toEqual({ create: 1, close: 1 });
    expect(people.journal.edits).toEqual([]);
  });
});

test('each change of the benchmark is found on the other side only after the other side has it', () => {
  const agent = zendesk.store.userByEmail.get('ann@sandbox.example');
  if (!agent) throw new Error('no agent');
  const { ticket } = zendesk.tickets.create({ subject: 's', comment: { body: 'd' } }, agent);
  const organization = zendesk.organizations.create({ name: 'Acme' }, agent.id);
  const project = pms.store.create(
    'project',
    { title: 's', externalRef: `zendesk:ticket:${ticket.id}` },
    'U-1001',
  );
  const customer = pms.store.create(
    'customer',
    { name: 'Acme', externalRef: `zendesk:organization:${organization.id}` },
    'U-1001',
  );
  const text = (record: object, field: string) => String((record as Record<string, unknown>)[field]);
  const last = <T>(items: Iterable<T>): T => {
    const item = [...items].at(-1);
    if (item === undefined) throw new Error('nothing is there');
    return item;
  };
  const update = (kind: 'project' | 'customer', id: string, fields: object) =>
    pms.store.update(kind, id, fields, undefined, 'U-1001');
  const carry: Record<string, () => void> = {
    'organization edited': () =>
      void update('customer', customer.id, {
        description: text(zendesk.organizations.get(organization.id), 'details'),
      }),
    'customer edited': () =>
      void zendesk.organizations.update(
        organization.id,
        { notes: pms.store.get('customer', customer.id)['notes'] },
        agent.id,
      ),
    'ticket edited': () =>
      void update('project', project.id, { title: zendesk.tickets.get(ticket.id).subject }),
    'project edited': () =>
      void zendesk.tickets.update(
        ticket.id,
        { subject: pms.store.get('project', project.id)['title'] },
        agent,
      ),
    'ticket made': () => {
      const { id } = last(zendesk.store.tickets.values());
      pms.store.create('project', { title: 'copy', externalRef: `zendesk:ticket:${id}` }, 'U-1001');
    },
    'project made': () => {
      const external_id = `pms:project:${last(pms.store.all('project')).id}`;
      zendesk.tickets.create({ subject: 'copy', comment: { body: 'x' }, external_id }, agent);
    },
    'comment made': () => {
      const { body } = last(zendesk.store.comments.get(ticket.id) ?? []);
      pms.store.create('note', { projectId: project.id, body }, 'U-1001');
    },
    'note made': () => {
      const { body } = last(pms.store.all('note')) as unknown as { body: string };
      zendesk.tickets.update(ticket.id, { comment: { body } }, agent);
    },
  };
  const all = changes({ zendesk, pms });
  expect(all.map(({ name }) => name)).toEqual(Object.keys(carry));
  for (const { name, make } of all) {
    const arrived = make(0);
    expect([name, arrived()]).toEqual([name, false]);
    carry[name]?.();
    expect([name, arrived()]).toEqual([name, true]);
  }
  expect(() => all[0]?.make(1)).toThrow('the account is too small');
});
