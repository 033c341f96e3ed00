import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { loadProfile } from '../../src/config/loadProfile';
import { parseMapping } from '../../src/sync/mappingFile';
import type { Json, SyncRecord } from '../../src/sync/record';
import { type NeedsHuman, PreconditionFailed, RecordGone } from '../../src/systems/errors';
import { profileSystem, type ProfileSystem } from '../../src/systems/profile/profileSystem';
import { profileSchema } from '../../src/systems/profile/profileSchema';
import { TraitPms, temporaryFile, type TraitCall } from '../support/traitPms';

/** Traits of real APIs, each against a small server: P2–P13 of the notes on connecting a system by a profile. */

type Given = Record<string, unknown>;

const PLAIN = {
  version: 1,
  name: 'Trait PMS',
  auth: { by: 'bearer' },
  me: { request: 'GET /me', id: 'id', name: 'name' },
  paging: { by: 'page', param: 'page' },
  errors: {
    message: 'message',
    rules: [
      { status: [404, 410], means: 'gone' },
      { status: 412, means: 'moved' },
    ],
  },
};
const TASK = {
  items: 'items',
  version: 'version',
  createdAt: 'at',
  updatedAt: 'at',
  backRef: { at: 'ref' },
  list: 'GET /tasks',
  read: 'GET /tasks/{id}',
  findByBackRef: 'GET /tasks',
  find: { title: 'GET /tasks?title={value}' },
  create: 'POST /tasks',
  update: 'PATCH /tasks/{id}',
  remove: 'DELETE /tasks/{id}',
  properties: { title: 'title' } as Given,
};
const PEOPLE = {
  id: 'id',
  key: 'mail',
  items: 'items',
  byIds: 'GET /people?ids={join(`,`, ids)}'.replaceAll('`', "'"),
  byKey: 'GET /people?mail={key}',
};

let server: TraitPms;
afterEach(() => server.close());

/** @param over keys of the profile @param task keys of the kind; `undefined` removes a key */
async function start(over: Given = {}, task: Given = {}, kinds: Given = {}): Promise<ProfileSystem> {
  server = await new TraitPms().start();
  return connect(over, task, kinds);
}

function connect(over: Given = {}, task: Given = {}, kinds: Given = {}, user?: string): ProfileSystem {
  const profile = profileSchema.parse({
    ...PLAIN,
    ...over,
    kinds: { task: { ...TASK, ...task }, ...kinds },
  });
  return profileSystem({
    profile,
    baseUrl: server.url,
    token: 'secret-token',
    ...(user !== undefined && { user }),
  });
}

const ref = (id: number | string) => ({ side: 'pms', kind: 'task', id: String(id) }) as const;
const options = { idempotencyKey: 'key-1', backRef: 'zendesk:ticket:5' };
const noted = { version: '1', backRef: null };
const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: unknown) => error,
  );
const read = async (port: ProfileSystem, id: number | string): Promise<SyncRecord | null> =>
  (await port.read([ref(id)]))[0]?.record ?? null;
const walked = async (port: ProfileSystem, kind = 'task'): Promise<string[]> => {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await port.walk(kind, cursor);
    ids.push(...page.records.map((record) => record.ref.id));
    cursor = page.cursor;
    expect(ids.length).toBeLessThan(200);
  } while (cursor !== null);
  return ids;
};
const all = (count: number) => Array.from({ length: count }, (_, n) => String(n + 1));

