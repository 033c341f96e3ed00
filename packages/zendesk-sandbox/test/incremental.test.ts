import { useFreshSandbox } from './support/fresh';
import { SINCE, START } from './support/rig';

/** The rules of https://developer.zendesk.com/api-reference/ that a client runs into, over plain HTTP. */
const t = useFreshSandbox();

describe('exports', () => {
  test('export each ticket once by cursor, again after each change, up to the present second', async () => {
    const ids: number[] = [];
    for (let i = 0; i < 5; i += 1) ids.push((await t.api.ticket()).id);
    const all = await t.exported(`start_time=${SINCE}&per_page=2`);
    expect([all.tickets.map(({ id }) => id), all.pages]).toEqual([ids, 3]);
    const empty = await t.exported(`cursor=${all.cursor}`);
    expect(empty).toMatchObject({ tickets: [], cursor: all.cursor });
    // In the same second: nothing is lost behind the cursor.
    await t.api.put(`/tickets/${ids[1]}`, { ticket: { subject: 'changed' } });
    await t.api.put(`/tickets/${ids[0]}`, { ticket: { subject: 'changed' } });
    const next = await t.exported(`cursor=${all.cursor}`);
    expect(next.tickets.map(({ id }) => id)).toEqual([ids[1], ids[0]]);
    t.later(1_000);
    const again = await t.exported(`start_time=${SINCE}&per_page=2`);
    expect(again.tickets.map(({ id }) => id)).toEqual([ids[2], ids[3], ids[4], ids[1], ids[0]]);
    expect((await t.api.get('/incremental/tickets/cursor?cursor=nonsense')).status).toBe(400);
  });

  test('an update by the system moves generated_timestamp only', async () => {
    const { id } = await t.api.ticket();
    const { cursor } = await t.exported(`start_time=${SINCE}`);
    t.later(1_000);
    await t.api.control('POST', `/tickets/${id}/touch`);
    expect((await t.exported(`cursor=${cursor}`)).tickets).toMatchObject([
      { id, updated_at: '2026-01-01T00:00:00Z', generated_timestamp: START / 1000 + 1 },
    ]);
  });

  test.each(['tickets/cursor', 'tickets', 'organizations', 'users', 'ticket_events'])(
    '%s: a start_time less than a minute ago is refused',
    async (path) => {
      const status = async (query: string) => (await t.api.get(`/incremental/${path}.json${query}`)).status;
      const second = START / 1000;
      expect(await status(`?start_time=${second - 60}`)).toBe(200);
      expect(await status(`?start_time=${second - 59}`)).toBe(422);
      expect(await status(`?start_time=${second + 60}`)).toBe(422);
      expect(await status('')).toBe(400);
      expect(await status('?start_time=yesterday')).toBe(400);
    },
  );

  test('export organizations by time: pages end at whole seconds, include deleted records, and repeat the last one', async () => {
    for (const name of ['A', 'B', 'C']) await t.api.organization({ name });
    t.later(1_000);
    const { id } = await t.api.organization({ name: 'D' });
    await t.api.delete(`/organizations/${id}`);
    t.later(1_000);
    await t.api.organization({ name: 'E' });
    const page = async (start: number) => {
      const { body } = await t.api.get(`/incremental/organizations?start_time=${start}&per_page=2`);
      return [body.organizations.map(({ name }) => name), body.count, body.end_of_stream, body.end_time];
    };
    const second = START / 1000;
    expect(await page(SINCE)).toEqual([['A', 'B', 'C'], 3, false, second + 1]);
    t.later(60_000);
    expect(await page(second)).toEqual([['A', 'B', 'C'], 3, false, second + 1]);
    expect(await page(second + 1)).toEqual([[`${id}_deleted_D`, 'E'], 2, true, second + 2]);
    const { body } = await t.api.get(`/incremental/organizations?start_time=${second + 1}&per_page=1`);
    expect(body.organizations[0]?.deleted_at).toBe('2026-01-01T00:00:01Z');
    expect(body.next_page).toBe(
      `${t.sandbox.url}/api/v2/incremental/organizations.json?start_time=${second + 2}&per_page=1`,
    );
  });

  test('ticket events contain comments as children if asked for, with the audit’s metadata', async () => {
    const { id } = await t.api.ticket();
    await t.api.comment(id, { body: 'hi < b', public: false }, { priority: 'low', metadata: { ref: 'n1' } });
    const bare = (await t.events('users')).flatMap((event) => event.child_events);
    expect(bare.filter((each) => each.event_type === 'Comment')).toMatchObject([
      { comment_present: true, comment_public: true },
      { comment_present: true, comment_public: false },
    ]);
    expect(bare.some((each) => 'body' in each)).toBe(false);
    const [created, updated] = await t.events();
    expect(created?.child_events).toContainEqual(expect.objectContaining({ event_type: 'Create' }));
    expect(updated).toMatchObject({
      ticket_id: id,
      updater_id: t.userId('ann@sandbox.example'),
      event_type: 'Audit',
      timestamp: START / 1000,
      metadata: { custom: { ref: 'n1' } },
    });
    const comment = updated?.child_events.find((each) => each.event_type === 'Comment');
    const [, shown] = (await t.api.get(`/tickets/${id}/comments`)).body.comments;
    expect(comment).toMatchObject({
      id: shown?.id,
      audit_id: updated?.id,
      body: 'hi < b',
      plain_body: 'hi < b',
      html_body: shown?.html_body,
      public: false,
      author_id: t.userId('ann@sandbox.example'),
      attachments: [],
      created_at: '2026-01-01T00:00:00Z',
      via: { channel: 'api' },
    });
    expect(updated?.child_events).toContainEqual(
      expect.objectContaining({ event_type: 'Change', priority: 'low', previous_value: '0' }),
    );
  });

  test('a record that changes often is exported once, and pages stay full', async () => {
    const agent = t.sandbox.store.userByEmail.get('ann@sandbox.example') as never;
    for (let i = 0; i < 3_000; i += 1) t.sandbox.tickets.create({ comment: { body: 'x' } }, agent);
    for (let i = 0; i < 10_000; i += 1) t.sandbox.tickets.touch(1 + (i % 3_000));
    const sizes: number[] = [];
    for (let at = `start_time=${SINCE}`; ;) {
      const { body } = await t.api.get(`/incremental/tickets/cursor?${at}`);
      sizes.push(body.tickets.length);
      if (body.end_of_stream) break;
      at = `cursor=${body.after_cursor}`;
    }
    expect(sizes).toEqual([1000, 1000, 1000]);
  });
});

