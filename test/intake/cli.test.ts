import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/platform/ports';
import { runProgram, runShared } from '../support/cli';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { serviceEnvironment } from '../support/serviceProcess';

/** The commands as an operator runs them: `webhooks …`, `start` with its receiver, and each part separately. */

const ROOT = path.resolve(__dirname, '../..');
const MAIN = path.join(ROOT, 'dist/src/operator/cli/main.js');
const RECEIVER = 'http://127.0.0.1:1';

let boxes: Sandboxes;
let env: Record<string, string | undefined>;

beforeEach(async () => {
  if (!existsSync(MAIN)) throw new Error('not compiled: run "npm test", which compiles first');
  boxes = await startSandboxes();
  const name = path.basename(mkdtempSync(path.join(tmpdir(), 'zps-webhooks-')));
  env = {
    ...serviceEnvironment(boxes, name),
    PUBLIC_URL: RECEIVER,
    ZENDESK_POLL_SECONDS: '3600',
    PMS_POLL_SECONDS: '3600',
    LOG_LEVEL: 'error',
  };
});
afterEach(() => boxes.close());

function run(args: string[], changes: Record<string, string | undefined> = {}): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], {
    env: { ...env, ...changes },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function outcome(
  args: string[],
  changes: Record<string, string | undefined> = {},
): Promise<{ code: number | null; out: string; output: string }> {
  const settings = { ...env, ...changes };
  const ran = args[0] === 'start' ? runProgram(settings, args) : runShared(settings, ...args);
  const { code, out, err } = await ran;
  return { code, out, output: err.trim() };
}

interface Installed {
  side: string;
  id: string;
  name: string;
  done: string;
  secret: string | null;
}
const installed = async (args: string[] = [], changes: Record<string, string | undefined> = {}) => {
  const { code, out, output } = await outcome(['webhooks', 'install', '--json', ...args], changes);
  expect(output).toBe('');
  expect(code).toBe(0);
  return JSON.parse(out) as [Installed, Installed];
};

describe('webhooks', () => {
  test('are installed once, even if the command runs again, and removed', async () => {
    const [zendesk, pms] = await installed();
    expect([zendesk.done, pms.done]).toEqual(['created', 'created']);
    expect([zendesk.secret?.length, pms.secret?.length]).toEqual([expect.any(Number), expect.any(Number)]);
    const again = await installed();
    expect(again).toMatchObject([
      { done: 'unchanged', id: zendesk.id, secret: zendesk.secret },
      { done: 'unchanged', id: pms.id, secret: null },
    ]);
    const { out } = await outcome(['webhooks', 'list']);
    expect(out.trim().split('\n')).toHaveLength(2);
    expect(out).not.toContain(zendesk.secret);
    expect(JSON.parse((await outcome(['webhooks', 'remove', '--json'])).out)).toHaveLength(2);
    expect((await outcome(['webhooks', 'list'])).out).toMatch(/^no webhook/);
    expect((await boxes.zd('GET', '/webhooks'))['webhooks']).toEqual([]);
    expect((await boxes.pm('GET', '/webhooks'))['items']).toEqual([]);
  });

  test('a webhook that a person changed is restored', async () => {
    const [zendesk] = await installed();
    const webhook = { status: 'inactive', subscriptions: ['zen:event-type:ticket.created'] };
    await boxes.zd('PATCH', `/webhooks/${zendesk.id}`, { webhook });
    const [updated] = await installed();
    expect(updated).toMatchObject({ id: zendesk.id, done: 'updated' });
    const { webhook: now } = await boxes.zd('GET', `/webhooks/${zendesk.id}`);
    expect(now).toMatchObject({ status: 'active' });
    expect((now as { subscriptions: string[] }).subscriptions.length).toBeGreaterThan(10);
  });

  test('a second name exists next to the first while secrets are rotated', async () => {
    const [first] = await installed([], { PMS_WEBHOOK_SECRET: 'the-old-secret' });
    const [second, pms] = await installed(['--name', 'next'], {
      PMS_WEBHOOK_SECRET: 'the-new-secret,the-old-secret',
    });
    expect(second).toMatchObject({ done: 'created', name: 'next' });
    expect(second.secret).not.toBe(first.secret);
    expect(pms.secret).toBe('the-new-secret');
    expect(JSON.parse((await outcome(['webhooks', 'remove', '--json'])).out)).toMatchObject([
      { id: first.id },
      {},
    ]);
    expect((await outcome(['webhooks', 'list', '--name', 'next'])).out.trim().split('\n')).toHaveLength(2);
  });

  test('secrets go to files that only their owner can read, and not to the screen', async () => {
    const dir = path.join(mkdtempSync(path.join(tmpdir(), 'zps-secrets-')), 'new');
    const { out, code } = await outcome(['webhooks', 'install', '--secrets-dir', dir]);
    expect(code).toBe(0);
    for (const side of ['zendesk', 'pms']) {
      const file = path.join(dir, `${side}-webhook-secret`);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(out).toContain(file);
      expect(out).not.toContain(readFileSync(file, 'utf8').trim());
    }
  });

  test.each<[string, Record<string, string | undefined>, RegExp]>([
    ['no public address', { PUBLIC_URL: undefined }, /^PUBLIC_URL: found nothing, expected the address/],
    [
      'a credential that is refused',
      { ZENDESK_OAUTH_CLIENT_SECRET: 'not-the-credential' },
      /^Zendesk POST \/oauth\/tokens: answered 401 invalid_client; .* check ZENDESK_OAUTH_CLIENT_ID .* and ZENDESK_OAUTH_CLIENT_SECRET/,
    ],
    [
      'an unavailable system',
      { ZENDESK_BASE_URL: RECEIVER },
      /^Zendesk POST \/oauth\/tokens: 127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\): .*; there is no access token/,
    ],
  ])('%s gets one line', async (_, changes, expected) => {
    const { code, output } = await outcome(['webhooks', 'install'], changes);
    expect(output).toMatch(expected);
    expect(output.split('\n')).toHaveLength(1);
    expect(output).not.toContain('not-the-credential');
    expect(code).toBe(2);
  });
});

