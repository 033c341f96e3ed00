import { setTimeout as sleep } from 'node:timers/promises';
import type { SyncRecord } from '../../src/sync/record';
import {
  AlreadyExists,
  NeedsHuman,
  PreconditionFailed,
  RecordGone,
  ReferenceGone,
} from '../../src/systems/errors';
import type { SystemPort } from '../../src/systems/port';
import { profileAdapter, profileSystem, type PmsConnection } from '../../src/systems/profile/profileSystem';
import { profileSchema } from '../../src/systems/profile/profileSchema';
import { walk } from '../../src/systems/walkRecords';
import { SmallPms, type Behaviour, type Call } from '../support/smallPms';

/**
 * The features of profiles, each against a small server that needs it. The contract's profile is tested with the
 * sandbox.
 */

const PROFILE = {
  version: 1,
  name: 'Small PMS',
  auth: { by: 'bearer' },
  me: { request: 'GET /me', id: 'id', name: 'name' },
  paging: { by: 'cursor', param: 'at', next: 'next' },
  errors: {
    message: 'errors[0]',
    rules: [
      { status: 404, means: 'gone' },
      { status: [409, 412], means: 'moved' },
    ],
  },
  kinds: {
    task: {
      items: 'items',
      version: 'lock',
      counted: true,
      createdAt: 'changedAt',
      updatedAt: 'changedAt',
      backRef: { at: 'customFields.7' },
      customFields: { at: 'fields', key: 'id', value: 'value' },
      body: { task: '{fields}' },
      list: 'GET /tasks',
      read: 'GET /tasks/{id}',
      findByBackRef: 'GET /tasks',
      find: { subject: 'GET /tasks' },
      create: 'POST /tasks',
      update: 'PATCH /tasks/{id}',
      properties: { subject: 'subject' } as Record<string, unknown>,
    },
  },
};
type Given = Record<string, unknown>;

let server: SmallPms;
afterEach(() => server.close());

/** @param over keys of the profile @param task keys of the kind */
async function start(
  over: Given = {},
  {
    task = {},
    behaviour = {},
    ...connection
  }: { task?: Given; behaviour?: Behaviour } & Partial<PmsConnection> = {},
): Promise<SystemPort> {
  server = await new SmallPms(behaviour).start();
  const kinds = { ...PROFILE.kinds, ...(over['kinds'] as object), task: { ...PROFILE.kinds.task, ...task } };
  const profile = profileSchema.parse({ ...PROFILE, ...over, kinds });
  return profileSystem({ profile, baseUrl: server.url, token: 'secret-token', ...connection });
}

const task = (id: number) => ({ side: 'pms', kind: 'task', id: String(id) }) as const;
const options = { idempotencyKey: 'key-1', backRef: 'zendesk:ticket:5' };
const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: unknown) => error,
  );
const walked = async (port: SystemPort, between: () => void = () => undefined): Promise<string[]> => {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await port.walk('task', cursor, null);
    ids.push(...page.records.map(({ ref }) => ref.id));
    cursor = page.cursor;
    between();
  } while (cursor !== null);
  return ids;
};

