import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { parse } from 'yaml';
import { questions } from '../../src/operator/cli/ask';
import { init } from '../../src/operator/cli/commands/initCommand';
import { loadConfig } from '../../src/config/config';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { until } from '../support/serviceProcess';

/** `init` as a dialogue: the real prompts, with input from a stream instead of a terminal. */

let boxes: Sandboxes;
let dir: string;
let printed: string;
beforeAll(async () => {
  boxes = await startSandboxes({ zendesk: { apiTokens: true } });
});
afterAll(async () => boxes.close());
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'zps-init-'));
  printed = '';
  for (const stream of [process.stdout, process.stderr])
    jest.spyOn(stream, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** A person at a terminal. */
class Terminal {
  /** All output of the prompts. */
  all = '';
  readonly questions;
  private readonly input = new PassThrough();
  private screen = '';

  constructor() {
    const output = new PassThrough();
    // A terminal stays open after its prompts.
    output.end = () => output;
    output.on('data', (chunk: Buffer) => {
      this.screen += chunk.toString();
      this.all += chunk.toString();
    });
    this.questions = questions({ input: this.input, output });
  }

  answer(prompt: string, text: string): Promise<void> {
    return this.type(prompt, text, /✔[^\n]*\n/);
  }

  async type(prompt: string, text: string, shown: RegExp): Promise<void> {
    await until(() => this.screen.includes(prompt));
    this.screen = '';
    this.input.write(`${text}\r`);
    await until(() => shown.test(this.screen));
    // The text after it may be there already.
    const found = shown.exec(this.screen);
    this.screen = this.screen.slice((found?.index ?? 0) + (found?.[0].length ?? 0));
  }

  erase(text: string): void {
    this.input.write('\u007f'.repeat(text.length));
  }
}

const read = (file: string) => readFileSync(path.join(dir, file), 'utf8');
const settings = () => parse(read('zendesk-pms-sync.yaml')) as Record<string, string>;

test('asks again after a wrong answer, shows no secret, and writes the answers', async () => {
  const { zendesk, pms } = boxes;
  const terminal = new Terminal();
  const done = init({ dir }, terminal.questions);
  await terminal.type('Zendesk address or subdomain', 'two words', /expected a subdomain such as acme/);
  terminal.erase('two words');
  const other = 'PMS_BASE_URL=http://127.0.0.1:1';
  await terminal.type('', other, /found PMS_BASE_URL, expected ZENDESK_BASE_URL or ZENDESK_SUBDOMAIN/);
  terminal.erase(other);
  await terminal.answer('Zendesk address or subdomain', zendesk.url);
  await terminal.answer('Identifier of the Zendesk OAuth client (leave it empty to use', '7');
  await terminal.answer('Secret of that OAuth client', 'not-the-secret');
  await terminal.answer('Identifier of the Zendesk OAuth client', zendesk.clientId);
  await terminal.answer('Secret of that OAuth client', zendesk.clientSecret);
  await terminal.answer('PMS address', pms.url);
  await terminal.answer('PMS API token', pms.token);
  await terminal.answer('Switch on the web console', '');
  await done;
  expect(printed).toMatch(
    /^Zendesk POST \/oauth\/tokens: answered 401 invalid_client; .*ZENDESK_OAUTH_CLIENT_ID \(found "7", expected the client's Identifier, not its number\) and ZENDESK_OAUTH_CLIENT_SECRET;/m,
  );
  expect(printed).toContain(`✓ Zendesk answers, as ${zendesk.adminEmail}`);
  for (const secret of [zendesk.clientSecret, pms.token, 'not-the-secret']) {
    expect(terminal.all).not.toContain(secret);
    expect(printed).not.toContain(secret);
  }
  expect(settings()).toMatchObject({
    zendeskBaseUrl: zendesk.url,
    zendeskOauthClientId: zendesk.clientId,
    zendeskOauthClientSecretFile: 'secrets/zendesk-oauth-client-secret',
  });
  expect(settings()).not.toHaveProperty('zendeskEmail');
  expect(settings()).not.toHaveProperty('zendeskOauthScopes');
  expect(read('secrets/zendesk-oauth-client-secret').trim()).toBe(zendesk.clientSecret);
  expect(existsSync(path.join(dir, 'secrets/zendesk-api-token'))).toBe(false);
  // Pages that the files refer to exist.
  for (const file of ['zendesk-pms-sync.yaml', 'mapping.yaml'])
    for (const [page] of read(file).matchAll(/\S*docs\/[\w-]+\.md/g)) expect(existsSync(page)).toBe(true);
  expect(read('mapping.yaml')).toMatch(/^#.*\/docs\/mapping\.md/m);
  // The service reads the written files; the console gets its own token, which is never printed.
  const { zendeskAuth, consoleToken } = loadConfig(path.join(dir, 'zendesk-pms-sync.yaml'), {});
  expect(consoleToken).toBe(read('secrets/console-token').trim());
  expect(consoleToken).toMatch(/^[\w-]{32}$/);
  expect(printed + terminal.all).not.toContain(consoleToken);
  expect(statSync(path.join(dir, 'secrets/console-token')).mode & 0o077).toBe(0);
  expect(zendeskAuth).toMatchObject({ by: 'oauth', clientId: zendesk.clientId });
  expect(zendeskAuth.by === 'oauth' && zendeskAuth.secret()).toBe(zendesk.clientSecret);
});

test('a person with an API token may use it, and sees its last day', async () => {
  const { zendesk, pms } = boxes;
  const terminal = new Terminal();
  const done = init({ dir }, terminal.questions);
  await terminal.answer('Zendesk address or subdomain', zendesk.url);
  await terminal.answer('Identifier of the Zendesk OAuth client (leave it empty to use', '');
  await terminal.answer('E-mail of the Zendesk admin', zendesk.adminEmail);
  await terminal.answer('Zendesk API token', 'not-the-token');
  // The address may be wrong, so the former answer is offered.
  await terminal.answer('E-mail of the Zendesk admin', '');
  await terminal.answer('Zendesk API token', zendesk.apiToken);
  await terminal.answer('PMS address', pms.url);
  await terminal.answer('PMS API token', pms.token);
  await terminal.answer('Switch on the web console', '');
  await done;
  expect(printed.match(/^! Zendesk API tokens (end on|do not work since) 2027-04-30.*$/gm)).toHaveLength(1);
  expect(printed).toMatch(/answered 401; .*ZENDESK_EMAIL and ZENDESK_API_TOKEN|do not work since/);
  expect(settings()).toMatchObject({
    zendeskEmail: zendesk.adminEmail,
    zendeskApiTokenFile: 'secrets/zendesk-api-token',
  });
  expect(settings()).not.toHaveProperty('zendeskOauthClientId');
  expect(read('secrets/zendesk-api-token').trim()).toBe(zendesk.apiToken);
  expect(existsSync(path.join(dir, 'secrets/zendesk-oauth-client-secret'))).toBe(false);
});

test('O7: accepts what a sandbox prints; a wrong port and "<" go back, and answers are kept', async () => {
  const { zendesk, pms } = boxes;
  const terminal = new Terminal();
  const done = init({ dir }, terminal.questions);
  await terminal.answer('Zendesk address or subdomain', 'http://127.0.0.1:1');
  await terminal.answer(
    'Identifier of the Zendesk OAuth client (leave',
    `ZENDESK_OAUTH_CLIENT_ID=${zendesk.clientId}`,
  );
  await terminal.answer('Secret of that OAuth client', `ZENDESK_OAUTH_CLIENT_SECRET=${zendesk.clientSecret}`);
  await until(() => /127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)/.test(printed));
  // Back at the address; later answers are offered again.
  terminal.erase('http://127.0.0.1:1');
  await terminal.answer('Zendesk address or subdomain', `ZENDESK_BASE_URL=${zendesk.url}/api/v2`);
  await terminal.answer('Identifier of the Zendesk OAuth client', '');
  await terminal.answer('Secret of that OAuth client (Enter: as before)', '');
  await terminal.answer('PMS address', '<');
  await terminal.answer('Zendesk address or subdomain', '');
  await terminal.answer('Identifier of the Zendesk OAuth client', '');
  await terminal.answer('Secret of that OAuth client (Enter: as before)', '');
  await terminal.answer('PMS address', `PMS_BASE_URL=${pms.url}/api/v1`);
  await terminal.answer('PMS API token', `PMS_TOKEN=${pms.token}`);
  await terminal.type('Switch on the web console', 'perhaps', /expected yes or no/);
  terminal.erase('perhaps');
  await terminal.answer('', '<');
  await terminal.answer('PMS address', '');
  await terminal.answer('PMS API token (Enter: as before)', '');
  await terminal.answer('Switch on the web console', 'no');
  await done;
  expect(settings()).not.toHaveProperty('consoleTokenFile');
  expect(existsSync(path.join(dir, 'secrets/console-token'))).toBe(false);
  expect(settings()).toMatchObject({
    zendeskBaseUrl: zendesk.url,
    zendeskOauthClientId: zendesk.clientId,
    pmsBaseUrl: pms.url,
  });
  expect(read('secrets/zendesk-oauth-client-secret').trim()).toBe(zendesk.clientSecret);
  expect(read('secrets/pms-token').trim()).toBe(pms.token);
});

describe('without a terminal', () => {
  const OPTIONS = () => ({ dir, yes: true as const, zendeskUrl: boxes.zendesk.url, pmsUrl: boxes.pms.url });
  const before = { ...process.env };
  beforeEach(() => void (process.env['PMS_TOKEN'] = boxes.pms.token));
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  });

  test('a client and a token at once are refused: init does not guess', async () => {
    const both = { zendeskClientId: 'a', zendeskEmail: 'a@acme.example' };
    await expect(init({ ...OPTIONS(), ...both }, null)).rejects.toThrow(
      '--zendesk-client-id: found --zendesk-email, too; expected one of the two',
    );
  });

  test('neither: init asks for the OAuth client', async () => {
    await expect(init(OPTIONS(), null)).rejects.toThrow(/^--zendesk-client-id: found nothing/);
  });

  test('a scope that Zendesk does not know is reported, and kept for the service', async () => {
    const { clientId, clientSecret } = boxes.zendesk;
    process.env['ZENDESK_OAUTH_CLIENT_SECRET'] = clientSecret;
    process.env['ZENDESK_OAUTH_SCOPES'] = 'read tickets:wirte';
    await init({ ...OPTIONS(), zendeskClientId: clientId }, null);
    expect(printed).toMatch(/^! Zendesk did not grant tickets:wirte: .*ZENDESK_OAUTH_SCOPES/m);
    expect(settings()).toMatchObject({ zendeskOauthScopes: 'read tickets:wirte' });
  });

  test('credentials in the working folder are not used for the given account', async () => {
    const { clientId, clientSecret, adminEmail } = boxes.zendesk;
    const text = `zendeskOauthClientId: ${clientId}\nzendeskOauthClientSecret: ${clientSecret}\n`;
    writeFileSync(path.join(dir, 'zendesk-pms-sync.yaml'), text);
    process.env['ZENDESK_API_TOKEN'] = 'not-the-token';
    const from = process.cwd();
    process.chdir(dir);
    try {
      const made = init({ ...OPTIONS(), dir: '.', force: true, zendeskEmail: adminEmail }, null);
      await expect(made).rejects.toThrow(/answered 401/);
    } finally {
      process.chdir(from);
    }
  });
});

test('P12: settings of the PMS’s API in the environment are used and written', async () => {
  const { zendesk, pms } = boxes;
  jest.replaceProperty(process, 'env', { ...process.env, PMS_PROFILE: 'contract', PMS_USER: 'sync' });
  const terminal = new Terminal();
  const done = init({ dir }, terminal.questions);
  await terminal.answer('Zendesk address or subdomain', zendesk.url);
  await terminal.answer('Identifier of the Zendesk OAuth client (leave it empty to use', zendesk.clientId);
  await terminal.answer('Secret of that OAuth client', zendesk.clientSecret);
  await terminal.answer('PMS address', pms.url);
  await terminal.answer('PMS API token', pms.token);
  await terminal.answer('Switch on the web console', '');
  await done;
  expect(settings()).toMatchObject({ pmsProfile: 'contract', pmsUser: 'sync', pmsBaseUrl: pms.url });
});
