import { useSandbox } from '../support/rig';
import type { Answer } from '../support/zendeskApi';

const rig = useSandbox();
const jobOf = (answer: Answer) => answer.body.job_status as unknown as Record<string, unknown>;

describe('rule 9', () => {
  test('a queued job has no message; a completed one has the time in its message', async () => {
    const answer = await rig.api.post('/tickets/create_many', {
      tickets: [{ comment: { body: 'a' } }, { comment: { body: 'b' } }],
    });
    expect(jobOf(answer)).toMatchObject({
      id: expect.stringMatching(/^V3-/) as unknown,
      job_type: 'Bulk Create Ticket',
      status: 'queued',
      total: 2,
      progress: null,
      message: null,
      results: null,
    });
    const done = await rig.api.done(answer);
    expect(done).toMatchObject({
      status: 'completed',
      progress: 2,
      message: expect.stringMatching(/^Completed at 2026-01-01 \d\d:\d\d:\d\d \+0000$/) as unknown,
    });
    expect(done.results).toEqual(
      [0, 1].map((index) => ({
        index,
        id: expect.any(Number) as unknown,
        account_id: expect.any(Number) as unknown,
      })),
    );
  });

  test('results of updates and of organizations have no index; a failed record has an error text', async () => {
    const { id } = await rig.api.ticket();
    const update = await rig.api.put(`/tickets/update_many?ids=${id}`, { ticket: { subject: 'S' } });
    expect((await rig.api.done(update)).results).toEqual([
      { id, action: 'update', success: true, status: 'Updated' },
    ]);
    const { id: acme } = await rig.api.organization({ name: 'Acme' });
    const { id: other } = await rig.api.organization({ name: 'Other' });
    const rename = await rig.api.put('/organizations/update_many', {
      organizations: [
        { id: acme, notes: 'n' },
        { id: other, name: 'ACME' },
      ],
    });
    const done = await rig.api.done(rename);
    expect(done.status).toBe('completed');
    expect(done.results).toEqual([
      { id: acme, status: 'Updated' },
      {
        index: 1,
        id: other,
        error: 'OrganizationUpdateFailed',
        details: 'Name:  ACME has already been taken',
      },
    ]);
  });

  test('a permanent deletion reports only that it succeeded', async () => {
    const { id } = await rig.api.ticket();
    await rig.api.delete(`/tickets/${id}`);
    expect(await rig.api.done(await rig.api.delete(`/deleted_tickets/${id}`))).toMatchObject({
      total: null,
      progress: null,
      results: { success: true },
    });
  });

  test('a job with more than a hundred records is refused', async () => {
    const many = Array.from({ length: 101 }, () => ({}));
    const refused = async (resource: string) =>
      (await rig.api.post(`/${resource}/create_many`, { [resource]: many })).body;
    expect(await refused('tickets')).toEqual({
      error: 'TooManyValues',
      description: 'Parameter  cannot specify more than 100 values',
      max_count: 100,
    });
    expect(await refused('users')).toEqual({
      error: 'TooManyValues',
      description: 'Maximum 100 users may be created per call',
    });
  });

  test('a job can be read for one day', async () => {
    const answer = await rig.api.post('/tickets/create_many', { tickets: [] });
    await rig.api.done(answer);
    rig.later(25 * 3_600);
    expect((await rig.api.get(`/job_statuses/${String(jobOf(answer)['id'])}`)).status).toBe(404);
  });
});

describe('rule 44', () => {
  test('tickets are deleted and restored by jobs', async () => {
    const { id } = await rig.api.ticket();
    expect((await rig.api.put(`/deleted_tickets/${id}/restore`)).status).toBe(404);
    expect((await rig.api.delete(`/tickets/${id}`)).status).toBe(204);
    expect(await rig.api.put(`/deleted_tickets/${id}/restore`)).toMatchObject({ status: 200, body: {} });
    await rig.api.done(await rig.api.delete(`/tickets/destroy_many?ids=${id}`));
    expect((await rig.api.get(`/tickets/${id}`)).status).toBe(404);
    await rig.api.done(await rig.api.put(`/deleted_tickets/restore_many?ids=${id}`));
    expect((await rig.ticket(id)).id).toBe(id);
  });
});

describe('rule 45', () => {
  const merged = async (source: object, words: object = {}) => {
    const [target, loser] = [
      await rig.api.ticket({ subject: 'T' }),
      await rig.api.ticket({ subject: 'L', ...source }),
    ];
    const answer = await rig.api.post(`/tickets/${target.id}/merge`, { ids: [loser.id], ...words });
    await rig.api.done(answer);
    const of = async (id: number) => (await rig.api.get(`/tickets/${id}/comments`)).body.comments.at(-1);
    return { target: target.id, loser: loser.id, comments: [await of(target.id), await of(loser.id)] };
  };

  test('the loser is closed by the merge; private comments name the other ticket', async () => {
    const { target, loser, comments } = await merged({});
    expect(await rig.ticket(loser)).toMatchObject({ status: 'closed', tags: ['closed_by_merge'] });
    expect(comments).toMatchObject([
      { body: `Request #${loser} "L" was closed and merged into this request.`, public: false },
      { body: `This request was closed and merged into request #${target}.`, public: false },
    ]);
  });

  test('the comments of a merge are private if one of the tickets is, whatever the call asks for', async () => {
    const asked = { target_comment_is_public: true, source_comment_is_public: true };
    expect((await merged({}, asked)).comments).toMatchObject([{ public: true }, { public: true }]);
    const inside = { comment: { body: 'x', public: false } };
    expect((await merged(inside, asked)).comments).toMatchObject([{ public: false }, { public: false }]);
  });

  test('a merge into a solved ticket fails', async () => {
    const target = await rig.api.ticket({ status: 'solved', assignee_email: 'bob@sandbox.example' });
    const { id } = await rig.api.ticket();
    await rig.api.done(await rig.api.post(`/tickets/${target.id}/merge`, { ids: [id] }));
    expect((await rig.ticket(id)).status).toBe('new');
  });

  test.each([
    ['rule merge', { channel: 'rule', source: { rel: 'merge' } }],
    ['api', { channel: 'api' }],
  ] as const)('the via of a merge’s audits, switch mergeVia: %s', async (mergeVia, via) => {
    rig.sandbox.obey({ mergeVia });
    const { loser } = await merged({});
    expect((await rig.api.get(`/tickets/${loser}/audits`)).body.audits.at(-1)).toMatchObject({ via });
  });
});