describe('start', () => {
  const answers = (url: string) =>
    fetch(url).then(
      ({ status }) => status,
      () => null,
    );
  async function stop(child: ChildProcess): Promise<number | null> {
    const exit = once(child, 'exit') as Promise<[number | null]>;
    child.kill('SIGTERM');
    return (await exit)[0];
  }

  test('runs worker and receiver in one process, and an edit arrives without a poll', async () => {
    const port = String(await freePort());
    const receiver = `http://127.0.0.1:${port}`;
    const [zendesk, pms] = await installed([], { PUBLIC_URL: receiver });
    const child = run(['start'], {
      INTAKE_PORT: port,
      ZENDESK_WEBHOOK_SECRET: zendesk.secret ?? '',
      PMS_WEBHOOK_SECRET: pms.secret ?? '',
    });
    while ((await answers(`${receiver}/readyz`)) !== 200) {
      expect(child.exitCode).toBeNull();
      await sleep(100);
    }
    // The first poll, which a Schedule starts at once, is over after it found the earlier records.
    await boxes.zd('POST', '/tickets', { ticket: { subject: 'first', comment: { body: 'x' } } });
    const project = () => [...boxes.pms.store.all('project')][0];
    while (!project()) await sleep(50);
    await boxes.pm('PATCH', `/projects/${project()?.id}`, { title: 'heard of' });
    while (![...boxes.zendesk.store.tickets.values()].some(({ subject }) => subject === 'heard of'))
      await sleep(50);
    expect(await stop(child)).toBe(0);
    expect(await answers(`${receiver}/healthz`)).toBeNull();
  });

  test('--only intake has no credential, and stops on a signal', async () => {
    const port = String(await freePort());
    const child = run(['start', '--only', 'intake'], {
      INTAKE_PORT: port,
      PMS_WEBHOOK_SECRET: 'secret-of-the-pms',
      ZENDESK_OAUTH_CLIENT_ID: undefined,
      ZENDESK_OAUTH_CLIENT_SECRET: undefined,
      ZENDESK_BASE_URL: undefined,
      PMS_BASE_URL: undefined,
      PMS_TOKEN: undefined,
      MAPPING_FILE: undefined,
    });
    while ((await answers(`http://127.0.0.1:${port}/readyz`)) !== 200) await sleep(50);
    expect(await stop(child)).toBe(0);
  });

  test('a port in use gets one line', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    for (const args of [['start', '--only', 'intake'], ['start']]) {
      const { code, output } = await outcome(args, {
        INTAKE_PORT: String(port),
        PMS_WEBHOOK_SECRET: 'secret-of-the-pms',
      });
      expect(output).toBe(
        `INTAKE_HOST, INTAKE_PORT: cannot listen on 127.0.0.1:${port} (EADDRINUSE): another process listens there; stop it, or choose another port`,
      );
      expect(code).toBe(2);
    }
    await new Promise((resolve) => other.close(resolve));
  });
});
