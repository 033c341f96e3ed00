import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Lies } from 'pms-sandbox';
import { controlsOf } from 'testkit';
import type { FaultInput } from 'zendesk-sandbox/common';
import { loadMapping } from '../../src/config/loadMapping';
import { Expression } from '../../src/systems/profile/expression';
import { loadProfile } from '../../src/config/loadProfile';
import type { CheckId } from '../../src/checks/conform/checks';
import { isSound, type Report } from '../../src/checks/conform/conformReport';
import { runConformance, type ConformInput, type Conformance } from '../../src/checks/conform/runConform';
import type { Verdict } from '../../src/checks/conform/verdict';
import type { SystemPort } from '../../src/systems/port';
import { profileSystem, type ProfileSystem } from '../../src/systems/profile/profileSystem';
import { runShared, type Ran } from '../support/cli';
import { MAPPING_FILE, serviceSignIn, startSandboxes, type Sandboxes } from '../support/sandboxes';

/**
 * The conform checks against the PMS sandbox over HTTP: they name each broken promise, and report nothing about a
 * correct system.
 */

let boxes: Sandboxes;
let run = 0;
beforeEach(async () => {
  boxes = await startSandboxes();
});
afterEach(() => boxes.close());

/** The number of records of each kind: a page of the shipped profile has 200, a small page 20. */
const OVER_A_PAGE = 230;
const OVER_A_SMALL_PAGE = 30;
const FEW = 12;

/** The sandbox by the shipped profile with smaller pages, so that few records need several pages. */
const smallPages = (): SystemPort =>
  profileSystem({
    profile: { ...loadProfile('contract'), pageSize: { param: 'limit', most: 20 } },
    baseUrl: boxes.pms.url,
    token: boxes.pms.token,
    timeoutMs: 2_000,
  });

/** People of the sandbox. Its profile would create unknown people. */
const KNOWN = 'known@pms.example';
const OTHER = 'other@pms.example';
beforeEach(async () => {
  for (const email of [KNOWN, OTHER])
    await boxes.pm('POST', '/people', { email, name: email, role: 'agent' });
});
const contract = () => boxes.systems.pms as ProfileSystem;

async function conform(records: number, changes: Partial<ConformInput> = {}): Promise<Conformance> {
  run += 1;
  return runConformance({
    port: boxes.systems.pms,
    mapping: boxes.mapping,
    records,
    serverTime: async () => new Date(),
    people: [KNOWN, OTHER],
    removal: { can: () => true, remove: (ref) => contract().remove(ref) },
    tag: `conform-${run}`,
    patience: { timeoutMs: 1_000, lookMs: 50, signal: new AbortController().signal },
    ...changes,
  });
}

const faults = (...rules: FaultInput[]) => controlsOf(boxes.pms).setFaults(...rules);
const lies = (changes: Partial<Lies>) => controlsOf(boxes.pms).setLies(changes);
/** Checks with a verdict, each once. */
const checksWith = ({ results }: Conformance, verdict: Verdict): CheckId[] => [
  ...new Set(results.filter((each) => each.verdict === verdict).map(({ check }) => check)),
];
const complaints = ({ results }: Conformance) =>
  results
    .filter(({ verdict }) => verdict === 'lies' || verdict === 'failed')
    .map(({ check, subject, found }) => `${subject} ${check}: ${found}`);
const live = () =>
  (['customer', 'project', 'note'] as const).flatMap((kind) =>
    [...boxes.pms.store.all(kind)].filter(({ archivedAt }) => archivedAt === null),
  );

