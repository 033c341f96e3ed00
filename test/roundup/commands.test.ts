import { randomUUID } from 'node:crypto';
import type { Report, Result } from '../../src/checks/verify/checklistLine';
import { startTemporal, type EmbeddedTemporal } from '../../src/platform/embedded/embeddedServers';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes';
import { runProgram } from '../support/cli';
import { ServiceProcess } from '../support/serviceProcess';
import { testServers } from '../support/servers';
import { startBed, type Bed } from './support/bed';

/** `conform` and `verify` as an operator runs them, against a real Roundup. */

let bed: Bed;
let temporal: EmbeddedTemporal;
let env: Record<string, string>;

beforeAll(async () => {
  bed = await startBed();
  // The tests of the other file sync the same tracker, so on one server, pairs of both would be the same workflows.
  temporal = await startTemporal({
    searchAttributes: SEARCH_ATTRIBUTES,
    env: { ...process.env, TEMPORAL_ADDRESS: '' },
  });
  const name = `roundup-${randomUUID().slice(0, 8)}`;
  env = {
    ...bed.settings,
    PATH: process.env['PATH'] ?? '',
    TEMPORAL_ADDRESS: temporal.address,
    MONGODB_URI: testServers().mongodbUri,
    MONGODB_DATABASE: name,
    TASK_QUEUE: name,
    ZENDESK_POLL_SECONDS: '1',
    PMS_POLL_SECONDS: '1',
    RECONCILE_CRON: 'off',
    LOG_LEVEL: 'warn',
  };
});
afterAll(async () => {
  await bed.close();
  await temporal.stop();
});

const left = async () => {
  const kept = [];
  for (const kind of ['customer', 'project', 'note']) {
    const { data } = (await bed.rd('GET', `/${kind}?@fields=id`)) as unknown as {
      data: { collection: { id: string }[] };
    };
    kept.push(...data.collection.map(({ id }) => `${kind} ${id}`));
  }
  return kept;
};

test('conform finds no broken promise of Roundup or its profile, and leaves no records', async () => {
  const before = await left();
  const people = ['--person', 'sync@roundup.example', '--person', 'roundup-admin@roundup.example'];
  const ran = await runProgram(env, ['conform', '--records', '120', '--json', ...people]);
  const answer = JSON.parse(ran.out) as {
    ok: boolean;
    results: { check: string; subject: string; verdict: string; found: string }[];
    invariants: { number: number; holds: string }[];
    cleanup: { leftBehind: string[] };
  };
  const wrong = answer.results.filter(({ verdict }) => ['lies', 'failed', 'untried'].includes(verdict));
  expect(wrong).toEqual([]);
  expect([ran.code, answer.ok, answer.cleanup.leftBehind]).toEqual([0, true, []]);
  const verdictOf = (check: string, subject: string) =>
    answer.results.find((result) => result.check === check && result.subject === subject)?.verdict;
  expect(['precondition', 'values', 'walk'].map((check) => verdictOf(check, 'project'))).toEqual([
    'holds',
    'holds',
    'holds',
  ]);
  expect(await left()).toEqual(before);
}, 1_800_000);

describe('verify', () => {
  let service: ServiceProcess;
  beforeAll(() => {
    service = new ServiceProcess(env);
  });
  afterAll(() => service.signal('SIGTERM'));

  test('every line passes or names why it cannot be checked, and all created records are removed', async () => {
    const before = await left();
    const ran = await runProgram(env, ['verify', '--tag', 'check', '--timeout', '90', '--json']);
    const answer = JSON.parse(ran.out) as Report & { counts: Record<Result['status'], number> };
    const failed = answer.results.filter(({ status }) => status === 'failed');
    expect(failed.map(({ line, reason }) => `${line.id}: ${reason ?? ''}`)).toEqual([]);
    expect([ran.code, answer.leftBehind]).toEqual([0, []]);
    expect(answer.counts.passed).toBeGreaterThan(60);
    expect(await left()).toEqual(before);
  }, 1_800_000);
});
