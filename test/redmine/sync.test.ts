import { randomUUID } from 'node:crypto';
import type { Issue, IssueJournal, RedmineProject } from 'testkit';
import { reconcile } from '../../src/workflows';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';
import { startBed, type Bed } from './support/bed';

/**
 * The Zendesk sandbox and a real Redmine, with the shipped profile and mapping. The tests share both, and add to
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
interface Comment {
  body: string;
  public: boolean;
}

const custom = (record: { custom_fields?: { id: number; value: string | null }[] }, id: number) =>
  record.custom_fields?.find((field) => field.id === id)?.value;

async function newTicket(more: Record<string, unknown> = {}): Promise<Ticket> {
  const made = await bed.zd('POST', '/tickets', {
    ticket: { subject: `Ticket ${randomUUID()}`, comment: { body: 'It smokes.' }, ...more },
  });
  return made['ticket'] as Ticket;
}

async function ticket(id: number): Promise<Ticket> {
  return (await bed.zd('GET', `/tickets/${id}`))['ticket'] as Ticket;
}

async function ticketsOf(ref: string): Promise<Ticket[]> {
  return (await bed.zd('GET', `/tickets?external_id=${ref}`))['tickets'] as Ticket[];
}

async function commentsOn(id: number): Promise<Comment[]> {
  return (await bed.zd('GET', `/tickets/${id}/comments`))['comments'] as Comment[];
}

async function issuesOf(ticketId: number): Promise<Issue[]> {
  return (await bed.rm('GET', `/issues.json?status_id=*&cf_1=zendesk:ticket:${ticketId}`))[
    'issues'
  ] as Issue[];
}

async function issueOf(ticketId: number): Promise<Issue> {
  const [issue, ...more] = await issuesOf(ticketId);
  if (!issue) throw new Error(`ticket ${ticketId} has no issue`);
  expect(more).toEqual([]);
  return issue;
}

async function notesOn(issueId: number): Promise<IssueJournal[]> {
  const { issue } = await bed.rm('GET', `/issues/${issueId}.json?include=journals`);
  return ((issue as Issue).journals ?? []).filter(({ notes }) => Boolean(notes));
}

async function newIssue(fields: Record<string, unknown>): Promise<Issue> {
  return (await bed.rm('POST', '/issues.json', { issue: { project_id: 1, ...fields } }))['issue'] as Issue;
}

/** The writes to either system during an action. */
async function written(work: () => Promise<void>): Promise<string[]> {
  const before = bed.writes().length;
  await work();
  return bed.writes().slice(before);
}