describe('authentication', () => {
  const sent = () => server.calls.at(-1)?.headers;

  test('by a bearer token, a name and password, a key in a header', async () => {
    await (await start()).whoAmI();
    expect(sent()?.authorization).toBe('Bearer secret-token');
    server.close();
    await (await start({ auth: { by: 'basic' } }, { user: 'pat' })).whoAmI();
    expect(sent()?.authorization).toBe(`Basic ${Buffer.from('pat:secret-token').toString('base64')}`);
    server.close();
    await (await start({ auth: { by: 'header', name: 'X-Api-Key' } })).whoAmI();
    expect(sent()).toMatchObject({ 'x-api-key': 'secret-token' });
    expect(sent()?.authorization).toBeUndefined();
  });

  test('by client credentials: one token for all calls, a new one after it ends or is refused', async () => {
    let tokens = 0;
    let refuse = '';
    let lifetime = 3600;
    const intercept = ({ url, headers }: Call) => {
      if (url === '/oauth/token') {
        tokens += 1;
        return {
          status: 200,
          body: { access_token: `t${tokens}`, token_type: 'Bearer', expires_in: lifetime },
        };
      }
      return headers.authorization === refuse ? { status: 401 } : null;
    };
    const auth = { by: 'oauth2', token: '/oauth/token', scope: 'all' };
    const port = await start({ auth }, { user: 'app', behaviour: { intercept } });
    await Promise.all([port.whoAmI(), port.whoAmI(), port.walk('task', null, null)]);
    expect(tokens).toBe(1);
    const asked = server.calls.find(({ url }) => url === '/oauth/token');
    expect(asked?.headers.authorization).toBe(`Basic ${Buffer.from('app:secret-token').toString('base64')}`);
    refuse = 'Bearer t1';
    lifetime = 1;
    await port.whoAmI();
    expect([tokens, sent()?.authorization]).toEqual([2, 'Bearer t2']);
    await sleep(1_000);
    await port.whoAmI();
    expect(sent()?.authorization).toBe('Bearer t3');
  });

  test('by a token of another host, which is used for a short time if its end is unknown', async () => {
    let tokens = 0;
    const login = await new SmallPms({
      intercept: () => ({
        status: 200,
        body: { access_token: `t${(tokens += 1)}`, token_type: 'Bearer', expires_in: null },
      }),
    }).start();
    try {
      const auth = { by: 'oauth2', token: `${login.url}/realms/acme/token?tenant=7` };
      const port = await start({ auth }, { user: 'app' });
      await port.whoAmI();
      await port.whoAmI();
      expect(login.calls.map(({ url }) => url)).toEqual(['/realms/acme/token?tenant=7']);
      expect(sent()?.authorization).toBe('Bearer t1');
      expect(server.calls.some(({ url }) => url.includes('token'))).toBe(false);
    } finally {
      login.close();
    }
  });

  test('by a refused secret: the message names the settings, and not their values', async () => {
    const intercept = () => ({ status: 401 });
    const auth = { by: 'oauth2', token: '/oauth/token' };
    const port = await start({ auth }, { user: 'app', behaviour: { intercept } });
    const error = await errorOf(port.whoAmI());
    expect(error).toMatchObject({ code: 'unauthorized' });
    expect(String(error)).toContain('check PMS_USER and PMS_TOKEN');
    expect(String((error as Error).stack)).not.toContain('secret-token');
  });
});

describe('paging of long lists', () => {
  const PAGING = {
    cursor: { by: 'cursor', param: 'at', next: 'next' },
    page: { by: 'page', param: 'at' },
    offset: { by: 'offset', param: 'at', more: 'from + size < total' },
    link: { by: 'link' },
  };

  test.each(Object.entries(PAGING))('by %s', async (style, paging) => {
    const port = await start({ paging }, { behaviour: { paging: style as keyof typeof PAGING } });
    for (let n = 0; n < 25; n += 1) server.add();
    const ids = await walked(port);
    expect(ids).toEqual(server.tasks.map(({ id }) => String(id)));
    expect(server.calls.every(({ headers }) => headers.authorization === 'Bearer secret-token')).toBe(true);
  });

  test('by offset skips no record while earlier records are deleted', async () => {
    const port = await start({ paging: PAGING.offset }, { behaviour: { paging: 'offset' } });
    for (let n = 0; n < 60; n += 1) server.add();
    const ids = await walked(port, () => void server.tasks.splice(0, 3));
    expect(ids).toEqual(expect.arrayContaining(server.tasks.map(({ id }) => String(id))));
  });

  test('by a link to another host does not send the credential there', async () => {
    const other = await new SmallPms().start();
    const link = { link: `<${other.url}/tasks?at=10>; rel="next"` };
    const intercept = ({ url }: Call) =>
      url.startsWith('/tasks?at=') ? null : { status: 200, body: { items: [] }, headers: link };
    const port = await start({ paging: PAGING.link }, { behaviour: { intercept, paging: 'link' } });
    await walked(port);
    expect(server.calls.map(({ url }) => url)).toEqual(['/tasks', '/tasks?at=10']);
    expect(other.calls).toEqual([]);
    other.close();
  });
});

