import { randomUUID } from 'node:crypto';
import { reconcile } from '../../src/workflows';
import { addMember } from '../support/membership';
import { cliOf } from '../support/cli';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/**
 * Issue 21: the PMS is restored from a backup. Lost records are created again from their counterparts, if a person
 * asks for it.
 */

let boxes: Sandboxes;
let stack: Stack;
beforeEach(async () => {
  boxes = await startSandboxes();
  stack = await startStack(testServers(), boxes.mapping, boxes.systems);
});
afterEach(async () => {
  await stack.stop();
  await boxes.close();
});

const quiet = async () => {
  await stack.settle();
  await stack.settle();
};
const all = (kind: 'customer' | 'project' | 'note') => [...boxes.pms.store.all(kind)];
const titles = () => all('project').map(({ title }) => title);
const notes = () => all('note').map(({ body, visibility }) => [body, visibility]);
const reconciled = () =>
  stack.client.workflow.execute(reconcile, {
    workflowId: `${stack.taskQueue}-reconcile-${randomUUID()}`,
    taskQueue: stack.taskQueue,
    args: [{ full: true }],
  });
const statuses = async () => {
  const found: string[] = [];
  for await (const { _id, status, reason } of stack.store.all())
    if (status !== 'linked' || reason) found.push(`${_id} ${status} ${reason?.text ?? ''}`);
  return found;
};

test('customers, projects and notes that are newer than the backup are created again, whichever side they began on', async () => {
  const { id: kept } = (
    await boxes.zd('POST', '/tickets', { ticket: { subject: 'Kept', comment: { body: 'd' } } })
  )['ticket'] as { id: number };
  await quiet();
  const backup = boxes.pms.backup();
  const backupAt = new Date().toISOString();

  const acme = boxes.zendesk.organizations.create({ name: 'Acme' }, 1);
  addMember(boxes.zendesk, acme.id);
  const { id: late } = (
    await boxes.zd('POST', '/tickets', {
      ticket: { subject: 'Late', comment: { body: 'd' }, organization_id: acme.id, tags: ['vip'] },
    })
  )['ticket'] as { id: number };
  const comment = (id: number, body: string, isPublic: boolean) =>
    boxes.zd('PUT', `/tickets/${id}`, { ticket: { comment: { body, public: isPublic } } });
  await comment(late, 'first', true);
  await comment(late, 'second, internal', false);
  await comment(kept, 'on a ticket that is in the backup', true);
  const born = await boxes.pm('POST', '/projects', { title: 'Born in the PMS' });
  await quiet();
  await boxes.pm('POST', '/notes', {
    projectId: born['id'],
    body: 'said in the PMS',
    visibility: 'internal',
  });
  await quiet();
  const before = {
    titles: titles().sort(),
    notes: notes(),
    customers: all('customer').map(({ name }) => name),
  };
  const tickets = boxes.zendesk.store.tickets.size;
  expect(before.titles).toEqual(['Born in the PMS', 'Kept', 'Late']);
  expect(before.notes).toHaveLength(4);

  boxes.pms.restore(backup);
  expect([titles(), notes()]).toEqual([['Kept'], []]);
  const cli = cliOf(boxes, stack);
  expect((await cli('cursors', 'rewind', 'pms:changes', backupAt)).code).toBe(0);
  await reconciled();
  await stack.quiet();
  // Never automatically.
  expect([titles(), notes()]).toEqual([['Kept'], []]);
  const asked = await cli('links', 'recreate', '--absent');
  expect([asked.code, titles()]).toEqual([2, ['Kept']]);
  expect(asked.out).toContain(`zendesk:ticket:${late}`);
  expect(asked.err).toContain('1 customer, 2 projects, 4 notes will be created again');

  const ran = await cli('links', 'recreate', '--absent', '--yes', '--json');
  expect([ran.code, ran.err]).toEqual([0, '']);
  expect(titles().sort()).toEqual(before.titles);
  expect(all('customer').map(({ name }) => name)).toEqual(before.customers);
  expect(notes().sort()).toEqual(before.notes.sort());
  const project = all('project').find(({ title }) => title === 'Late');
  expect(project).toMatchObject({ tags: ['vip'], customerId: all('customer')[0]?.id });
  expect(
    all('note')
      .filter(({ projectId }) => projectId === project?.id)
      .map(({ body }) => body),
  ).toEqual(['first', 'second, internal']);

  await reconciled();
  await quiet();
  expect(await statuses()).toEqual([]);
  expect([boxes.zendesk.store.tickets.size, titles().sort(), notes().length]).toEqual([
    tickets,
    before.titles,
    4,
  ]);
  await boxes.zd('PUT', `/tickets/${late}`, { ticket: { subject: 'Late, goes on' } });
  await quiet();
  expect(titles()).toContain('Late, goes on');
  expect((await cli('links', 'recreate', '--absent', '--yes')).out).toContain('no pair waits');
}, 240_000);