describe('P4: paged lists', () => {
  /** 25 records on pages of ten. @param answerOf keys of each page in addition to its items */
  const pages = (first: number, answerOf: (page: number, last: boolean) => Given) => (call: TraitCall) => {
    if (call.method !== 'GET' || call.path !== '/tasks') return null;
    const page = Number(call.query.get('page') ?? first) - first;
    const items = server.tasks.slice(page * 10, page * 10 + 10);
    return { body: { items, ...answerOf(page, page * 10 + 10 >= server.tasks.length) } };
  };
  const filled = async (over: Given, first: number, answerOf: (page: number, last: boolean) => Given) => {
    const port = await start(over);
    for (let n = 0; n < 25; n += 1) server.add();
    server.intercept = pages(first, answerOf);
    return port;
  };

  test.each<[string, (page: number, last: boolean) => Given]>([
    ['1 and 0', (_, last) => ({ more: last ? 0 : 1 })],
    ['a URL and null', (page, last) => ({ more: last ? null : `/tasks?page=${page + 1}` })],
    ['a URL and nothing', (page, last) => (last ? {} : { more: `/tasks?page=${page + 1}` })],
    ['the number of further records', (page, last) => ({ more: last ? 0 : 25 - page * 10 - 10 })],
    ['"true" and "false"', (_, last) => ({ more: last ? 'false' : 'true' })],
    ['the next page and an empty text', (page, last) => ({ more: last ? '' : `${page + 2}` })],
    ['a list of links', (_, last) => ({ more: last ? [] : [{ rel: 'next' }] })],
  ])('announce more pages by %s', async (_, answerOf) => {
    const port = await filled({ paging: { by: 'page', param: 'page', more: 'more' } }, 1, answerOf);
    expect(await walked(port)).toEqual(all(25));
    expect(server.calls).toHaveLength(3);
  });

  test.each([
    ['with more', 'more'],
    ['without', undefined],
  ])('with pages counted from zero, %s', async (_, more) => {
    const paging = { by: 'page', param: 'page', first: 0, ...(more !== undefined && { more }) };
    const port = await filled({ paging }, 0, (__, last) => ({ more: !last }));
    expect(await walked(port)).toEqual(all(25));
  });

  test('a list that ignores the page parameter ends, and records that move to the next page do not end it', async () => {
    const port = await start();
    for (let n = 0; n < 25; n += 1) server.add();
    server.intercept = ({ path }) => (path === '/tasks' ? { body: { items: server.tasks } } : null);
    expect(await walked(port)).toEqual(all(25));
    let asked = 0;
    const answerOf = pages(1, () => ({}));
    server.intercept = (call) => {
      const answer = answerOf(call);
      asked += 1;
      // A full page of new records is inserted before it.
      if (asked === 1) for (let n = 0; n < 10; n += 1) server.tasks.unshift(server.task());
      return answer;
    };
    expect([...new Set(await walked(port))].sort()).toEqual(expect.arrayContaining(all(25).sort()));
  });

  test('by offset, with pages of one record', async () => {
    const port = await start({ paging: { by: 'offset', param: 'from' } });
    for (let n = 0; n < 4; n += 1) server.add();
    server.intercept = ({ path, query }) => {
      const from = Number(query.get('from') ?? 0);
      return path === '/tasks' ? { body: { items: server.tasks.slice(from, from + 1) } } : null;
    };
    expect(await walked(port)).toEqual(all(4));
  });

  test('by links in the answer, with repeated parameters; the last page links to itself', async () => {
    const port = await start({ paging: { by: 'link', next: "links[?rel=='next'].href | [0]" } });
    for (let n = 0; n < 25; n += 1) server.add();
    const asked: string[] = [];
    server.intercept = ({ path, query }) => {
      if (path !== '/tasks') return null;
      const page = Number(query.get('page') ?? 0);
      asked.push(query.getAll('f').join('+'));
      const next = Math.min(page + 1, 2);
      return {
        body: {
          items: server.tasks.slice(page * 10, page * 10 + 10),
          links: [{ rel: 'next', href: `${server.url}/tasks?f=a&f=b&page=${next}` }],
        },
      };
    };
    expect(await walked(port)).toEqual(all(25));
    expect(asked).toEqual(['', 'a+b', 'a+b']);
  });

  const NOTE = {
    within: { kind: 'task', property: 'taskId' },
    items: 'notes',
    version: 'version',
    createdAt: 'at',
    updatedAt: 'at',
    backRef: { at: 'ref' },
    list: 'GET /tasks/{within}/notes',
    create: 'POST /tasks/{within}/notes',
    properties: { title: 'title' },
  };
  const notes = ({ path, query, method }: TraitCall) => {
    if (!path.endsWith('/notes') || method !== 'GET') return null;
    const page = Number(query.get('page') ?? 0);
    return {
      body: {
        notes: server.tasks.slice(page * 10, page * 10 + 10),
        more: page * 10 + 10 < server.tasks.length,
      },
    };
  };

  test.each([
    ['like all lists', { paging: { by: 'page', param: 'page', first: 0, more: 'more' } }, {}],
    ['in another way', {}, { paging: { by: 'page', param: 'page', first: 0, more: 'more' } }],
  ])('a list inside a record that has pages %s is read to its third page', async (_, over, own) => {
    const port = await start(over, {}, { note: { ...NOTE, ...own } });
    for (let n = 0; n < 25; n += 1) server.add();
    server.intercept = notes;
    const [found] = await port.read([{ side: 'pms', kind: 'note', id: '1.23' }]);
    expect(found?.record?.ref.id).toBe('1.23');
    server.intercept = ({ path }) => (path.endsWith('/notes') ? { status: 404 } : null);
    expect((await port.read([{ side: 'pms', kind: 'note', id: '1.23' }]))[0]?.record).toBeNull();
  });

  test('a list inside a record that is not paged, though other lists are', async () => {
    const port = await start({}, {}, { note: { ...NOTE, paging: { by: 'none' } } });
    server.add();
    server.intercept = ({ path }) => (path.endsWith('/notes') ? { body: { notes: server.tasks } } : null);
    expect((await port.read([{ side: 'pms', kind: 'note', id: '1.1' }]))[0]?.record).not.toBeNull();
    expect(server.calls).toHaveLength(1);
  });

  test('records that are read by ids and are on the second page do not count as deleted', async () => {
    const port = await start({}, { read: "GET /tasks?ids={join(',', ids)}" });
    for (let n = 0; n < 25; n += 1) server.add();
    server.intercept = pages(1, () => ({}));
    const found = await port.read(all(25).map(ref));
    expect(found.filter(({ record }) => record === null)).toEqual([]);
    expect(server.calls).toHaveLength(3);
  });

  test('people that are read by ids or searched, and are on the second page, are found', async () => {
    const port = await start(
      { directories: { people: PEOPLE } },
      { properties: { title: 'title', owner: { at: 'owner', in: 'people' } } },
    );
    const people = Array.from({ length: 15 }, (_, n) => ({ id: n + 1, mail: `p${n + 1}@example.com` }));
    server.add({ owner: 14 });
    server.intercept = ({ path, query }) => {
      const page = Number(query.get('page') ?? 1) - 1;
      return path === '/people' ? { body: { items: people.slice(page * 10, page * 10 + 10) } } : null;
    };
    expect((await read(port, 1))?.values['owner']).toBe('p14@example.com');
    await port.update(ref(1), { owner: 'p13@example.com' }, noted);
    expect(server.tasks[0]?.['owner']).toBe('13');
  });

  test('a look-up finds a match on the second page', async () => {
    const find = { title: { send: 'GET /tasks?title={value}', compare: true } };
    const port = await start({}, { find });
    for (let n = 0; n < 15; n += 1) server.add();
    server.intercept = pages(1, () => ({}));
    expect((await port.findByProperty('task', 'title', 'task 14')).map((each) => each.ref.id)).toEqual([
      '14',
    ]);
  });
});

