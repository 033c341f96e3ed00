import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { parseMapping } from '../../src/sync/mappingFile';
import type { EntityType } from '../../src/sync/record';
import type { Ticket } from 'zendesk-sandbox';
import type { PmsRecord } from 'pms-sandbox';
import { controlsOf } from 'testkit';
import type { FaultInput } from 'zendesk-sandbox/common';
import { startBackfill } from '../../src/workers/startBackfill';
import { addMember } from '../support/membership';
import { MAPPING_FILE, startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/** The shipped mapping over HTTP: both sandboxes, both adapters, Temporal, the link store. */
describe('end to end', () => {
  let boxes: Sandboxes;
  let stack: Stack;

  beforeEach(async () => {
    boxes = await startSandboxes();
    stack = await startStack(testServers(), boxes.mapping, boxes.systems, { pollsByWorkflow: true });
  });
  afterEach(async () => {
    await stack.stop();
    await boxes.close();
  });

  const projects = () => [...boxes.pms.store.all('project')];
  const customers = () => [...boxes.pms.store.all('customer')];
  const notes = () => [...boxes.pms.store.all('note')];
  const tickets = () => [...boxes.zendesk.store.tickets.values()];
  const commentsOf = (ticket: Ticket) => boxes.zendesk.store.comments.get(ticket.id) ?? [];
  const writes = () =>
    boxes.calls.filter((call) => call.method !== 'GET').map((call) => `${call.side} ${call.method}`);
  const quiet = async () => {
    await stack.settle();
    await stack.settle();
  };
  const one = <T>(items: T[]): T => {
    expect(items).toHaveLength(1);
    return items[0] as T;
  };

  async function zendeskTicket(): Promise<{ ticket: Ticket; project: PmsRecord }> {
    // A person whom the PMS does not know is offered again with every change of the ticket.
    await boxes.pm('POST', '/people', { email: 'bob@sandbox.example', name: 'Bob', role: 'member' });
    const org = await boxes.zd('POST', '/organizations', {
      organization: { name: 'Acme', domain_names: ['Acme.example'], tags: ['VIP Gold'] },
    });
    addMember(boxes.zendesk, (org['organization'] as { id: number }).id, {
      email: 'carla@acme.example',
      name: 'Carla',
    });
    await boxes.zd('POST', '/tickets', {
      ticket: {
        subject: 'Printer on fire 🔥',
        comment: { body: 'It smokes.\r\nHelp & 1 < 2' },
        organization_id: (org['organization'] as { id: number }).id,
        requester: { email: 'carla@acme.example', name: 'Carla' },
        assignee_email: 'bob@sandbox.example',
        priority: 'urgent',
        type: 'task',
        tags: ['hardware'],
        due_at: '2030-01-02T03:04:05Z',
      },
    });
    await quiet();
    return { ticket: one(tickets()), project: one(projects()) };
  }

  test('an organization, its ticket and a comment arrive with every mapped property', async () => {
    const { ticket, project } = await zendeskTicket();
    expect(one(customers())).toMatchObject({
      name: 'Acme',
      domains: ['acme.example'],
      tags: ['gold', 'vip'],
      externalRef: expect.stringMatching(/^zendesk:organization:\d+$/) as unknown,
    });
    expect(project).toMatchObject({
      title: 'Printer on fire 🔥',
      description: 'It smokes.\nHelp & 1 < 2',
      status: 'in_progress',
      priority: 'critical',
      type: 'task',
      // A new ticket gets its organization's tags, too.
      tags: ['gold', 'hardware', 'vip'],
      dueDate: '2030-01-02T03:04:05Z',
      customerId: one(customers()).id,
      channel: 'api',
      sourceUrl: `${boxes.zendesk.url}/agent/tickets/${ticket.id}`,
      externalRef: `zendesk:ticket:${ticket.id}`,
    });
    expect(boxes.pms.store.people.get(project['requesterId'] as string)?.email).toBe('carla@acme.example');
    expect(notes()).toHaveLength(0);

    await boxes.zd('PUT', `/tickets/${ticket.id}`, {
      ticket: { comment: { body: 'Any news?', public: false } },
    });
    await quiet();
    expect(one(notes())).toMatchObject({
      projectId: project.id,
      body: 'Any news?',
      visibility: 'internal',
      authorName: 'Ann Agent',
    });
    // One write for each record, and no echo.
    expect(writes().filter((call) => call.startsWith('pms')).length).toBe(4);
    expect(writes().filter((call) => call.startsWith('zendesk'))).toEqual([]);
    const before = writes().length;
    await quiet();
    expect(writes()).toHaveLength(before);
  });

  test('a customer, its project and a note of the PMS arrive in Zendesk', async () => {
    const customer = await boxes.pm('POST', '/customers', { name: 'Globex', domains: ['globex.example'] });
    const requester = await boxes.pm('POST', '/people', {
      email: 'dora@globex.example',
      name: 'Dora',
      role: 'client',
    });
    const project = await boxes.pm('POST', '/projects', {
      title: 'Roll-out',
      description: 'Phase 1',
      customerId: customer['id'],
      requesterId: requester['id'],
      status: 'waiting',
    });
    await boxes.pm('POST', '/notes', { projectId: project['id'], body: 'Kick-off on Monday' });
    await quiet();
    const ticket = one(tickets());
    expect(ticket).toMatchObject({
      subject: 'Roll-out',
      description: 'Phase 1',
      status: 'pending',
      external_id: `pms:project:${String(project['id'])}`,
    });
    expect(boxes.zendesk.store.users.get(ticket.requester_id ?? 0)?.email).toBe('dora@globex.example');
    expect(boxes.zendesk.store.organizations.get(ticket.organization_id ?? 0)?.name).toBe('Globex');
    expect(commentsOf(ticket).map(({ body, public: shown }) => [body, shown])).toEqual([
      ['Phase 1', true],
      ['Kick-off on Monday', false],
    ]);
    expect(projects()[0]?.['sourceUrl']).toBe(`${boxes.zendesk.url}/agent/tickets/${ticket.id}`);
    const before = writes().length;
    await quiet();
    expect(writes()).toHaveLength(before);
  });

  test('edits sync both ways, including a cleared value and a conflict', async () => {
    const { ticket, project } = await zendeskTicket();
    await boxes.pm('PATCH', `/projects/${project.id}`, { status: 'done', dueDate: null });
    await quiet();
    expect(one(tickets())).toMatchObject({ status: 'solved', due_at: null });
    await boxes.zd('PUT', `/tickets/${ticket.id}`, { ticket: { subject: 'A', tags: [] } });
    await boxes.pm('PATCH', `/projects/${project.id}`, { title: 'B', priority: 'low' });
    await quiet();
    expect(one(tickets()).subject).toBe(one(projects())['title']);
    expect(['A', 'B']).toContain(one(tickets()).subject);
    expect(one(tickets())).toMatchObject({ priority: 'low', tags: [] });
    const link = await stack.store.get(`TicketToProject/zendesk:ticket:${ticket.id}`);
    expect(link?.history).toMatchObject([{ row: 'title' }]);
  });

  test.each(['ticket', 'organization'] as const)(
    'a %s that a person edits in the second of our own write: no edit is lost without a trace',
    async (kind) => {
      const { ticket, project } = await zendeskTicket();
      const agent = boxes.zendesk.store.userByEmail.get('ann@sandbox.example');
      if (!agent) throw new Error('no agent');
      const [customer] = customers();
      const org = ticket.organization_id ?? 0;
      // Zendesk's clock does not move, so timestamps cannot distinguish two writes.
      const frozen = boxes.zendesk.store.now();
      jest.spyOn(boxes.zendesk.store, 'now').mockReturnValue(frozen);
      if (kind === 'ticket') {
        await boxes.pm('PATCH', `/projects/${project.id}`, { title: 'first from the PMS' });
        await stack.settle();
        boxes.zendesk.tickets.update(ticket.id, { subject: 'by a person' }, agent);
        await boxes.pm('PATCH', `/projects/${project.id}`, { title: 'second from the PMS' });
        // Only the PMS is polled, so the plan cannot know of the person's edit.
        await stack.hint(
          'TicketToProject',
          { side: 'zendesk', kind: 'ticket', id: String(ticket.id) },
          { hints: [{ ref: `pms:project:${project.id}`, version: 'newer' }] },
        );
      } else {
        await boxes.pm('PATCH', `/customers/${customer?.id}`, { description: 'first from the PMS' });
        await stack.settle();
        boxes.zendesk.organizations.update(org, { details: 'by a person' }, agent.id);
        await boxes.pm('PATCH', `/customers/${customer?.id}`, { description: 'second from the PMS' });
      }
      await quiet();
      const link = await stack.store.get(
        kind === 'ticket'
          ? `TicketToProject/zendesk:ticket:${ticket.id}`
          : `OrgToCustomer/zendesk:organization:${org}`,
      );
      const now =
        kind === 'ticket'
          ? [one(tickets()).subject, one(projects())['title']]
          : [boxes.zendesk.store.organizations.get(org)?.['details'], customers()[0]?.['description']];
      expect(now[0]).toBe(now[1]);
      const all = ['by a person', 'second from the PMS'];
      expect(all).toContain(now[0]);
      expect(link?.history.map(({ lost }) => lost)).toEqual(all.filter((value) => value !== now[0]));
      if (kind === 'ticket') expect(link?.history[0]?.rule).toBe('written in the same moment');
    },
  );

  test('an edited description of the PMS becomes a follow-up comment that does not return to the PMS', async () => {
    const { ticket, project } = await zendeskTicket();
    await boxes.pm('PATCH', `/projects/${project.id}`, { description: 'It burns now.' });
    await quiet();
    expect(commentsOf(one(tickets())).map((comment) => comment.body)).toEqual([
      'It smokes.\nHelp & 1 < 2',
      expect.stringContaining('It burns now.'),
    ]);
    expect(one(projects())['description']).toBe('It burns now.');
    expect(notes()).toHaveLength(0);
    expect((await stack.store.get(`TicketToProject/zendesk:ticket:${ticket.id}`))?.status).toBe('linked');
  });

  test('an edited note becomes a follow-up comment; a redacted comment redacts the note', async () => {
    const { ticket, project } = await zendeskTicket();
    const note = await boxes.pm('POST', '/notes', { projectId: project.id, body: 'first' });
    await boxes.zd('PUT', `/tickets/${ticket.id}`, { ticket: { comment: { body: 'card 4111' } } });
    await quiet();
    await boxes.pm('PATCH', `/notes/${String(note['id'])}`, { body: 'second' });
    const secret = commentsOf(one(tickets())).find((comment) => comment.body === 'card 4111');
    await boxes.zd('PUT', `/tickets/${ticket.id}/comments/${secret?.id}/redact`, { text: '4111' });
    await quiet();
    expect(commentsOf(one(tickets())).at(-1)?.body).toContain('second');
    expect(notes().some((each) => String(each['body']).includes('4111'))).toBe(false);
    expect(notes()).toHaveLength(2);
  });

  test('a note for a deleted ticket waits, and continues when the ticket is restored', async () => {
    const { ticket, project } = await zendeskTicket();
    await boxes.zd('DELETE', `/tickets/${ticket.id}`);
    const note = await boxes.pm('POST', '/notes', { projectId: project.id, body: 'Are you there?' });
    const ref = { side: 'pms', kind: 'note', id: String(note['id']) } as const;
    // The sync does not know of the ticket's deletion yet.
    await stack.hint('CommentToProject', ref);
    await quiet();
    const key = `CommentToProject/pms:note:${ref.id}`;
    expect(await stack.store.get(key)).toMatchObject({
      status: 'pending',
      reason: { code: 'waiting', text: expect.stringMatching(/was (deleted|removed)/) as unknown },
    });
    expect(await stack.store.get(`TicketToProject/zendesk:ticket:${ticket.id}`)).toMatchObject({
      status: 'tombstone',
    });
    await boxes.zd('PUT', `/deleted_tickets/${ticket.id}/restore`);
    await boxes.pm('PATCH', `/projects/${project.id}`, { title: 'Changed meanwhile' });
    await quiet();
    expect(one(tickets()).subject).toBe('Changed meanwhile');
    expect(commentsOf(one(tickets())).map((comment) => comment.body)).toContain('Are you there?');
    expect((await stack.store.get(key))?.status).toBe('linked');
  });

  test('a project whose organization was deleted waits for it, and is not refused for good', async () => {
    const customer = await boxes.pm('POST', '/customers', { name: 'Gone soon' });
    await quiet();
    const [organization] = [...boxes.zendesk.store.organizations.values()].filter(
      ({ name }) => name === 'Gone soon',
    );
    await boxes.zd('DELETE', `/organizations/${organization?.id ?? 0}`);
    const project = await boxes.pm('POST', '/projects', { title: 'Too late', customerId: customer['id'] });
    // Only the project's pair gets an event; the deletion is unknown.
    const ref = { side: 'pms', kind: 'project', id: String(project['id']) } as const;
    expect(await stack.hint('TicketToProject', ref)).toMatchObject({ status: 'pending' });
    await quiet();
    const parent = `zendesk:organization:${organization?.id ?? 0}`;
    expect(await stack.store.get(`TicketToProject/pms:project:${String(project['id'])}`)).toMatchObject({
      status: 'pending',
      reason: { code: 'waiting' },
    });
    expect(await stack.store.get(`OrgToCustomer/pms:customer:${String(customer['id'])}`)).toMatchObject({
      status: 'tombstone',
      sides: { zendesk: { ref: parent } },
    });
  });

  test('a closed ticket quarantines an edit with the reason, and blocks no other pair', async () => {
    const { ticket, project } = await zendeskTicket();
    await boxes.zd('PUT', `/tickets/${ticket.id}`, { ticket: { status: 'closed' } });
    await quiet();
    await boxes.pm('PATCH', `/projects/${project.id}`, { title: 'too late' });
    await boxes.pm('POST', '/customers', { name: 'Other' });
    await quiet();
    expect(await stack.store.get(`TicketToProject/zendesk:ticket:${ticket.id}`)).toMatchObject({
      status: 'quarantined',
      reason: {
        code: 'closed_ticket',
        text: expect.stringContaining('closed prevents ticket update') as unknown,
      },
    });
    expect([...boxes.zendesk.store.organizations.values()].map((each) => each.name)).toContain('Other');
  });

  test.each<[string, FaultInput[]]>([
    [
      'a time-out after the write',
      [
        {
          route: '^(POST|PUT|PATCH) /api/v[12]/(tickets|projects|notes|customers|organizations)',
          kind: 'timeoutAfterWrite',
          probability: 0.5,
          times: 6,
        },
      ],
    ],
    [
      'errors, cut connections and broken JSON',
      [
        { route: '/api/', kind: 'status', status: 503, retryAfterSeconds: 0, probability: 0.2, times: 3 },
        { route: '/api/', kind: 'status', status: 429, retryAfterSeconds: 0, probability: 0.2, times: 3 },
        { route: '/api/', kind: 'reset', probability: 0.1, times: 2 },
        { route: '/api/', kind: 'malformed', probability: 0.1, times: 2 },
        { route: '/api/', kind: 'truncated', probability: 0.1, times: 2 },
      ],
    ],
  ])('%s: no edit is lost, and no record is duplicated', async (_, rules) => {
    for (const sandbox of [boxes.zendesk, boxes.pms]) await controlsOf(sandbox).setFaults(...rules);
    const people = { zd: boxes.zendesk.tickets, pm: boxes.pms.store };
    const agent = boxes.zendesk.store.userByEmail.get('ann@sandbox.example');
    if (!agent) throw new Error('no agent');
    for (let i = 0; i < 5; i += 1) {
      const { ticket } = people.zd.create({ subject: `from zendesk ${i}`, comment: { body: 'x' } }, agent);
      people.zd.update(ticket.id, { comment: { body: `comment ${i}` } }, agent);
      const project = people.pm.create('project', { title: `from pms ${i}` }, 'U-1001');
      people.pm.create('note', { projectId: project.id, body: `note ${i}` }, 'U-1001');
    }
    await quiet();
    for (const sandbox of [boxes.zendesk, boxes.pms]) await controlsOf(sandbox).clearFaults();
    await quiet();
    expect(tickets()).toHaveLength(10);
    expect(projects()).toHaveLength(10);
    expect(notes()).toHaveLength(10);
    expect(tickets().flatMap(commentsOf)).toHaveLength(20);
    const counts = await stack.store.countByStatus();
    expect(counts).toMatchObject({ TicketToProject: { linked: 10 }, CommentToProject: { linked: 10 } });
  });

  /** Starts again with another mapping. */
  async function remapped(change: (entities: Record<EntityType, Record<string, unknown>>) => void) {
    await stack.stop();
    await boxes.close();
    const input = parse(readFileSync(MAPPING_FILE, 'utf8')) as { entities: Parameters<typeof change>[0] };
    change(input.entities);
    boxes = await startSandboxes({ mapping: parseMapping(input, 'mapping.yaml', () => 'another') });
    stack = await startStack(testServers(), boxes.mapping, boxes.systems, { pollsByWorkflow: true });
  }

  test.each([
    ['reported by polls', () => quiet()],
    [
      'read by a backfill',
      async () => {
        const progress = await (await startBackfill(stack.client, stack.store, stack.taskQueue)).result();
        expect(progress).toMatchObject({
          failed: [],
          tallies: { TicketToProject: { ignored: 1 }, CommentToProject: { left: 2 } },
        });
        await stack.quiet();
      },
    ],
  ])(
    'children of a record that is out of scope, %s, wait, name the reason, and continue once it enters scope',
    async (_, met) => {
      await remapped((entities) => {
        entities.TicketToProject['filter'] = { zendesk: { type: ['incident'] } };
      });
      await boxes.zd('POST', '/tickets', {
        ticket: { subject: 'Later', type: 'question', comment: { body: 'd' } },
      });
      const { id } = one(tickets());
      await boxes.zd('PUT', `/tickets/${id}`, { ticket: { comment: { body: 'first' } } });
      await boxes.zd('PUT', `/tickets/${id}`, { ticket: { comment: { body: 'second' } } });
      await met();
      expect([projects(), notes()]).toEqual([[], []]);
      const [first, second] = commentsOf(one(tickets()))
        .slice(1)
        .map((comment) => `zendesk:comment:${id}-${comment.id}`);
      const linkOf = (ref: string | undefined) => stack.store.get(`CommentToProject/${ref}`);
      expect(await linkOf(first)).toMatchObject({
        status: 'pending',
        reason: {
          code: 'no_part',
          text: `waits for zendesk:ticket:${id}, which is out of scope: filtered out: type is not one of "incident"`,
        },
      });
      expect(await linkOf(second)).toMatchObject({ status: 'pending', waitsFor: [first] });
      boxes.calls.length = 0;
      await stack.context.signalPair(`CommentToProject/${first}`, { hints: [], force: false, hops: 0 });
      await stack.quiet();
      expect(boxes.calls).toEqual([]);
      await boxes.zd('PUT', `/tickets/${id}`, { ticket: { type: 'incident' } });
      await quiet();
      expect(one(projects())['title']).toBe('Later');
      expect(notes().map(({ body }) => body)).toEqual(['first', 'second']);
      expect(await linkOf(second)).toMatchObject({ status: 'linked', reason: null });
    },
  );

  test('mode project: each comment is a project below the project of its ticket', async () => {
    await remapped((entities) => {
      entities.CommentToProject['mode'] = 'project';
    });
    await boxes.zd('POST', '/tickets', { ticket: { subject: 'Parent', comment: { body: 'd' } } });
    await quiet();
    const parent = one(projects());
    await boxes.zd('PUT', `/tickets/${one(tickets()).id}`, { ticket: { comment: { body: 'from zendesk' } } });
    await boxes.pm('POST', '/projects', { title: 'Child', description: 'from pms', parentId: parent.id });
    await quiet();
    expect(projects().map((each) => [each['parentId'], each['description']])).toEqual(
      expect.arrayContaining([
        [parent.id, 'from zendesk'],
        [parent.id, 'from pms'],
      ]),
    );
    expect(tickets()).toHaveLength(1);
    expect(commentsOf(one(tickets())).map((comment) => comment.body)).toEqual([
      'd',
      'from zendesk',
      'from pms',
    ]);
    expect(projects()).toHaveLength(3);
  });
});
