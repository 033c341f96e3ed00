import { type Ticket } from '../src';
import { fault, refused, useFreshSandbox } from './support/fresh';
import { SEVERITY, SINCE, START } from './support/rig';

/** The rules of https://developer.zendesk.com/api-reference/ that a client runs into, over plain HTTP. */
const t = useFreshSandbox();

describe('tickets', () => {
  test('are numbered from one, have the first comment as description, and are open if assigned', async () => {
    const ticket = await t.api.ticket({
      assignee_email: 'bob@sandbox.example',
      requester: { name: 'Carla', email: 'Carla@Acme.example' },
      type: 'task',
      due_at: '2026-02-03T04:05:06.789Z',
      tags: ['B', 'a b'],
      external_id: 'x',
    });
    expect(ticket).toMatchObject({
      id: 1,
      description: 'It smokes',
      raw_subject: 'Printer',
      status: 'open',
      custom_status_id: 4044376,
      assignee_id: t.userId('bob@sandbox.example'),
      requester_id: t.userId('carla@acme.example'),
      due_at: '2026-02-03T04:05:06Z',
      tags: ['a', 'b'],
      via: { channel: 'api' },
      generated_timestamp: START / 1000,
    });
    expect(ticket['fields']).toEqual(ticket.custom_fields);
    expect((await t.api.ticket()).id).toBe(2);
    expect((await t.api.get('/tickets?external_id=x')).body.tickets.map(({ id }) => id)).toEqual([1]);
  });

  test('external ids need not be unique', async () => {
    await t.api.ticket({ external_id: 'x' });
    await t.api.ticket({ external_id: 'x' });
    expect((await t.api.get('/tickets?external_id=x')).body.tickets).toHaveLength(2);
  });

  test('the description cannot change', async () => {
    const { id } = await t.api.ticket();
    const { status, body } = await t.api.put(`/tickets/${id}`, { ticket: { description: 'other' } });
    expect([status, body.ticket.description]).toEqual([200, 'It smokes']);
  });

  test.each([
    [{ comment: { body: ' ' } }, 'base', 'BlankValue'],
    [{ status: 'done' }, 'status', 'InvalidValue'],
    [{ priority: 'critical' }, 'priority', 'InvalidValue'],
    [{ due_at: 'soon' }, 'due_at', 'InvalidValue'],
    [{ assignee_email: 'carla@acme.example' }, 'assignee', 'InvalidValue'],
    [{ assignee_id: 1 }, 'assignee', 'InvalidValue'],
    [{ organization_id: 5 }, 'organization', 'InvalidValue'],
    [{ group_id: 5 }, 'group', 'InvalidValue'],
    [{ requester_id: 5 }, 'requester', 'InvalidValue'],
    [{ requester: { email: 'nonsense' } }, 'requester', 'InvalidValue'],
    [{ custom_status_id: 5 }, 'custom_status_id', 'InvalidValue'],
    [{ comment: { body: 'x', author_id: 5 } }, 'comment', 'InvalidValue'],
    [{ custom_fields: [{ id: SEVERITY, value: 9 }] }, 'base', 'InvalidValue'],
    [{ custom_fields: [{ id: SEVERITY + 1, value: 'many' }] }, 'base', 'InvalidValue'],
    [{ custom_fields: [{ id: SEVERITY + 3, value: 'today' }] }, 'base', 'InvalidValue'],
    [{ custom_fields: [{ id: SEVERITY + 4, value: 1 }] }, 'base', 'InvalidValue'],
    [{ custom_fields: [{ id: SEVERITY + 5, value: 'api' }] }, 'base', 'InvalidValue'],
  ])('refuse %j', async (fields, field, error) => {
    const ticket = { subject: 'S', comment: { body: 'x' }, ...fields };
    expect(refused(await t.api.post('/tickets', { ticket }))).toEqual(fault(field, error));
    expect(t.sandbox.store.tickets.size).toBe(0);
    expect(t.sandbox.store.comments.size).toBe(0);
  });

  test('an end user cannot be an assignee', async () => {
    const { id, requester_id: requester } = await t.api.ticket({
      requester: { email: 'c@example.com', name: 'C' },
    });
    expect(refused(await t.api.put(`/tickets/${id}`, { ticket: { assignee_id: requester } }))).toEqual(
      fault('assignee', 'InvalidValue'),
    );
  });

  test('custom fields are merged by id; unknown ones are ignored; null clears', async () => {
    const values = ({ custom_fields: fields }: Ticket) =>
      Object.fromEntries(fields.filter(({ value }) => value !== null).map(({ id, value }) => [id, value]));
    const ticket = await t.api.ticket({
      custom_fields: [
        { id: SEVERITY, value: 's1' },
        { id: SEVERITY + 5, value: ['api', 'app'] },
        { id: 7, value: 'x' },
      ],
    });
    expect(values(ticket)).toEqual({
      [SEVERITY]: 's1',
      [SEVERITY + 4]: false,
      [SEVERITY + 5]: ['api', 'app'],
    });
    expect(ticket.custom_fields).toHaveLength(7);
    const { body } = await t.api.put(`/tickets/${ticket.id}`, {
      ticket: {
        custom_fields: [
          { id: SEVERITY, value: null },
          { id: SEVERITY + 4, value: true },
        ],
      },
    });
    expect(values(body.ticket)).toEqual({ [SEVERITY + 4]: true, [SEVERITY + 5]: ['api', 'app'] });
  });

  test('a status and its custom status change together', async () => {
    const { id } = await t.api.ticket();
    const set = async (ticket: object) => {
      const { status, custom_status_id: custom } = (await t.api.put(`/tickets/${id}`, { ticket })).body
        .ticket;
      return [status, custom];
    };
    expect(await set({ custom_status_id: 4044456 })).toEqual(['open', 4044456]);
    expect(await set({ status: 'open' })).toEqual(['open', 4044456]);
    expect(await set({ status: 'pending' })).toEqual(['pending', 4044396]);
    const { custom_statuses: list } = (await t.api.get('/custom_statuses')).body;
    expect(list).toContainEqual(expect.objectContaining({ id: 4044396, status_category: 'pending' }));
  });

  test('fields show their types and options', async () => {
    const { ticket_fields: fields } = (await t.api.get('/ticket_fields.json')).body;
    expect(fields).toContainEqual(expect.objectContaining({ type: 'subject', removable: false }));
    expect(fields).toContainEqual(
      expect.objectContaining({
        id: SEVERITY,
        type: 'tagger',
        title: 'Severity',
        custom_field_options: expect.arrayContaining([expect.objectContaining({ value: 's1' })]) as unknown,
      }),
    );
    const { organization_fields: own } = (await t.api.get('/organization_fields.json')).body;
    expect(own).toContainEqual(expect.objectContaining({ key: 'region', type: 'dropdown' }));
  });

  test('tags are replaced, added and removed, in the ticket and at their own address', async () => {
    const { id } = await t.api.ticket({ tags: ['a', 'b'] });
    const tags = async (ticket: object) => (await t.api.put(`/tickets/${id}`, { ticket })).body.ticket.tags;
    expect(await tags({ tags: ['C', 'd e'] })).toEqual(['c', 'd', 'e']);
    const many = { additional_tags: ['A', 'c'], remove_tags: ['D'] };
    await t.api.done(await t.api.put(`/tickets/update_many?ids=${id}`, { ticket: many }));
    expect((await t.api.get(`/tickets/${id}/tags`)).body.tags).toEqual(['a', 'c', 'e']);
    expect(await tags({ tags: [] })).toEqual([]);
    expect((await t.api.put(`/tickets/${id}/tags`, { tags: ['x'] })).body.tags).toEqual(['x']);
    expect((await t.api.post(`/tickets/${id}/tags`, { tags: ['y', 'z'] })).body.tags).toEqual(['y', 'z']);
    expect((await t.api.delete(`/tickets/${id}/tags`, { tags: ['y'] })).body.tags).toEqual(['z']);
    t.later(1_000);
    await t.api.put(`/tickets/${id}/tags`, { tags: ['w'] });
    const late = { tags: ['v'], safe_update: 'true', updated_stamp: '2026-01-01T00:00:00Z' };
    expect((await t.api.put(`/tickets/${id}/tags`, late)).status).toBe(409);
    expect((await t.api.get(`/tickets/${id}/tags`)).body.tags).toEqual(['w', 'z']);
  });

  test('a safe update needs the newest timestamp, to the second', async () => {
    const { id, updated_at: stamp } = await t.api.ticket();
    const safely = (updated_stamp?: string, ticket: object = { subject: 'S' }) =>
      t.api.put(`/tickets/${id}`, {
        ticket: { ...ticket, safe_update: true, ...(updated_stamp && { updated_stamp }) },
      });
    t.later(1_000);
    expect((await safely(stamp)).body.ticket.updated_at).toBe('2026-01-01T00:00:01Z');
    const late = await safely(stamp, { subject: 'late', comment: { body: 'late' } });
    expect(refused(late)).toEqual({ status: 409, error: 'UpdateConflict', details: undefined });
    expect((await t.api.get(`/tickets/${id}`)).body.ticket.subject).toBe('S');
    expect((await t.api.get(`/tickets/${id}/comments`)).body.comments).toHaveLength(1);
    expect((await safely()).status).toBe(422);
    // Two updates within one second cannot be distinguished, as in the real Zendesk.
    expect((await safely('2026-01-01T00:00:01.900Z')).status).toBe(200);
    expect((await safely('2026-01-01T00:00:01Z')).status).toBe(200);
  });

  test('a closed ticket accepts nothing but tags by Update Many', async () => {
    const { id } = await t.api.ticket({ status: 'closed' });
    const answer = await t.api.put(`/tickets/${id}`, { ticket: { subject: 'late' } });
    expect(refused(answer)).toEqual(fault('status', 'InvalidValue'));
    expect(answer.body.details['status']?.[0]?.description).toBe('closed prevents ticket update');
    expect((await t.api.comment(id, { body: 'late' })).status).toBe(422);
    expect((await t.api.put(`/tickets/${id}/tags`, { tags: ['x'] })).status).toBe(422);
    const many = async (ticket: object) =>
      (await t.api.done(await t.api.put(`/tickets/update_many?ids=${id}`, { ticket }))).results;
    expect(await many({ additional_tags: ['x'] })).toMatchObject([{ success: true }]);
    expect(await many({ additional_tags: ['y'], subject: 'late' })).toMatchObject([
      { error: 'TicketUpdateFailed', details: 'closed prevents ticket update' },
    ]);
    expect((await t.api.get(`/tickets/${id}`)).body.ticket).toMatchObject({
      tags: ['x'],
      subject: 'Printer',
    });
  });

  test('an idempotency key returns its first result for two hours', async () => {
    const create = (subject: string, key = 'k') =>
      t.api.post('/tickets', { ticket: { subject, comment: { body: 'x' } } }, { 'idempotency-key': key });
    const first = await create('A');
    expect([first.status, first.headers.get('x-idempotency-lookup')]).toEqual([201, 'miss']);
    await t.api.put(`/tickets/${first.body.ticket.id}`, { ticket: { subject: 'changed' } });
    const second = await create('A');
    expect([second.status, second.headers.get('x-idempotency-lookup')]).toEqual([201, 'hit']);
    expect(second.body).toEqual(first.body);
    expect(refused(await create('B'))).toMatchObject({ status: 400, error: 'IdempotentRequestError' });
    expect((await create('A', 'other')).body.ticket.id).not.toBe(first.body.ticket.id);
    t.later(2 * 60 * 60_000);
    expect((await create('B')).headers.get('x-idempotency-lookup')).toBe('miss');
  });

  test('a refused create leaves its idempotency key unused', async () => {
    const create = (status: string) =>
      t.api.post('/tickets', { ticket: { status, comment: { body: 'x' } } }, { 'idempotency-key': 'k' });
    expect((await create('nonsense')).status).toBe(422);
    expect((await create('open')).headers.get('x-idempotency-lookup')).toBe('miss');
  });

  test('a deletion is soft and can be undone, then permanent; the export shows each step', async () => {
    const { id } = await t.api.ticket({ status: 'pending', external_id: 'x', comment: { body: 'secret' } });
    const { cursor } = await t.exported(`start_time=${SINCE}`);
    t.later(1_000);
    expect((await t.api.delete(`/tickets/${id}`)).status).toBe(204);
    for (const path of ['', '/comments', '/audits', '/tags'])
      expect((await t.api.get(`/tickets/${id}${path}`)).status).toBe(404);
    expect((await t.api.get(`/tickets/show_many?ids=${id}`)).body.tickets).toEqual([]);
    expect((await t.api.get('/tickets?external_id=x')).body.tickets).toEqual([]);
    const gone = await t.exported(`cursor=${cursor}`);
    expect(gone.tickets).toMatchObject([{ id, status: 'deleted', updated_at: '2026-01-01T00:00:01Z' }]);
    expect((await t.api.get('/deleted_tickets')).body.deleted_tickets).toMatchObject([
      { id, previous_state: 'pending', actor: { name: 'Ann Agent' } },
    ]);
    expect((await t.api.put(`/deleted_tickets/${id}/restore`)).status).toBe(200);
    expect((await t.api.get(`/tickets/${id}`)).body.ticket.status).toBe('pending');
    expect((await t.exported(`cursor=${gone.cursor}`)).tickets).toMatchObject([{ id, status: 'pending' }]);
    expect((await t.api.get('/tickets?external_id=x')).body.tickets).toHaveLength(1);
    expect((await t.api.put(`/deleted_tickets/${id}/restore`)).status).toBe(404);

    await t.api.delete(`/tickets/${id}`);
    await t.api.done(await t.api.delete(`/deleted_tickets/${id}`));
    expect((await t.api.get('/deleted_tickets')).body.deleted_tickets).toEqual([]);
    expect((await t.api.put(`/deleted_tickets/${id}/restore`)).status).toBe(404);
    const last = await t.exported(`start_time=${SINCE}`);
    expect(last.tickets).toMatchObject([{ id, status: 'deleted', subject: 'SCRUBBED' }]);
    expect(JSON.stringify([last, await t.events()])).not.toContain('secret');
    expect(JSON.stringify((await t.api.control('GET', '/state')).body)).not.toContain('secret');
    expect(t.sandbox.store.audits.has(id)).toBe(false);
    expect((await t.api.ticket()).id).toBe(id + 1);
  });

  test('a merge closes the losers and adds a comment to each ticket', async () => {
    const [winner, loser, other] = [await t.api.ticket(), await t.api.ticket(), await t.api.ticket()];
    const body = { ids: [loser.id, other.id], source_comment: 'See there', source_comment_is_public: true };
    const job = await t.api.done(await t.api.post(`/tickets/${winner.id}/merge`, body));
    expect(job.results).toMatchObject([{ success: true, id: winner.id }]);
    for (const { id } of [loser, other]) {
      const closed = (await t.api.get(`/tickets/${id}`)).body.ticket;
      expect(closed).toMatchObject({ status: 'closed', tags: ['closed_by_merge'] });
      const { comments } = (await t.api.get(`/tickets/${id}/comments`)).body;
      expect(comments.at(-1)).toMatchObject({ body: 'See there', public: true });
    }
    const { comments } = (await t.api.get(`/tickets/${winner.id}/comments`)).body;
    expect(comments.at(-1)).toMatchObject({
      body: `Requests #${loser.id} "Printer", #${other.id} "Printer" were closed and merged into this request.`,
      public: false,
    });
    for (const ids of [[loser.id], [winner.id], []]) {
      const again = await t.api.done(await t.api.post(`/tickets/${winner.id}/merge`, { ids }));
      expect(again.results).toMatchObject([{ error: 'TicketUpdateFailed' }]);
    }
  });
});