describe('P3: lists of ids', () => {
  const LABELS = { ...PEOPLE, key: 'name', byIds: 'GET /labels', byKey: 'GET /labels?name={key}' };
  const make = { request: { send: 'POST /labels', body: { name: '{key}' } }, record: '@' };
  const labelled = async (property: Given, directory: Given = {}) => {
    const port = await start(
      { directories: { labels: { ...LABELS, ...directory } }, paging: { by: 'none' } },
      { properties: { title: 'title', labels: { in: 'labels', ...property } } },
    );
    const labels = [
      { id: 3, name: 'gold' },
      { id: 4, name: 'vip' },
    ];
    server.intercept = ({ method, path, body }) => {
      if (path !== '/labels') return null;
      if (method === 'GET') return { body: { items: labels } };
      labels.push({ id: labels.length + 3, name: (body as { name: string }).name });
      return { status: 201, body: labels.at(-1) as Json };
    };
    return port;
  };

  test('are read as keys and written as ids, in each form that APIs have', async () => {
    const port = await labelled({ at: 'labels' });
    server.add({ labels: [3, 4] });
    expect((await read(port, 1))?.values['labels']).toEqual(['gold', 'vip']);
    await port.update(ref(1), { labels: ['VIP'] }, noted);
    expect(server.tasks[0]?.['labels']).toEqual(['4']);
    await port.update(ref(1), { labels: [] }, noted);
    expect(server.tasks[0]?.['labels']).toEqual([]);
    expect((await port.create('task', { labels: ['gold', 'vip'] }, options)).values['labels']).toEqual([
      'gold',
      'vip',
    ]);
  });

  test('are objects when read, and numbers when written', async () => {
    const port = await labelled({
      at: 'label_ids',
      read: 'labels[*].id',
      write: 'map(&to_number(@), value)',
      empty: [],
    });
    server.add({ labels: [{ id: 4, name: 'vip' }] });
    expect((await read(port, 1))?.values['labels']).toEqual(['vip']);
    await port.update(ref(1), { labels: ['vip', 'gold'] }, noted);
    expect(server.tasks[0]?.['label_ids']).toEqual([4, 3]);
    await port.update(ref(1), { labels: null }, noted);
    expect(server.tasks[0]?.['label_ids']).toEqual([]);
  });

  test('an unknown entry is created if the profile allows it, and named if not', async () => {
    const port = await labelled({ at: 'labels', make: true }, { make });
    server.add({ labels: [] });
    await port.update(ref(1), { labels: ['gold', 'new'] }, noted);
    expect(server.tasks[0]?.['labels']).toEqual(['3', '5']);
    server.close();
    const strict = await labelled({ at: 'labels' });
    server.add({ labels: [3] });
    // The whole list is dropped: a shorter list would remove the unknown entry on the other side.
    const { record } = await strict.update(ref(1), { title: 'x', labels: ['gold', 'new'] }, noted);
    expect(record).toMatchObject({
      values: { title: 'x', labels: ['gold'] },
      leftOut: {
        labels: expect.stringContaining('found "new", expected one that "labels" has') as string,
      },
    });
    expect(server.tasks[0]?.['labels']).toEqual([3]);
  });

  test('an id without an entry in the directory is named: the next edit would drop it', async () => {
    const port = await labelled({ at: 'labels' });
    server.add({ labels: [3, 99] });
    expect(await errorOf(read(port, 1))).toMatchObject({
      code: 'unexpected_response',
      message: expect.stringContaining(
        'labels: found 99, expected the id of an entry that "labels" has',
      ) as string,
    });
  });

  test('values are converted by a table, one by one', async () => {
    const port = await start({}, { properties: { kinds: { at: 'kinds', values: { bug: 1, wish: 2 } } } });
    server.add({ kinds: [1, 2] });
    expect((await read(port, 1))?.values['kinds']).toEqual(['bug', 'wish']);
    await port.update(ref(1), { kinds: ['wish'] }, noted);
    expect(server.tasks[0]?.['kinds']).toEqual([2]);
  });
});