describe('rule 46', () => {
  test('a new organization has empty properties; its name is trimmed; its tags keep their order', async () => {
    const bare = await rig.api.organization({ name: ' Bare ' });
    expect(bare).toMatchObject({ name: 'Bare', tags: [], domain_names: [], details: null, notes: null });
    const { tags } = await rig.api.organization({ name: 'Ordered', tags: ['z', 'a'] });
    expect(tags).toEqual(['z', 'a']);
  });

  test('create or update does not match by name', async () => {
    await rig.api.organization({ name: 'Named' });
    const answer = await rig.api.post('/organizations/create_or_update', { organization: { name: 'Named' } });
    expect(answer.status).toBe(422);
  });

  test('a merge moves people, tickets and domains, but no other fields; the job completes later', async () => {
    const loser = await rig.api.organization({ name: 'M1', notes: 'lost', domain_names: ['m1.example'] });
    const winner = await rig.api.organization({ name: 'M2', domain_names: ['m2.example'] });
    const user = { name: 'M', email: 'm@m1.example', organization_id: loser.id };
    const { id: requester_id } = (await rig.api.post('/users', { user })).body.user;
    const { id } = await rig.api.ticket({ requester_id });
    const answer = await rig.api.post(`/organizations/${loser.id}/merge`, {
      organization_merge: { winner_id: winner.id },
    });
    const merge = answer.body['organization_merge'] as { id: string };
    expect([answer.status, merge]).toMatchObject([
      200,
      {
        id: expect.stringMatching(/^01/) as unknown,
        status: 'new',
        loser_id: loser.id,
        winner_id: winner.id,
      },
    ]);
    const later = await rig.api.get(`/organization_merges/${merge.id}`);
    expect(later.body['organization_merge']).toMatchObject({ status: 'complete' });
    expect((await rig.ticket(id)).organization_id).toBe(winner.id);
    const { organization } = (await rig.api.get(`/organizations/${winner.id}`)).body;
    expect(organization).toMatchObject({ notes: null, domain_names: ['m2.example', 'm1.example'] });
    expect((await rig.api.get(`/organizations/${loser.id}`)).status).toBe(404);
  });
});

test('rule 42: tags of a ticket have their own safe update', async () => {
  const { id, updated_at } = await rig.api.ticket({ tags: ['a'] });
  const path = `/tickets/${id}/tags`;
  expect(await rig.api.put(path, { tags: ['b'] })).toMatchObject({ status: 200, body: { tags: ['a', 'b'] } });
  expect(await rig.api.post(path, { tags: ['c'] })).toMatchObject({ status: 201, body: { tags: ['c'] } });
  expect(await rig.api.delete(path, { tags: ['c'] })).toMatchObject({ status: 200, body: { tags: [] } });
  rig.later();
  await rig.put(id, { subject: 'meanwhile' });
  const late = { tags: ['d'], updated_stamp: updated_at, safe_update: 'true' };
  expect(await rig.api.put(path, late)).toMatchObject({ status: 409, body: { error: 'UpdateConflict' } });
});

describe('rule 43', () => {
  const create = (key: string, subject: string) =>
    rig.api.post('/tickets', { ticket: { subject, comment: { body: 'x' } } }, { 'idempotency-key': key });
  const slow = () =>
    rig.api.control('PUT', '/faults', [
      { route: '^POST /api/v2/tickets', kind: 'delay', delayMs: 200, times: 1 },
    ]);

  test('the same key returns the first result, and is refused with another body', async () => {
    const first = await create('k1', 'A');
    expect(first.headers.get('x-idempotency-lookup')).toBe('miss');
    const again = await create('k1', 'A');
    expect([again.headers.get('x-idempotency-lookup'), again.body]).toEqual(['hit', first.body]);
    expect(await create('k1', 'B')).toMatchObject({
      status: 400,
      body: {
        error: 'IdempotentRequestError',
        description: "Request parameters don't match the given idempotency key",
      },
    });
    expect((await create('k'.repeat(256), 'A')).status).toBe(400);
  });

  test.each([
    ['409', [201, 409]],
    ['waits', [201, 201]],
  ] as const)('a repeat while the create is running, switch: %s', async (repeatWhileRunning, statuses) => {
    rig.sandbox.obey({ repeatWhileRunning });
    await slow();
    const answers = await Promise.all([create(repeatWhileRunning, 'A'), create(repeatWhileRunning, 'A')]);
    expect(answers.map(({ status }) => status).sort()).toEqual(statuses);
    const ids = answers.flatMap(({ status, body }) => (status === 201 ? [body.ticket.id] : []));
    expect(new Set(ids).size).toBe(1);
  });
});
