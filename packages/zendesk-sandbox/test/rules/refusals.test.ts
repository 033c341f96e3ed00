import { CONFLICTS } from '../../src';
import { refusal, SEVERITY, useSandbox } from '../support/rig';

const rig = useSandbox();
const BOB = 'bob@sandbox.example';
const inject = (...rules: object[]) => rig.api.control('PUT', '/faults', rules);
const person = (user: object) => rig.api.post('/users', { user });

describe('rule 8', () => {
  test('a safe update of an old version is an UpdateConflict, also with the flag `false`', async () => {
    const { id, updated_at } = await rig.api.ticket();
    rig.later();
    await rig.put(id, { subject: 'meanwhile' });
    for (const safe_update of [true, false]) {
      const { status, body } = await rig.put(id, { subject: 'late', safe_update, updated_stamp: updated_at });
      expect([status, body.error]).toEqual([409, 'UpdateConflict']);
      expect(body.description).toMatch(/^Safe Update prevented the update due to outdated ticket data/);
    }
    expect((await rig.put(id, { subject: 'forced', updated_stamp: updated_at })).status).toBe(200);
  });

  test('a test can inject a database conflict and a requester collision', async () => {
    const { id } = await rig.api.ticket();
    await inject({ route: '^PUT /api/v2/tickets', times: 1, ...CONFLICTS.database });
    expect(await rig.put(id, { subject: 'S' })).toMatchObject({
      status: 409,
      body: { error: 'DatabaseConflict', description: 'Database collision' },
    });
    await inject({ route: '^PUT /api/v2/tickets', times: 1, ...CONFLICTS.requester });
    const { status, headers } = await rig.put(id, { subject: 'S' });
    expect([status, headers.get('content-type')]).toEqual([409, 'text/plain; charset=utf-8']);
    expect((await rig.put(id, { subject: 'S' })).status).toBe(200);
  });
});

describe('rule 10', () => {
  test('solving a ticket with missing required fields is refused as a whole, and names each field', async () => {
    const { id } = await rig.api.ticket();
    await rig.api.put(`/ticket_fields/${SEVERITY}`, { ticket_field: { required: true } });
    const answer = await rig.put(id, { status: 'solved', comment: { body: 'done' } });
    await rig.api.put(`/ticket_fields/${SEVERITY}`, { ticket_field: { required: false } });
    expect(answer.status).toBe(422);
    const missing = answer.body.details['base'] ?? [];
    expect(missing).toHaveLength(2);
    expect(missing).toContainEqual({
      description: 'Severity: is required when solving a ticket',
      error: null,
      ticket_field_id: SEVERITY,
      ticket_field_type: 'FieldTagger',
    });
    expect(missing).toContainEqual(
      expect.objectContaining({
        description: 'Assignee: is required when solving a ticket',
        ticket_field_type: 'FieldAssignee',
      }),
    );
    expect((await rig.api.get(`/tickets/${id}/comments`)).body.comments).toHaveLength(1);
    const whole = { status: 'solved', assignee_email: BOB, custom_fields: [{ id: SEVERITY, value: 's1' }] };
    expect((await rig.put(id, whole)).status).toBe(200);
  });

  test('the conditions of a form can require fields, too', async () => {
    const { id: form } = (
      await rig.api.post('/ticket_forms', {
        ticket_form: {
          name: 'Conditional',
          agent_conditions: [
            {
              parent_field_id: SEVERITY,
              value: 's1',
              child_fields: [
                {
                  id: SEVERITY + 1,
                  is_required: true,
                  required_on_statuses: { type: 'SOME_STATUSES', statuses: ['solved'] },
                },
              ],
            },
          ],
        },
      })
    ).body['ticket_form'] as { id: number };
    const solved = { status: 'solved', assignee_email: BOB };
    const make = (value: string) =>
      rig.api.ticket({ ticket_form_id: form, custom_fields: [{ id: SEVERITY, value }] });
    const [conditional, free] = [await make('s1'), await make('s2')];
    expect((await rig.put(free.id, solved)).status).toBe(200);
    expect(refusal(await rig.put(conditional.id, solved))).toEqual({
      status: 422,
      base: ['Affected users: is required when solving a ticket'],
    });
  });

  test('a refused create adds no requester', async () => {
    const requester = { name: 'Nobody', email: 'nobody@x.example' };
    const ticket = { status: 'solved', comment: { body: 'x' }, requester };
    expect((await rig.api.post('/tickets', { ticket })).status).toBe(422);
    expect(rig.userId(requester.email)).toBe(0);
  });

  test('without the rule, every ticket can be solved', async () => {
    rig.sandbox.obey({ requiredOnSolve: false });
    const { id } = await rig.api.ticket();
    expect((await rig.put(id, { status: 'solved' })).status).toBe(200);
  });
});