test('an organization, its ticket and comments become a project, an issue and journals', async () => {
  const { organization } = await bed.zd('POST', '/organizations', {
    organization: {
      name: 'Acme & Söhne',
      domain_names: ['acme.example', 'acme.test'],
      details: 'Since 1907.\nPays late.',
      tags: ['vip'],
    },
  });
  const organizationId = (organization as { id: number }).id;
  bed.addMember(organizationId, { email: 'carla@acme.example', name: 'Carla' });
  const { id } = await newTicket({
    subject: 'Printer on fire 🔥',
    comment: { body: 'It smokes.\r\nHelp & 1 < 2' },
    organization_id: organizationId,
    requester: { email: 'carla@acme.example', name: 'Carla' },
    assignee_email: 'bob@sandbox.example',
    status: 'hold',
    priority: 'urgent',
    type: 'problem',
    tags: ['hardware', 'smoke'],
  });
  await bed.zd('PUT', `/tickets/${id}`, { ticket: { comment: { body: 'Any news?', public: true } } });
  await bed.zd('PUT', `/tickets/${id}`, { ticket: { comment: { body: 'For us alone', public: false } } });
  await quiet();

  const { projects } = await bed.rm('GET', `/projects.json?cf_6=zendesk:organization:${organizationId}`);
  const [project] = projects as RedmineProject[];
  expect(project).toMatchObject({
    name: 'Acme & Söhne',
    identifier: `zendesk-organization-${organizationId}`,
    description: 'Since 1907.\nPays late.',
    is_public: false,
  });
  expect([7, 8].map((field) => project && custom(project, field))).toEqual(['acme.example acme.test', 'vip']);
  const issue = await issueOf(id);
  expect(issue).toMatchObject({
    project: { id: project?.id },
    subject: 'Printer on fire 🔥',
    description: expect.stringMatching(/^It smokes\.\r?\nHelp & 1 < 2$/) as unknown,
    status: { name: 'On Hold' },
    priority: { name: 'Urgent' },
    tracker: { name: 'Problem' },
  });
  expect([2, 3, 4].map((field) => custom(issue, field))).toEqual([
    'carla@acme.example',
    'bob@sandbox.example',
    // A new ticket gets its organization's tags, too.
    'hardware smoke vip',
  ]);
  expect(custom(issue, 5)).toMatch(new RegExp(`/agent/tickets/${id}$`));
  const notes = await notesOn(issue.id);
  expect(notes.map((note) => [note.notes, note.private_notes])).toEqual([
    [expect.stringMatching(/^Any news\?\s+— Ann Agent <!-- zendesk:comment:\S+ -->$/), false],
    [expect.stringMatching(/^For us alone\s+— Ann Agent <!-- zendesk:comment:\S+ -->$/), true],
  ]);
});

test('a project, an issue and notes of Redmine become an organization, a ticket and comments', async () => {
  const made = await bed.rm('POST', '/projects.json', {
    project: { name: 'Globex', identifier: 'globex', custom_fields: [{ id: 7, value: 'globex.example' }] },
  });
  const project = made['project'] as RedmineProject;
  const issue = await newIssue({
    project_id: project.id,
    subject: 'Roll-out',
    description: 'Phase 1',
    status_id: 4,
    priority_id: 3,
    custom_fields: [{ id: 2, value: 'dora@globex.example' }],
  });
  await bed.rm('PUT', `/issues/${issue.id}.json`, {
    issue: { notes: 'Kick-off on Monday', private_notes: true },
  });
  await bed.rm('PUT', `/issues/${issue.id}.json`, { issue: { notes: 'You are invited.' } });
  await quiet();

  const [ticketOf, ...more] = await ticketsOf(`pms:project:${issue.id}`);
  expect(more).toEqual([]);
  expect(ticketOf).toMatchObject({ subject: 'Roll-out', status: 'pending', priority: 'high' });
  const { organization } = await bed.zd('GET', `/organizations/${ticketOf?.organization_id}`);
  expect(organization).toMatchObject({ name: 'Globex', external_id: `pms:customer:${project.id}` });
  const comments = await commentsOn(ticketOf?.id ?? 0);
  expect(comments.map(({ body, public: shown }) => [body.replace(/^.* wrote:\s+/, ''), shown])).toEqual([
    ['Phase 1', true],
    ['Kick-off on Monday', false],
    ['You are invited.', true],
  ]);
});

test('a ticket without an organization is in the inbox, and moves to a customer’s project and back', async () => {
  const { id } = await newTicket();
  await quiet();
  expect((await issueOf(id)).project).toEqual({ id: 1, name: 'Inbox' });
  const { organization } = await bed.zd('POST', '/organizations', { organization: { name: 'Initech' } });
  bed.addMember((organization as { id: number }).id);
  await bed.zd('PUT', `/tickets/${id}`, {
    ticket: { organization_id: (organization as { id: number }).id },
  });
  await quiet();
  const moved = await issueOf(id);
  expect(moved.project.name).toBe('Initech');
  await bed.rm('PUT', `/issues/${moved.id}.json`, { issue: { project_id: 1 } });
  await quiet();
  expect((await ticket(id)).organization_id).toBeNull();
});

