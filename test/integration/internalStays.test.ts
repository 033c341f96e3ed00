import { randomUUID } from 'node:crypto';
import { startBackfill } from '../../src/workers/startBackfill';
import { canonicalKey } from '../../src/sync/canonicalKey';
import { reconcile } from '../../src/workflows';
import { rebuildLinks } from '../../src/activities/rebuildLinks';
import { openShelf } from '../../src/links/shelf';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/**
 * Internal stays internal (docs/architecture.md, invariant 7): tickets and projects. The test remembers everything
 * that each side ever showed to customers, so a moment in public counts, too.
 */

const CUSTOMER = { name: 'Cora', email: 'cora@customer.example' };

let boxes: Sandboxes;
let stack: Stack;
/** Every record that customers could see at any time, by name. */
let everShown: Set<string>;

beforeEach(async () => {
  boxes = await startSandboxes();
  stack = await startStack(testServers(), boxes.mapping, boxes.systems);
  everShown = new Set();
  const { zendesk, pms } = boxes;
  const { onChange } = pms.store;
  pms.store.onChange = (change) => {
    onChange(change);
    const { kind, id, record } = change;
    if (record?.['visibility'] === 'public') everShown.add(`pms:${kind}:${id}`);
  };
  const { onEvent } = zendesk.store;
  zendesk.store.onEvent = (event) => {
    onEvent(event);
    for (const [ticketId, comments] of zendesk.store.comments)
      for (const comment of comments)
        if (comment.public) everShown.add(`zendesk:comment:${ticketId}-${comment.id}`);
  };
});
afterEach(async () => {
  await stack.stop();
  await boxes.close();
});

interface Made {
  id: number;
  first: number;
}

async function ticket(words: string, isPublic: boolean, more: object = {}): Promise<Made> {
  const comment = { body: words, public: isPublic };
  const answer = await boxes.zd('POST', '/tickets', {
    ticket: { subject: words, comment, requester: CUSTOMER, ...more },
  });
  const { id } = answer['ticket'] as { id: number };
  return { id, first: commentsOf(id)[0]?.id ?? 0 };
}
const reply = (id: number, body: string, isPublic: boolean) =>
  boxes.zd('PUT', `/tickets/${id}`, { ticket: { comment: { body, public: isPublic } } });
const commentsOf = (id: number) => boxes.zendesk.store.comments.get(id) ?? [];
const hide = ({ id, first }: Made) => boxes.zd('PUT', `/tickets/${id}/comments/${first}/make_private`);
const project = (title: string) =>
  [...boxes.pms.store.all('project')].find((each) => each['title'] === title);
const projectId = (title: string) => String(project(title)?.id);
const ticketOf = (subject: string) =>
  [...boxes.zendesk.store.tickets.values()].find((each) => each.subject === subject);
const wasShown = (title: string) => everShown.has(`pms:project:${projectId(title)}`);
const calls = (method: string, path: RegExp) =>
  boxes.calls.filter((call) => call.method === method && path.test(call.path));
const key = (id: number) =>
  canonicalKey('TicketToProject', { side: 'zendesk', kind: 'ticket', id: String(id) });
const newPm = async (title: string, more: object) =>
  String((await boxes.pm('POST', '/projects', { title, description: title, ...more }))['id']);
const quiet = async () => {
  await stack.settle();
  await stack.settle();
};

test('F3: a ticket whose first comment is internal becomes an internal project and is never shown, with or without a public reply', async () => {
  await ticket('ours', false);
  const answered = await ticket('answered', false);
  await reply(answered.id, 'to the customer', true);
  await ticket('open', true);
  await quiet();
  expect(project('ours')).toMatchObject({ visibility: 'internal' });
  expect(project('answered')).toMatchObject({ visibility: 'internal' });
  expect([wasShown('ours'), wasShown('answered')]).toEqual([false, false]);
  expect([...boxes.pms.store.all('note')].map((note) => [note['body'], note['visibility']])).toEqual([
    ['to the customer', 'public'],
  ]);
  // A public ticket is public at once: the list of tickets suffices, and its comments are not read.
  expect(project('open')).toMatchObject({ visibility: 'public' });
  expect(calls('PATCH', /projects/)).toEqual([]);
  expect(calls('GET', /\/comments/)).toEqual([]);
});

test('F3: a ticket that a webhook reports with several comments is internal until its first comment is known, then public', async () => {
  const talked = await ticket('talked', true);
  await reply(talked.id, 'and again', true);
  await stack.hint(
    'TicketToProject',
    { side: 'zendesk', kind: 'ticket', id: String(talked.id) },
    { force: true },
  );
  expect(project('talked')).toMatchObject({ visibility: 'internal' });
  await quiet();
  expect(project('talked')).toMatchObject({ visibility: 'public' });
  expect((await stack.store.get(key(talked.id)))?.history).toEqual([]);
});

test('F3: an internal project becomes a ticket that no customer sees; a public one becomes a public ticket', async () => {
  await newPm('ours', { visibility: 'internal' });
  await newPm('open', { visibility: 'public' });
  await quiet();
  const first = (subject: string) => commentsOf(ticketOf(subject)?.id ?? 0)[0];
  expect(first('ours')).toMatchObject({ public: false });
  expect(ticketOf('ours')).toMatchObject({ is_public: false });
  expect(everShown.has(`zendesk:comment:${ticketOf('ours')?.id}-${first('ours')?.id}`)).toBe(false);
  expect(first('open')).toMatchObject({ public: true });
  expect(project('open')).toMatchObject({ visibility: 'public' });
});