describe('the honest sandbox', () => {
  test.each<[string, number, () => SystemPort]>([
    ['pages of 200', OVER_A_PAGE, () => boxes.systems.pms],
    ['pages of 20', OVER_A_SMALL_PAGE, smallPages],
  ])('passes every check, and nothing stays behind: %s', async (_, records, port) => {
    const conformance = await conform(records, { port: port() });
    expect(complaints(conformance)).toEqual([]);
    expect(checksWith(conformance, 'window')).toEqual([]);
    expect(checksWith(conformance, 'untried')).toEqual([]);
    // Customers have no files.
    expect(checksWith(conformance, 'off')).toEqual(['file', 'detach', 'fileRepeat']);
    expect(conformance.invariants.map(({ holds }) => holds)).toEqual(Array(5).fill('fully'));
    expect(conformance.cleanup).toMatchObject({ leftBehind: [], removed: conformance.cleanup.made });
    expect(conformance.cleanup.made).toBeGreaterThan(records * 3);
    // P11: all created records are removed.
    expect(
      (['customer', 'project', 'note'] as const).flatMap((kind) => [...boxes.pms.store.all(kind)]),
    ).toEqual([]);
    // P7: the values that each property was checked with.
    const values = conformance.results.filter(({ check }) => check === 'values');
    const project = values.find(({ subject }) => subject === 'project')?.found ?? '';
    for (const name of ['title', 'status', 'customerId', 'dueDate', 'tags', 'requester', 'assignee'])
      expect(project).toMatch(new RegExp(`\\b${name} \\([3-9]\\)`));
    expect(conformance.invariants.map(({ untried }) => untried)).toEqual([
      [],
      [],
      [expect.any(String)],
      [],
      [expect.any(String)],
    ]);
  });

  test('with one page of records has no paging check, and the report says so', async () => {
    const conformance = await conform(FEW);
    expect(complaints(conformance)).toEqual([]);
    expect(checksWith(conformance, 'untried')).toEqual(['walk']);
  });

  test('passes with comments as projects', async () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'zps-conform-')), 'mapping.yaml');
    writeFileSync(file, readFileSync(MAPPING_FILE, 'utf8').replace('mode: note', 'mode: project'));
    const conformance = await conform(FEW, { mapping: loadMapping(file) });
    expect(complaints(conformance)).toEqual([]);
    expect(
      conformance.results.filter(({ subject }) => subject === 'project (comment)').length,
    ).toBeGreaterThan(10);
    expect(live()).toEqual([]);
  });

  test.each(['first', 'last'])(
    'may leave out an empty custom field, whose row is the %s (no person given)',
    async (place) => {
      const file = path.join(mkdtempSync(path.join(tmpdir(), 'zps-conform-')), 'mapping.yaml');
      const text = readFileSync(MAPPING_FILE, 'utf8');
      const row =
        '      - { zendesk: organization_fields.plan, pms: customFields.plan, type: string, direction: both }\n';
      const at = text.indexOf('  TicketToProject:');
      const [before, after] = [text.slice(0, at), text.slice(at)];
      const filled =
        place === 'last'
          ? `${before.trimEnd()}\n${row}`
          : before.replace('properties:\n', `properties:\n${row}`);
      writeFileSync(file, `${filled}\n${after}`);
      const conformance = await conform(FEW, { mapping: loadMapping(file), people: [] });
      expect(complaints(conformance)).toEqual([]);
      const tried = conformance.results.find(
        ({ check, subject }) => check === 'values' && subject === 'customer',
      );
      // A value, another value, an empty value, and the first value again.
      expect(tried?.found).toContain('customFields.plan (4)');
    },
  );

  test('passes while others work in it, and under its rate limit', async () => {
    let working = true;
    const others = (async () => {
      for (let n = 0; working; n += 1) {
        const made = await boxes.pm('POST', '/projects', { title: `of others ${n}` });
        await boxes.pm('PATCH', `/projects/${String(made['id'])}`, { title: `of others ${n}, edited` });
        if (n % 3 === 0) await boxes.pm('DELETE', `/projects/${String(made['id'])}`);
      }
    })();
    await faults(
      { route: '/api/v1/', kind: 'status', status: 429, retryAfterSeconds: 0, probability: 0.02 },
      { route: '/api/v1/', kind: 'status', status: 503, retryAfterSeconds: 0, probability: 0.02 },
      { route: '/api/v1/changes', kind: 'repeat', probability: 0.3 },
    );
    const conformance = await conform(OVER_A_SMALL_PAGE, { port: smallPages() });
    working = false;
    await others;
    expect(complaints(conformance)).toEqual([]);
    expect(conformance.cleanup.leftBehind).toEqual([]);
    expect(live().every(({ title }) => String(title).startsWith('of others'))).toBe(true);
    expect(live().length).toBeGreaterThan(0);
  });
});