test('edits sync both ways, including different properties edited at the same moment', async () => {
  const { id } = await newTicket({
    priority: 'low',
    due_at: '2031-01-02T03:04:05Z',
    type: 'task',
    assignee_email: 'bob@sandbox.example',
  });
  await quiet();
  const issue = await issueOf(id);
  expect(issue.due_date).toBe('2031-01-02');
  await bed.rm('PUT', `/issues/${issue.id}.json`, { issue: { status_id: 3, due_date: '' } });
  await bed.zd('PUT', `/tickets/${id}`, { ticket: { subject: 'Renamed', tags: ['one', 'two'] } });
  await quiet();
  expect(await ticket(id)).toMatchObject({ status: 'solved', due_at: null, subject: 'Renamed' });
  const now = await issueOf(id);
  expect(now).toMatchObject({ subject: 'Renamed', status: { name: 'Resolved' }, due_date: null });
  expect(custom(now, 4)).toBe('one two');
});

test('a create whose answer is lost is found by its back-reference, and nothing is duplicated', async () => {
  bed.proxy.loseNext('POST', /^\/issues\.json/);
  const { id } = await newTicket();
  await quiet();
  const issue = await issueOf(id);
  bed.proxy.loseNext('PUT', /^\/issues\/\d+\.json/);
  await bed.zd('PUT', `/tickets/${id}`, { ticket: { comment: { body: 'Said once' } } });
  await quiet();
  expect((await notesOn(issue.id)).map(({ notes }) => notes?.split('\n')[0]?.trim())).toEqual(['Said once']);
  bed.proxy.loseNext('POST', /^\/projects\.json/);
  const { organization } = await bed.zd('POST', '/organizations', { organization: { name: 'Hooli' } });
  await quiet();
  const ref = `zendesk:organization:${(organization as { id: number }).id}`;
  expect(await bed.rm('GET', `/projects.json?cf_6=${ref}`)).toMatchObject({ total_count: 1 });
});

test('an organization is joined with an existing project of its name', async () => {
  const made = await bed.rm('POST', '/projects.json', {
    project: { name: 'Umbrella', identifier: 'umbrella' },
  });
  const { organization } = await bed.zd('POST', '/organizations', {
    organization: { name: 'UMBRELLA', details: 'Matched by name' },
  });
  await quiet();
  const id = (made['project'] as RedmineProject).id;
  const { project } = await bed.rm('GET', `/projects/${id}.json`);
  const joined = project as RedmineProject;
  const ref = `zendesk:organization:${(organization as { id: number }).id}`;
  expect(await bed.rm('GET', `/projects.json?cf_6=${ref}`)).toMatchObject({ total_count: 1 });
  expect([custom(joined, 6), joined.description]).toEqual([ref, 'Matched by name']);
});

test('without edits nothing is written, also by a reconcile, and both systems agree, read from outside', async () => {
  await quiet();
  expect(await written(quiet)).toEqual([]);
  expect(await written(reconciled)).toEqual([]);
  const report = await bed.agreement(stack.store);
  expect(report.problems).toEqual([]);
  expect(
    report.rows.map(({ entity, linked, agreeing }) => [entity, agreeing === linked && linked > 0]),
  ).toEqual([
    ['organizations', true],
    ['tickets', true],
    ['comments', true],
  ]);
});

test('no event reports an edited note: the reconcile finds it, and Zendesk gets a follow-up', async () => {
  const { id } = await newTicket();
  await bed.zd('PUT', `/tickets/${id}`, { ticket: { comment: { body: 'The meter reads 4117.' } } });
  await quiet();
  const issue = await issueOf(id);
  const [note] = await notesOn(issue.id);
  const notes = note?.notes?.replace('4117', '4711');
  await bed.rm('PUT', `/journals/${note?.id}.json`, { journal: { notes } });
  await reconciled();
  const bodies = (await commentsOn(id)).map(({ body }) => body);
  expect(bodies).toHaveLength(3);
  expect(bodies[2]).toContain('The meter reads 4711.');
  expect(bodies[2]).not.toContain('<!--');
});

