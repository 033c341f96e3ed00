import { controlsOf } from 'testkit';
import type { Rules } from 'zendesk-sandbox';
import type { FaultInput } from 'zendesk-sandbox/common';
import type { SyncRecord, Values } from '../../src/sync/record';
import { ReferenceGone } from '../../src/systems/errors';
import type { SystemPort } from '../../src/systems/port';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';

/** People whom a system refuses, creates, or gives another role; tested on both ports. */

let boxes: Sandboxes;
let count = 0;
afterEach(async () => boxes.close());

const begin = async (obeys: Partial<Rules> = {}) => {
  boxes = await startSandboxes();
  boxes.zendesk.obey(obeys);
};
const port = (): SystemPort => boxes.systems.zendesk;
const organization = async (name = `O${(count += 1)}`): Promise<string> =>
  String(
    ((await boxes.zd('POST', '/organizations', { organization: { name } }))['organization'] as { id: number })
      .id,
  );
const person = async (user: object = {}): Promise<{ id: number; email: string }> => {
  count += 1;
  const given = { name: `P${count}`, email: `p${count}@x.example`, ...user };
  return (await boxes.zd('POST', '/users', { user: given }))['user'] as { id: number; email: string };
};
const organizationsOf = async (id: number): Promise<string[]> => {
  const { organizations } = await boxes.zd('GET', `/users/${id}/organizations`);
  return (organizations as { id: number }[]).map((each) => String(each.id));
};
const userOf = async (email: string) =>
  (
    (await boxes.zd('GET', `/users/search?query=email:${email}`))['users'] as { id: number; name: string }[]
  )[0];
const options = () => ({ idempotencyKey: `key-${(count += 1)}`, backRef: `pms:project:P-${count}` });
const create = (values: Values, more: object = {}): Promise<SyncRecord> =>
  port().create('ticket', { subject: 'S', description: 'words', ...values }, { ...options(), ...more });
const ticketsMade = async () =>
  ((await boxes.zd('GET', '/tickets/count'))['count'] as { value: number }).value;
const faults = (side: 'zendesk' | 'pms', ...rules: FaultInput[]) =>
  controlsOf(boxes[side]).setFaults(...rules);
const refusal = (field: string, description: string) => ({
  kind: 'status' as const,
  status: 422,
  body: { error: 'RecordInvalid', details: { [field]: [{ description, error: 'InvalidValue' }] } },
});
const forbidden = { kind: 'status' as const, status: 403, body: { error: 'Forbidden' } };

