import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MongoClient, type Collection } from 'mongodb';
import { parse, stringify } from 'yaml';
import { SWITCHES } from 'zendesk-sandbox';
import { checklist } from '../../src/checks/verify/checklist';
import { loadMapping } from '../../src/config/loadMapping';
import type { BrakeHold } from '../../src/sync/holds';
import type { Report, Result } from '../../src/checks/verify/checklistLine';
import { runProgram, runShared, type Ran } from '../support/cli';
import { MAPPING_FILE, startSandboxes, type Sandboxes } from '../support/sandboxes';
import { ServiceProcess, serviceEnvironment, until } from '../support/serviceProcess';

/** The checklist as an operator runs it: the compiled command, a service as a process, both sandboxes over HTTP. */

type Row = Record<string, unknown> & { pms?: string; table?: Record<string, string> };
type Entities = Record<'OrgToCustomer' | 'TicketToProject', { properties: Row[] }>;
type HoldDocument = Omit<BrakeHold, 'id'> & { _id: string };
type Answer = Report & { ok: boolean; counts: Record<Result['status'], number> };

const folder = mkdtempSync(path.join(tmpdir(), 'zps-verify-test-'));

function mappingWith(name: string, change: (entities: Entities) => void): string {
  const input = parse(readFileSync(MAPPING_FILE, 'utf8')) as { entities: Entities };
  change(input.entities);
  const file = path.join(folder, `${name}.yaml`);
  writeFileSync(file, stringify(input));
  return file;
}

const answerOf = (ran: Ran) => JSON.parse(ran.out) as Answer;
const failedIn = ({ results }: Answer) =>
  results
    .filter(({ status }) => status === 'failed')
    .map(({ line, reason }) => `${line.id}: ${reason ?? ''}`);

/** Every line passed with evidence, or names why it could not be checked. */
function expectAllGreen(answer: Answer): void {
  expect(failedIn(answer)).toEqual([]);
  for (const { line, status, reason, zendesk, pms, seconds } of answer.results) {
    if (status === 'passed') {
      expect([line.id, zendesk]).toEqual([line.id, expect.stringMatching(/^zendesk:\w+:\S+$/)]);
      expect([line.id, pms]).toEqual([line.id, expect.stringMatching(/^pms:\w+:\S+$/)]);
      expect(seconds).toEqual(expect.any(Number));
    } else expect([line.id, reason]).toEqual([line.id, expect.stringMatching(/\S/)]);
  }
}

describe('in the sandbox', () => {
  /** The shipped rows and custom fields of each type, in both sandboxes or missing. */
  const file = mappingWith('custom', ({ OrgToCustomer, TicketToProject }) => {
    const both = (zendesk: string, pms: string, more: Row) => ({ zendesk, pms, direction: 'both', ...more });
    OrgToCustomer.properties.push(
      both('organization_fields.plan', 'customFields.plan', { type: 'string' }),
      both('organization_fields.tier', 'customFields.tier', {
        type: 'enum',
        transform: 'enum',
        table: { gold: 'Gold', silver: 'Silver' },
      }),
    );
    TicketToProject.properties.push(
      both('custom_fields.Severity', 'customFields.severity', { type: 'string' }),
      both('custom_fields.Budget', 'customFields.budget', { type: 'decimal' }),
      both('custom_fields.4711', 'customFields.golive', { type: 'date' }),
      both('custom_fields.Approved', 'customFields.approved', { type: 'boolean', default: false }),
      both('custom_fields.Affected users', 'customFields.affectedUsers', { type: 'integer' }),
      both('custom_fields.Components', 'customFields.components', { type: 'string[]', transform: 'tags' }),
      { ...both('custom_fields.Told', 'customFields.told', { type: 'string' }), direction: 'toZendesk' },
      {
        pms: 'customFields.origin',
        type: 'string',
        direction: 'toPms',
        transform: 'constant',
        value: 'Zendesk',
        write: 'create',
      },
    );
  });

  test('every line passes or names a reason, in both comment modes', async () => {
    const reports = ['markdown', 'html', 'junit'].flatMap((kind) => [`--${kind}`, path.join(folder, kind)]);
    const ran = await runProgram(
      {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '',
        MAPPING_FILE: file,
      },
      ['verify', '--sandbox', '--json', ...reports],
    );
    expect([ran.code, ran.err]).toEqual([0, '']);
    const answer = answerOf(ran);
    expectAllGreen(answer);
    expect(answer).toMatchObject({
      ok: true,
      counts: { failed: 0 },
      tag: null,
      leftBehind: [],
      mappingFile: file,
    });
    const ids = answer.results.map(({ line }) => line.id);
    expect(ids).toEqual(expect.arrayContaining(checklist(loadMapping(file)).map(({ id }) => id)));
    expect(ids.filter((id) => id.startsWith('CommentToProject.project/')).length).toBeGreaterThan(20);
    for (const custom of ['budget', 'golive', 'approved', 'affectedUsers', 'components', 'severity'])
      for (const way of ['zendesk-pms', 'pms-zendesk'])
        expect(
          answer.results.find(({ line }) => line.id === `TicketToProject/customFields_${custom}/${way}/edit`),
        ).toMatchObject({ status: 'passed' });
    for (const kind of ['markdown', 'html', 'junit'])
      expect(readFileSync(path.join(folder, kind), 'utf8')).toContain('customFields.golive');
  }, 400_000);
});

