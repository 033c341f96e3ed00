import type { Fields } from '../../src';
import { SINCE, useSandbox } from '../support/rig';

const rig = useSandbox();
const BOB = 'bob@sandbox.example';
let count = 0;

const metrics = async (id: number) =>
  (await rig.api.get(`/tickets/${id}/metrics`)).body['ticket_metric'] as Fields & { id: number };
const minutes = (value: number | null) => ({ calendar: value, business: value });
const requested = () => ({ requester: { name: 'R', email: `m${(count += 1)}@x.example` } });

describe('rule 58', () => {
  test('durations are null until what they measure has happened', async () => {
    const ticket = await rig.api.ticket(requested());
    const { id, created_at: at } = ticket;
    const found = await metrics(id);
    expect(found).toEqual({
      url: `${rig.sandbox.url}/api/v2/ticket_metrics/${found.id}.json`,
      id: expect.any(Number) as number,
      ticket_id: id,
      created_at: at,
      updated_at: at,
      group_stations: 0,
      assignee_stations: 0,
      reopens: 0,
      replies: 0,
      assignee_updated_at: null,
      requester_updated_at: at,
      status_updated_at: at,
      custom_status_updated_at: at,
      initially_assigned_at: null,
      assigned_at: null,
      solved_at: null,
      latest_comment_added_at: at,
      reply_time_in_minutes: minutes(null),
      first_resolution_time_in_minutes: minutes(null),
      full_resolution_time_in_minutes: minutes(null),
      agent_wait_time_in_minutes: minutes(null),
      requester_wait_time_in_minutes: minutes(null),
      on_hold_time_in_minutes: minutes(0),
    });
  });

  test('replies, stations, waits and resolutions of a ticket that was reopened', async () => {
    const bob = rig.userId(BOB);
    const { id } = await rig.api.ticket(requested());
    rig.later(5 * 60);
    await rig.api.as(BOB).comment(id, { body: 'A note', public: false });
    await rig.put(id, { assignee_id: bob, group_id: rig.sandbox.store.groups[0]?.id });
    const { updated_at: assignedAt } = await rig.ticket(id);
    rig.later(5 * 60);
    await rig.api.as(BOB).comment(id, { body: 'Which printer?' }, { status: 'pending' });
    rig.later(20 * 60);
    await rig.put(id, { status: 'hold' });
    rig.later(7 * 60);
    await rig.put(id, { status: 'solved' });
    rig.later(60 * 60);
    await rig.put(id, { status: 'open' });
    rig.later(3 * 60 + 31);
    await rig.api.as(BOB).comment(id, { body: 'Done' }, { status: 'solved' });
    const { updated_at: solvedAt } = await rig.ticket(id);
    expect(await metrics(id)).toMatchObject({
      assignee_stations: 1,
      group_stations: 1,
      initially_assigned_at: assignedAt,
      assigned_at: assignedAt,
      assignee_updated_at: solvedAt,
      status_updated_at: solvedAt,
      solved_at: solvedAt,
      latest_comment_added_at: solvedAt,
      updated_at: solvedAt,
      reopens: 1,
      replies: 2,
      reply_time_in_minutes: minutes(10),
      first_resolution_time_in_minutes: minutes(37),
      // 100:31, rounded.
      full_resolution_time_in_minutes: minutes(101),
      agent_wait_time_in_minutes: minutes(20),
      // 10 before the reply, 7 on hold, 3:31 after the reopening.
      requester_wait_time_in_minutes: minutes(21),
      on_hold_time_in_minutes: minutes(7),
    });
  });

  test('a list, the newest first, without deleted tickets; and one by its id', async () => {
    const { id } = await rig.api.ticket(requested());
    rig.later();
    const newer = await rig.api.ticket(requested());
    const gone = await rig.api.ticket(requested());
    await rig.api.delete(`/tickets/${gone.id}`);
    const { body } = await rig.api.get('/ticket_metrics?page[size]=2');
    const page = body['ticket_metrics'] as (Fields & { id: number })[];
    expect(page.map((each) => each['ticket_id'])).toEqual([newer.id, id]);
    expect(body.meta.has_more).toBe(true);
    const own = await metrics(id);
    expect(page[1]).toEqual(own);
    expect((await rig.api.get(`/ticket_metrics/${own.id}`)).body['ticket_metric']).toEqual(own);
    expect((await rig.api.get('/ticket_metrics/1')).status).toBe(404);
    expect((await rig.api.get(`/tickets/${gone.id}/metrics`)).status).toBe(404);
  });

  test('the export has the same metrics', async () => {
    const { id } = await rig.api.ticket(requested());
    const path = `/incremental/tickets/cursor?start_time=${SINCE}&include=metric_sets`;
    const { body } = await rig.api.get(path);
    expect(body['metric_sets']).toContainEqual(await metrics(id));
  });
});