describe('P2, P9: people by id', () => {
  const OWNER = { at: 'owner_id', read: 'owner.id', in: 'people' };
  const people = [
    { id: 4, mail: 'lena@example.com', name: 'Lena' },
    { id: 5, mail: 'bo@example.com', name: 'Bo' },
  ];
  const owned = async (property: Given = OWNER) => {
    const port = await start(
      { directories: { people: PEOPLE }, paging: { by: 'none' } },
      { properties: { title: 'title', owner: property, name: { read: 'entries.owner.name' } } },
    );
    server.intercept = ({ path }) => (path === '/people' ? { body: { items: people } } : null);
    return port;
  };

  test('P2: a person is read in one field and written in another', async () => {
    const port = await owned();
    server.add({ owner: { id: 4 } });
    server.add({ owner: null });
    expect((await read(port, 1))?.values).toMatchObject({ owner: 'lena@example.com', name: 'Lena' });
    expect((await read(port, 2))?.values).toMatchObject({ owner: null, name: null });
    await port.update(ref(1), { owner: 'bo@example.com' }, noted);
    expect(server.tasks[0]?.['owner_id']).toBe('5');
  });

  test('P2: a person in a custom field', async () => {
    server = await new TraitPms().start();
    const port = connect(
      { directories: { people: PEOPLE }, paging: { by: 'none' } },
      {
        customFields: { at: 'fields', key: 'id', value: 'value' },
        properties: { owner: { at: 'customFields.7', in: 'people' } },
      },
    );
    server.intercept = ({ path }) => (path === '/people' ? { body: { items: people } } : null);
    server.add({ fields: [{ id: 7, value: 5 }] });
    expect((await read(port, 1))?.values['owner']).toBe('bo@example.com');
  });

  test('P2: the expression of an entry’s id may not read entries; loading the profile refuses it', async () => {
    server = await new TraitPms().start();
    expect(() =>
      connect(
        { directories: { people: PEOPLE } },
        { properties: { owner: { at: 'owner', read: 'entries.owner.id', in: 'people' } } },
      ),
    ).toThrow('expected the id, or the ids, of its entries');
  });

  test('P9: an entry without an id is refused by name, and so is a missing field', async () => {
    const port = await owned();
    server.add({ owner: { id: 4 } });
    server.intercept = ({ path }) =>
      path === '/people' ? { body: { items: [{ uuid: 4, mail: 'lena@example.com' }] } } : null;
    expect(await errorOf(read(port, 1))).toMatchObject({
      code: 'unexpected_response',
      message: 'Trait PMS GET /people: items.0.id: found nothing, expected the id of an entry',
    });
    server.close();
    const other = await owned({ at: 'owner_id', in: 'people' });
    server.add();
    expect(String(await errorOf(read(other, 1)))).toContain('owner_id: found nothing, expected a value');
  });

  test('P9: a person without a visible address is nobody', async () => {
    const port = await owned();
    server.add({ owner: { id: 4 } });
    server.intercept = ({ path }) =>
      path === '/people' ? { body: { items: [{ id: 4, mail: null, name: 'Lena' }] } } : null;
    expect((await read(port, 1))?.values['owner']).toBeNull();
  });
});

describe('P5: requests are sent as the profile writes them', () => {
  test('parameters are repeated, and a list becomes one parameter per value', async () => {
    const port = await start(
      { paging: { by: 'none' } },
      { list: 'GET /tasks?state=open&state=closed&f[]=a', read: 'GET /tasks?id={ids}' },
    );
    server.add();
    server.add();
    await walked(port);
    await port.read([ref(1), ref(2)]);
    const [list, byIds] = server.calls.map(({ query }) => query);
    expect([list?.getAll('state'), list?.getAll('f[]')]).toEqual([['open', 'closed'], ['a']]);
    expect(byIds?.getAll('id')).toEqual(['1', '2']);
  });

  test('a file has its query and headers', async () => {
    const files = {
      ...{ list: 'files', id: 'id', fileName: 'name', contentType: "'text/plain'", size: 'size' },
      read: { send: 'GET /files/{file}?version=original&part=1&part=2', headers: { 'X-Of': '{id}' } },
      add: 'POST /files',
      added: 'id',
    };
    const port = await start({}, { files });
    server.add({ files: [{ id: 9, name: 'a.txt', size: 2 }] });
    server.intercept = ({ path }) => (path === '/files/9' ? { body: 5 } : null);
    const { content } = await port.openFile(ref(1), '9');
    content.resume();
    const sent = server.calls.at(-1);
    expect(sent?.query.toString()).toBe('version=original&part=1&part=2');
    expect(sent?.headers).toMatchObject({ 'x-of': '1', authorization: 'Bearer secret-token' });
  });
});

