import { SEVERITY, SINCE, useSandbox } from '../support/rig';

const rig = useSandbox();
const BOB = 'bob@sandbox.example';

describe('rule 12', () => {
  test('the last page has more = false, although its cursor and its link are not null', async () => {
    const page = async () => (await rig.api.get('/groups?page[size]=100')).body;
    expect(await page()).toMatchObject({
      meta: { has_more: false, after_cursor: expect.any(String) as unknown },
      links: { next: expect.stringContaining('page%5Bafter%5D') as unknown },
    });
    rig.sandbox.obey({ trailingCursor: false });
    expect((await page()).links.next).toBeNull();
  });

  test('ticket fields come in one page; groups and organization fields have 100 per page', async () => {
    for (let i = 0; i < 101; i += 1) await rig.api.post('/groups', { group: { name: `G${i}` } });
    expect((await rig.api.get('/groups')).body['groups']).toHaveLength(100);
    const { body } = await rig.api.get('/groups?page[size]=100');
    expect([body.meta.has_more, body['groups']]).toMatchObject([true, { length: 100 }]);
    const next = (await rig.api.get(body.links.next ?? '')).body;
    expect([next.meta.has_more, next['groups']]).toMatchObject([false, { length: 3 }]);
    const { ticket_fields: whole, ...rest } = (await rig.api.get('/ticket_fields')).body;
    expect(whole).toHaveLength(Number(rest.count));
  });

  test('the audits of an archived ticket do not support paging', async () => {
    const { id } = await rig.api.ticket({ status: 'closed' });
    expect((await rig.api.get(`/tickets/${id}/audits?page[size]=1`)).body).toHaveProperty('meta');
    rig.later(121 * 24 * 3_600);
    const { body } = await rig.api.get(`/tickets/${id}/audits?page[size]=1`);
    expect(Object.keys(body)).toEqual(['audits']);
    // Rule 35: lists omit it; reads by id and exports contain it.
    const listed = (await rig.api.get('/tickets')).body.tickets;
    expect(listed.some((ticket) => ticket.id === id)).toBe(false);
    expect((await rig.ticket(id)).id).toBe(id);
    expect(await rig.exported(id)).toMatchObject({ id, status: 'closed' });
  });

  test('the audits of all tickets are listed newest first', async () => {
    const { id } = await rig.api.ticket();
    const { body } = await rig.api.get('/ticket_audits?limit=1');
    expect(body.audits).toMatchObject([{ ticket_id: id }]);
    const older = (await rig.api.get(`/ticket_audits?limit=1&cursor=${String(body['before_cursor'])}`)).body;
    expect(older.audits[0]?.id).toBeLessThan(body.audits[0]?.id ?? 0);
  });
});

describe('rule 24', () => {
  test('a deleted organization is renamed; its tickets and people have no organization', async () => {
    const organization = await rig.api.organization({ name: 'Gone' });
    const user = { name: 'G', email: 'g@gone.example', organization_id: organization.id };
    const { id: requester_id } = (await rig.api.post('/users', { user })).body.user;
    const { id } = await rig.api.ticket({ requester_id });
    rig.later();
    await rig.api.delete(`/organizations/${organization.id}`);
    const { body } = await rig.api.get(`/incremental/organizations?start_time=${SINCE}`);
    expect(body.organizations.find((each) => each.id === organization.id)).toMatchObject({
      name: `${organization.id}_deleted_Gone`,
      deleted_at: expect.any(String) as unknown,
    });
    expect((await rig.ticket(id)).organization_id).toBeNull();
    expect((await rig.api.get(`/users/${requester_id}`)).body.user.organization_id).toBeNull();
    const event = (await rig.events(id)).at(-1);
    expect(event).toMatchObject({ updater_id: rig.userId('ann@sandbox.example'), via: 'Web form' });
    expect(event?.child_events).toMatchObject([
      { event_type: 'Change', organization_id: null, previous_value: String(organization.id) },
    ]);
  });

  test('events and most children have their via as text, the child of a comment as an object', async () => {
    const { id } = await rig.api.ticket({ comment: { body: 'one\n\ntwo' } });
    const [event] = await rig.events(id);
    expect(event).toMatchObject({ via: 'Web service' });
    expect(event?.child_events[0]).toMatchObject({
      via: { channel: 'api', source: {} },
      html_body: '<div class="zd-comment" dir="auto"><p dir="auto">one</p><p dir="auto">two</p></div>',
    });
    const [bare] = await rig.events(id, 'users');
    expect(bare?.child_events[0]).toEqual({
      id: event?.child_events[0]?.id,
      event_type: 'Comment',
      comment_present: true,
      comment_public: true,
      via: 'Web service',
      via_reference_id: null,
    });
    expect(bare).not.toHaveProperty('metadata');
  });
});