describe('rule 11', () => {
  test('an update of a closed ticket is refused', async () => {
    const { id } = await rig.api.ticket({ status: 'closed' });
    const { status, body } = await rig.put(id, { subject: 'late' });
    expect([status, body.details['status']?.[0]?.description]).toEqual([
      422,
      'closed prevents ticket update',
    ]);
  });

  test.each([
    ['refused', 422],
    ['addressAsName', 201],
  ] as const)(
    'a requester without a name, switch namelessRequester: %s',
    async (namelessRequester, status) => {
      rig.sandbox.obey({ namelessRequester });
      const requester = { email: `${namelessRequester}@x.example`.toLowerCase() };
      const answer = await rig.api.post('/tickets', { ticket: { comment: { body: 'x' }, requester } });
      expect(answer.status).toBe(status);
      if (status === 422)
        expect(answer.body.details['requester']?.[0]?.description).toBe(
          'Requester: Name:  is too short (minimum is 1 character)',
        );
      else expect(rig.sandbox.store.userByEmail.get(requester.email)?.name).toBe(requester.email);
    },
  );

  test('a name of 256 characters is refused', async () => {
    expect((await person({ name: 'n'.repeat(255), email: 'n255@x.example' })).status).toBe(201);
    expect((await person({ name: 'n'.repeat(256), email: 'n256@x.example' })).status).toBe(422);
    const requester = { name: 'n'.repeat(256), email: 'n257@x.example' };
    const answer = await rig.api.post('/tickets', { ticket: { comment: { body: 'x' }, requester } });
    expect(refusal(answer)).toMatchObject({ status: 422, requester: [expect.any(String)] });
  });

  test('a ticket without a comment is refused', async () => {
    const { body } = await rig.api.post('/tickets', { ticket: { subject: 'S' } });
    expect(body.details['base']).toMatchObject([
      {
        description: 'Description: cannot be blank',
        error: 'BlankValue',
        ticket_field_id: expect.any(Number) as unknown,
        ticket_field_type: 'FieldDescription',
      },
    ]);
  });

  test('a priority cannot be cleared', async () => {
    const { id } = await rig.api.ticket({ priority: 'high' });
    const answer = await rig.put(id, { priority: null });
    expect(answer.body.details['priority']?.[0]?.description).toBe('Priority: cannot be reset');
    rig.sandbox.obey({ priorityStays: false });
    expect((await rig.put(id, { priority: null })).body.ticket['priority']).toBeNull();
  });

  test('a suspended requester is refused', async () => {
    const { id } = (await person({ name: 'Gone', email: 'gone@x.example' })).body.user;
    await rig.api.put(`/users/${id}`, { user: { suspended: true } });
    const ticket = { comment: { body: 'x' }, requester_id: id };
    expect(refusal(await rig.api.post('/tickets', { ticket }))).toEqual({
      status: 422,
      requester: ['Requester is suspended.'],
    });
    rig.sandbox.obey({ suspendedRequester: false });
    expect((await rig.api.post('/tickets', { ticket })).status).toBe(201);
  });

  test('error texts are in the language of the API’s user; keys and codes are not translated', async () => {
    const { id } = await rig.api.ticket({ priority: 'low' });
    const ann = rig.userId('ann@sandbox.example');
    await rig.api.put(`/users/${ann}`, { user: { locale: 'pt-BR' } });
    const { body } = await rig.put(id, { priority: null });
    await rig.api.put(`/users/${ann}`, { user: { locale: 'en-US' } });
    expect([body.error, body.details['priority']?.[0]?.description]).toEqual([
      'RecordInvalid',
      'Priority: não pode ser redefinido',
    ]);
  });

  test('a taken organization name is refused', async () => {
    await rig.api.organization({ name: 'Taken' });
    const { body } = await rig.api.post('/organizations', { organization: { name: ' taken ' } });
    expect(body.details['name']).toEqual([
      { description: 'Name:  taken has already been taken', error: 'DuplicateValue' },
    ]);
  });
});

test('rule 49: errors have several envelopes', async () => {
  const bodyOf = async (path: string, api = rig.api) => (await api.get(path)).body;
  expect(await bodyOf('/tickets/999999')).toEqual({ error: 'RecordNotFound', description: 'Not found' });
  expect(await bodyOf('/nonsense')).toEqual({ error: 'InvalidEndpoint', description: 'Not found' });
  expect(await bodyOf('/webhooks', rig.api.as(BOB))).toMatchObject({
    error: { title: 'Forbidden', message: expect.any(String) as unknown },
  });
  expect(await bodyOf('/tickets?page=101&per_page=100')).toMatchObject({
    errors: [{ code: 'InvalidPaginationDepth' }],
  });
});

test('rule 51: search has no cursors and ends at 1,000 results; the export of a search has cursors', async () => {
  expect((await rig.api.get('/search?query=type:ticket&page[size]=10')).status).toBe(400);
  expect((await rig.api.get('/search?query=type:ticket&page=11&per_page=100')).body.error).toBe('invalid');
  const { body } = await rig.api.get('/search/export?query=priority:low&filter[type]=ticket&page[size]=1');
  expect(body.results).toMatchObject([{ result_type: 'ticket', priority: 'low' }]);
  expect(body.meta.has_more).toBe(false);
});

test('rule 52: the content type of a request must be application/json', async () => {
  const answer = await fetch(`${rig.sandbox.url}/api/v2/tickets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${rig.sandbox.bearer(BOB)}`, 'content-type': 'text/csv' },
    body: 'a,b',
  });
  expect(answer.status).toBe(415);
});

test.each([
  ['refused', 422],
  ['cut', 201],
] as const)('rule 53: a subject of 256 characters, switch longSubject: %s', async (longSubject, status) => {
  rig.sandbox.obey({ longSubject });
  const ticket = { subject: 's'.repeat(256), comment: { body: 'x' } };
  const answer = await rig.api.post('/tickets', { ticket });
  expect(answer.status).toBe(status);
  if (status === 201) expect(answer.body.ticket.subject).toHaveLength(255);
});