describe('P10: empty values', () => {
  const EMPTY: [string, Given, Json, Json][] = [
    ['null', { at: 'due', empty: null }, null, 'x'],
    ['an empty text', { at: 'due', empty: '' }, '', 'x'],
    ['an empty list', { at: 'due', empty: [] }, [], ['x']],
    ['minus one', { at: 'due', empty: -1 }, -1, 'x'],
    ['a word', { at: 'due', empty: 'none' }, 'none', 'x'],
    ['false', { at: 'due', empty: false }, false, 'x'],
  ];
  test.each(EMPTY)('are %s, in both directions', async (_, property, empty, value) => {
    const port = await start({}, { properties: { title: 'title', due: property } });
    server.add({ due: value });
    for (const nothing of [null, '', []]) {
      await port.update(ref(1), { due: value }, noted);
      expect((await read(port, 1))?.values['due']).toEqual(value);
      await port.update(ref(1), { due: nothing }, noted);
      expect(server.tasks[0]?.['due']).toEqual(empty);
      expect((await read(port, 1))?.values['due']).toBeNull();
    }
  });

  test('are written by their own call, under the version that the edit before it returned', async () => {
    const due = { at: 'due', optional: true, empty: { send: 'DELETE /tasks/{id}/due' } };
    const port = await start(
      { precondition: { header: 'If-Match', value: '{version}' } },
      { properties: { title: 'title', due } },
    );
    server.add({ due: 'x' });
    server.intercept = ({ method, path }) => {
      if (method !== 'DELETE' || path !== '/tasks/1/due') return null;
      Object.assign(server.tasks[0] ?? {}, { due: null, version: (server.tasks[0]?.version ?? 0) + 1 });
      return { status: 204 };
    };
    const { record } = await port.update(ref(1), { title: 'new', due: null }, noted);
    expect(record).toMatchObject({ values: { title: 'new', due: null }, version: '3' });
    expect(
      server.calls
        .filter(({ method }) => method !== 'GET')
        .map(({ method, path, headers }) => [method, path, headers['if-match']]),
    ).toEqual([
      ['PATCH', '/tasks/1', '1'],
      ['DELETE', '/tasks/1/due', '2'],
    ]);
    // The value is cleared without another edit.
    server.calls.length = 0;
    await port.update(ref(1), { due: null }, { version: '3', backRef: null });
    expect(server.calls.map(({ method }) => method)).not.toContain('PATCH');
    // A new record is empty.
    await port.create('task', { title: 'other', due: null }, options);
    expect(server.tasks[1]).not.toHaveProperty('due');
  });

  test('combine with as, values, in and write', async () => {
    const port = await start(
      { dates: { day: 'dd.MM.yyyy' } },
      {
        properties: {
          due: { at: 'due', read: 'due.on', as: 'day', write: '{on: value}', empty: null },
          rank: { at: 'rank', read: 'rank.id', values: { low: 1, high: 2 }, write: '{id: value}', empty: -1 },
        },
      },
    );
    server.add({ due: { on: '24.12.2026' }, rank: { id: 2 } });
    expect((await read(port, 1))?.values).toEqual({ due: '2026-12-24', rank: 'high' });
    await port.update(ref(1), { due: '2026-12-31', rank: 'low' }, noted);
    expect(server.tasks[0]).toMatchObject({ due: { on: '31.12.2026' }, rank: { id: 1 } });
    await port.update(ref(1), { due: null, rank: null }, noted);
    expect(server.tasks[0]).toMatchObject({ due: null, rank: -1 });
  });

  test('a number that stands for nobody is not looked up', async () => {
    const port = await start(
      { directories: { people: PEOPLE } },
      { properties: { owner: { at: 'owner', in: 'people', empty: 0 } } },
    );
    server.add({ owner: 0 });
    expect((await read(port, 1))?.values['owner']).toBeNull();
    await port.update(ref(1), { owner: null }, noted);
    expect([server.tasks[0]?.['owner'], server.calls.some(({ path }) => path === '/people')]).toEqual([
      0,
      false,
    ]);
  });

  test('a field named in a body is null when cleared, and left out when not written', async () => {
    const port = await start(
      {},
      {
        properties: { title: 'title', due: 'due' },
        body: { title: '{fields.title}', due: '{fields.due}', note: '{backRef}' },
      },
    );
    server.add({ due: 'x' });
    await port.update(ref(1), { due: null }, noted);
    expect(server.calls.find(({ method }) => method === 'PATCH')?.body).toEqual({ due: null });
  });

  test.each([null, '', []])('a field that is never empty is refused: %j', async (value) => {
    const port = await start({}, { properties: { tags: { at: 'tags', required: true } } });
    server.add({ tags: ['x'] });
    expect(await errorOf(port.update(ref(1), { tags: value }, noted))).toMatchObject({
      code: 'invalid_field',
    });
  });
});

