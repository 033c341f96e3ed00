import { randomUUID } from 'node:crypto';
import { reconcile } from '../../src/workflows';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';
import { startBed, type Bed } from './support/bed';

/**
 * The Zendesk sandbox and a real Roundup, with the shipped profile and mapping. The tests share both, and add to
 * them.
 */

let bed: Bed;
let stack: Stack;

beforeAll(async () => {
  bed = await startBed();
  stack = await startStack(testServers(), bed.mapping, bed.systems);
});
afterAll(async () => {
  await stack.stop();
  await bed.close();
});

const quiet = async () => {
  await stack.settle();
  await stack.settle();
};
const reconciled = async () => {
  await stack.client.workflow.execute(reconcile, {
    workflowId: `${stack.taskQueue}-reconcile-${randomUUID()}`,
    taskQueue: stack.taskQueue,
    args: [{ full: true }],
  });
  await quiet();
};

interface Ticket {
  id: number;
  subject: string;
  status: string;
  priority: string | null;
  due_at: string | null;
  organization_id: number | null;
  tags: string[];
}
interface Item {
  id: string;
  [field: string]: unknown;
}

async function newTicket(more: Record<string, unknown> = {}): Promise<Ticket> {
  const made = await bed.zd('POST', '/tickets', {
    ticket: { subject: `Ticket ${randomUUID()}`, comment: { body: 'It smokes.' }, ...more },
  });
  return made['ticket'] as Ticket;
}
const ticket = async (id: number) => (await bed.zd('GET', `/tickets/${id}`))['ticket'] as Ticket;
const commentsOn = async (id: number) =>
  (await bed.zd('GET', `/tickets/${id}/comments`))['comments'] as { body: string; public: boolean }[];

/** Items of a class that a search finds. */
async function items(kind: string, search: string, fields: string): Promise<Item[]> {
  const { data } = (await bed.rd('GET', `/${kind}?@verbose=0&${search}&@fields=${fields}`)) as unknown as {
    data: { collection: Item[] };
  };
  return data.collection;
}
const FIELDS = 'title,description,status.name,priority.name,customer,due,requester.address,tags,zendesk';
const projectOf = async (id: number) => {
  const [found, ...others] = await items('project', `zendesk:=zendesk:ticket:${id}`, FIELDS);
  expect(others).toEqual([]);
  return found as Item;
};
const tagNames = async (ids: unknown) => {
  const names = [];
  for (const id of ids as string[]) names.push(...(await items('tag', `id=${id}`, 'name')));
  return names.map(({ name }) => name).sort();
};

test('a ticket with all its properties becomes a project, with items for its tags and its customer', async () => {
  const made = await bed.zd('POST', '/organizations', {
    organization: {
      name: `Acme ${randomUUID()}`,
      domain_names: ['acme.example', 'acme.test'],
      tags: ['gold'],
    },
  });
  const organization = made['organization'] as { id: number; name: string };
  bed.addMember(organization.id);
  const { id, subject } = await newTicket({
    organization_id: organization.id,
    tags: ['vip', 'gold'],
    priority: 'high',
    type: 'task',
    due_at: '2027-01-15T12:00:00Z',
  });
  await quiet();
  const project = await projectOf(id);
  expect(project).toMatchObject({
    title: subject,
    'status.name': 'new',
    'priority.name': 'high',
    due: '2027-01-15.00:00:00',
  });
  expect(await tagNames(project['tags'])).toEqual(['gold', 'vip']);
  const [customer] = await items('customer', `id=${String(project['customer'])}`, 'name,domains,tags');
  expect(customer).toMatchObject({ name: organization.name, domains: 'acme.example acme.test' });
  // The same tag, and not another one with its name.
  expect(await items('tag', 'name:=gold', 'name')).toHaveLength(1);
});

test('edits sync both ways, including cleared values, and are written once', async () => {
  const { id } = await newTicket({ tags: ['a'], priority: 'low' });
  await quiet();
  const project = await projectOf(id);
  const [tag] = await items('tag', 'name:=vip', 'name');
  await bed.rd('PATCH', `/project/${project.id}`, { title: 'By Roundup', status: 'open', tags: [tag?.id] });
  await quiet();
  expect(await ticket(id)).toMatchObject({ subject: 'By Roundup', status: 'open', tags: ['vip'] });
  await bed.zd('PUT', `/tickets/${id}`, { ticket: { subject: 'By Zendesk', tags: [], priority: 'urgent' } });
  await quiet();
  const after = await projectOf(id);
  expect(after).toMatchObject({ title: 'By Zendesk', 'priority.name': 'urgent', tags: [] });
  const before = bed.writes.length;
  await quiet();
  expect(bed.writes.slice(before)).toEqual([]);
});

test('comments and notes sync, public and internal', async () => {
  const { id } = await newTicket();
  await quiet();
  const project = await projectOf(id);
  await bed.zd('PUT', `/tickets/${id}`, { ticket: { comment: { body: 'For us alone', public: false } } });
  await bed.rd('POST', '/note', { project: project.id, body: 'Said in Roundup', public: true });
  await quiet();
  const notes = await items('note', `project=${project.id}&@sort=id`, 'body,public,zendesk');
  expect(notes.map(({ body, public: isPublic }) => [body, isPublic])).toEqual(
    expect.arrayContaining([
      ['For us alone', 0],
      ['Said in Roundup', 1],
    ]),
  );
  const comments = await commentsOn(id);
  expect(comments.map(({ body, public: isPublic }) => [body, isPublic])).toEqual(
    expect.arrayContaining([
      ['For us alone', false],
      ['Said in Roundup', true],
    ]),
  );
});

test('P8: a retired project, which can still be read by its address, has ended', async () => {
  const { id } = await newTicket();
  await quiet();
  const project = await projectOf(id);
  await bed.rd('DELETE', `/project/${project.id}`);
  expect(await bed.rd('GET', `/project/${project.id}`)).toHaveProperty('data');
  await reconciled();
  // Roundup does not report the end: a second reconcile must miss it, too.
  const key = `TicketToProject/zendesk:ticket:${id}` as const;
  expect(await stack.store.get(key)).toMatchObject({ status: 'linked', reason: { code: 'absent' } });
  await reconciled();
  expect(await stack.store.get(key)).toMatchObject({ status: 'tombstone' });
});

test('a reconcile at the end finds nothing to write', async () => {
  await reconciled();
  const before = bed.writes.length;
  await reconciled();
  expect(bed.writes.slice(before)).toEqual([]);
});