describe('changes', () => {
  const SINCE = { changes: { since: { lagSeconds: 1 } } };

  test.each([
    ['finds changes in a list since a time', 'GET /tasks?since={since}'],
    ['finds changes in a list of all records', 'GET /tasks'],
  ])('%s', async (_, changed) => {
    const port = await start(SINCE, { task: { changed, counted: false } });
    expect(port.streams).toEqual(['task']);
    const old = Date.now() - 60_000;
    for (let n = 0; n < 25; n += 1) server.add({ changedAt: old });
    const read = async (from: string | null): Promise<{ ids: string[]; cursor: string }> => {
      const ids: string[] = [];
      for (let cursor = from; ;) {
        const page = await port.changes('task', cursor);
        ids.push(...page.records.map(({ ref }) => ref.id));
        cursor = page.cursor;
        if (!page.more) return { ids, cursor };
      }
    };
    const first = await read(null);
    expect(first.ids).toHaveLength(25);
    expect((await read(first.cursor)).ids).toEqual([]);
    const made = server.add({ changedAt: Date.now() });
    const second = await read(first.cursor);
    expect(second.ids).toEqual([String(made.id)]);
    // A change within the same second, or stored late: the clock is coarse, so it is read again.
    made.subject = 'edited';
    expect((await read(second.cursor)).ids).toEqual([String(made.id)]);
    const at = await port.cursorAt('task', new Date(old - 5_000));
    expect((await read(at)).ids).toHaveLength(26);
    expect((await read(await port.cursorNow('task'))).ids).not.toContain('1');
  });

  test('webhooks are registered if the profile says so, with its own credential', async () => {
    const urls: string[] = [];
    const intercept = ({ url, body }: Call) => {
      if (!url.startsWith('/hooks')) return null;
      if (body !== null) urls.push((body as { url: string }).url);
      const items = urls.map((each, n) => ({ id: `${n}`, url: each, kinds: [] }));
      return { status: 200, body: body === null ? { items } : items[0] };
    };
    await start({}, { behaviour: { intercept } });
    const adapterOf = (over: Given) => profileAdapter(profileSchema.parse({ ...PROFILE, ...over }));
    expect(adapterOf({})).not.toHaveProperty('webhooks');
    const auth = { by: 'header', name: 'X-Key' };
    const connection = { baseUrl: server.url, token: 'secret-token', secret: 'signs-with-this' };
    const admin = adapterOf({ auth, webhooks: '/hooks' }).webhooks?.(connection);
    expect(await admin?.install('ours', 'https://sync.example.com')).toMatchObject({ done: 'created' });
    expect(await admin?.list('ours', 'https://sync.example.com')).toHaveLength(1);
    expect(server.calls.every(({ headers }) => headers['x-key'] === 'secret-token')).toBe(true);
  });

  test('a cursor of another kind is refused with a message', async () => {
    const port = await start(SINCE, { task: { changed: 'GET /tasks?since={since}' } });
    expect(await errorOf(port.changes('task', 'c0ffee'))).toBeInstanceOf(NeedsHuman);
  });

  test('a profile without changes has no streams, and lists alone find changes', async () => {
    const port = await start();
    server.add();
    expect(port.streams).toEqual([]);
    expect(await walked(port)).toEqual(['1']);
    const found: string[] = [];
    for await (const { records } of walk(port, ['task'])) found.push(...records.map(({ ref }) => ref.id));
    expect(found).toEqual(['1']);
  });
});