describe('rule 26', () => {
  test('the ticket cursor is base64 of a time and a number, and pages follow per_page', async () => {
    await rig.api.ticket();
    await rig.api.ticket();
    const { body } = await rig.api.get(`/incremental/tickets/cursor?start_time=${SINCE}&per_page=1`);
    expect(Buffer.from(body.after_cursor, 'base64').toString()).toMatch(/^\d+\.0\|\|\d+\|$/);
    expect([body.tickets.length, body.end_of_stream]).toEqual([1, false]);
  });

  test('time-based pages reach the end of their second, and then the next; the last record repeats', async () => {
    rig.later(1_000);
    const start = Math.floor(Date.parse((await rig.api.organization({ name: 'T1' })).created_at) / 1000);
    await rig.api.organization({ name: 'T2' });
    rig.later();
    await rig.api.organization({ name: 'T3' });
    rig.later(100);
    const page = async (from: number) => {
      const { body } = await rig.api.get(`/incremental/organizations?start_time=${from}&per_page=1`);
      return [body.organizations.map(({ name }) => name), body.end_of_stream, body.end_time - start];
    };
    const [first, second] = [await page(start), await page(start + 1)];
    expect(first).toEqual([['T1', 'T2'], false, 1]);
    expect(second).toEqual([['T3'], true, 1]);
  });

  test('rule 36: the link to the next page is not null at the end of the stream', async () => {
    const { body } = await rig.api.get(`/incremental/organizations?start_time=${SINCE}`);
    expect([body.end_of_stream, body.count, body.next_page]).toEqual([
      true,
      body.organizations.length,
      expect.stringContaining(`start_time=${body.end_time}`),
    ]);
  });

  test.each(['InvalidCursor', 'InvalidValue'] as const)(
    'rule 36: the switch for a refused cursor answers %s',
    async (cursorRefusal) => {
      rig.sandbox.obey({ cursorRefusal });
      const { status, body } = await rig.api.get('/incremental/tickets/cursor?cursor=nonsense');
      expect([status, body.error]).toEqual([400, cursorRefusal]);
    },
  );
});

test('rule 27: with the switch exportLag, tickets and events of the last minute are missing', async () => {
  rig.sandbox.obey({ exportLag: true });
  const { id } = await rig.api.ticket();
  const organization = await rig.api.organization({ name: 'No lag' });
  const seen = async () => [(await rig.exported(id)) !== undefined, (await rig.events(id)).length];
  expect(await seen()).toEqual([false, 0]);
  const { body } = await rig.api.get(`/incremental/organizations?start_time=${SINCE}`);
  expect(body.organizations.some((each) => each.id === organization.id)).toBe(true);
  rig.later(60);
  expect(await seen()).toEqual([true, 1]);
});

describe('rule 34', () => {
  test('exported tickets have more keys than others, and no comments', async () => {
    const { id, generated_timestamp } = await rig.api.ticket();
    const ticket = await rig.exported(id);
    expect(ticket).toMatchObject({
      encoded_id: expect.stringMatching(/^\w{5}-\w{5}$/) as unknown,
      support_type: 'agent',
      generated_timestamp,
      fields: ticket?.custom_fields,
    });
    expect(ticket).not.toHaveProperty('comments');
  });

  test('sideloads are next to the tickets, and metric sets also inside each ticket', async () => {
    const { id } = await rig.api.ticket({ assignee_email: BOB });
    const query = `start_time=${SINCE}&include=users,metric_sets`;
    const { body } = await rig.api.get(`/incremental/tickets/cursor?${query}`);
    expect(body.users.map((user) => user.id)).toContain(rig.userId(BOB));
    expect(body['metric_sets']).toContainEqual(expect.objectContaining({ ticket_id: id }));
    expect(body.tickets.find((ticket) => ticket.id === id)).toMatchObject({ metric_set: { ticket_id: id } });
  });

  test('tickets of AI agents are exported only if asked for', async () => {
    const { id } = await rig.api.ticket();
    const before = rig.sandbox.tickets.get(id);
    rig.sandbox.store.putTicket({ ...before, support_type: 'ai_agent' }, before);
    const ids = async (more: string) => {
      const { body } = await rig.api.get(`/incremental/tickets/cursor?start_time=${SINCE}${more}`);
      return body.tickets.map((ticket) => ticket.id);
    };
    expect(await ids('')).not.toContain(id);
    expect(await ids('&support_type_scope=all')).toContain(id);
    expect(await ids('&support_type_scope=ai_agent')).toEqual([id]);
  });
});

