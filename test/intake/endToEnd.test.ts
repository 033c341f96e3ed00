import { setTimeout as sleep } from 'node:timers/promises';
import type { Ticket } from 'zendesk-sandbox';
import { controlsOf } from 'testkit';
import { freePort } from '../../src/platform/ports';
import { SIDES, type Side } from '../../src/sync/record';
import { loadProfile } from '../../src/config/loadProfile';
import { profileAdapter } from '../../src/systems/profile/profileSystem';
import { receiverAt, type WebhookAdmin } from '../../src/systems/webhookAdmin';
import { zendeskWebhooks } from '../../src/systems/zendesk/zendeskWebhooks';
import { SECRETS, startTestIntake, type TestIntake } from '../support/intake';
import { serviceAuth, startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/** Both sandboxes with webhooks to the receiver, and the sync behind it. Polls run only if a test starts them. */

let boxes: Sandboxes;
let stack: Stack;
let intake: TestIntake;
let webhooks: Record<Side, WebhookAdmin>;
let receiver: string;

beforeEach(async () => {
  boxes = await startSandboxes();
  stack = await startStack(testServers(), boxes.mapping, boxes.systems);
  const port = await freePort();
  receiver = receiverAt(`http://127.0.0.1:${port}`, null);
  const secret = SECRETS.pms[0] ?? '';
  const contract = profileAdapter(loadProfile('contract'));
  const ofPms = contract.webhooks?.({ baseUrl: boxes.pms.url, token: boxes.pms.token, secret });
  if (!ofPms) throw new Error('the contract has webhooks');
  webhooks = {
    zendesk: zendeskWebhooks({
      baseUrl: boxes.zendesk.url,
      auth: serviceAuth(boxes.zendesk),
    }),
    pms: ofPms,
  };
  const signing = await webhooks.zendesk.install('test', receiver);
  await webhooks.pms.install('test', receiver);
  const secrets = { zendesk: [signing.secret ?? ''], pms: [secret] };
  intake = await startTestIntake(testServers(), { name: stack.taskQueue, port, secrets });
});
afterEach(async () => {
  await boxes.close();
  await intake.stop();
  await stack.stop();
});

const projects = () => [...boxes.pms.store.all('project')];
const notes = () => [...boxes.pms.store.all('note')];
const tickets = () => [...boxes.zendesk.store.tickets.values()];
const commentsOf = (ticket: Ticket) => boxes.zendesk.store.comments.get(ticket.id) ?? [];
const polls = () => boxes.calls.filter(({ path }) => /incremental|\/changes/.test(path));
const reads = (part: string) =>
  boxes.calls.filter(({ method, path }) => method === 'GET' && path.includes(part));

/** Waits for a condition, up to the test's time limit. */
async function until<T>(
  look: () => T | undefined | null | false | Promise<T | undefined | null | false>,
): Promise<T> {
  for (;;) {
    const found = await look();
    if (found) return found;
    await sleep(20);
  }
}
/** Waits until no hint is pending or being read. */
async function allReceived(): Promise<void> {
  let calm = 0;
  while (calm < 3) {
    const waiting = await Promise.all(SIDES.map((side) => intake.hints.count(side)));
    calm = waiting.every((count) => count === 0) && !(await intake.isReading()) ? calm + 1 : 0;
    await sleep(100);
  }
}
async function linkedTicket(): Promise<{ ticket: Ticket; project: string }> {
  const made = await boxes.zd('POST', '/tickets', {
    ticket: { subject: 'Printer on fire', comment: { body: 'It smokes.' }, priority: 'high' },
  });
  const { id } = made['ticket'] as { id: number };
  const project = await until(() =>
    projects().find(({ externalRef }) => externalRef === `zendesk:ticket:${id}`),
  );
  const ticket = boxes.zendesk.store.tickets.get(id);
  if (!ticket) throw new Error('no ticket');
  await until(
    async () => (await stack.store.get(`TicketToProject/zendesk:ticket:${id}`))?.status === 'linked',
  );
  return { ticket, project: project.id };
}
const now = (ticket: Ticket) => boxes.zendesk.store.tickets.get(ticket.id);

test('edits by people on either side arrive on the other without a poll', async () => {
  const { ticket, project } = await linkedTicket();

  await boxes.zd('PUT', `/tickets/${ticket.id}`, { ticket: { subject: 'Printer in flames' } });
  await until(() => projects().find(({ title }) => title === 'Printer in flames'));
  await boxes.pm('PATCH', `/projects/${project}`, { status: 'waiting' });
  await until(() => now(ticket)?.status === 'pending');

  await boxes.zd('PUT', `/tickets/${ticket.id}`, {
    ticket: { comment: { body: 'Any news?', public: false } },
  });
  await until(() => notes().find(({ body }) => body === 'Any news?'));
  await boxes.pm('POST', '/notes', { projectId: project, body: 'Water is on its way' });
  await until(() => commentsOf(ticket).find(({ body }) => body === 'Water is on its way'));

  await boxes.pm('POST', '/customers', { name: 'Globex' });
  const organization = await until(() =>
    [...boxes.zendesk.store.organizations.values()].find(({ name }) => name === 'Globex'),
  );
  await boxes.zd('PUT', `/organizations/${organization.id}`, { organization: { name: 'Globex Ltd' } });
  await until(() => [...boxes.pms.store.all('customer')].find(({ name }) => name === 'Globex Ltd'));

  const secret = commentsOf(ticket).find(({ body }) => body === 'Any news?');
  await boxes.zd('PUT', `/tickets/${ticket.id}/comments/${secret?.id}/redact`, { text: 'news' });
  await until(() => !notes().some(({ body }) => String(body).includes('news')));

  await boxes.zd('DELETE', `/tickets/${ticket.id}`);
  await until(
    async () =>
      (await stack.store.get(`TicketToProject/zendesk:ticket:${ticket.id}`))?.status === 'tombstone',
  );
  await boxes.zd('PUT', `/deleted_tickets/${ticket.id}/restore`);
  await until(
    async () => (await stack.store.get(`TicketToProject/zendesk:ticket:${ticket.id}`))?.status === 'linked',
  );
  await allReceived();
  expect(polls()).toEqual([]);
  expect([tickets().length, projects().length, notes().length]).toEqual([1, 1, 2]);
});

test('the echo of our own write causes no read', async () => {
  const { ticket, project } = await linkedTicket();
  await allReceived();
  const before = { tickets: reads('/tickets').length, projects: reads('/projects').length };
  const writes = () => boxes.calls.filter(({ method }) => method !== 'GET').length;
  const written = writes();
  await boxes.pm('PATCH', `/projects/${project}`, { title: 'from the PMS' });
  await until(() => now(ticket)?.subject === 'from the PMS');
  // The sandbox sends our write like any other, so wait until it was received.
  await until(() => intake.counts.all()['zendesk accepted ticket.subject_changed']);
  await allReceived();
  expect(writes() - written).toBe(1);
  expect(reads('/tickets').length - before.tickets).toBe(0);
  expect(reads('/projects').length - before.projects).toBe(1);
});

test('hints that arrive together are read together', async () => {
  const agent = boxes.zendesk.store.userByEmail.get('ann@sandbox.example');
  if (!agent) throw new Error('no agent');
  for (let i = 0; i < 60; i += 1)
    boxes.zendesk.tickets.create({ subject: `ticket ${i}`, comment: { body: 'x' } }, agent);
  await until(() => projects().length === 60);
  await allReceived();
  expect(new Set(projects().map(({ title }) => title)).size).toBe(60);
  expect(reads('/tickets/show_many').length).toBeLessThan(15);
});

test('while webhooks are cut off, the next poll carries the edit', async () => {
  const { ticket, project } = await linkedTicket();
  for (const side of SIDES)
    for (const webhook of await webhooks[side].list('test', receiver)) await webhooks[side].remove(webhook);
  await allReceived();
  const received = () => JSON.stringify(intake.counts.all());
  const before = received();
  await boxes.zd('PUT', `/tickets/${ticket.id}`, { ticket: { subject: 'unheard' } });
  await boxes.pm('PATCH', `/projects/${project}`, { priority: 'low' });
  await stack.settle();
  await stack.settle();
  expect(received()).toBe(before);
  expect(projects()).toMatchObject([{ title: 'unheard', priority: 'low' }]);
  expect(now(ticket)).toMatchObject({ subject: 'unheard', priority: 'low' });
});

test('both sides agree after doubled, late, reordered and lost events, with the help of polls', async () => {
  const rules = (['webhookDuplicate', 'webhookLate', 'webhookLost', 'webhookReordered'] as const).map(
    (kind) => ({
      route: '.*',
      kind,
      probability: 0.25,
      delayMs: 200,
    }),
  );
  await controlsOf(boxes.zendesk).setFaults(...rules);
  await controlsOf(boxes.pms).setFaults(...rules);
  const agent = boxes.zendesk.store.userByEmail.get('ann@sandbox.example');
  if (!agent) throw new Error('no agent');
  const [zd, pm] = [boxes.zendesk.tickets, boxes.pms.store];
  for (let i = 0; i < 8; i += 1) {
    const { ticket } = zd.create({ subject: `from zendesk ${i}`, comment: { body: 'x' } }, agent);
    zd.update(ticket.id, { comment: { body: `comment ${i}` } }, agent);
    zd.update(ticket.id, { priority: 'low' }, agent);
    const project = pm.create('project', { title: `from pms ${i}` }, 'U-1001');
    pm.create('note', { projectId: project.id, body: `note ${i}` }, 'U-1001');
  }
  await sleep(500);
  await allReceived();
  await stack.settle();
  await stack.settle();
  await stack.settle();
  for (const sandbox of [boxes.zendesk, boxes.pms])
    expect(Object.keys(await controlsOf(sandbox).struck()).sort()).toEqual(
      rules.map(({ kind }) => kind).sort(),
    );
  expect([tickets().length, projects().length, notes().length]).toEqual([16, 16, 16]);
  expect(tickets().flatMap(commentsOf)).toHaveLength(32);
  expect(await stack.store.countByStatus()).toMatchObject({
    TicketToProject: { linked: 16 },
    CommentToProject: { linked: 16 },
  });
  const priorities = projects().filter(({ title }) => String(title).startsWith('from zendesk'));
  expect(priorities.map(({ priority }) => priority)).toEqual(Array(8).fill('low'));
});