describe('writes', () => {
  const update = (port: SystemPort, made: Pick<SyncRecord, 'version'>, subject: string) =>
    port.update(task(1), { subject }, { version: made.version, backRef: null });

  test.each([
    ['a header of the version', { header: 'If-Match', value: '"v{version}"' }],
    ['the ETag of a read right before', { header: 'If-Match', value: '{etag}' }],
    ['a field of the body', { field: 'lock', value: '{to_number(version)}' }],
  ])('are conditional on a version by %s', async (_, precondition) => {
    const body = 'field' in precondition ? { task: '{fields}', lock: '{fields.lock}' } : { task: '{fields}' };
    const port = await start({ precondition }, { task: { body } });
    expect(port.hasPrecondition('task')).toBe(true);
    const made = await port.create('task', { subject: 'One' }, options);
    const { record } = await update(port, made, 'Two');
    expect(record).toMatchObject({ values: { subject: 'Two' } });
    expect(record.version).not.toBe(made.version);
    expect(await errorOf(update(port, made, 'Three'))).toBeInstanceOf(PreconditionFailed);
    expect(server.tasks[0]?.subject).toBe('Two');
  });

  test('are unconditional and without idempotency keys if the profile says so', async () => {
    const port = await start();
    expect([
      port.hasPrecondition('task'),
      port.hasIdempotencyKeys('task'),
      port.uniqueBackRef('task'),
    ]).toEqual([false, false, false]);
    await update(port, await port.create('task', { subject: 'One' }, options), 'Two');
    expect(server.calls.map(({ headers }) => headers['if-match'])).toEqual([undefined, undefined, undefined]);
  });

  test('send an idempotency key in its header', async () => {
    const port = await start({ idempotency: { header: 'X-Request-Key' } });
    await port.create('task', { subject: 'One' }, options);
    expect(server.calls.at(-1)?.headers).toMatchObject({ 'x-request-key': 'key-1' });
  });

  test('write custom fields and the back-reference as one list', async () => {
    const port = await start();
    const made = await port.create('task', { subject: 'One', 'customFields.3': 'x' }, options);
    expect(made).toMatchObject({ backRef: options.backRef, values: { 'customFields.3': 'x' } });
    expect(server.tasks[0]?.fields).toEqual([
      { id: 3, value: 'x' },
      { id: 7, value: options.backRef },
    ]);
    server.add({ subject: 'other' });
    expect(await port.findByBackRef('task', options.backRef, {})).toEqual([made]);
    expect(await port.findByProperty('task', 'subject', 'ONE')).toEqual([made]);
    expect(await port.findByBackRef('task', 'zendesk:ticket:50', {})).toEqual([]);
  });

  test('refuse an unsupported feature instead of guessing', async () => {
    const port = await start(
      {},
      { task: { create: undefined, update: undefined, findByBackRef: undefined } },
    );
    server.add();
    const codes = [
      port.create('task', {}, options),
      update(port, { version: '1' }, 'x'),
      port.archive(task(1), { version: '1' }),
      port.redact(task(1), { version: '1' }),
      port.followUp(task(1), { text: 'x' }, options),
      port.detach(task(1), '1'),
      (async () => port.findByBackRef('task', options.backRef, {}))(),
    ].map(errorOf);
    expect(await Promise.all(codes)).toMatchObject(
      ['create', 'update', 'archive', 'redact', 'follow_up', 'detach', 'look_up'].map((what) => ({
        code: `cannot_${what}`,
      })),
    );
    expect(await errorOf(port.read([{ side: 'pms', kind: 'cat', id: '1' }]))).toMatchObject({
      code: 'unknown_kind',
    });
  });
});

