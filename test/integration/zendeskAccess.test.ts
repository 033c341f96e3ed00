import { loadConfig, type Config } from '../../src/config/config';
import { zendeskAccess } from '../../src/operator/zendeskAccess';
import type { Finding } from '../../src/operator/finding';
import { MAPPING_FILE, startSandboxes, type Sandboxes } from '../support/sandboxes';

/** What `doctor` finds out about the user and the rights of the credential by trying. */

let boxes: Sandboxes;

beforeAll(async () => {
  boxes = await startSandboxes({ zendesk: { apiTokens: true } });
});
afterAll(async () => boxes.close());

function configFor(env: Record<string, string> = {}): Config {
  return loadConfig(null, {
    ZENDESK_BASE_URL: boxes.zendesk.url,
    ZENDESK_OAUTH_CLIENT_ID: boxes.zendesk.clientId,
    ZENDESK_OAUTH_CLIENT_SECRET: boxes.zendesk.clientSecret,
    PMS_BASE_URL: boxes.pms.url,
    PMS_TOKEN: boxes.pms.token,
    MAPPING_FILE,
    ...env,
  });
}

async function found(config: Config): Promise<Map<string, Finding>> {
  const findings = new Map<string, Finding>();
  for await (const finding of zendeskAccess(config)) findings.set(finding.what, finding);
  return findings;
}

const records = () => [
  boxes.zendesk.store.organizations.size,
  boxes.zendesk.store.tickets.size,
  boxes.zendesk.store.users.size,
];

test('an administrator’s client: the report shows user, role and scopes, every right exists, nothing is written', async () => {
  const before = records();
  const findings = await found(configFor());
  expect([...findings.values()].map(({ what, state }) => [what, state])).toEqual([
    ['Zendesk: acts as', 'ok'],
    ['Zendesk: scopes', 'ok'],
    ['Zendesk: writing tickets and comments', 'ok'],
    ['Zendesk: writing organizations', 'ok'],
    ['Zendesk: files', 'ok'],
  ]);
  const { id } = boxes.zendesk.store.userByEmail.get(boxes.zendesk.adminEmail) ?? {};
  expect(findings.get('Zendesk: acts as')?.found).toMatch(
    new RegExp(`^Sync Admin, user ${id}, role admin; keep this user`),
  );
  expect(findings.get('Zendesk: scopes')?.found).toMatch(
    /^read tickets:write users:write organizations:write ticket_attachments:write; this token ends at 20/,
  );
  expect(records()).toEqual(before);
});

test('too small a scope: the report names the missing writes and the scope to add', async () => {
  const findings = await found(configFor({ ZENDESK_OAUTH_SCOPES: 'read tickets:write' }));
  expect(findings.get('Zendesk: writing tickets and comments')?.state).toBe('ok');
  expect(findings.get('Zendesk: writing organizations')).toMatchObject({
    state: 'failed',
    found: expect.stringMatching(/answered 403; .*organizations:write/) as unknown,
  });
  expect(findings.get('Zendesk: files')?.found).toContain('ticket_attachments:write');
});

test('an unknown scope is not granted, and the report says so', async () => {
  const findings = await found(configFor({ ZENDESK_OAUTH_SCOPES: 'read write tickets:wriet' }));
  expect(findings.get('Zendesk: scopes')).toMatchObject({
    state: 'warning',
    found: 'read write; asked for and not granted: tickets:wriet',
  });
});

test('a client of an agent: the report names the missing role', async () => {
  const agent = boxes.zendesk.store.userByEmail.get('bob@sandbox.example')?.id ?? 0;
  boxes.zendesk.oauth.clients.add({
    identifier: 'of_bob',
    secret: 'secret-of-bob',
    userId: agent,
    name: 'Of Bob',
  });
  const findings = await found(
    configFor({ ZENDESK_OAUTH_CLIENT_ID: 'of_bob', ZENDESK_OAUTH_CLIENT_SECRET: 'secret-of-bob' }),
  );
  expect(findings.get('Zendesk: acts as')).toMatchObject({
    state: 'warning',
    cure: expect.stringContaining('administrator') as unknown,
  });
  expect(findings.get('Zendesk: writing organizations')).toMatchObject({
    state: 'failed',
    found: expect.stringContaining('expected an administrator') as unknown,
  });
});

test('an API token: the report shows its last day, and what to do', async () => {
  const findings = await found(
    configFor({
      ZENDESK_OAUTH_CLIENT_ID: '',
      ZENDESK_OAUTH_CLIENT_SECRET: '',
      ZENDESK_EMAIL: boxes.zendesk.adminEmail,
      ZENDESK_API_TOKEN: boxes.zendesk.apiToken,
    }),
  );
  expect(findings.get('Zendesk: API token')).toMatchObject({
    state: 'warning',
    found: expect.stringMatching(/^Zendesk API tokens (end on|do not work since) 2027-04-30/) as unknown,
    cure: expect.stringContaining('ZENDESK_OAUTH_CLIENT_ID') as unknown,
  });
});