describe('a sandbox that breaks promises is caught', () => {
  /** The checks that must report it, and those that may report it, too. */
  const LIES: [lie: keyof Lies, named: CheckId[], also: CheckId[]][] = [
    ['ignoreIfMatch', ['precondition'], []],
    ['forgetIdempotencyKeys', ['repeat', 'followUp', 'fileRepeat'], []],
    ['allowDuplicateReferences', ['unique'], []],
    ['dropReferences', ['create', 'lookUp', 'unique'], []],
    ['missReferences', ['lookUp'], []],
    ['ignoreReferenceFilter', ['lookUp'], []],
    ['ignoreFilters', ['match'], []],
    ['skipAfterInserts', ['walk'], []],
    // A lost entry may be the only one of a record, or its latest state.
    ['dropFeedEntries', ['feed'], ['feedOrder']],
    ['backdateFeedEntries', ['feed'], ['feedOrder']],
    ['reverseFeed', ['feedOrder'], []],
    ['keepRevision', ['version', 'precondition'], []],
    ['wipeUnnamed', ['update'], []],
    ['ignoreArchive', ['archive'], []],
    ['ignoreRedaction', ['redact'], []],
    ['publishNotes', ['visibility'], []],
    ['stripEmoji', ['unicode'], []],
    ['lowercaseText', ['unicode'], []],
    ['escapeMarkup', ['markup'], []],
    ['truncateText', ['length'], []],
    ['spoilFiles', ['file'], []],
    ['keepFiles', ['detach'], []],
  ];

  test('with every fault that it can simulate', async () => {
    expect(LIES.map(([lie]) => lie).sort()).toEqual(Object.keys(await lies({})).sort());
  });

  test.each(LIES)('%s', async (lie, named, also) => {
    await lies({ [lie]: true });
    const conformance = await (lie === 'skipAfterInserts'
      ? conform(OVER_A_SMALL_PAGE, { port: smallPages() })
      : conform(FEW));
    const found = checksWith(conformance, 'lies');
    expect(found).toEqual(expect.arrayContaining(named));
    expect(found.filter((check) => !named.includes(check) && !also.includes(check))).toEqual([]);
    expect(checksWith(conformance, 'failed')).toEqual([]);
    expect(isSound(conformance)).toBe(false);
    expect(conformance.invariants.map(({ holds }) => holds)).toContain('not');
  });

  test('records that can be neither removed nor archived are listed', async () => {
    await lies({ ignoreArchive: true });
    const { cleanup } = await conform(FEW, { removal: { can: () => false, remove: async () => undefined } });
    expect(cleanup.leftBehind).toContainEqual(
      expect.stringMatching(/^pms:customer:C-\d+: archived without effect$/),
    );
    expect(cleanup.leftBehind.length + cleanup.archived).toBe(cleanup.made);
  });
});

/** The sandbox with an adapter that returns something else. */
const adapterWith = (changes: Partial<SystemPort>): SystemPort =>
  new Proxy(boxes.systems.pms, {
    get(port, name: keyof SystemPort) {
      if (name in changes) return Reflect.get(changes, name) as unknown;
      const value: unknown = Reflect.get(port, name);
      return typeof value === 'function' ? (value.bind(port) as unknown) : value;
    },
  });