describe('values', () => {
  const TIME = Date.parse('2026-03-29T10:30:00Z');

  test.each([
    ['seconds', { instant: 'seconds' }, (ms: number) => ms / 1000, 1_774_780_200],
    ['milliseconds', { instant: 'milliseconds' }, (ms: number) => ms, 1_774_780_200_000],
    [
      'a format in a zone',
      { instant: 'dd.MM.yyyy HH:mm', zone: 'Europe/Berlin' },
      () => '29.03.2026 12:30',
      '29.03.2026 12:30',
    ],
    ['ISO without an offset', { zone: 'Europe/Berlin' }, () => '2026-03-29T12:30:00', '2026-03-29T10:30:00Z'],
  ])('times are written as %s', async (_, dates, time, written) => {
    const properties = { subject: 'subject', due: { at: 'due', as: 'instant' } };
    const port = await start({ dates }, { task: { properties }, behaviour: { time } });
    server.add({ changedAt: TIME, due: time(TIME) });
    const [read] = await port.read([task(1)]);
    expect(Date.parse(String(read?.record?.updatedAt))).toBe(TIME);
    expect(Date.parse(read?.record?.values['due'] as string)).toBe(TIME);
    await port.update(task(1), { due: '2026-03-29T10:30:00Z' }, { version: '1', backRef: null });
    expect(server.tasks[0]?.due).toBe(written);
  });

  test('days are written in the API’s format', async () => {
    const properties = { due: { at: 'due', as: 'day' } };
    const port = await start({ dates: { day: 'dd.MM.yyyy' } }, { task: { properties } });
    server.add({ due: '24.12.2026' });
    expect((await port.read([task(1)]))[0]?.record?.values).toMatchObject({ due: '2026-12-24' });
    await port.update(task(1), { due: '2026-12-31' }, { version: '1', backRef: null });
    expect(server.tasks[0]?.due).toBe('31.12.2026');
  });

  test('are converted by a table or by expressions, and left out if empty', async () => {
    const properties = {
      subject: { at: 'subject', values: { high: 'H', low: 'L' } },
      tags: { at: 'due', read: "split(due, ' ')", write: "join(' ', value)" },
      gone: { at: 'gone', optional: true },
    };
    const port = await start({}, { task: { properties } });
    server.add({ subject: 'H', due: 'a b' });
    const [read] = await port.read([task(1)]);
    expect(read?.record?.values).toEqual({ subject: 'high', tags: ['a', 'b'], gone: null });
    const change = (changes: Record<string, unknown>) =>
      port.update(task(1), changes as never, { version: '1', backRef: null });
    await change({ subject: 'low', tags: ['c', 'd'] });
    expect(server.tasks[0]).toMatchObject({ subject: 'L', due: 'c d' });
    expect(await errorOf(change({ subject: 'urgent' }))).toMatchObject({
      code: 'invalid_field',
      field: 'subject',
    });
  });

  test('a missing field is not an empty one', async () => {
    const port = await start({}, { task: { properties: { title: 'title' } } });
    server.add();
    expect(await errorOf(port.read([task(1)]))).toMatchObject({
      code: 'unexpected_response',
      message: expect.stringMatching(
        /^Small PMS GET \/tasks\/1: .*title: found nothing, expected a value$/,
      ) as string,
    });
  });

  test('a directory of people is searched by id and by key', async () => {
    const people = [
      { id: 4, mail: 'Lena@example.com', name: 'Lena' },
      { id: 5, mail: 'bo@example.com', name: 'Bo' },
    ];
    const intercept = ({ method, url }: Call) => {
      if (!url.startsWith('/users')) return null;
      if (method === 'POST') return { status: 201, body: { id: 6, mail: 'new@example.com', name: 'new' } };
      const id = /^\/users\/(\d+)/.exec(url)?.[1];
      if (id === undefined) return { status: 200, body: { users: people } };
      const found = people.find((each) => String(each.id) === id);
      return found ? { status: 200, body: { users: [found] } } : { status: 404 };
    };
    const directories = {
      people: {
        ...{
          id: 'id',
          key: 'mail',
          items: 'users',
          byIds: 'GET /users/{id}',
          byKey: 'GET /users?name={key}',
        },
        make: { request: { send: 'POST /users', body: { mail: '{key}' } }, record: '@' },
      },
    };
    const properties = {
      subject: { at: 'subject', in: 'people' },
      due: { at: 'due', in: 'people', make: true },
      name: { read: 'entries.subject.name' },
    };
    const port = await start({ directories }, { task: { properties }, behaviour: { intercept } });
    server.add({ subject: '4', due: 9 });
    const [read] = await port.read([task(1)]);
    expect(read?.record?.values).toEqual({ subject: 'Lena@example.com', due: null, name: 'Lena' });
    await port.update(
      task(1),
      { subject: 'bo@example.com', due: 'new@example.com' },
      { version: '1', backRef: null },
    );
    expect(server.tasks[0]).toMatchObject({ subject: '5', due: '6' });
    await port.update(task(1), { subject: 'nobody@example.com' }, { version: '1', backRef: null });
    expect(server.tasks[0]).toMatchObject({ subject: '5' });
  });
});