describe('P6: a create whose answer has only the id', () => {
  const answered = ({ method, path, body }: TraitCall) => {
    if (method !== 'POST' || path !== '/tasks') return null;
    return { status: 201, body: { data: { id: server.add(body as Given).id } } };
  };

  test('is read back, and so is an edit', async () => {
    const port = await start({}, { made: 'data.id' });
    server.intercept = answered;
    const made = await port.create('task', { title: 'One' }, options);
    expect(made).toMatchObject({ ref: { id: '1' }, values: { title: 'One' }, backRef: options.backRef });
    // A record of a person, which no back-reference would find.
    expect((await port.create('task', { title: 'Two' }, { ...options, backRef: null })).values['title']).toBe(
      'Two',
    );
    server.intercept = ({ method, path }) => {
      if (method !== 'PATCH') return null;
      Object.assign(server.tasks[0] ?? {}, { title: 'Three', version: 2 });
      return { body: { data: { id: 1, href: path } } };
    };
    expect((await port.update(ref(1), { title: 'Three' }, noted)).record.values['title']).toBe('Three');
  });

  test('without an id is an error that names it', async () => {
    const port = await start({}, { made: 'id' });
    server.intercept = answered;
    expect(await errorOf(port.create('task', { title: 'One' }, options))).toMatchObject({
      message: 'Trait PMS POST /tasks: id: found nothing, expected the id of the new record',
    });
  });

  test.each<[string, Given, Given]>([
    ['by its id', { made: 'data.id' }, { data: { id: 7 } }],
    ['as an entry with only an id', { record: 'data' }, { data: { id: 7 } }],
    ['in full', { record: 'data' }, { data: { id: 7, mail: 'new@example.com', name: 'New' } }],
  ])('returns a person whose id is known: %s', async (_, make, answer) => {
    const port = await start(
      { directories: { people: { ...PEOPLE, make: { request: 'POST /people', ...make } } } },
      {
        properties: {
          owner: { at: 'owner', in: 'people', make: true },
          name: { read: 'entries.owner.name' },
        },
      },
    );
    const people: Given[] = [];
    server.add({ owner: null });
    server.intercept = ({ method, path }) => {
      if (path !== '/people') return null;
      if (method === 'GET') return { body: { items: people } as unknown as Json };
      people.push({ id: 7, mail: 'new@example.com', name: 'New' });
      return { status: 201, body: answer };
    };
    await port.update(ref(1), { owner: 'new@example.com' }, noted);
    expect([people.length, server.tasks[0]?.['owner']]).toEqual([1, '7']);
    expect((await read(port, 1))?.values).toEqual({ owner: 'new@example.com', name: 'New' });
    await port.update(ref(1), { owner: 'NEW@example.com' }, noted);
    expect(people).toHaveLength(1);
  });
});

describe('P8: records that ended and can still be read', () => {
  test('are recognised', async () => {
    const port = await start({}, { state: "retired && 'deleted' || 'live'" });
    server.add({ retired: true });
    expect((await read(port, 1))?.state).toBe('deleted');
  });

  test.each<[string, string]>([
    ['a list by ids', 'GET /tasks?id={ids}'],
    ['a list by one id', 'GET /tasks?id={id}'],
    ['the whole list', 'GET /tasks'],
  ])('that only the list shows as ended: %s', async (_, listed) => {
    const port = await start({ precondition: { header: 'If-Match', value: '{etag}' } }, { listed });
    for (let n = 0; n < 25; n += 1) server.add({ retired: n % 2 === 0 });
    server.intercept = ({ method, path, query }) => {
      if (method !== 'GET' || path !== '/tasks') return null;
      const ids = query.getAll('id');
      const page = Number(query.get('page') ?? 1) - 1;
      const live = server.tasks.filter(
        ({ id, retired }) => retired !== true && (ids.length === 0 || ids.includes(String(id))),
      );
      return { body: { items: live.slice(page * 10, page * 10 + 10) } };
    };
    const found = await port.read([ref(1), ref(2), ref(24), ref(25), ref(99)]);
    expect(found.map(({ record }) => record?.ref.id ?? null)).toEqual([null, '2', '24', null, null]);
    expect(await errorOf(port.update(ref(1), { title: 'x' }, noted))).toBeInstanceOf(RecordGone);
    expect(server.tasks[0]?.title).toBe('task 1');
  });
});