describe('an adapter that breaks promises is caught, too', () => {
  test('P4: if its list ends after the first page: the report names the missing records', async () => {
    const profile = { ...loadProfile('contract'), pageSize: { param: 'limit', most: 20 } };
    const paging = { by: 'cursor', param: 'cursor', next: new Expression('noSuchField') } as const;
    const port = profileSystem({
      profile: { ...profile, paging },
      baseUrl: boxes.pms.url,
      token: boxes.pms.token,
      timeoutMs: 2_000,
    });
    const conformance = await conform(OVER_A_SMALL_PAGE, { port });
    expect(conformance.results.filter(({ check }) => check === 'walk')).toMatchObject(
      ['customer', 'project', 'note'].map((subject) => ({
        subject,
        verdict: 'lies',
        found: expect.stringMatching(/^no page contained \d+ of \d+ records that were made: pms:/) as string,
      })),
    );
  });

  /** An adapter that drops a part of each edit. */
  const without = (isLeftOut: (name: string, value: unknown) => boolean) =>
    adapterWith({
      update: (ref, changes, options) =>
        boxes.systems.pms.update(
          ref,
          Object.fromEntries(Object.entries(changes).filter(([name, value]) => !isLeftOut(name, value))),
          options,
        ),
    });

  test.each<[string, (name: string, value: unknown) => boolean, RegExp]>([
    ['if it clears no value', (_, value) => value === null, /dueDate, empty: wrote nothing, found "/],
    ['if it keeps the first list', (name) => name === 'tags', /tags, another: wrote/],
    ['if it keeps the first person', (name) => name === 'assignee', /assignee, as other@pms\.example: wrote/],
    ['if it keeps the first day', (name) => name === 'dueDate', /dueDate, a leap day: wrote "2028-02-29"/],
  ])('P7: %s', async (_, isLeftOut, found) => {
    const { results } = await conform(FEW, { port: without(isLeftOut), removal: undefined as never });
    const project = results.find(({ check, subject }) => check === 'values' && subject === 'project');
    expect(project?.verdict).toBe('lies');
    expect(found.test(project?.found ?? '') || /and \d+ more$/.test(project?.found ?? '')).toBe(true);
  });

  test('P7: the report says if no person is known', async () => {
    const conformance = await conform(FEW, { people: [] });
    expect(conformance.invariants[2]).toMatchObject({
      holds: 'as far as tried',
      untried: expect.arrayContaining([
        'project, values: assignee: no person is known; name two people with --person',
      ]) as string[],
    });
  });

  test('if it starts at the present instead of the given time', async () => {
    const port = adapterWith({ cursorAt: (stream) => boxes.systems.pms.cursorNow(stream) });
    const conformance = await conform(FEW, { port });
    expect(checksWith(conformance, 'lies')).toEqual(['feedSince']);
  });

  test('if it does not name the parent of a comment', async () => {
    const port = adapterWith({
      async read(refs) {
        const results = await boxes.systems.pms.read(refs);
        return results.map(({ ref, record }) => {
          if (!record) return { ref, record };
          const silent = { ...record };
          delete silent.parent;
          return { ref, record: silent };
        });
      },
    });
    const conformance = await conform(FEW, { port });
    expect(checksWith(conformance, 'lies')).toEqual(['parent']);
  });

  test('if it lacks properties that the mapping writes', async () => {
    const port = adapterWith({
      properties: async (kind) =>
        (await boxes.systems.pms.properties(kind)).filter(({ name }) => name !== 'tags'),
    });
    const conformance = await conform(FEW, { port });
    expect(complaints(conformance)).toEqual([
      'customer properties: no "tags"',
      'project properties: no "tags"',
    ]);
    expect(isSound(conformance)).toBe(false);
  });
});

describe('a system with fewer features', () => {
  test('holds with windows, and the checks of missing features are off', async () => {
    const port = adapterWith({
      hasPrecondition: () => false,
      hasIdempotencyKeys: () => false,
      uniqueBackRef: () => false,
      canFind: () => false,
      exactOrder: false,
      streams: [],
      bulk: undefined as never,
    });
    await lies({
      ignoreIfMatch: true,
      forgetIdempotencyKeys: true,
      allowDuplicateReferences: true,
    });
    const conformance = await conform(FEW, { port });
    expect(complaints(conformance)).toEqual([]);
    expect(checksWith(conformance, 'window')).toEqual([
      'version',
      'precondition',
      'repeat',
      'unique',
      'fileRepeat',
    ]);
    expect(checksWith(conformance, 'off')).toEqual([
      'match',
      'file',
      'detach',
      'fileRepeat',
      'feed',
      'feedOrder',
      'feedSince',
    ]);
    expect(conformance.results.find(({ check }) => check === 'precondition')?.means).toMatch(
      /^holds, with a window between read and write/,
    );
    const { 0: first, 3: fourth } = conformance.invariants;
    expect(first).toMatchObject({ number: 1, holds: 'fully' });
    expect(fourth).toMatchObject({ number: 4, holds: 'with a window' });
    expect(conformance.cleanup.leftBehind).toEqual([]);
  });

  test('passes with a wrong clock', async () => {
    const serverTime = async () => new Date(Date.now() - 600_000);
    const conformance = await conform(FEW, { serverTime });
    expect(complaints(conformance)).toEqual([]);
    expect(conformance.results.find(({ check }) => check === 'clock')).toMatchObject({
      verdict: 'window',
      found: 'Date header 600 s behind; time on a new record the same as here',
    });
  });

  test('that creates no record of one kind gets a message, and the other checks run', async () => {
    await faults({ route: '^POST /api/v1/notes$', kind: 'status', status: 422 });
    const conformance = await conform(FEW);
    expect(checksWith(conformance, 'lies')).toEqual([]);
    const failed = conformance.results.filter(({ verdict }) => verdict === 'failed');
    expect(new Set(failed.map(({ subject }) => subject))).toEqual(new Set(['note']));
    expect(failed.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['create', 'precondition', 'repeat', 'lookUp', 'walk']),
    );
    expect(conformance.invariants.map(({ holds }) => holds)).toContain('unknown');
    expect(live()).toEqual([]);
  });
});