/** For each undocumented behaviour (zendesk-rules.md rule 55), its n-th possible value. */
function otherBehaviours(nth: number): string {
  const unknown = Object.entries(SWITCHES).filter(([, { sure }]) => sure === 'unknown');
  return JSON.stringify(
    Object.fromEntries(unknown.map(([name, { values }]) => [name, values[nth] ?? values.at(-1)])),
  );
}

// One minute each: with VERIFY_SWITCHES=all.
(process.env['VERIFY_SWITCHES'] === 'all' ? describe : describe.skip)('whatever Zendesk does', () => {
  test.each([1, 2])(
    'all lines pass with the other possible behaviours of Zendesk (%d)',
    async (nth) => {
      const ran = await runProgram(
        {
          PATH: process.env['PATH'] ?? '',
          HOME: process.env['HOME'] ?? '',
          MAPPING_FILE: MAPPING_FILE,
          ZENDESK_SANDBOX_OBEYS: otherBehaviours(nth),
        },
        ['verify', '--sandbox', '--json'],
      );
      expectAllGreen(answerOf(ran));
    },
    400_000,
  );
});

describe('in accounts that are in use', () => {
  let boxes: Sandboxes;
  let service: ServiceProcess;
  let env: Record<string, string>;

  beforeAll(async () => {
    boxes = await startSandboxes();
    // The service lacks a row, and a value of another.
    const broken = mappingWith('broken', ({ OrgToCustomer, TicketToProject }) => {
      OrgToCustomer.properties = OrgToCustomer.properties.filter(({ pms }) => pms !== 'notes');
      for (const { pms, table } of TicketToProject.properties)
        if (pms === 'priority') delete table?.['urgent'];
    });
    env = serviceEnvironment(boxes, `verify-${randomBytes(4).toString('hex')}`);
    const polls = { ZENDESK_POLL_SECONDS: '2', PMS_POLL_SECONDS: '2' };
    service = new ServiceProcess({ ...env, ...polls, MAPPING_FILE: broken, LOG_LEVEL: 'warn' });
    await boxes.zd('POST', '/organizations', { organization: { name: 'Long there', notes: 'not ours' } });
    await boxes.zd('POST', '/tickets', {
      ticket: { subject: 'Long there', comment: { body: 'x' }, tags: ['old'] },
    });
    await boxes.pm('POST', '/customers', { name: 'Long there, too' });
    await until(
      () =>
        [...boxes.pms.store.all('project')].length === 1 &&
        [...boxes.zendesk.store.organizations.values()].length === 2 &&
        [...boxes.pms.store.all('customer')].length === 2,
    );
  });
  afterAll(async () => {
    await service.signal('SIGTERM');
    await boxes.close();
  });

  const state = () => {
    const { zendesk, pms } = boxes;
    return structuredClone({
      organizations: [...zendesk.store.organizations.values()].filter((each) => each.deleted_at === null),
      tickets: [...zendesk.store.tickets.values()].filter((each) => each.status !== 'deleted'),
      users: [...zendesk.store.users.values()].filter((each) => each.active),
      customers: [...pms.store.all('customer')],
      projects: [...pms.store.all('project')],
      notes: [...pms.store.all('note')],
      people: pms.store.people.all().filter((each) => each.active),
    });
  };

  /** Holds in the service's own link store, like those of its brake. */
  async function withHolds<T>(work: (holds: Collection<HoldDocument>) => Promise<T>): Promise<T> {
    const mongo = await MongoClient.connect(env['MONGODB_URI'] ?? '');
    try {
      return await work(mongo.db(env['MONGODB_DATABASE']).collection<HoldDocument>('holds'));
    } finally {
      await mongo.close();
    }
  }

  test('only broken or held rows fail; all created records are removed, and no others change', async () => {
    // Before this run, too many due dates were cleared.
    const held: HoldDocument = {
      ...{ _id: 'TicketToProject/emptied/dueDate/pms', entity: 'TicketToProject', kind: 'emptied' },
      ...{ row: 'dueDate', side: 'pms', state: 'held', by: 'brake', cause: 'side answered with less' },
      ...{ since: new Date().toISOString(), counts: { pairs: 11, linked: 50, allowed: 10 }, examples: [] },
    };
    await withHolds((all) => all.insertOne(held));
    const before = state();
    const ran = await runShared(env, 'verify', '--tag', 'check', '--timeout', '40', '--json');
    expect([ran.code, ran.err]).toEqual([1, '']);
    const answer = answerOf(ran);
    const ways = ['zendesk-pms', 'pms-zendesk'];
    const expected = [
      ...ways.flatMap((way) =>
        ['create', 'edit', 'clear'].map((check) => `OrgToCustomer/notes/${way}/${check}`),
      ),
      ...ways.map((way) => `TicketToProject/priority/${way}/create`),
      'TicketToProject/dueDate/zendesk-pms/clear',
    ].sort();
    const failed = answer.results.filter(({ status }) => status === 'failed');
    // The whole line, so that a failed run shows the reason.
    expect(failed.filter(({ line }) => !expected.includes(line.id))).toEqual([]);
    expect(failed.map(({ line }) => line.id).sort()).toEqual(expected);
    expect(answer).toMatchObject({ ok: false, tag: 'check', leftBehind: [] });
    expect(
      answer.results.find(({ line }) => line.id === 'OrgToCustomer/notes/zendesk-pms/edit'),
    ).toMatchObject({
      reason: expect.stringMatching(/^not there after \d+ s$/) as string,
      written: expect.stringContaining('check-') as string,
      found: null,
      seconds: null,
    });
    expect(
      answer.results.find(({ line }) => line.id === 'TicketToProject/dueDate/zendesk-pms/clear'),
    ).toMatchObject({
      reason: `the brake holds it (${held._id}); see "npx zendesk-pms-sync brake show"`,
    });
    expect(state()).toEqual(before);
    // The run's writes, and its removals at the end, are too few to be held.
    const holds = await withHolds((all) => all.find().toArray());
    expect(holds).toMatchObject([{ _id: held._id }]);
    await withHolds((all) => all.deleteMany({}));
  }, 600_000);

  test('an interrupted run removes its records, too', async () => {
    const before = state();
    const ran = runProgram(env, ['verify', '--tag', 'stopped', '--json'], {
      async meanwhile(child) {
        await until(() => state().projects.length > before.projects.length + 2);
        child.kill('SIGINT');
      },
    });
    const { code, out } = await ran;
    expect(code).toBe(1);
    const { results, leftBehind } = JSON.parse(out) as Answer;
    expect(leftBehind).toEqual([]);
    expect(results.filter(({ reason }) => reason === 'stopped before it').length).toBeGreaterThan(0);
    expect(state()).toEqual(before);
  });
});

