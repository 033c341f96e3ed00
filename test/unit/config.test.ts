import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { commandLine } from '../../src/platform/commandLine';
import {
  ConfigError,
  SETTING_NAMES,
  loadConfig,
  loadConfigs,
  loadIntakeConfigs,
} from '../../src/config/config';
import { misspelt } from '../../src/config/sources';

const COMPLETE = {
  ZENDESK_SUBDOMAIN: 'acme',
  ZENDESK_OAUTH_CLIENT_ID: 'sync',
  ZENDESK_OAUTH_CLIENT_SECRET: 'secret-token-of-zendesk',
  PMS_BASE_URL: 'https://pms.example',
  PMS_TOKEN: 'secret-token-of-pms',
};

function file(name: string, text: string): string {
  const at = path.join(mkdtempSync(path.join(tmpdir(), 'zps-config-')), name);
  writeFileSync(at, text);
  return at;
}

function faultOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'no fault';
}

describe('configuration', () => {
  test('is read from the environment, with defaults', () => {
    expect(loadConfig(null, COMPLETE)).toMatchObject({
      zendeskBaseUrl: 'https://acme.zendesk.com',
      mappingFile: 'mapping.yaml',
      zendeskPollSeconds: 60,
    });
  });

  test('is read from a file, and the environment takes precedence', () => {
    const at = file(
      'c.yaml',
      'zendeskSubdomain: other\nzendeskOauthClientId: c\nzendeskOauthClientSecret: s\npmsBaseUrl: http://pms\npmsToken: t\npmsPollSeconds: 5\n',
    );
    expect(loadConfig(at, { PMS_POLL_SECONDS: '7' })).toMatchObject({
      zendeskBaseUrl: 'https://other.zendesk.com',
      pmsPollSeconds: 7,
    });
  });

  test.each([
    ['https://sync.example.com', 'no fault'],
    ['http://localhost:8080', 'no fault'],
    ['http://127.0.0.2:8080', 'no fault'],
    ['http://[::1]:8080', 'no fault'],
    ['http://sync.example.com', /^PUBLIC_URL.*found "http:\/\/sync\.example\.com", expected https:\/\//],
    ['http://10.0.0.7', /expected https:\/\//],
    ['http://127.0.0.1.example.com', /expected https:\/\//],
    ['http://localhost.example.com', /expected https:\/\//],
    ['sync.example.com', /^PUBLIC_URL.*expected an address/],
  ])('O10: a PUBLIC_URL that sends records unencrypted is refused: %s', (address, fault) => {
    const found = faultOf(() => loadConfig(null, { ...COMPLETE, PUBLIC_URL: address }));
    expect(found).toMatch(fault);
  });

  test('hosts of attachments are names or whole origins, separated by commas or as a list', () => {
    const hostsOf = (text: string) =>
      loadConfig(null, { ...COMPLETE, ZENDESK_ATTACHMENT_HOSTS: text }).zendeskAttachmentHosts;
    expect(loadConfig(null, COMPLETE).zendeskAttachmentHosts).toEqual(['*.zdusercontent.com']);
    expect(hostsOf('*.example.com, http://10.0.0.7:8080')).toEqual(['*.example.com', 'http://10.0.0.7:8080']);
    for (const text of ['*', 'https://x.example/path', 'host:80', '*.*.com'])
      expect(faultOf(() => hostsOf(text))).toContain('ZENDESK_ATTACHMENT_HOSTS');
  });

  test('a secret is read from the file that a variable names', () => {
    expect(
      loadConfig(null, { ...COMPLETE, PMS_TOKEN: undefined, PMS_TOKEN_FILE: file('token', 'from-a-file\n') })
        .pmsToken,
    ).toBe('from-a-file');
  });

  test.each<[string, () => unknown, string]>([
    [
      'a missing credential',
      () => loadConfig(null, { ...COMPLETE, PMS_TOKEN: undefined }),
      'PMS_TOKEN: found nothing, expected a value',
    ],
    [
      'a missing address',
      () => loadConfig(null, { ...COMPLETE, ZENDESK_SUBDOMAIN: undefined }),
      'ZENDESK_SUBDOMAIN: found nothing, expected the Zendesk subdomain',
    ],
    [
      'a bad address',
      () => loadConfig(null, { ...COMPLETE, PMS_BASE_URL: 'pms' }),
      'PMS_BASE_URL: found "pms", expected an address',
    ],
    [
      'a bad number',
      () => loadConfig(null, { ...COMPLETE, PMS_POLL_SECONDS: 'often' }),
      'PMS_POLL_SECONDS: found "often", expected a number of seconds',
    ],
    [
      'a bad flag',
      () => loadConfig(null, { ...COMPLETE, TEMPORAL_TLS: 'maybe' }),
      'TEMPORAL_TLS: found "maybe", expected true or false',
    ],
    [
      'half a client certificate',
      () => loadConfig(null, { ...COMPLETE, TEMPORAL_TLS_CLIENT_CERT_PATH: 'cert.pem' }),
      'TEMPORAL_TLS_CLIENT_KEY_PATH: found nothing, expected a client certificate and its key together',
    ],
    [
      'an API key without an address',
      () => loadConfig(null, { ...COMPLETE, TEMPORAL_API_KEY: 'k' }),
      'TEMPORAL_ADDRESS: found nothing, expected the address that TLS or the API key is for',
    ],
    ['an unknown field', () => loadConfig(file('c.yaml', 'pmsUrl: x\n'), COMPLETE), 'unknown field "pmsUrl"'],
    [
      'a missing file',
      () => loadConfig('/nowhere/c.yaml', COMPLETE),
      '/nowhere/c.yaml: cannot be read (ENOENT)',
    ],
    ['invalid YAML', () => loadConfig(file('c.yaml', 'a: [1\n'), COMPLETE), 'not valid YAML'],
  ])('%s gets one line that names it', (_, run, expected) => {
    expect(faultOf(run)).toContain(expected);
  });

  test.each([
    [
      'PMS_BASE_URL',
      'pms.acme.example',
      'such as https://pms.example.com, with https:// or http:// before it',
    ],
    ['PMS_BASE_URL', 'http://127.0.0.1:99999', 'expected an address such as https://pms.example.com'],
    ['PMS_BASE_URL', 'https://pms.example/?x=1', 'expected an address without "?" and "#"'],
    ['PMS_BASE_URL', 'https://joe:hidden@pms.example', 'expected an address without user and password'],
    ['PUBLIC_URL', 'localhost:8080', 'such as https://sync.example.com'],
    ['TEMPORAL_ADDRESS', 'http://temporal:7233', 'expected host and port such as temporal.example.com:7233'],
    ['TEMPORAL_ADDRESS', 'temporal:70000', 'expected host and port'],
    ['TEMPORAL_ADDRESS', 'temporal:', 'expected host and port'],
    ['MONGODB_URI', '127.0.0.1:27017', 'expected an address such as mongodb://127.0.0.1:27017'],
    ['MONGODB_URI', 'mongodb://joe:hid@den@127.0.0.1', 'with %40 for "@"'],
    ['MONGODB_URI', 'mongodb://joe:hid/den@127.0.0.1', '%2F for "/"'],
    ['MONGODB_URI', 'mongodb://127.0.0.1:270170', 'with a port up to 65535'],
    ['MONGODB_URI', 'mongodb://127.0.0.1/?foo=bar', '"foo" is none'],
    ['MONGODB_DATABASE', 'a.b', 'expected a name of at most 63 bytes'],
    ['MONGODB_DATABASE', 'a b', 'expected a name of at most 63 bytes'],
    ['INTAKE_PORT', '99999', 'expected a port from 0 to 65535'],
    ['PMS_POLL_SECONDS', '9999999999', 'expected a number of seconds, up to 604800'],
    ['PMS_TOKEN', '"hidden"', 'found a value, expected an API token without quotes around it'],
    ['PMS_TOKEN', 'Bearer hidden', 'expected an API token without "Bearer" before it'],
    ['PMS_TOKEN', ' hidden', 'expected an API token without blanks around it'],
    ['PMS_TOKEN', 'hid\nden', 'expected an API token on one line'],
    ['CONSOLE_TOKEN', "'hidden-hidden-hidden'", 'without quotes around it'],
    ['ZENDESK_BASE_URL', 'https://globex.zendesk.com', 'they name two accounts; remove one'],
  ])('%s=%s: the line names the expected value, and shows no secret', (variable, value, expected) => {
    const message = faultOf(() => loadConfig(null, { ...COMPLETE, [variable]: value }));
    expect(message).toContain(expected);
    expect(message.split('\n')).toHaveLength(1);
    expect(message).not.toMatch(/hid/);
  });

  test.each([
    ['TEMPORAL_ADDRESS', 'temporal'],
    ['TEMPORAL_ADDRESS', '[::1]:7233'],
    ['MONGODB_URI', 'mongodb+srv://joe:h%40x@cluster.example.com/?retryWrites=true'],
    ['MONGODB_URI', 'mongodb://a:27017,b:27018/db?replicaSet=rs0&authSource=admin'],
    ['PMS_BASE_URL', 'https://acme.example/redmine/'],
    ['ZENDESK_BASE_URL', 'http://127.0.0.1:8081'],
    ['ZENDESK_BASE_URL', 'https://acme.zendesk.com'],
    ['PMS_TOKEN', 'a pass phrase: "quoted" within'],
  ])('%s=%s is accepted', (variable, value) => {
    expect(() => loadConfig(null, { ...COMPLETE, [variable]: value })).not.toThrow();
  });

  test('an empty variable counts as missing, and the file’s value is used', () => {
    const at = file('c.yaml', `pmsTokenFile: ${file('token', 'from-a-file\n')}\n`);
    expect(loadConfig(at, { ...COMPLETE, PMS_TOKEN: '', PMS_TOKEN_FILE: '' }).pmsToken).toBe('from-a-file');
  });

  test('the message names the empty file of a secret', () => {
    const at = file('token', '\n');
    const message = faultOf(() =>
      loadConfig(null, { ...COMPLETE, PMS_TOKEN: undefined, PMS_TOKEN_FILE: at }),
    );
    expect(message).toBe(`PMS_TOKEN_FILE: ${at} is empty, expected the secret in it`);
  });

  test.each([
    ['pmsTokn: x\n', 'unknown field "pmsTokn"; did you mean "pmsToken"?'],
    ['PMS_TOKEN: x\n', 'unknown field "PMS_TOKEN"; in a file it is written "pmsToken"'],
    ['entities: {}\n', 'found a mapping, expected settings; name this file by MAPPING_FILE'],
  ])('%s: the message suggests the setting that was meant', (text, expected) => {
    expect(faultOf(() => loadConfig(file('c.yaml', text), COMPLETE))).toContain(expected);
  });

  test('a variable that is almost a setting is reported, and others are ignored', () => {
    const env = {
      ZENDESK_SUBDOMIAN: 'x',
      MONGODB_URL: 'x',
      PMS_TOKEN_FILES: 'x',
      PMS_TOKEN: 'x',
      HOME: '/',
      PATHS: '/',
    };
    expect(misspelt(env, SETTING_NAMES)).toEqual([
      'ZENDESK_SUBDOMIAN: is no setting, and is ignored; did you mean ZENDESK_SUBDOMAIN?',
      'MONGODB_URL: is no setting, and is ignored; did you mean MONGODB_URI?',
      'PMS_TOKEN_FILES: is no setting, and is ignored; did you mean PMS_TOKEN_FILE?',
    ]);
  });

  test('webhook secrets are a list, a text with commas, or a file', () => {
    const of = (env: NodeJS.ProcessEnv) => loadConfig(null, { ...COMPLETE, ...env });
    expect(of({ ZENDESK_WEBHOOK_SECRET: 'current-one,previous-one' }).zendeskWebhookSecret).toEqual([
      'current-one',
      'previous-one',
    ]);
    expect(
      of({ PMS_WEBHOOK_SECRET_FILE: file('s', 'current-one\nprevious-one\n') }).pmsWebhookSecret,
    ).toEqual(['current-one', 'previous-one']);
    const at = file('c.yaml', 'pmsWebhookSecret: [current-one, previous-one]\n');
    expect(loadConfig(at, COMPLETE).pmsWebhookSecret).toEqual(['current-one', 'previous-one']);
    expect(of({}).pmsWebhookSecret).toBeUndefined();
  });

  test('a process that only receives webhooks needs no credential of either API', () => {
    const env = {
      TEMPORAL_ADDRESS: 'temporal:7233',
      MONGODB_URI: 'mongodb://mongodb',
      PMS_WEBHOOK_SECRET: 'current-one',
    };
    expect(loadIntakeConfigs(null, env)[0]).toMatchObject({ intakeHost: '127.0.0.1', intakePort: 8080 });
    expect(faultOf(() => loadIntakeConfigs(null, { ...env, TEMPORAL_ADDRESS: undefined })[0])).toBe(
      'TEMPORAL_ADDRESS: found nothing, expected a value',
    );
    expect(faultOf(() => loadIntakeConfigs(null, { ...env, PMS_WEBHOOK_SECRET: undefined })[0])).toContain(
      'ZENDESK_WEBHOOK_SECRET: found nothing, expected the signing secret of one side at least',
    );
  });

  test('a process that only serves the console needs no webhook and no credential of either API', () => {
    const env = {
      TEMPORAL_ADDRESS: 'temporal:7233',
      MONGODB_URI: 'mongodb://mongodb',
      CONSOLE_TOKEN: 'sixteen-letters-at-least',
    };
    expect(loadIntakeConfigs(null, env)[0]).toMatchObject({ consoleHost: '127.0.0.1', consolePort: 8085 });
    const proxied = { ...env, CONSOLE_USER_HEADER: 'X-Forwarded-Email' };
    expect(faultOf(() => loadIntakeConfigs(null, proxied)[0])).toBe(
      'CONSOLE_TRUSTED_PROXIES: found nothing, expected the addresses of the proxies whose CONSOLE_USER_HEADER is trusted',
    );
    const trusted = { ...proxied, CONSOLE_TRUSTED_PROXIES: '10.0.0.5, fd00::/8' };
    expect(loadIntakeConfigs(null, trusted)[0].consoleTrustedProxies).toEqual(['10.0.0.5', 'fd00::/8']);
  });

  test.each([
    ['CONSOLE_TOKEN', 'short', 'found a value, expected a token of at least 16 characters'],
    ['CONSOLE_USER_HEADER', 'not a header', 'expected the name of a header'],
    ['CONSOLE_TRUSTED_PROXIES', 'proxy.acme.example', 'expected addresses such as 10.0.0.5'],
    ['PMS_RECORD_URL', 'https://pms.acme.example/', 'expected e.g. https://pms.acme.example/{kind}s/{id}'],
    ['PMS_RECORD_URL', 'javascript:{id}', 'expected e.g. https://pms.acme.example/{kind}s/{id}'],
    ['TEMPORAL_UI_URL', 'javascript:alert(1)', 'expected an address'],
  ])('%s=%s gets one line', (variable, value, expected) => {
    const message = faultOf(() => loadConfig(null, { ...COMPLETE, [variable]: value }));
    expect(message).toContain(variable);
    expect(message).toContain(expected);
    expect(message).not.toContain('short');
  });

  test.each([
    ['a secret that is too short', { PMS_WEBHOOK_SECRET: 'hunter2' }],
    ['three secrets', { PMS_WEBHOOK_SECRET: 'hunter2hunter2,hunter2hunter3,hunter2hunter4' }],
  ])('%s gets one line that does not show the value', (_, env) => {
    const message = faultOf(() => loadConfig(null, { ...COMPLETE, ...env }));
    expect(message).toContain('PMS_WEBHOOK_SECRET: found a value, expected one or two secrets');
    expect(message).not.toContain('hunter');
  });

  test('an error never shows a secret', () => {
    const message = faultOf(() =>
      loadConfig(null, {
        ...COMPLETE,
        MONGODB_URI: 'http://user:hidden-password@host',
        PMS_BASE_URL: 'x',
        TEMPORAL_API_KEY: 'hidden-password',
      }),
    );
    expect(message).toContain('MONGODB_URI');
    expect(message).not.toContain('hidden-password');
    expect(message).not.toContain('secret-token');
  });
});

describe('how the service signs in to Zendesk', () => {
  const NONE = {
    ...COMPLETE,
    ZENDESK_OAUTH_CLIENT_ID: undefined,
    ZENDESK_OAUTH_CLIENT_SECRET: undefined,
  };
  const TOKEN = { ...NONE, ZENDESK_EMAIL: 'sync@acme.example', ZENDESK_API_TOKEN: 'secret-token' };

  test('by an OAuth client, whose secret is read from its file at every use and trimmed', () => {
    const at = file('secret', ' first \n');
    const { zendeskAuth } = loadConfig(null, {
      ...COMPLETE,
      ZENDESK_OAUTH_CLIENT_SECRET: undefined,
      ZENDESK_OAUTH_CLIENT_SECRET_FILE: at,
      ZENDESK_OAUTH_SCOPES: 'read write',
    });
    if (zendeskAuth.by !== 'oauth') throw new Error('expected OAuth');
    expect(zendeskAuth).toMatchObject({ clientId: 'sync', scopes: 'read write' });
    expect(zendeskAuth.secret()).toBe('first');
    writeFileSync(at, 'second\n');
    expect(zendeskAuth.secret()).toBe('second');
    rmSync(at);
    expect(faultOf(zendeskAuth.secret)).toMatch(
      /^ZENDESK_OAUTH_CLIENT_SECRET_FILE: .* cannot be read \(ENOENT\): it is not there; check the path$/,
    );
  });

  test('by an API token, until it ends; if both are given, by OAuth', () => {
    expect(loadConfig(null, TOKEN).zendeskAuth).toEqual({
      by: 'apiToken',
      email: 'sync@acme.example',
      token: 'secret-token',
    });
    expect(loadConfig(null, { ...TOKEN, ...COMPLETE }).zendeskAuth).toMatchObject({ by: 'oauth' });
  });

  test.each<[string, NodeJS.ProcessEnv, string]>([
    [
      'neither',
      NONE,
      'ZENDESK_OAUTH_CLIENT_ID: found nothing, expected the Identifier of an OAuth client (docs/zendesk.md)',
    ],
    [
      'a client without its secret',
      { ...COMPLETE, ZENDESK_OAUTH_CLIENT_SECRET: undefined },
      'ZENDESK_OAUTH_CLIENT_SECRET: found nothing, expected the secret of that OAuth client',
    ],
    [
      'a secret without its client',
      { ...COMPLETE, ZENDESK_OAUTH_CLIENT_ID: undefined },
      'ZENDESK_OAUTH_CLIENT_ID: found nothing, expected the Identifier of the OAuth client whose secret is given',
    ],
    [
      'an e-mail address without its token',
      { ...TOKEN, ZENDESK_API_TOKEN: undefined },
      'ZENDESK_API_TOKEN: found nothing, expected an API token, or better an OAuth client: ZENDESK_OAUTH_CLIENT_ID',
    ],
    [
      'a token without its e-mail address',
      { ...TOKEN, ZENDESK_EMAIL: undefined },
      'ZENDESK_EMAIL: found nothing, expected the e-mail address of the user whose API token is given',
    ],
    [
      'scopes in another form',
      { ...COMPLETE, ZENDESK_OAUTH_SCOPES: 'read,write' },
      'ZENDESK_OAUTH_SCOPES: found "read,write", expected scopes such as "read tickets:write"',
    ],
  ])('%s gets one line', (_, env, message) => {
    expect(faultOf(() => loadConfig(null, env))).toBe(message);
  });
});

describe('several connections', () => {
  const TEXT = `
pmsPollSeconds: 5
connections:
  acme:
    zendeskSubdomain: acme
    zendeskEmail: sync@acme.example
    zendeskApiToken: token-of-acme
    pmsBaseUrl: https://pms.acme.example
    pmsTokenFile: acme-pms
    pmsPollSeconds: 20
  globex:
    zendeskSubdomain: globex
    zendeskOauthClientId: client-of-globex
    pmsBaseUrl: https://pms.globex.example
`;
  const ENV = { GLOBEX__ZENDESK_OAUTH_CLIENT_SECRET: 'secret-of-globex', GLOBEX__PMS_TOKEN: 'pms-of-globex' };
  const at = file('several.yaml', TEXT);
  writeFileSync(path.join(path.dirname(at), 'acme-pms'), 'pms-of-acme\n');
  const without = (words: string) => file('several.yaml', TEXT.replace(words, ''));

  test('each has its own settings, and inherits those at the top', () => {
    const configs = loadConfigs(at, {
      ...ENV,
      ZENDESK_POLL_SECONDS: '30',
      GLOBEX__ZENDESK_POLL_SECONDS: '40',
    });
    expect(configs).toMatchObject([
      {
        connection: 'acme',
        zendeskBaseUrl: 'https://acme.zendesk.com',
        zendeskAuth: { by: 'apiToken', email: 'sync@acme.example', token: 'token-of-acme' },
        pmsToken: 'pms-of-acme',
        pmsPollSeconds: 20,
        zendeskPollSeconds: 30,
      },
      {
        connection: 'globex',
        zendeskAuth: { by: 'oauth', clientId: 'client-of-globex' },
        pmsToken: 'pms-of-globex',
        pmsPollSeconds: 5,
        zendeskPollSeconds: 40,
      },
    ]);
    expect(loadConfig(at, ENV, 'globex')).toMatchObject({ connection: 'globex', pmsPollSeconds: 5 });
    expect(loadConfigs(at, ENV, ['globex']).map(({ connection }) => connection)).toEqual(['globex']);
  });

  test('each has its own task queue, database and workflow ids, named after it by default', () => {
    const of = (env: NodeJS.ProcessEnv) =>
      loadConfigs(at, { ...ENV, ...env }).map(({ taskQueue, mongodbDatabase, pairPrefix }) => [
        taskQueue,
        mongodbDatabase,
        pairPrefix,
      ]);
    expect(of({ MONGODB_DATABASE: 'db' })).toEqual([
      ['zendesk-pms-sync-acme', 'db-acme', 'zendesk-pms-sync-acme/'],
      ['zendesk-pms-sync-globex', 'db-globex', 'zendesk-pms-sync-globex/'],
    ]);
    expect(of({ ACME__TASK_QUEUE: 'mine' })[0]?.[0]).toBe('mine');
    expect(loadConfig(null, COMPLETE)).toMatchObject({ connection: null, pairPrefix: '' });
  });

  test('none uses the queues of another', () => {
    expect(
      faultOf(() => loadConfigs(at, { ...ENV, ACME__TASK_QUEUE: 'q', GLOBEX__TASK_QUEUE: 'q-pms' })),
    ).toBe('connections.globex.taskQueue: "q-pms" is that of acme, expected one of its own');
  });

  test('the errors of all are reported at once, each with its connection’s name', () => {
    const faults = faultOf(() =>
      loadConfigs(without('    pmsTokenFile: acme-pms\n'), { ACME__PMS_POLL_SECONDS: 'often' }),
    );
    const found = faults.split('\n').map((line) => line.replace(/ \(or .*?\):/, ':'));
    expect(found).toEqual([
      'ACME__PMS_TOKEN: found nothing, expected a value',
      'ACME__PMS_POLL_SECONDS: found "often", expected a number of seconds',
      'GLOBEX__PMS_TOKEN: found nothing, expected a value',
      'GLOBEX__ZENDESK_OAUTH_CLIENT_SECRET: found nothing, expected the secret of that OAuth client',
    ]);
    expect(faults).toContain('(or connections.acme.pmsToken in ');
  });

  test('a receiver serves those with a secret, and needs at least one', () => {
    const env = { TEMPORAL_ADDRESS: 'temporal:7233', MONGODB_URI: 'mongodb://mongodb' };
    expect(faultOf(() => loadIntakeConfigs(at, env))).toMatch(/^ACME__ZENDESK_WEBHOOK_SECRET: found nothing/);
    const [acme, globex] = loadIntakeConfigs(at, { ...env, GLOBEX__PMS_WEBHOOK_SECRET: 'current-one' });
    expect([acme.pmsWebhookSecret, globex?.pmsWebhookSecret]).toEqual([undefined, ['current-one']]);
  });
});

test('issue 22: without any setting, the message explains where settings come from', () => {
  const found = faultOf(() => loadConfig(null, { PATH: '/usr/bin' }));
  expect(found.split('\n')[0]).toBe(
    `zendesk-pms-sync.yaml: not in this folder; go to the folder that has it, or write it with "${commandLine('init')}"`,
  );
  expect(found).toMatch(/^PMS_BASE_URL: found nothing/m);
  expect(faultOf(() => loadConfig(null, { PMS_BASE_URL: 'https://pms.example' }))).not.toContain(
    'not in this folder',
  );
});