describe('the created records are removed', () => {
  test('if the answer to a create was lost', async () => {
    await faults(
      { route: '^POST /api/v1/customers', kind: 'timeoutAfterWrite', times: 3 },
      { route: '^POST /api/v1/notes', kind: 'timeoutAfterWrite', probability: 0.2 },
    );
    const conformance = await conform(FEW);
    expect(checksWith(conformance, 'lies')).toEqual([]);
    expect(checksWith(conformance, 'failed')).not.toEqual([]);
    await controlsOf(boxes.pms).clearFaults();
    expect(live()).toEqual([]);
  });

  test('after a stop', async () => {
    const stop = new AbortController();
    const conformance = await conform(OVER_A_SMALL_PAGE, {
      port: smallPages(),
      patience: { timeoutMs: 1_000, lookMs: 50, signal: stop.signal },
      onProgress: (check) => check === 'markup' && stop.abort(),
    });
    expect(conformance).toMatchObject({ stopped: true, cleanup: { leftBehind: [] } });
    expect(isSound(conformance)).toBe(false);
    expect(conformance.cleanup.made).toBeGreaterThan(10);
    expect(live()).toEqual([]);
  });
});

describe('the command conform', () => {
  const command = (...args: string[]): Promise<Ran> =>
    runShared(
      {
        PATH: process.env['PATH'] ?? '',
        ZENDESK_BASE_URL: boxes.zendesk.url,
        ...serviceSignIn(boxes.zendesk),
        PMS_BASE_URL: boxes.pms.url,
        PMS_TOKEN: boxes.pms.token,
        MAPPING_FILE,
      },
      'conform',
      ...args,
    );

  test('prints a table, and exits with 0 if there are no problems', async () => {
    const { code, out } = await command('--records', '12', '--timeout', '10');
    expect(code).toBe(0);
    expect(out).toContain(`${boxes.pms.url} as sync@pms.example`);
    expect(out).toMatch(
      /^✓ {2}project {2,}a write on an old version is refused {2,}refused, also as one of 5/m,
    );
    expect(out).toMatch(/^– customer \(file\), customer \(fileRepeat\): files stay where they are$/m);
    expect(out).toMatch(/^2\. No write without idempotency key or precondition: fully$/m);
    expect(out).toMatch(/^made (\d+) records, removed \1, archived 0, left behind 0$/m);
    expect(out).toMatch(/, 0 failed, 0 lies; \d+ s$/m);
    expect(live()).toEqual([]);
  });

  test('names a broken promise in JSON, and exits with 1', async () => {
    await lies({ ignoreIfMatch: true });
    const { code, out } = await command('--records', '12', '--timeout', '2', '--json');
    expect(code).toBe(1);
    const report = JSON.parse(out) as Report & { ok: boolean };
    expect(report).toMatchObject({ ok: false, system: boxes.pms.url, as: 'sync@pms.example' });
    expect(checksWith(report, 'lies')).toEqual(['precondition']);
  });

  test('checks a profile that promises less, which a faulty sandbox then keeps', async () => {
    await lies({ ignoreIfMatch: true });
    const shipped = readFileSync(path.resolve(__dirname, '../../profiles/contract.yaml'), 'utf8');
    const profile = path.join(mkdtempSync(path.join(tmpdir(), 'zps-conform-')), 'pms.yaml');
    const claimed = /^(precondition|idempotency): .*\n|ifMatch: [^,]*, /gm;
    writeFileSync(profile, shipped.replace(claimed, ''));
    const { code, out, err } = await command(
      '--profile',
      profile,
      '--records',
      '12',
      '--timeout',
      '2',
      '--json',
    );
    expect([code, err]).toEqual([0, '']);
    const report = JSON.parse(out) as Report & { ok: boolean };
    expect(report).toMatchObject({ ok: true, system: boxes.pms.url });
    expect(new Set(checksWith(report, 'window'))).toEqual(
      new Set(['precondition', 'followUp', 'fileRepeat']),
    );
  });

  test('names the problem of a credential, and creates nothing', async () => {
    const wrong = { ...boxes.pms, token: 'wrong' };
    boxes = { ...boxes, pms: wrong };
    const { code, err, out } = await command();
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/answered 401; check PMS_TOKEN/);
    expect(boxes.pms.store.changes).toEqual([]);
  });

  test.each([
    [['--records', '0'], /^--records: found "0", expected a whole number above 0/],
    [['--timeout', 'x'], /^--timeout: found "x", expected a whole number above 0/],
  ])('%j is bad input', async (args, expected) => {
    const { code, err } = await command(...args);
    expect(code).toBe(2);
    expect(err).toMatch(expected);
  });
});