describe.each(['refused', 'ignored', 'kept'] as const)(
  'F7: an organization that the requester does not belong to, if Zendesk has it %s',
  (foreignOrganization) => {
    beforeEach(() => begin({ foreignOrganization }));

    test('is kept for a project without a requester', async () => {
      const organization_id = await organization();
      expect((await create({ organization_id })).values['organization_id']).toBe(organization_id);
      expect(await ticketsMade()).toBe(1);
    });

    test('is kept for an unknown person, who is created with a name and without a mail', async () => {
      const organization_id = await organization();
      const requester = 'karla@new.example';
      const made = await create({ organization_id, requester }, { names: { [requester]: 'Karla Neu' } });
      expect(made.values).toMatchObject({ organization_id, requester });
      expect(made.leftOut).toBeUndefined();
      expect((await userOf(requester))?.name).toBe('Karla Neu');
      expect(await ticketsMade()).toBe(1);
    });

    test('is kept for a member of other organizations, who stays in them', async () => {
      const [own, further, wanted] = [await organization(), await organization(), await organization()];
      const { id, email } = await person({ organization_id: Number(own) });
      await boxes.zd('POST', '/organization_memberships', {
        organization_membership: { user_id: id, organization_id: Number(further) },
      });
      const made = await create({ organization_id: wanted, requester: email });
      expect(made.values['organization_id']).toBe(wanted);
      expect((await organizationsOf(id)).slice(0, 2)).toEqual([own, further]);
    });

    test('is kept for an existing ticket whose customer and requester change, alone or together', async () => {
      const [first, second, third] = [await organization(), await organization(), await organization()];
      const [one, other] = [await person(), await person({ organization_id: Number(third) })];
      let record = await create({ organization_id: first, requester: one.email });
      const change = async (changes: Values) => {
        await new Promise((resolve) => setTimeout(resolve, 1_100));
        ({ record } = await port().update(record.ref, changes, { version: record.version, backRef: null }));
        const { organization_id, requester } = record.values;
        return [organization_id, requester, record.leftOut];
      };
      expect(await change({ organization_id: second })).toEqual([second, one.email, undefined]);
      expect(await change({ requester: other.email })).toEqual([second, other.email, undefined]);
      expect(await change({ requester: one.email, organization_id: first })).toEqual([
        first,
        one.email,
        undefined,
      ]);
    });

    test('is kept in a backfill for projects without a requester, by one job for all organizations', async () => {
      const organizations = [await organization(), await organization(), await organization()];
      const items = organizations.flatMap((organization_id) =>
        [1, 2].map(() => ({ values: { subject: 'S', description: 'x', organization_id }, ...options() })),
      );
      const halves = [items.filter((_, n) => n % 2 === 0), items.filter((_, n) => n % 2 === 1)];
      const send = async (some: typeof items) => (await port().bulk?.create('ticket', some)) ?? [];
      for (const half of await Promise.all(halves.map(send)))
        expect(half.map((each) => 'record' in each && each.record.values['organization_id'])).toEqual(
          organizations,
        );
      expect(await ticketsMade()).toBe(items.length);
      const writes = boxes.calls.filter(({ method, path }) => method === 'POST' && !/oauth|token/.test(path));
      expect(new Set(writes.map(({ path }) => path))).toEqual(
        new Set(['/api/v2/organization_memberships/create_many', '/api/v2/tickets/create_many']),
      );
      await send(items.slice(0, 1).map((item) => ({ ...item, ...options() })));
      expect(boxes.calls.filter(({ path }) => path.includes('memberships')).length).toBeLessThanOrEqual(4);
    });

    test('costs one membership per person in a backfill', async () => {
      const [organization_id, elsewhere] = [await organization(), await organization()];
      const { id, email } = await person({ organization_id: Number(elsewhere) });
      const values = (requester: string | null): Values => ({
        subject: 'S',
        description: 'x',
        organization_id,
        ...(requester !== null && { requester }),
      });
      const items = [email, null, email, 'new@x.example', email].map((requester) => ({
        values: values(requester),
        ...options(),
      }));
      const answers = await port().bulk?.create('ticket', items);
      expect(answers?.map((answer) => 'record' in answer && answer.record.values['organization_id'])).toEqual(
        items.map(() => organization_id),
      );
      expect(await ticketsMade()).toBe(items.length);
      expect((await organizationsOf(id))[0]).toBe(elsewhere);
      const joined = boxes.calls.filter(({ path }) => path.startsWith('/api/v2/organization_memberships'));
      if (foreignOrganization === 'refused') expect(joined.length).toBeLessThanOrEqual(3);
    });
  },
);

describe.each(['refused', 'ignored'] as const)(
  'F7: if memberships are not allowed, and Zendesk has it %s',
  (rule) => {
    beforeEach(async () => {
      await begin({ foreignOrganization: rule });
      await faults('zendesk', { route: '^POST /api/v2/(users|organization_memberships)', ...forbidden });
    });

    test('tickets of a backfill are created without it, and in bulk', async () => {
      const [here, gone] = [await organization(), await organization()];
      await boxes.zd('DELETE', `/organizations/${gone}`);
      const items = [here, here, gone, here].map((organization_id) => ({
        values: { subject: 'S', description: 'x', organization_id },
        ...options(),
      }));
      const answers = (await port().bulk?.create('ticket', items)) ?? [];
      const made = answers.flatMap((each) => ('record' in each ? [each.record] : []));
      expect(
        made.map(({ values, leftOut }) => [values['organization_id'], Object.keys(leftOut ?? {})]),
      ).toEqual([0, 1, 3].map(() => [null, ['organization_id']]));
      expect(answers[2]).toEqual({ error: expect.any(ReferenceGone) as Error });
      expect(await ticketsMade()).toBe(made.length);
      const alone = boxes.calls.filter(({ method, path }) => method === 'POST' && path === '/api/v2/tickets');
      expect(alone.length).toBeLessThanOrEqual(1);
    });

    test('the ticket is created without the organization, and the link names the reason', async () => {
      const organization_id = await organization();
      const made = await create({ organization_id, requester: 'new@x.example' });
      expect(made.values).toMatchObject({ organization_id: null, requester: 'new@x.example', subject: 'S' });
      expect(Object.keys(made.leftOut ?? {})).toEqual(['organization_id']);
      expect(await ticketsMade()).toBe(1);
    });

    test('the ticket does not get another organization of its requester, where Zendesk refuses', async () => {
      const [own, wanted] = [await organization(), await organization()];
      // The fault applies to the sync's calls only after the person was made.
      await controlsOf(boxes.zendesk).clearFaults();
      const { email } = await person({ organization_id: Number(own) });
      await faults('zendesk', { route: '^POST /api/v2/(users|organization_memberships)', ...forbidden });
      const { values, leftOut } = await create({ organization_id: wanted, requester: email });
      expect(values['organization_id']).toBe(rule === 'refused' ? null : own);
      expect(Object.keys(leftOut ?? {})).toEqual(['organization_id']);
    });

    test('a ticket waits for a deleted organization', async () => {
      const organization_id = await organization();
      await boxes.zd('DELETE', `/organizations/${organization_id}`);
      await expect(create({ organization_id })).rejects.toThrow(ReferenceGone);
    });
  },
);

