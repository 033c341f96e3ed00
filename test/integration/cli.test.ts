import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runProgram, runShared, type Ran } from '../support/cli';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { serviceEnvironment } from '../support/serviceProcess';

/** `npm start` with bad input: one clear line, exit code 2, nothing written. Runs the compiled service. */

const ROOT = path.resolve(__dirname, '../..');

describe('npm start', () => {
  let boxes: Sandboxes;
  let env: Record<string, string>;

  beforeAll(async () => {
    boxes = await startSandboxes();
    const name = path.basename(mkdtempSync(path.join(tmpdir(), 'zps-cli-')));
    env = {
      ...serviceEnvironment(boxes, name),
      LOG_LEVEL: 'error',
    };
  });
  afterAll(async () => boxes.close());

  function expectRefused({ code, err }: Ran, expected: RegExp): void {
    const message = err.trim();
    expect(message).toMatch(expected);
    expect(message.split('\n')).toHaveLength(1);
    expect(message).not.toMatch(/wrong-credential|hidden/);
    expect(code).toBe(2);
    expect([...boxes.zendesk.store.tickets.values(), ...boxes.pms.store.all('project')]).toEqual([]);
  }

  function brokenMapping(from: string, to: string): string {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'zps-mapping-')), 'mapping.yaml');
    const text = readFileSync(path.join(ROOT, 'mapping.yaml'), 'utf8');
    expect(text).toContain(from);
    writeFileSync(file, text.replace(from, to));
    return file;
  }

  test.each<[string, () => Record<string, string | undefined>, RegExp]>([
    [
      'an unknown field in the mapping',
      () => ({ MAPPING_FILE: brokenMapping('onDelete: flag', 'onRemove: flag') }),
      /^\S*mapping\.yaml:\d+: entities\.OrgToCustomer: unknown field "onRemove"$/,
    ],
    [
      'a bad type in the mapping',
      () => ({ MAPPING_FILE: brokenMapping('type: string,', 'type: varchar,') }),
      /^\S*mapping\.yaml:\d+: .*properties\[0\] \(name ↔ name\)\.type: found "varchar", expected one of string, /,
    ],
    [
      'two rows that write one property',
      () => ({
        MAPPING_FILE: brokenMapping('zendesk: details, pms: description', 'zendesk: details, pms: notes'),
      }),
      /^\S*mapping\.yaml:\d+: .*both write the pms property "notes"/,
    ],
    [
      'a property that the system does not have',
      () => ({ MAPPING_FILE: brokenMapping('pms: dueDate', 'pms: deadline') }),
      /^\S*mapping\.yaml: TicketToProject row "due_at ↔ deadline": pms project has no property "deadline"/,
    ],
    [
      'a missing mapping file',
      () => ({ MAPPING_FILE: '/nowhere/mapping.yaml' }),
      /^\/nowhere\/mapping\.yaml: cannot be read \(ENOENT\): it is not there; check the path$/,
    ],
    [
      'a missing credential',
      () => ({ ZENDESK_OAUTH_CLIENT_SECRET: undefined }),
      /^ZENDESK_OAUTH_CLIENT_SECRET: found nothing, expected the secret of that OAuth client$/,
    ],
    [
      'a wrong credential',
      () => ({ PMS_TOKEN: 'wrong-credential' }),
      /^PMS GET \/api\/v1\/me: answered 401; check PMS_TOKEN/,
    ],
    [
      'an unreachable PMS',
      () => ({ PMS_BASE_URL: 'http://127.0.0.1:1' }),
      /^PMS_BASE_URL: .*127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\): nothing listens there/,
    ],
    [
      'an unreachable Zendesk',
      () => ({ ZENDESK_BASE_URL: 'http://127.0.0.1:1' }),
      /^ZENDESK_BASE_URL: Zendesk POST \/oauth\/tokens: 127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\): .*; there is no access token/,
    ],
  ])('%s', async (_, changes, expected) => {
    // Found before any worker or connection is started.
    expectRefused(await runShared({ ...env, ...changes() }, 'start'), expected);
  });

  test.each<[string, () => Record<string, string | undefined>, RegExp]>([
    [
      'an unreachable Temporal',
      () => ({ TEMPORAL_ADDRESS: '127.0.0.1:1' }),
      /^TEMPORAL_ADDRESS: 127\.0\.0\.1:1 does not answer/,
    ],
    [
      'an unreachable MongoDB',
      () => ({ MONGODB_URI: 'mongodb://user:hidden@127.0.0.1:1' }),
      /^MONGODB_URI: the server does not answer/,
    ],
    [
      // Found last, after workers and connections were started: the process ends nevertheless.
      'a port for webhooks that is taken',
      () => ({ PMS_WEBHOOK_SECRET: 'long-enough', INTAKE_PORT: new URL(boxes.pms.url).port }),
      /^INTAKE_HOST, INTAKE_PORT: cannot listen on 127\.0\.0\.1:\d+ \(EADDRINUSE\): another process listens there; stop it, or choose another port$/,
    ],
  ])('%s: the process ends, whatever it had started', async (_, changes, expected) => {
    expectRefused(await runProgram({ ...env, ...changes() }, ['start']), expected);
  });
});