test.each<[string, string[], RegExp]>([
  ['a call without systems', [], /^found neither --sandbox nor --tag; expected one of them$/],
  ['both', ['--sandbox', '--tag', 'qa1'], /^--tag: found with --sandbox, expected one of them$/],
  ['an invalid tag', ['--tag', 'Q A'], /^--tag: found "Q A", expected 3 to 40 lower-case letters/],
  [
    'an invalid time',
    ['--sandbox', '--timeout', '0'],
    /^--timeout: found "0", expected a whole number above 0$/,
  ],
  [
    'a folder without settings',
    ['--tag', 'qa1'],
    /^ZENDESK_OAUTH_CLIENT_ID: found nothing, expected the Identifier of an OAuth client/m,
  ],
])('%s is bad input', async (_, args, expected) => {
  const { code, err, out } = await runShared({ PATH: process.env['PATH'] ?? '' }, 'verify', ...args);
  expect(err.trim()).toMatch(expected);
  expect([code, out]).toEqual([2, '']);
});

test('a missing mapping file is bad input', async () => {
  const env = { PATH: process.env['PATH'] ?? '', MAPPING_FILE: '/nowhere/mapping.yaml' };
  const { code, err } = await runShared(env, 'verify', '--sandbox');
  expect([code, err]).toEqual([
    2,
    '/nowhere/mapping.yaml: cannot be read (ENOENT): it is not there; check the path\n',
  ]);
});
