import { useSandbox } from '../support/rig';

const rig = useSandbox();
const BOB = 'bob@sandbox.example';
const DUE = '2026-02-03T04:05:06Z';

test.each([
  ['ignored', 200, null],
  ['refused', 422, null],
  ['kept', 200, DUE],
] as const)(
  'rule 16: due_at on a ticket that is not a task, switch: %s',
  async (dueAtOnOtherType, status, due) => {
    rig.sandbox.obey({ dueAtOnOtherType });
    const { id } = await rig.api.ticket({ type: 'question' });
    expect((await rig.put(id, { due_at: DUE, subject: 'S' })).status).toBe(status);
    expect((await rig.ticket(id))['due_at']).toBe(due);
  },
);

test('rule 16: a task has due_at', async () => {
  const { id, due_at: due } = await rig.api.ticket({ type: 'task', due_at: DUE });
  expect(due).toBe(DUE);
  expect((await rig.put(id, { type: 'question' })).body.ticket['due_at']).toBeNull();
});

test.each([
  ['refused', 422, 'open'],
  ['ignored', 200, 'open'],
  ['kept', 200, 'new'],
] as const)(
  'rule 19: a status never goes back to new, switch statusNew: %s',
  async (statusNew, code, status) => {
    rig.sandbox.obey({ statusNew });
    const { id } = await rig.api.ticket({ status: 'open' });
    expect((await rig.put(id, { status: 'new', subject: 'S' })).status).toBe(code);
    expect((await rig.ticket(id)).status).toBe(status);
  },
);

test('rule 19: assigning a new ticket opens it', async () => {
  const { id } = await rig.api.ticket();
  expect((await rig.put(id, { assignee_email: BOB })).body.ticket.status).toBe('open');
});

test('rule 19: the API accepts the status closed, and it is final', async () => {
  const { id } = await rig.api.ticket();
  expect((await rig.put(id, { status: 'closed' })).status).toBe(200);
  expect((await rig.put(id, { status: 'open' })).status).toBe(422);
});

test('rule 19: a fresh account has six custom statuses, of which On-hold is inactive', async () => {
  const { body } = await rig.api.get('/custom_statuses');
  const list = body['custom_statuses'] as Record<string, unknown>[];
  expect(
    list.map((each) => [each['agent_label'], each['status_category'], each['active'], each['default']]),
  ).toEqual([
    ['New', 'new', true, true],
    ['Open', 'open', true, true],
    ['In Progress', 'open', true, false],
    ['Pending', 'pending', true, true],
    ['On-hold', 'hold', false, true],
    ['Solved', 'solved', true, true],
  ]);
  expect(list[0]).toMatchObject({ end_user_label: 'Open', raw_agent_label: '{{zd.status_new}}' });
  expect(list[3]).toMatchObject({ end_user_label: 'Awaiting your reply' });
  expect(list[2]).toMatchObject({ raw_agent_label: 'In Progress', description: null });
  // Rule 12: no `meta` here.
  expect(body).toMatchObject({ count: 6, next_page: null, previous_page: null });
  expect(body).not.toHaveProperty('meta');
});

test('rule 19: a status sets the default custom status of its category, a custom status sets its category', async () => {
  const { id } = await rig.api.ticket();
  const made = await rig.api.post('/custom_statuses', {
    custom_status: { status_category: 'pending', agent_label: 'With a partner' },
  });
  const own = made.body['custom_status'] as { id: number; raw_agent_label: string };
  expect(own.raw_agent_label).toBe('With a partner');
  const set = async (change: object) => {
    const { ticket } = (await rig.put(id, change)).body;
    return [ticket.status, ticket.custom_status_id];
  };
  expect(await set({ custom_status_id: own.id })).toEqual(['pending', own.id]);
  expect(await set({ status: 'open' })).toEqual(['open', 4044376]);
  await rig.api.put(`/custom_statuses/${own.id}`, { custom_status: { default: true } });
  expect(await set({ status: 'pending' })).toEqual(['pending', own.id]);
  // Closed and deleted tickets keep their custom status.
  expect(await set({ status: 'closed' })).toEqual(['closed', own.id]);
  await rig.api.delete(`/tickets/${id}`);
  expect(await rig.exported(id)).toMatchObject({ status: 'deleted', custom_status_id: own.id });
});

test.each([
  [{ status_category: 'new', agent_label: 'Second new' }],
  [{ status_category: 'open', agent_label: 'x'.repeat(49) }],
])('rule 19: the custom status %j is refused', async (custom_status) => {
  expect((await rig.api.post('/custom_statuses', { custom_status })).status).toBe(422);
});