describe('P11: remove', () => {
  test.each<[string, Given, string]>([
    ['the ETag of a read', { header: 'If-Match', value: '{etag}' }, '"v1"'],
    ['the version', { header: 'If-Match', value: '"v{version}"' }, '"v1"'],
  ])('is conditional by %s', async (_, precondition, sent) => {
    const port = await start({ precondition });
    server.add();
    server.mustMatch = true;
    expect(port.canRemove('task')).toBe(true);
    await port.remove(ref(1));
    expect([server.tasks, server.calls.at(-1)?.headers['if-match']]).toEqual([[], sent]);
    await port.remove(ref(1));
  });

  test('sends the version itself, and repeats after a faster edit', async () => {
    const remove = { send: 'DELETE /tasks/{id}?lock={version}', headers: { 'X-Tag': '{etag}' } };
    const port = await start({}, { remove });
    server.add();
    let refused = 0;
    server.intercept = ({ method }) => {
      if (method !== 'DELETE' || refused > 0) return null;
      refused += 1;
      (server.tasks[0] as { version: number }).version += 1;
      return { status: 412 };
    };
    await port.remove(ref(1));
    const sent = server.calls.filter(({ method }) => method === 'DELETE');
    expect(sent.map(({ query, headers }) => [query.get('lock'), headers['x-tag']])).toEqual([
      ['1', '"v1"'],
      ['2', '"v2"'],
    ]);
    expect(server.tasks).toEqual([]);
  });
});

describe('P12: kinds with different calls', () => {
  test('have their own calls, or none', async () => {
    const port = await start(
      {
        paging: { by: 'page', param: 'page' },
        pageSize: { param: 'size', most: 50 },
        precondition: { header: 'If-Match', value: '"v{version}"' },
        idempotency: { header: 'X-Key' },
        dates: { instant: 'seconds' },
      },
      {},
      {
        other: {
          ...TASK,
          paging: { by: 'none' },
          pageSize: 'none',
          precondition: 'none',
          idempotency: 'none',
          dates: { instant: 'iso' },
        },
        third: { ...TASK, precondition: { field: 'lock', value: '{to_number(version)}' } },
      },
    );
    expect(['task', 'other', 'third'].map((kind) => port.hasPrecondition(kind))).toEqual([true, false, true]);
    expect(['task', 'other'].map((kind) => port.hasIdempotencyKeys(kind))).toEqual([true, false]);
    server.add({ at: '2026-01-01T00:00:00Z' });
    await port.update({ ...ref(1), kind: 'other' }, { title: 'x' }, noted);
    await port.create('other', { title: 'y' }, options);
    await port.walk('other', null);
    const [edit, create, list] = server.calls.filter(
      ({ method, path }) => method !== 'GET' || path === '/tasks',
    );
    expect([edit?.headers['if-match'], create?.headers['x-key'], list?.query.toString()]).toEqual([
      undefined,
      undefined,
      '',
    ]);
    server.tasks[0] = { ...server.task(), id: 1, version: 2, at: 1_774_780_200 };
    server.calls.length = 0;
    await port.update(ref(1), { title: 'x' }, { version: '2', backRef: null });
    expect(server.calls[0]?.headers['if-match']).toBe('"v2"');
    server.tasks.length = 1;
    await port.walk('task', null);
    expect(server.calls.at(-1)?.query.toString()).toBe('size=50&page=1');
    expect(await errorOf(port.update({ ...ref(1), kind: 'task' }, { title: 'x' }, noted))).toBeInstanceOf(
      PreconditionFailed,
    );
  });
});

describe('P12: messages for authors of profiles', () => {
  const shipped = (file: string) => readFileSync(path.resolve(__dirname, '../..', file), 'utf8');
  beforeEach(async () => {
    server = await new TraitPms().start();
  });

  test('a malformed name of a kind gets a message', () => {
    const file = temporaryFile('pms.yaml', shipped('profiles/contract.yaml').replace('  note:', '  Note-1:'));
    expect(() => loadProfile(file)).toThrow(
      /^\S+pms\.yaml:\d+: kinds\.Note-1: found the name "Note-1", expected lower-case letters and _, such as work_item$/m,
    );
  });

  test('the table of comments for the unused mode may be missing, but no other', () => {
    const mapping = (without: string, mode: string) => {
      const input = parse(shipped('mapping.yaml')) as { entities: { CommentToProject: Given } };
      const comments = { ...input.entities.CommentToProject, mode };
      return {
        ...input,
        entities: { ...input.entities, CommentToProject: { ...comments, [without]: undefined } },
      };
    };
    const read = (without: string, mode: string) =>
      parseMapping(mapping(without, mode), 'm.yaml', () => '1').entities.CommentToProject.kind.pms;
    expect([read('project', 'note'), read('note', 'project')]).toEqual(['note', 'project']);
    expect(() => read('note', 'note')).toThrow(
      'm.yaml: entities.CommentToProject.note: found nothing, expected the table of "mode: note"',
    );
  });
});