test('rule 35: a ticket is deleted and then scrubbed', async () => {
  const values = [{ id: SEVERITY, value: 's1' }];
  const ticket = { priority: 'high', tags: ['vip'], custom_fields: values, recipient: 'r@x.example' };
  const { id, custom_status_id, requester_id } = await rig.api.ticket(ticket);
  rig.later();
  await rig.api.delete(`/tickets/${id}`);
  const deleted = await rig.exported(id);
  expect(deleted).toMatchObject({
    status: 'deleted',
    custom_status_id,
    tags: ['s1', 'vip'],
    priority: 'high',
  });
  expect((await rig.api.get(`/tickets/${id}`)).body).toMatchObject({ error: 'RecordNotFound' });
  rig.later();
  await rig.api.done(await rig.api.delete(`/deleted_tickets/${id}`));
  expect(await rig.exported(id)).toMatchObject({
    status: 'deleted',
    subject: 'SCRUBBED',
    raw_subject: 'SCRUBBED',
    description: 'X',
    tags: [],
    custom_fields: [],
    recipient: null,
    requester_id,
    priority: 'high',
    updated_at: deleted?.updated_at,
    generated_timestamp: Number(deleted?.generated_timestamp) + 1,
  });
});

describe('rule 37', () => {
  test('the children of a create are in order: the comment, the given fields, all tags as one, the other fields', async () => {
    const { id } = await rig.api.ticket({
      priority: 'low',
      tags: ['a'],
      assignee_email: BOB,
      group_id: 360006965034,
    });
    const [event] = await rig.events(id);
    const common = ['event_type', 'id', 'via', 'via_reference_id'];
    const names = event?.child_events.map((child) =>
      child.event_type === 'Comment' ? 'comment' : Object.keys(child).find((key) => !common.includes(key)),
    );
    expect(names).toEqual([
      'comment',
      'priority',
      'requester_id',
      'subject',
      'tags',
      'type',
      'status',
      'assignee_id',
      'group_id',
      'custom_status_id',
      'brand_id',
      'ticket_form_id',
    ]);
    expect(event?.child_events).toContainEqual(
      expect.objectContaining({ event_type: 'Create', custom_status_id: expect.any(String) as unknown }),
    );
    expect(event).toMatchObject({ event_type: 'Audit', system: { client: null }, ticket_id: id });
  });

  test('each child has one field, with its former value', async () => {
    const { id } = await rig.api.ticket({ tags: ['a', 'b'] });
    await rig.put(id, { priority: 'high', tags: ['b', 'c'], custom_fields: [{ id: SEVERITY, value: 's1' }] });
    const children = (await rig.events(id)).at(-1)?.child_events ?? [];
    expect(children).toContainEqual(expect.objectContaining({ priority: 'high', previous_value: '0' }));
    expect(children).toContainEqual(
      expect.objectContaining({ tags: ['b', 'c', 's1'], added_tags: ['c', 's1'], removed_tags: ['a'] }),
    );
    expect(children).toContainEqual(
      expect.objectContaining({ custom_ticket_fields: { [SEVERITY]: 's1' }, previous_value: null }),
    );
    await rig.api.delete(`/tickets/${id}`);
    expect((await rig.events(id)).at(-1)?.child_events).toMatchObject([{ status: 'deleted' }]);
  });
});

describe('rule 38', () => {
  test('audits over REST have ids as text and via as an object', async () => {
    const { id, requester_id } = await rig.api.ticket({ subject: 'a' });
    const { audit } = (await rig.put(id, { subject: 'b' })).body;
    const [created] = (await rig.api.get(`/tickets/${id}/audits`)).body.audits;
    expect(created?.events).toContainEqual(
      expect.objectContaining({ type: 'Create', field_name: 'requester_id', value: String(requester_id) }),
    );
    expect(audit).toMatchObject({
      ticket_id: id,
      via: { channel: 'api', source: {} },
      events: [{ type: 'Change', field_name: 'subject', value: 'b', previous_value: 'a' }],
    });
  });

  test('event types that no documentation names appear, too', async () => {
    const { id } = await rig.api.ticket();
    await rig.api.control('POST', `/tickets/${id}/events`, { type: 'SkillsBasedRouting', value: 'x' });
    expect((await rig.events(id)).at(-1)?.child_events).toMatchObject([{ event_type: 'SkillsBasedRouting' }]);
  });
});

test('rule 39: a create answers with its address, and its events begin with the comment', async () => {
  const answer = await rig.api.post('/tickets', {
    ticket: { subject: 'S', priority: 'low', description: 'a plain description', unknown_key: 1 },
  });
  const { ticket, audit } = answer.body;
  expect([answer.status, answer.headers.get('location')]).toEqual([201, ticket['url']]);
  expect(ticket).toMatchObject({
    description: 'a plain description',
    requester_id: rig.userId('ann@sandbox.example'),
  });
  expect(audit.events.map((event) => event['field_name'] ?? event.type)).toEqual([
    'Comment',
    'subject',
    'requester_id',
    'priority',
    'type',
    'status',
    'brand_id',
    'ticket_form_id',
    'custom_status_id',
  ]);
  const { status, body } = await rig.put(ticket.id, { description: 'other', subject: 'T' });
  expect([status, body.ticket.description]).toEqual([200, 'a plain description']);
});
