import { randomUUID } from 'node:crypto';
import { startTemporal, type EmbeddedTemporal } from '../../src/platform/embedded/embeddedServers';
import type { Report, Result } from '../../src/checks/verify/checklistLine';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes';
import { runProgram } from '../support/cli';
import { ServiceProcess, until } from '../support/serviceProcess';
import { testServers } from '../support/servers';
import { startBed, type Bed } from './support/bed';

/** `conform` and `verify` as an operator runs them, against a real Redmine. */

let bed: Bed;
let temporal: EmbeddedTemporal;
let env: Record<string, string>;

beforeAll(async () => {
  bed = await startBed();
  // Workflow ids contain record ids, and every Redmine counts its ids from 1, so on the server of the other test
  // file, pairs of both could have the same id.
  temporal = await startTemporal({
    searchAttributes: SEARCH_ATTRIBUTES,
    env: { ...process.env, TEMPORAL_ADDRESS: '' },
  });
  const name = `redmine-${randomUUID().slice(0, 8)}`;
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

describe('verify', () => {
  let service: ServiceProcess;
  beforeAll(() => {
    service = new ServiceProcess(env);
  });
  afterAll(() => service.signal('SIGTERM'));

  test('every line passes or names why it cannot be checked, and all created records are removed', async () => {
    // The key's user is the author of the comments: an agent, as far as Zendesk knows.
    const ann = { mail: 'ann@sandbox.example', firstname: 'Ann', lastname: 'Agent' };
    await bed.rm('PUT', '/users/1.json', { user: ann });
    // The service reads Redmine's own inbox before anything else.
    await until(() => bed.proxy.calls().some(({ path }) => path.startsWith('/issues.json')));
    const ran = await runProgram(env, ['verify', '--tag', 'check', '--timeout', '90', '--json']);
    const answer = JSON.parse(ran.out) as Report & { counts: Record<Result['status'], number> };
    const failed = answer.results.filter(({ status }) => status === 'failed');
    expect(failed.map(({ line, reason }) => `${line.id}: ${reason ?? ''}`)).toEqual([]);
    expect([ran.code, answer.leftBehind]).toEqual([0, []]);
    expect(answer.counts.passed).toBeGreaterThan(80);
    const unchecked = answer.results.filter(({ status }) => status === 'not checked');
    for (const { line, reason } of unchecked)
      expect([line.id, reason]).toEqual([line.id, expect.stringMatching(/\S/)]);
    const { issues } = (await bed.rm('GET', '/issues.json?status_id=*')) as unknown as { issues: unknown[] };
    expect(issues).toEqual([]);
  }, 900_000);
});

test('conform finds no broken promise of Redmine or its profile', async () => {
  // Temporal lists the stopped service's worker for a while.
  const ran = await runProgram(env, ['conform', '--records', '12', '--beside-service', '--json']);
  const answer = JSON.parse(ran.out) as {
    ok: boolean;
    counts: Record<string, number>;
    results: { check: string; subject: string; verdict: string; found: string }[];
  };
  const wrong = answer.results.filter(({ verdict }) => ['lies', 'failed'].includes(verdict));
  expect(wrong).toEqual([]);
  expect([ran.code, answer.ok]).toEqual([0, true]);
  const verdictOf = (check: string, subject: string) =>
    answer.results.find((result) => result.check === check && result.subject === subject)?.verdict;
  expect([verdictOf('precondition', 'project'), verdictOf('repeat', 'note')]).toEqual(['window', 'window']);
  expect([verdictOf('archive', 'customer'), verdictOf('archive', 'project')]).toEqual(['holds', 'off']);
}, 900_000);