test('a redacted comment is redacted in its note', async () => {
  const { id } = await newTicket();
  await bed.zd('PUT', `/tickets/${id}`, { ticket: { comment: { body: 'My number is 4111 1111.' } } });
  await quiet();
  const { comments } = await bed.zd('GET', `/tickets/${id}/comments`);
  const comment = (comments as { id: number }[])[1];
  await bed.zd('PUT', `/comment_redactions/${comment?.id}`, {
    ticket_id: id,
    html_body: '<div class="zd-comment">My number is <redact>4111 1111</redact>.</div>',
  });
  await quiet();
  const [note] = await notesOn((await issueOf(id)).id);
  expect(note?.notes).not.toContain('4111');
  expect(note?.notes).toContain('My number is');
});

test('a deleted issue ends its pair: the ticket stays, nothing is created again, and the link names the reason', async () => {
  const { id } = await newTicket();
  await quiet();
  const issue = await issueOf(id);
  await bed.rm('DELETE', `/issues/${issue.id}.json`);
  // Redmine reports no deletions: two complete reconciles must miss the issue.
  await reconciled();
  await reconciled();
  expect(await stack.store.get(`TicketToProject/zendesk:ticket:${id}`)).toMatchObject({
    status: 'tombstone',
  });
  await bed.zd('PUT', `/tickets/${id}`, { ticket: { subject: 'Edited after its issue went' } });
  await quiet();
  expect(await issuesOf(id)).toEqual([]);
  expect((await ticket(id)).status).not.toBe('deleted');
});

test('a deleted ticket ends its pair, and its issue stays', async () => {
  const { id } = await newTicket();
  await quiet();
  await bed.zd('DELETE', `/tickets/${id}`);
  await quiet();
  expect(await issuesOf(id)).toHaveLength(1);
  expect(await stack.store.get(`TicketToProject/zendesk:ticket:${id}`)).toMatchObject({
    status: 'tombstone',
  });
});

test('an issue of a closed project is not written, and the link names the refusal', async () => {
  const { organization } = await bed.zd('POST', '/organizations', { organization: { name: 'Closed Ltd' } });
  const organizationId = (organization as { id: number }).id;
  bed.addMember(organizationId);
  const { id } = await newTicket({ organization_id: organizationId });
  await quiet();
  const { project } = await issueOf(id);
  await bed.rm('PUT', `/projects/${project.id}/close.json`);
  await bed.zd('PUT', `/tickets/${id}`, { ticket: { subject: 'Not to be written' } });
  await quiet();
  expect(await stack.store.get(`TicketToProject/zendesk:ticket:${id}`)).toMatchObject({
    status: 'quarantined',
    reason: { text: expect.stringContaining('403') as unknown },
  });
});

test('values missing in the tables, and issues of sub-projects, are set aside, and their links name the reason', async () => {
  const { id } = await newTicket();
  await quiet();
  const issue = await issueOf(id);
  await bed.rm('PUT', `/issues/${issue.id}.json`, { issue: { status_id: 6 } });
  const made = await bed.rm('POST', '/projects.json', {
    project: { name: 'Below', identifier: 'below', parent_id: 1 },
  });
  const below = await newIssue({ project_id: (made['project'] as RedmineProject).id, subject: 'Below' });
  await quiet();
  expect(await stack.store.get(`TicketToProject/zendesk:ticket:${id}`)).toMatchObject({
    status: 'quarantined',
    reason: { code: 'unmapped_value' },
  });
  expect(await ticketsOf(`pms:project:${below.id}`)).toEqual([]);
  expect(await stack.store.get(`TicketToProject/pms:project:${below.id}`)).toMatchObject({
    status: 'pending',
  });
});