describe('jobs', () => {
  test('are queued, and report the result of each record', async () => {
    await t.api.organization({ name: 'Taken' });
    const job = await t.api.post('/organizations/create_many', {
      organizations: [{ name: 'A' }, { name: 'taken' }, { name: 'B' }],
    });
    expect(job.body.job_status).toMatchObject({ status: 'queued', total: 3, results: null });
    const { results } = await t.api.done(job);
    expect(results).toMatchObject([
      { status: 'Created' },
      { index: 1, error: 'OrganizationCreateFailed', details: 'Name:  taken has already been taken' },
      { status: 'Created' },
    ]);
    expect((await t.api.get(`/organizations/${results?.[2]?.id}`)).body.organization.name).toBe('B');
    expect((await t.api.get('/job_statuses/nonsense')).status).toBe(404);
  });

  test('update each record in its own way, or all in the same way', async () => {
    const [a, b] = [await t.api.ticket(), await t.api.ticket()];
    const own = {
      tickets: [
        { id: a.id, subject: 'A' },
        { id: 99, subject: 'none' },
      ],
    };
    expect((await t.api.done(await t.api.put('/tickets/update_many', own))).results).toMatchObject([
      { id: a.id, success: true },
      { index: 1, error: 'TicketUpdateFailed', details: 'Not found' },
    ]);
    const same = { ticket: { priority: 'high', additional_tags: ['x'] } };
    await t.api.done(await t.api.put(`/tickets/update_many?ids=${a.id},${b.id}`, same));
    const both = (await t.api.get(`/tickets/show_many?ids=${a.id},${b.id}`)).body.tickets;
    expect(both).toMatchObject([
      { subject: 'A', priority: 'high', tags: ['x'] },
      { subject: 'Printer', priority: 'high', tags: ['x'] },
    ]);
    await t.api.done(await t.api.delete(`/tickets/destroy_many?ids=${a.id}`));
    expect((await t.api.get(`/tickets/${a.id}`)).status).toBe(404);
  });

  test('accept a hundred records at most', async () => {
    const tickets = Array.from({ length: 101 }, () => ({ comment: { body: 'x' } }));
    expect((await t.api.post('/tickets/create_many', { tickets })).status).toBe(400);
    const { results } = await t.api.done(
      await t.api.post('/tickets/create_many', { tickets: tickets.slice(1) }),
    );
    expect(results).toHaveLength(100);
  });
});