test('F7: a user who is a member of 300 organizations joins no more; further tickets go without theirs', async () => {
  await begin();
  const { memberships } = boxes.zendesk.store;
  const { id } = (await userOf(boxes.zendesk.adminEmail)) ?? { id: 0 };
  const all: string[] = [];
  for (let n = 0; n < 301; n += 1) all.push(await organization());
  for (const each of all.slice(0, 299)) memberships.add(id, Number(each));
  boxes.calls.length = 0;
  const items = all
    .slice(-4)
    .flatMap((organization_id) =>
      [1, 2].map(() => ({ values: { subject: 'S', description: 'x', organization_id }, ...options() })),
    );
  const answers = (await port().bulk?.create('ticket', items)) ?? [];
  const organizations = answers.map((each) =>
    'record' in each ? each.record.values['organization_id'] : 'none',
  );
  const [a, b, c, d] = all.slice(-4);
  expect(organizations).toEqual([a, a, b, b, c, c, d, d].map((each, n) => (n < 6 ? each : null)));
  expect(boxes.calls.filter(({ path }) => path === '/api/v2/tickets')).toEqual([]);
  const again =
    (await port().bulk?.create(
      'ticket',
      items.slice(-1).map((item) => ({ ...item, ...options() })),
    )) ?? [];
  expect('record' in again[0]! && again[0].record.leftOut).toEqual({
    organization_id: expect.stringContaining('does not belong') as string,
  });
}, 900_000);

describe('F8: a person whose role or record changed is looked up again before a value is dropped', () => {
  beforeEach(() => begin());

  test('a customer who became an agent is assigned at once', async () => {
    const { id, email } = await person();
    await create({ requester: email });
    expect((await create({ assignee: email })).leftOut).toHaveProperty('assignee');
    await boxes.zd('PUT', `/users/${id}`, { user: { role: 'agent' } });
    const made = await create({ assignee: email });
    expect([made.values['assignee'], made.leftOut]).toEqual([email, undefined]);
  });

  test('an agent who became a customer: the assignee is dropped, and the other values sync', async () => {
    const { id, email } = await person({ role: 'agent' });
    expect((await create({ assignee: email })).values['assignee']).toBe(email);
    await boxes.zd('PUT', `/users/${id}`, { user: { role: 'end-user' } });
    await faults('zendesk', {
      route: '^POST /api/v2/tickets$',
      times: 1,
      ...refusal('assignee', 'Assignee: no'),
    });
    const made = await create({ assignee: email, subject: 'T' });
    expect([made.values['assignee'], made.values['subject']]).toEqual([null, 'T']);
    expect(Object.keys(made.leftOut ?? {})).toEqual(['assignee']);
  });

  test('an address that now belongs to another person is looked up', async () => {
    const [first, second] = [await person({ role: 'agent' }), await person({ role: 'agent' })];
    await create({ assignee: first.email });
    boxes.zendesk.store.users.delete(first.id);
    const moved = { ...boxes.zendesk.store.users.get(second.id), email: first.email } as never;
    boxes.zendesk.store.users.set(second.id, moved);
    boxes.zendesk.store.userByEmail.set(first.email, moved);
    const made = await create({ assignee: first.email });
    expect([made.values['assignee'], made.leftOut]).toEqual([first.email, undefined]);
  });

  test.each(['assigneeId', 'requesterId'])('in the PMS, a refused %s is looked up again', async (field) => {
    const email = 'mia@x.example';
    const property = field.slice(0, -2);
    const make = (more: Values = {}) =>
      boxes.systems.pms.create('project', { title: 'T', [property]: email, ...more }, options());
    await boxes.pm('POST', '/people', { email, name: 'Mia', role: 'member' });
    const unknown = {
      kind: 'status' as const,
      status: 422,
      body: { error: { code: 'unknown_reference', message: 'gone', field } },
    };
    await faults('pms', { route: '^POST /api/v1/projects$', times: 1, ...unknown });
    const asked = () => boxes.calls.filter(({ path }) => path.endsWith('/people')).length;
    const first = await make();
    expect([first.values[property], first.leftOut, asked() >= 2]).toEqual([email, undefined, true]);
    await faults('pms', { route: '^POST /api/v1/projects$', times: 2, ...unknown });
    const second = await make({ title: 'U' });
    expect([second.values[property], second.values['title']]).toEqual([null, 'U']);
    expect(second.leftOut?.[property]).toMatch(/gone/);
  });
});

