import { useSandbox } from '../support/rig';

const rig = useSandbox();
const ids = async (path: string) => (await rig.api.get(path)).body.tickets.map(({ id }) => id);

test('rule 62: pages by numbers are sorted by sort_by, pages by cursors by sort', async () => {
  const a = await rig.api.ticket({ subject: 'A', status: 'pending' });
  rig.later();
  const b = await rig.api.ticket({ subject: 'B', status: 'open' });
  rig.later();
  await rig.put(a.id, { priority: 'high' });
  expect(await ids('/tickets')).toEqual([a.id, b.id]);
  expect(await ids('/tickets?sort_by=updated_at')).toEqual([b.id, a.id]);
  expect(await ids('/tickets?sort_by=subject&sort_order=desc')).toEqual([b.id, a.id]);
  expect(await ids('/tickets?sort_by=status')).toEqual([b.id, a.id]);
  expect(await ids('/tickets?page[size]=10&sort_by=updated_at')).toEqual([a.id, b.id]);
  expect(await ids('/tickets?page[size]=10&sort=-updated_at')).toEqual([a.id, b.id]);
  expect(await ids('/tickets?page[size]=10&sort=updated_at')).toEqual([b.id, a.id]);
  const found = async (query: string) =>
    (await rig.api.get(`/search?query=type:ticket&${query}`)).body.results.map(({ id }) => id);
  expect(await found('sort_by=created_at')).toEqual([b.id, a.id]);
  expect(await found('sort_by=priority&sort_order=asc')).toEqual([b.id, a.id]);
  expect(await found('sort_by=priority')).toEqual([a.id, b.id]);
});

test('rule 63: tickets come with their people, groups, organizations and metrics if asked for', async () => {
  const { id: organization_id } = await rig.api.organization({ name: 'Side' });
  const user = { name: 'S', email: 's@x.example', organization_id };
  const { id: requester_id } = (await rig.api.post('/users', { user })).body.user;
  const group_id = rig.sandbox.store.groups[0]?.id;
  const { id } = await rig.api.ticket({ requester_id, group_id });
  const include = 'include=users,groups,organizations,metric_sets,comment_count';
  const loaded = {
    users: expect.arrayContaining([expect.objectContaining({ id: requester_id })]) as unknown,
    groups: [expect.objectContaining({ id: group_id, name: 'Support' })],
    organizations: [expect.objectContaining({ id: organization_id })],
    metric_sets: [expect.objectContaining({ ticket_id: id })],
  };
  const whole = { id, comment_count: 1, metric_set: { ticket_id: id } };
  for (const path of [
    `/users/${requester_id}/tickets/requested`,
    `/organizations/${organization_id}/tickets`,
  ])
    expect((await rig.api.get(`${path}?${include}`)).body).toMatchObject({ tickets: [whole], ...loaded });
  expect((await rig.api.get(`/tickets/${id}?${include}`)).body).toMatchObject({ ticket: whole, ...loaded });
  expect((await rig.api.get(`/tickets/${id}`)).body).not.toHaveProperty('users');
  const { users } = (await rig.api.get(`/tickets/${id}/comments?include=users`)).body;
  expect(users.map((each) => each.id)).toEqual([requester_id]);
});
