import type { Ticket, User } from '../../src';
import { useSandbox } from '../support/rig';

const rig = useSandbox();
const ANN = 'ann@sandbox.example';
let count = 0;

const ids = async (path: string) => (await rig.api.get(path)).body.tickets.map(({ id }) => id);
const people = async (path: string) => (await rig.api.get(path)).body.users.map(({ id }) => id);
const value = async (path: string) =>
  ((await rig.api.get(path)).body as unknown as { count: { value: number } }).count.value;
const person = async (): Promise<User> => {
  const user = { name: `Person ${(count += 1)}`, email: `p${count}@x.example` };
  return (await rig.api.post('/users', { user })).body.user;
};

describe('rule 57', () => {
  test('the tickets of a person, by what the person is to them, and their numbers', async () => {
    const { id } = await person();
    const agent = rig.userId('bob@sandbox.example');
    const asked = await rig.api.ticket({ requester_id: id, assignee_id: agent });
    const copied = await rig.api.ticket({ email_cc_ids: [id] });
    const shared = await rig.api.ticket({ collaborator_ids: [id] });
    const followed = await rig.api.ticket({ follower_ids: [id] });
    expect(await ids(`/users/${id}/tickets/requested`)).toEqual([asked.id]);
    expect(await ids(`/users/${id}/tickets/ccd`)).toEqual([copied.id, shared.id]);
    expect(await ids(`/users/${id}/tickets/followed`)).toEqual([followed.id]);
    expect(await ids(`/users/${agent}/tickets/assigned`)).toEqual([asked.id]);
    expect(await value(`/users/${id}/tickets/ccd/count`)).toBe(2);
    expect(await value(`/users/${agent}/tickets/assigned/count`)).toBe(1);
    expect((await rig.api.get(`/users/${id}/tickets/unknown`)).status).toBe(404);
    expect((await rig.api.get('/users/1/tickets/requested')).status).toBe(404);
    expect((await rig.api.get(`/users/${id}/related`)).body).toEqual({
      user_related: {
        assigned_tickets: 0,
        requested_tickets: 1,
        ccd_tickets: 2,
        organization_subscriptions: 0,
      },
    });
  });

  test('the people of a ticket', async () => {
    const [a, b, c] = [await person(), await person(), await person()];
    const { id } = await rig.api.ticket({
      collaborator_ids: [a.id],
      follower_ids: [b.id],
      email_cc_ids: [c.id],
    });
    expect(await people(`/tickets/${id}/collaborators`)).toEqual([a.id]);
    expect(await people(`/tickets/${id}/followers`)).toEqual([b.id]);
    expect(await people(`/tickets/${id}/email_ccs`)).toEqual([c.id]);
  });

  test('an organization knows its numbers', async () => {
    const { id: organization } = await rig.api.organization({ name: `O${(count += 1)}` });
    const { id: requester_id } = await person();
    await rig.api.put(`/users/${requester_id}`, { user: { organization_id: organization } });
    await rig.api.ticket({ requester_id });
    const gone = await rig.api.ticket({ requester_id });
    await rig.api.delete(`/tickets/${gone.id}`);
    expect((await rig.api.get(`/organizations/${organization}/related`)).body).toEqual({
      organization_related: { tickets_count: 1, users_count: 1 },
    });
    expect(await value(`/organizations/${organization}/tickets/count`)).toBe(1);
  });

  test('problems, the latest first, and their incidents', async () => {
    const first = await rig.api.ticket({ type: 'problem', subject: 'Fire' });
    rig.later();
    const second = await rig.api.ticket({ type: 'problem', subject: 'Water' });
    const incident = await rig.api.ticket({ type: 'incident', problem_id: first.id });
    const deleted = await rig.api.ticket({ type: 'incident', problem_id: first.id });
    await rig.api.delete(`/tickets/${deleted.id}`);
    expect(await ids('/problems')).toEqual([second.id, first.id]);
    expect(await ids(`/tickets/${first.id}/incidents`)).toEqual([incident.id]);
    expect((await rig.ticket(first.id))['has_incidents']).toBe(true);
    expect((await rig.ticket(second.id))['has_incidents']).toBe(false);
    expect((await rig.api.get(`/tickets/${first.id}/related`)).body).toEqual({
      topic_id: null,
      jira_issue_ids: [],
      followup_source_ids: [],
      from_archive: false,
      incidents: 1,
    });
    const named = async (path: string, body?: object) =>
      (await rig.api.post(path, body)).body.tickets.map(({ id }) => id);
    expect(await named('/problems/autocomplete', { text: 'fir' })).toEqual([first.id]);
    expect(await named('/problems/autocomplete?text=wat')).toEqual([second.id]);
    await rig.put(incident.id, { problem_id: second.id });
    expect(await ids(`/tickets/${first.id}/incidents`)).toEqual([]);
    expect(await ids(`/tickets/${second.id}/incidents`)).toEqual([incident.id]);
  });

  test('recent tickets are those of the agent interface, not of the API', async () => {
    const [a, b] = [await rig.api.ticket(), await rig.api.ticket()];
    await rig.put(a.id, { subject: 'By the API' });
    expect(await ids('/tickets/recent')).toEqual([]);
    for (const { id } of [a, b, a] as Ticket[])
      await rig.api.control('POST', '/agents/edits', {
        ticketId: id,
        ticket: { priority: 'high' },
        agent: ANN,
      });
    expect(await ids('/tickets/recent')).toEqual([a.id, b.id]);
    expect((await rig.api.as('bob@sandbox.example').get('/tickets/recent')).body.tickets).toEqual([]);
  });

  test('one audit of a ticket, and their number', async () => {
    const { id } = await rig.api.ticket();
    const { audit } = (await rig.put(id, { priority: 'high' })).body;
    const path = `/tickets/${id}/audits`;
    const shown = (await rig.api.get(`${path}/${String(audit.id)}`)).body;
    expect(shown.audit).toEqual(audit);
    expect((await rig.api.get(`${path}/1`)).status).toBe(404);
    expect(await value(`${path}/count`)).toBe(2);
  });

  test('deleted tickets may be sorted', async () => {
    const [b, a] = [await rig.api.ticket({ subject: 'B' }), await rig.api.ticket({ subject: 'A' })];
    for (const { id } of [b, a]) await rig.api.delete(`/tickets/${id}`);
    const sorted = async (query: string) =>
      (await rig.api.get(`/deleted_tickets?${query}`)).body.deleted_tickets
        .map(({ id }) => id)
        .filter((id) => [a.id, b.id].includes(id));
    expect(await sorted('sort_by=subject')).toEqual([a.id, b.id]);
    expect(await sorted('sort_by=id&sort_order=desc')).toEqual([a.id, b.id]);
    expect(await sorted('')).toEqual([b.id, a.id]);
  });
});

test('rule 47: people are found by the beginning of their name, and by several roles', async () => {
  const { id, name } = await person();
  expect(await people(`/users/autocomplete?name=${encodeURIComponent(name.toLowerCase())}`)).toContain(id);
  expect(await people('/users/autocomplete?name=erson')).toEqual([]);
  const { users, next_page: next } = (await rig.api.get('/users?role[]=agent&role[]=admin&per_page=1')).body;
  expect(users.map(({ role }) => role)).toEqual(['admin']);
  const { count: total } = (await rig.api.get(next ?? '')).body;
  expect(total).toBe(4);
});