describe('F17: a person whom a system refuses is dropped, and the link names the reason', () => {
  beforeEach(() => begin());

  test.each(['x.@legacy.example', 'bot@host_name.example', 'jürgen@müller.example'])(
    '%s, refused by the PMS',
    async (email) => {
      const { pms } = boxes.systems;
      const made = await pms.create('project', { title: 'T', requester: email }, options());
      expect([made.values['title'], made.values['requester']]).toEqual(['T', null]);
      expect(made.leftOut?.['requester']).toMatch(/email/);
      const { record } = await pms.update(
        made.ref,
        { title: 'U', requester: email },
        { version: made.version, backRef: null },
      );
      expect([record.values['title'], Object.keys(record.leftOut ?? {})]).toEqual(['U', ['requester']]);
      // The system is not asked each time to create a person whom it refused.
      const asked = boxes.calls.filter(({ method, path }) => method === 'POST' && path.endsWith('/people'));
      expect(asked).toHaveLength(1);
      const bulk = await pms.bulk?.create('project', [
        { values: { title: 'V', requester: email }, ...options() },
        { values: { title: 'W', requester: 'ok@x.example' }, ...options() },
      ]);
      expect(
        bulk?.map((each) => 'record' in each && [each.record.values['requester'], each.record.leftOut]),
      ).toEqual([
        [null, { requester: expect.stringMatching(/email/) as string }],
        ['ok@x.example', undefined],
      ]);
    },
  );

  test('an author and an assignee, refused by the PMS', async () => {
    const { pms } = boxes.systems;
    const project = await pms.create('project', { title: 'T', assignee: 'nobody@x.example' }, options());
    expect(Object.keys(project.leftOut ?? {})).toEqual(['assignee']);
    const note = { projectId: project.ref.id, body: 'b', visibility: 'internal', author: 'nobody@x.example' };
    const comment = await pms.create('note', { ...note, authorName: 'N' }, options());
    expect([comment.values['body'], Object.keys(comment.leftOut ?? {})]).toEqual(['b', ['author']]);
  });

  test.each([
    ['requester', 'POST', 'Requester: Email:  is not properly formatted'],
    ['requester', 'PUT', 'Requester is suspended.'],
    ['assignee', 'POST', 'Assignee: is not valid'],
  ])('a %s, refused by Zendesk at a %s', async (property, method, words) => {
    const { email } = await person({ role: 'agent' });
    const route = `^${method} /api/v2/tickets`;
    const rule = { route, times: property === 'assignee' ? 2 : 1, ...refusal(property, words) };
    const before = await create({});
    await faults('zendesk', rule);
    const { values, leftOut } =
      method === 'POST'
        ? await create({ [property]: email, subject: 'T' })
        : (
            await port().update(
              before.ref,
              { [property]: email, subject: 'T' },
              { version: before.version, backRef: null },
            )
          ).record;
    expect(values['subject']).toBe('T');
    expect(values[property]).not.toBe(email);
    expect(leftOut).toEqual({ [property]: expect.stringContaining(words) as string });
  });

  test('the author of a comment, refused by Zendesk: the comment is written in our name', async () => {
    const { email } = await person({ role: 'agent' });
    const { ref } = await create({});
    const write = (body: string) =>
      port().create(
        'comment',
        { ticket_id: ref.id, body, public: false, author: email, author_name: 'Mia' },
        options(),
      );
    expect((await write('one')).values['author']).toBe(email);
    await faults('zendesk', {
      route: '^PUT /api/v2/tickets',
      times: 1,
      ...refusal('comment', 'Author: is not valid'),
    });
    const comment = await write('two');
    expect([comment.values['body'], comment.values['author'] === email]).toEqual(['two', false]);
    const comments = (await boxes.zd('GET', `/tickets/${ref.id}/comments`))['comments'] as { body: string }[];
    expect(comments.at(-1)?.body).toBe('Mia wrote:\n\ntwo');
  });
});