describe('records inside others', () => {
  const note = {
    within: { kind: 'task', property: 'taskId' },
    items: 'notes',
    version: '[text]',
    createdAt: 'at',
    updatedAt: 'at',
    backRef: { in: 'text', as: '<!-- {backRef} -->' },
    list: 'GET /tasks/{within}/notes',
    create: { send: 'POST /tasks/{within}/notes', body: { text: '{fields.text}' } },
    properties: { text: 'text' },
  };
  const over = { kinds: { note }, changes: { since: { lagSeconds: 1 } } };
  const changed = 'GET /tasks?since={since}';

  test('are created, found, read and walked through the record that contains them', async () => {
    const port = await start(over, { task: { changed } });
    server.add();
    const holder = server.add();
    const values = { taskId: String(holder.id), text: 'hello' };
    const made = await port.create('note', values, { ...options, backRef: 'zendesk:comment:5-6' });
    expect(holder.notes[0]?.text).toBe('hello\n\n<!-- zendesk:comment:5-6 -->');
    expect(made).toMatchObject({
      ref: { kind: 'note', id: `2.${holder.notes[0]?.id}` },
      values: { taskId: '2', text: 'hello' },
      backRef: 'zendesk:comment:5-6',
      parent: 'pms:task:2',
    });
    expect(made.version).not.toContain('hello');
    const missing = { ...made.ref, id: '2.99' };
    const lost = { ...made.ref, id: '98.1' };
    expect((await port.read([made.ref, missing, lost])).map(({ record }) => record)).toEqual([
      made,
      null,
      null,
    ]);
    expect(await port.findByBackRef('note', 'zendesk:comment:5-6', values)).toEqual([made]);
    expect((await port.walk('note', null, null)).records).toEqual([made]);
    expect([port.histories, port.streams, port.follows]).toEqual([
      ['note'],
      ['task', 'note'],
      { note: 'task' },
    ]);
    expect((await port.changes('note', null)).records).toEqual([made]);
  });

  test('A9: inside a record that may not be read, they do not hide the others', async () => {
    const intercept = ({ url }: Call) =>
      url.startsWith('/tasks/1/notes') ? { status: 403, body: {} } : null;
    const port = await start(over, { task: { changed }, behaviour: { intercept } });
    for (const each of [server.add(), server.add()])
      each.notes.push({ id: 1, text: 'hello', at: each.changedAt });
    for (const page of [await port.walk('note', null, null), await port.changes('note', null)]) {
      expect(page.records.map(({ ref }) => ref.id)).toEqual(['2.1']);
      expect(page.unreadable).toMatchObject([
        { name: 'note records of pms:task:1', reason: expect.stringContaining('answered 403') as string },
      ]);
    }
  });
});

describe('refusals', () => {
  const rules = [
    { status: 403, means: 'refused' },
    { status: 422, when: "contains(errors, 'taken')", means: 'exists', field: "'subject'" },
    { status: 422, when: "contains(errors, 'no project')", means: 'referenceGone', field: "'project'" },
    { status: 404, means: 'gone' },
    { when: 'at', means: 'refused', field: 'at' },
  ];

  test.each([
    [422, { errors: ['taken'] }, AlreadyExists, { field: 'subject' }],
    [422, { errors: ['no project'] }, ReferenceGone, { field: 'project' }],
    [
      422,
      { errors: ['too long'] },
      NeedsHuman,
      { code: 'invalid_field', message: 'Small PMS POST /tasks: too long' },
    ],
    [422, 'not a list', NeedsHuman, { code: 'invalid_field' }],
    [403, undefined, NeedsHuman, { code: 'invalid_field', message: 'Small PMS POST /tasks: answered 403' }],
    // P1: an answer with status 200 whose body reports an error.
    [
      200,
      { errors: ['no such person'], at: 'owner' },
      NeedsHuman,
      { code: 'invalid_field', field: 'owner', message: 'Small PMS POST /tasks: no such person' },
    ],
    [404, undefined, RecordGone, {}],
  ])('%d %j', async (status, body, kind, what) => {
    const errors = { message: 'errors[0]', rules };
    const intercept = () => ({ status, ...(body !== undefined && { body }) });
    const port = await start({ errors }, { behaviour: { intercept } });
    const error = await errorOf(port.create('task', { subject: 'x' }, options));
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject(what);
  });
});