describe('P13: authentication', () => {
  test('headers go with every call, including files and webhooks', async () => {
    const files = {
      ...{ list: 'files', id: 'id', fileName: 'name', contentType: "'text/plain'", size: 'size' },
      ...{ read: 'GET /files/{file}', add: 'POST /files', added: 'id' },
    };
    const port = await start(
      { headers: { 'X-Api-Version': '2024-10', Accept: 'application/vnd.x+json' } },
      { files },
    );
    server.add({ files: [{ id: 9, name: 'a', size: 1 }] });
    server.intercept = ({ path }) => (path === '/files/9' ? { body: 5 } : null);
    await port.whoAmI();
    await walked(port);
    (await port.openFile(ref(1), '9')).content.resume();
    expect(server.calls.map(({ headers }) => headers['x-api-version'])).toEqual(
      server.calls.map(() => '2024-10'),
    );
    expect(server.calls[0]?.headers.accept).toBe('application/vnd.x+json');
  });

  test('a key in the query goes with every call, and never into cursors and errors', async () => {
    server = await new TraitPms().start();
    const port = connect(
      { auth: { by: 'query', param: 'token', user: 'key' }, paging: { by: 'link', next: 'next' } },
      {},
      {},
      'app',
    );
    for (let n = 0; n < 3; n += 1) server.add();
    server.intercept = ({ path, query }) => {
      if (path !== '/tasks') return null;
      const page = Number(query.get('page') ?? 0);
      // It repeats the credential, like some servers.
      const next = page < 2 ? `/tasks?key=app&token=secret-token&page=${page + 1}` : null;
      return { body: { items: server.tasks.slice(page, page + 1), next } };
    };
    const first = await port.walk('task', null);
    expect(first.cursor).toBe('/tasks?page=1');
    expect(await walked(port)).toEqual(all(3));
    expect(
      server.calls.map(({ query }) => `${query.getAll('key').join()} ${query.getAll('token').join()}`),
    ).toEqual(server.calls.map(() => 'app secret-token'));
    expect(server.calls.every(({ headers }) => headers.authorization === undefined)).toBe(true);
    server.intercept = () => ({ status: 422, body: { message: 'no' } });
    const error = (await errorOf(port.update(ref(1), { title: 'x' }, noted))) as NeedsHuman;
    expect(`${error.message} ${error.stack ?? ''}`).not.toContain('secret-token');
  });

  test.each(['header', 'form'])(
    'a refresh token of another host, with the client in the %s, is replaced by the next one',
    async (client) => {
      const login = await new TraitPms().start();
      server = await new TraitPms().start();
      const forms: URLSearchParams[] = [];
      let valid = 'granted-1';
      login.intercept = ({ body, headers }) => {
        const form = new URLSearchParams(body as string);
        forms.push(form);
        const basic = Buffer.from('app:client-secret').toString('base64');
        const isKnown =
          client === 'form'
            ? form.get('client_id') === 'app' && form.get('client_secret') === 'client-secret'
            : headers.authorization === `Basic ${basic}`;
        if (!isKnown) return { status: 401, body: { error: 'invalid_client' } };
        if (form.get('refresh_token') !== valid) return { status: 400, body: { error: 'invalid_grant' } };
        valid = `granted-${forms.length + 1}`;
        const access = { access_token: `a${forms.length}`, token_type: 'bearer', expires_in: 3600 };
        return { body: { ...access, refresh_token: valid } };
      };
      try {
        const auth = { by: 'oauth2', token: `${login.url}/token`, grant: 'refresh_token', client };
        const fresh = () =>
          profileSystem({
            profile: profileSchema.parse({ ...PLAIN, auth, kinds: { task: TASK } }),
            baseUrl: server.url,
            token: 'client-secret',
            user: 'app',
            readRefreshToken: () => 'granted-1',
          });
        const port = fresh();
        await port.whoAmI();
        await port.whoAmI();
        expect(server.calls.map(({ headers }) => headers.authorization)).toEqual(['Bearer a1', 'Bearer a1']);
        // After a refused token, a new one is minted by the refresh token that came with it.
        server.intercept = ({ headers }) => (headers.authorization === 'Bearer a1' ? { status: 401 } : null);
        await port.whoAmI();
        expect(forms.map((form) => [form.get('grant_type'), form.get('refresh_token')])).toEqual([
          ['refresh_token', 'granted-1'],
          ['refresh_token', 'granted-2'],
        ]);
        // Another process starts with the configured refresh token, which is no longer valid by now.
        const error = await errorOf(fresh().whoAmI());
        expect(String(error)).toContain('the refresh token of PMS_REFRESH_TOKEN has ended or was used up');
        expect(String((error as Error).stack)).not.toMatch(/granted-|client-secret/);
      } finally {
        login.close();
      }
    },
  );
});