describe('F16: a created person has a name', () => {
  beforeEach(() => begin());

  test('on both sides, as the other side shows it', async () => {
    const { pms, zendesk } = boxes.systems;
    const [requester, other] = ['karla@neu.example', 'cust@alt.example'];
    await zendesk.create(
      'ticket',
      { subject: 'S', description: 'd', requester },
      { ...options(), names: { [requester]: 'Karla Neu' } },
    );
    expect((await userOf(requester))?.name).toBe('Karla Neu');
    await pms.create(
      'project',
      { title: 'T', requester: other },
      { ...options(), names: { [other]: 'Cust' } },
    );
    const { items } = await boxes.pm('GET', `/people?email=${other}`);
    expect(items).toMatchObject([{ name: 'Cust' }]);
    const [ticket, project] = [
      await create({ requester }),
      await pms.create('project', { title: 'T', requester: other }, options()),
    ];
    expect(ticket.names).toMatchObject({ [requester]: 'Karla Neu' });
    expect(project.names).toEqual({ [other]: 'Cust' });
  });
});

describe('F21: a person is found by a second address', () => {
  beforeEach(() => begin());

  test('as requester, assignee and author; a person with a similar address is not taken for the same', async () => {
    const { id, email } = await person({ role: 'agent' });
    const second = `second${id}@x.example`;
    await boxes.zd('PUT', `/users/${id}`, { user: { email: second } });
    const made = await create({ requester: second, assignee: second });
    expect(made.values).toMatchObject({ requester: email, assignee: email });
    const comment = await port().create(
      'comment',
      { ticket_id: made.ref.id, body: 'b', public: false, author: second, author_name: 'N' },
      options(),
    );
    expect(comment.values).toMatchObject({ author: email, body: 'b' });
    await faults('zendesk', {
      route: '^GET /api/v2/users/search',
      kind: 'status',
      status: 200,
      body: { users: [{ id, name: 'Similar', email, role: 'agent' }], count: 1 },
    });
    expect((await create({ assignee: `x-${second}` })).values['assignee']).toBeNull();
  });
});

describe('F22: a name in another Unicode form, or with other spaces, is the same name', () => {
  beforeEach(() => begin());

  test.each([
    ['composed', 'Bücher AG'.normalize('NFC'), 'Bücher AG'.normalize('NFD')],
    ['decomposed', 'Bücher AG'.normalize('NFD'), 'Bücher AG'.normalize('NFC')],
    ['two spaces and a no-break space', 'Bücher \u00a0AG', 'Bücher AG'],
    ['one space, but two in the other system', 'BÜCHER AG', 'Bücher  AG'],
  ])('%s', async (_, sought, held) => {
    const id = await organization(held);
    const { id: customer } = await boxes.pm('POST', '/customers', { name: held });
    const { zendesk, pms } = boxes.systems;
    const found = async (side: SystemPort, kind: string) =>
      (await side.findByProperty(kind, 'name', sought)).map(({ ref }) => ref.id);
    expect(await found(zendesk, 'organization')).toEqual([id]);
    expect(await found(pms, 'customer')).toEqual([customer]);
  });

  test('an ordinary name is looked up once', async () => {
    await boxes.systems.zendesk.findByProperty('organization', 'name', 'Acme');
    expect(boxes.calls.filter(({ path }) => path.endsWith('/organizations/search'))).toHaveLength(1);
  });
});