test('F3, F6: a record that is made internal later is internal on the other side within two polls, and stays so', async () => {
  const agents = await ticket('agents', true);
  await reply(agents.id, 'more', true);
  const edited = await ticket('edited', true);
  await quiet();
  await hide(agents);
  await boxes.pm('PATCH', `/projects/${projectId('edited')}`, { visibility: 'internal' });
  await quiet();
  expect(project('agents')).toMatchObject({ visibility: 'internal' });
  expect(commentsOf(edited.id)[0]).toMatchObject({ public: false });
  // A person makes the project public again. Zendesk cannot do so, so the edit is reverted and kept in the history.
  await boxes.pm('PATCH', `/projects/${projectId('agents')}`, { visibility: 'public' });
  await quiet();
  expect(project('agents')).toMatchObject({ visibility: 'internal' });
  expect((await stack.store.get(key(agents.id)))?.history).toMatchObject([
    { row: 'visibility', lost: 'public' },
  ]);
});

test.each(['note', 'project'] as const)(
  'F28: a public %s that is made internal and edited in one save shows its new words to no customer',
  async (kind) => {
    const { id: ticketId } = await ticket('ours', true);
    await quiet();
    const path = kind === 'note' ? '/notes' : '/projects';
    const made = { title: 'theirs', projectId: projectId('ours'), body: 'hello', description: 'hello' };
    const { title, projectId: parent, body, description } = made;
    const given = kind === 'note' ? { projectId: parent, body } : { title, description };
    const { id } = await boxes.pm('POST', path, { ...given, visibility: 'public' });
    await quiet();
    const words = kind === 'note' ? { body: 'for us only' } : { description: 'for us only' };
    await boxes.pm('PATCH', `${path}/${String(id)}`, { ...words, visibility: 'internal' });
    await quiet();
    const on = kind === 'note' ? ticketId : (ticketOf('theirs')?.id ?? 0);
    const secret = commentsOf(on).filter((comment) => comment.body.includes('for us only'));
    expect(
      secret.map((comment) => [comment.public, everShown.has(`zendesk:comment:${on}-${comment.id}`)]),
    ).toEqual([[false, false]]);
    expect(
      commentsOf(on)
        .filter(({ body: text }) => text.includes('hello'))
        .map((each) => each.public),
    ).toEqual([false]);
  },
);

test('F6: reconcile alone, without polls and webhooks, finds comments and tickets that became internal', async () => {
  const made = await ticket('first', true);
  await reply(made.id, 'second', true);
  await quiet();
  const second = commentsOf(made.id)[1]?.id ?? 0;
  await hide(made);
  await hide({ id: made.id, first: second });
  await stack.client.workflow.execute(reconcile, {
    workflowId: `${stack.taskQueue}-reconcile-${randomUUID()}`,
    taskQueue: stack.taskQueue,
    args: [{ full: false }],
  });
  await stack.quiet();
  expect(project('first')).toMatchObject({ visibility: 'internal' });
  expect([...boxes.pms.store.all('note')].map((note) => note['visibility'])).toEqual(['internal']);
});

test('F3: records that are joined take the narrower visibility, whichever side joined them', async () => {
  const [open, ours] = [await ticket('open', true), await ticket('ours', false)];
  const hidden = await newPm('hidden', { visibility: 'internal', externalRef: `zendesk:ticket:${open.id}` });
  const shown = await newPm('shown', { visibility: 'public', externalRef: `zendesk:ticket:${ours.id}` });
  await rebuildLinks(stack.context, await openShelf(stack.db, 'scratch-', new Map()), () => undefined);
  await quiet();
  expect(boxes.pms.store.find('project', hidden)).toMatchObject({ visibility: 'internal' });
  expect(boxes.pms.store.find('project', shown)).toMatchObject({ visibility: 'internal' });
  expect([open, ours].map(({ id }) => commentsOf(id)[0]?.public)).toEqual([false, false]);
});

test('F3: a backfill keeps internal records internal, without a call per ticket or a second write', async () => {
  for (let n = 0; n < 30; n += 1) {
    const made = await ticket(`ticket ${n}`, n % 3 !== 0);
    await reply(made.id, `reply ${n}`, true);
    await newPm(`project ${n}`, { visibility: n % 2 === 0 ? 'internal' : 'public' });
  }
  boxes.calls.length = 0;
  await (await startBackfill(stack.client, stack.store, stack.taskQueue)).result();
  await stack.quiet();
  for (let n = 0; n < 30; n += 1) {
    expect([n, project(`ticket ${n}`)?.['visibility']]).toEqual([n, n % 3 === 0 ? 'internal' : 'public']);
    if (n % 3 === 0) expect(wasShown(`ticket ${n}`)).toBe(false);
    expect([n, commentsOf(ticketOf(`project ${n}`)?.id ?? 0)[0]?.public]).toEqual([n, n % 2 !== 0]);
  }
  expect(calls('GET', /tickets\/\d+\/comments/)).toEqual([]);
  expect(calls('PATCH', /projects/)).toEqual([]);
  const before = boxes.calls.length;
  await quiet();
  expect(boxes.calls.slice(before).filter(({ method }) => method !== 'GET')).toEqual([]);
});

test('F3: the comment of a merge is as internal as Zendesk makes it', async () => {
  const [winner, loser] = [await ticket('winner', true), await ticket('loser', false)];
  await quiet();
  await boxes.zd('POST', `/tickets/${winner.id}/merge`, {
    ids: [loser.id],
    target_comment: 'merged into this',
    source_comment: 'merged away',
    target_comment_is_public: true,
    source_comment_is_public: true,
  });
  await quiet();
  const merged = [...boxes.pms.store.all('note')].filter((note) => /merged/.test(String(note['body'])));
  expect(merged.map((note) => note['visibility'])).toEqual(['internal', 'internal']);
  expect(project('loser')).toMatchObject({ visibility: 'internal' });
});
