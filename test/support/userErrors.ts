import type { ZendeskSandbox } from 'zendesk-sandbox';

/** Mistakes, and how to make each of them. docs/errors.md is made from them. */

export interface UserError {
  /** The mistake, as the page names it. */
  did: string;
  args: string[];
  /** Changes of a complete environment; undefined removes a variable. */
  env?: Record<string, string | undefined>;
  /** A file in the folder of the command: its name and its text, or a change of the shipped file. */
  file?: { name: string; text: string } | { name: string; change: [from: string | RegExp, to: string] };
  /** Puts a separate Zendesk into the state of the error. @returns further environment variables */
  zendesk?: (zendesk: ZendeskSandbox) => Promise<Record<string, string> | void>;
  /** The part of standard output that is the message, for commands that print their findings. */
  out?: RegExp;
  /** 2: an input must be corrected; 1: a problem was found. */
  code: 1 | 2;
  /** How to correct it: a phrase that begins with a verb. */
  cure: string;
}

const settings = (text: string) => ({ name: 'settings.yaml', text });
const mapping = (from: string, to: string) => ({
  name: 'mapping.yaml',
  change: [from, to] as [string, string],
});
const profile = (from: string, to: string) => ({
  name: 'profile.yaml',
  change: [from, to] as [string, string],
});
const tried = ['conform', '--profile', 'profile.yaml'];
const status = ['status', '--config', 'settings.yaml'];
const show = ['mapping', 'show', 'mapping.yaml'];

/** If there are connections, the settings are theirs. */
const WITHOUT_OWN = {
  ZENDESK_BASE_URL: undefined,
  ZENDESK_OAUTH_CLIENT_ID: undefined,
  ZENDESK_OAUTH_CLIENT_SECRET: undefined,
  PMS_BASE_URL: undefined,
  PMS_TOKEN: undefined,
};
const OWN = `
    zendeskSubdomain: acme
    zendeskOauthClientId: pms_sync
    zendeskOauthClientSecret: wrong-credential
    pmsBaseUrl: https://pms.example.com
    pmsToken: wrong-credential
`;
const two = (acme = OWN, globex = OWN) => settings(`connections:\n  acme:${acme}  globex:${globex}`);

export const PROFILE_ERRORS: UserError[] = [
  {
    did: 'a profile that does not exist',
    args: ['conform', '--profile', 'pms.yaml'],
    code: 2,
    cure: 'correct the path; the shipped profile is named `contract`',
  },
  {
    did: 'a profile that is not YAML',
    args: tried,
    file: { name: 'profile.yaml', text: 'version: [1\n' },
    code: 2,
    cure: 'correct the line that the message names',
  },
  {
    did: 'an unknown field in a profile',
    args: tried,
    file: profile('counted: true', 'counts: true'),
    code: 2,
    cure: 'see [profile.md](profile.md) for the fields',
  },
  {
    did: 'a method of authentication that does not exist',
    args: tried,
    file: profile('by: bearer', 'by: token'),
    code: 2,
    cure: 'use one of the listed values',
  },
  {
    did: 'a request without its method',
    args: tried,
    file: profile('create: POST /{collection}', 'create: /{collection}'),
    code: 2,
    cure: 'write method and path',
  },
  {
    did: 'a request with an expression that it cannot use',
    args: tried,
    file: profile('/{collection}/{id}/archive', '/{collection}/{ID}/archive'),
    code: 2,
    cure: 'use one of the listed values',
  },
  {
    did: 'an expression that is not JMESPath',
    args: tried,
    file: profile('version: revision', "version: 'revision['"),
    code: 2,
    cure: 'see [jmespath.site](https://jmespath.site)',
  },
  {
    did: 'a template without its quotes',
    args: tried,
    file: profile("body: '{fields}' }\n    update:", 'body: {fields} }\n    update:'),
    code: 2,
    cure: 'quote it',
  },
  {
    did: 'a kind without a required field',
    args: tried,
    file: profile('  version: revision\n', ''),
    code: 2,
    cure: 'add it to `common` or to the kind',
  },
  {
    did: 'a directory that is not described',
    args: tried,
    file: profile('requesterId, in: people', 'requesterId, in: persons'),
    code: 2,
    cure: 'use one of the listed values',
  },
  {
    did: '`changes` by time, and no kind with `changed`',
    args: tried,
    file: {
      name: 'profile.yaml',
      change: [/changes:\n(?: .*\n)+/, 'changes: { since: { lagSeconds: 5 } }\n'],
    },
    code: 2,
    cure: 'add `changed` to the kind',
  },
  {
    did: 'a profile that needs a user name, and none set',
    args: tried,
    file: profile('by: bearer', 'by: basic'),
    code: 2,
    cure: 'set `PMS_USER`',
  },
  {
    did: 'an adapter that does not exist',
    args: ['conform'],
    env: { PMS_ADAPTER: './adapter.js' },
    code: 2,
    cure: 'correct the path, or compile the adapter; see [adapter.md](adapter.md)',
  },
  {
    did: 'a module that exports no adapter',
    args: ['conform'],
    env: { PMS_ADAPTER: './adapter.js' },
    file: { name: 'adapter.js', text: 'exports.default = {};\n' },
    code: 2,
    cure: 'export it under that name',
  },
];

export const SETTING_ERRORS: UserError[] = [
  {
    did: 'no Zendesk account named',
    args: ['status'],
    env: { ZENDESK_BASE_URL: undefined },
    code: 2,
    cure: 'set `ZENDESK_SUBDOMAIN` to the name before `.zendesk.com`',
  },
  {
    did: 'a subdomain with a dot',
    args: ['status'],
    env: { ZENDESK_SUBDOMAIN: 'acme.zendesk.com' },
    code: 2,
    cure: 'give the name only: `acme`',
  },
  {
    did: 'an invalid e-mail address',
    args: ['status'],
    env: { ZENDESK_EMAIL: 'admin' },
    code: 2,
    cure: 'give the e-mail address of the token’s owner',
  },
  {
    did: 'a PMS address without https',
    args: ['status'],
    env: { PMS_BASE_URL: 'pms.example' },
    code: 2,
    cure: 'write it with `https://`',
  },
  {
    did: 'a secret’s file that does not exist',
    args: ['status'],
    env: { PMS_TOKEN: undefined, PMS_TOKEN_FILE: '/nowhere/token' },
    code: 2,
    cure: 'mount the secret, or correct the path',
  },
  {
    did: 'the same, named in the settings file',
    args: status,
    env: { PMS_TOKEN: undefined },
    file: settings('pmsTokenFile: secrets/none\n'),
    code: 2,
    cure: 'give the path relative to the settings file',
  },
  {
    did: 'a settings file that does not exist',
    args: ['status', '--config', 'none.yaml'],
    code: 2,
    cure: 'correct the path, or run `init`',
  },
  {
    did: 'a settings file that is not YAML',
    args: status,
    file: settings('pmsToken: "a\n'),
    code: 2,
    cure: 'correct the line that the message names',
  },
  {
    did: 'a settings file that holds a list',
    args: status,
    file: settings('- pmsToken\n'),
    code: 2,
    cure: 'write one `name: value` on each line',
  },
  {
    did: 'a setting that does not exist',
    args: status,
    file: settings('pollSeconds: 5\n'),
    code: 2,
    cure: 'see [configuration.md](configuration.md)',
  },
  {
    did: 'an interval in words',
    args: ['status'],
    env: { ZENDESK_POLL_SECONDS: 'often' },
    code: 2,
    cure: 'give a number of seconds',
  },
  {
    did: 'a cron line in words',
    args: ['status'],
    env: { RECONCILE_CRON: 'nightly' },
    code: 2,
    cure: 'give five fields, or `off`',
  },
  {
    did: 'a log level that does not exist',
    args: ['status'],
    env: { LOG_LEVEL: 'loud' },
    code: 2,
    cure: 'use one of the listed values',
  },
  {
    did: 'a MongoDB address without its scheme',
    args: ['status'],
    env: { MONGODB_URI: 'localhost:27017' },
    code: 2,
    cure: 'begin with `mongodb://`',
  },
  {
    did: 'TLS neither on nor off',
    args: ['status'],
    env: { TEMPORAL_TLS: 'maybe' },
    code: 2,
    cure: 'set `true` or `false`',
  },
  {
    did: 'an API key without an address',
    args: ['status'],
    env: { TEMPORAL_ADDRESS: undefined, TEMPORAL_API_KEY: 'temporal-key' },
    code: 2,
    cure: 'also set `TEMPORAL_ADDRESS`',
  },
  {
    did: 'a client certificate without its key',
    args: ['status'],
    env: { TEMPORAL_TLS_CLIENT_CERT_PATH: '/etc/client.pem' },
    code: 2,
    cure: 'also set `TEMPORAL_TLS_CLIENT_KEY_PATH`',
  },
  {
    did: 'a certificate that does not exist',
    args: ['status'],
    env: { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere/ca.pem' },
    code: 2,
    cure: 'mount it, or correct the path',
  },
  {
    did: 'an encryption key without an id',
    args: ['status'],
    env: { ENCRYPTION_KEYS: 'c2VjcmV0' },
    code: 2,
    cure: 'see [security.md](security.md)',
  },
  {
    did: 'a webhook secret that is too short',
    args: ['status'],
    env: { PMS_WEBHOOK_SECRET: 'short' },
    code: 2,
    cure: 'use the one that `webhooks install` printed',
  },
  {
    did: 'any host allowed for attachments',
    args: ['status'],
    env: { ZENDESK_ATTACHMENT_HOSTS: '*' },
    code: 2,
    cure: 'name single hosts',
  },
  {
    did: 'an impossible port',
    args: ['status'],
    env: { INTAKE_PORT: '99999' },
    code: 2,
    cure: 'give a port up to 65535',
  },
  {
    did: 'a negative file limit',
    args: ['status'],
    env: { ATTACHMENT_LIMIT_MB: '-1' },
    code: 2,
    cure: 'give megabytes, above 0',
  },
  {
    did: 'a call rate of 0',
    args: ['status'],
    env: { ZENDESK_CALLS_PER_MINUTE: '0' },
    code: 2,
    cure: 'give calls per minute, or remove the setting to use the API’s limit',
  },
  {
    did: 'a receiver without a secret',
    args: ['start', '--only', 'intake'],
    code: 2,
    cure: 'run `webhooks install` first',
  },
  {
    did: 'a receiver without MongoDB',
    args: ['start', '--only', 'intake'],
    env: { MONGODB_URI: undefined, PMS_WEBHOOK_SECRET: 'long-enough' },
    code: 2,
    cure: 'give its address: the receiver does not start servers',
  },
  {
    did: 'a codec server without its token',
    args: ['codec-server'],
    env: { ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}` },
    code: 2,
    cure: 'choose a token of at least 16 characters',
  },
  {
    did: 'several connections, and a command that names none',
    args: ['conflicts', 'list', '--config', 'settings.yaml'],
    env: WITHOUT_OWN,
    file: two(),
    code: 2,
    cure: 'name a connection: `--connection acme`',
  },
  {
    did: 'a connection that does not exist',
    args: [...status, '--connection', 'initech'],
    env: WITHOUT_OWN,
    file: two(),
    code: 2,
    cure: 'use one of the listed connections',
  },
  {
    did: '`--connection`, and settings without connections',
    args: ['status', '--connection', 'acme'],
    code: 2,
    cure: 'remove the option, or see [operations.md](operations.md#many-accounts)',
  },
  {
    did: 'a connection’s name with a hyphen',
    args: status,
    env: WITHOUT_OWN,
    file: settings(`connections:\n  acme-eu:${OWN}`),
    code: 2,
    cure: 'use an underscore: `acme_eu`',
  },
  {
    did: 'an empty `connections`',
    args: status,
    env: WITHOUT_OWN,
    file: settings('connections:\n'),
    code: 2,
    cure: 'name the connections, or remove the line',
  },
  {
    did: 'a connection without settings',
    args: status,
    env: WITHOUT_OWN,
    file: two(' here\n'),
    code: 2,
    cure: 'write its settings on separate, indented lines',
  },
  {
    did: 'one credential for all connections, in the file',
    args: status,
    env: WITHOUT_OWN,
    file: settings(`pmsTokenFile: secrets/pms\n${two().text}`),
    code: 2,
    cure: 'give each connection its own',
  },
  {
    did: 'the same, in the environment',
    args: status,
    env: { ...WITHOUT_OWN, PMS_TOKEN: 'wrong-credential' },
    file: two(),
    code: 2,
    cure: 'put the connection’s name and two `_` in front',
  },
  {
    did: 'a shared setting in the section of one connection',
    args: status,
    env: WITHOUT_OWN,
    file: two(`${OWN}    mongodbUri: mongodb://127.0.0.1\n`),
    code: 2,
    cure: 'move it to the top of the file',
  },
  {
    did: 'a connection without a token',
    args: status,
    env: WITHOUT_OWN,
    file: two(OWN.replace('pmsToken: wrong-credential', '')),
    code: 2,
    cure: 'set it there, or give a file',
  },
  {
    did: 'a setting of a connection that does not exist',
    args: status,
    env: WITHOUT_OWN,
    file: two(`${OWN}    pollSeconds: 5\n`),
    code: 2,
    cure: 'see [configuration.md](configuration.md)',
  },
  {
    did: 'one database for two connections',
    args: status,
    env: WITHOUT_OWN,
    file: two(`${OWN}    mongodbDatabase: sync\n`, `${OWN}    mongodbDatabase: sync\n`),
    code: 2,
    cure: 'remove the setting: each connection has a database named after it',
  },
  {
    did: 'a token with the quotes of its file',
    args: ['status'],
    env: { PMS_TOKEN: '"wrong-credential"' },
    code: 2,
    cure: 'remove the quotes: Docker and Kubernetes keep them',
  },
  {
    did: 'a PMS address with a password in it',
    args: ['status'],
    env: { PMS_BASE_URL: 'https://joe:wrong-credential@pms.example' },
    code: 2,
    cure: 'set `PMS_USER` and `PMS_TOKEN`',
  },
  {
    did: 'a Temporal address with `http://`',
    args: ['status'],
    env: { TEMPORAL_ADDRESS: 'http://temporal.example:7233' },
    code: 2,
    cure: 'write host and port only',
  },
  {
    did: 'an `@` in MongoDB’s password',
    args: ['status'],
    env: { MONGODB_URI: 'mongodb://joe:wrong-credential@2026@mongodb.example' },
    code: 2,
    cure: 'write it as `%40`',
  },
  {
    did: 'a setting that is written in the file as in the environment',
    args: status,
    file: settings('PMS_POLL_SECONDS: 5\n'),
    code: 2,
    cure: 'use the name that the message gives',
  },
  {
    did: 'a mapping in place of settings',
    args: ['status', '--config', 'mapping.yaml'],
    code: 2,
    cure: 'name the settings file',
  },
];

export const MAPPING_ERRORS: UserError[] = [
  {
    did: 'a mapping file that does not exist',
    args: ['mapping', 'show', 'none.yaml'],
    code: 2,
    cure: 'correct the path, or run `init`',
  },
  {
    did: 'a mapping that is not YAML',
    args: show,
    file: { name: 'mapping.yaml', text: 'entities: [' },
    code: 2,
    cure: 'correct the line that the message names',
  },
  {
    did: 'a mapping of another version',
    args: show,
    file: mapping('version: 1', 'version: 2'),
    code: 2,
    cure: 'set `version: 1`',
  },
  {
    did: 'an unknown field in the mapping',
    args: show,
    file: mapping('onDelete: flag', 'onRemove: flag'),
    code: 2,
    cure: 'see [mapping.md](mapping.md#entities) for the fields',
  },
  {
    did: 'a data type that does not exist',
    args: show,
    file: mapping('pms: name, type: string', 'pms: name, type: varchar'),
    code: 2,
    cure: 'use one of the listed values',
  },
  {
    did: 'a winner that does not exist',
    args: show,
    file: mapping('winner: latest', 'winner: newest'),
    code: 2,
    cure: 'use one of the listed values',
  },
  {
    did: 'a direction that does not exist',
    args: show,
    file: mapping('type: string, direction: both', 'type: string, direction: down'),
    code: 2,
    cure: 'use one of the listed values',
  },
  {
    did: 'an enum without its table',
    args: show,
    file: mapping('table: { low: low, normal: medium, high: high, urgent: critical },', ''),
    code: 2,
    cure: 'add the table',
  },
  {
    did: 'a transform that does not fit the type',
    args: show,
    file: mapping(
      "type: 'string[]', direction: both, transform: tags",
      'type: text, direction: both, transform: tags',
    ),
    code: 2,
    cure: 'correct one of the two',
  },
  {
    did: 'two rows that write one property',
    args: show,
    file: mapping('zendesk: details, pms: description', 'zendesk: details, pms: notes'),
    code: 2,
    cure: 'remove one of the rows',
  },
  {
    did: 'a row with one side only',
    args: show,
    file: mapping('zendesk: details, pms: description,', 'zendesk: details,'),
    code: 2,
    cure: 'name both properties',
  },
  {
    did: 'a template that goes both ways',
    args: show,
    file: mapping(
      'pms: title,\n            type: string,\n            direction: toPms',
      'pms: title,\n            type: string,\n            direction: both',
    ),
    code: 2,
    cure: 'set one direction',
  },
  {
    did: 'a reference without its transform',
    args: show,
    file: mapping(
      'type: reference,\n          direction: both,\n          transform: reference,\n          entity: OrgToCustomer,',
      'type: reference,\n          direction: both,',
    ),
    code: 2,
    cure: 'add `transform: reference` and `entity`',
  },
  {
    did: '`fixedOn` without `onEdit`',
    args: show,
    file: mapping('fixedOn: zendesk,\n          onEdit: followUp,', 'fixedOn: zendesk,'),
    code: 2,
    cure: 'add `onEdit: followUp` or `onEdit: overrule`',
  },
  {
    did: 'a property that a system does not have',
    args: ['mapping', 'check', 'mapping.yaml'],
    file: mapping('pms: dueDate', 'pms: deadline'),
    code: 2,
    cure: 'use one of the listed values',
  },
  {
    did: 'a match rule on a property without a look-up',
    args: ['mapping', 'check', 'mapping.yaml'],
    file: mapping('{ zendesk: name, pms: name }', '{ zendesk: notes, pms: notes }'),
    code: 2,
    cure: 'match by name or by domain',
  },
  {
    did: 'a tab in the mapping',
    args: show,
    file: mapping('    zendesk: organization', '\tzendesk: organization'),
    code: 2,
    cure: 'replace the tab with spaces',
  },
  {
    did: 'an empty mapping',
    args: show,
    file: { name: 'mapping.yaml', text: '' },
    code: 2,
    cure: 'run `init` in another folder, and take its mapping',
  },
  {
    did: 'two values for one key of a table',
    args: show,
    file: mapping('solved: done', 'open: done'),
    code: 2,
    cure: 'remove one of them',
  },
  {
    did: 'swapped sides',
    args: show,
    file: mapping('zendesk: organization\n    pms: customer', 'zendesk: customer\n    pms: organization'),
    code: 2,
    cure: 'swap them back',
  },
  {
    did: 'a default of another type',
    args: show,
    file: mapping('default: false', "default: 'no'"),
    code: 2,
    cure: 'write a value of the row’s type',
  },
];

export const TYPING_ERRORS: UserError[] = [
  {
    did: 'a misspelt command after `help`',
    args: ['help', 'stauts'],
    code: 2,
    cure: 'use the suggested command',
  },
  {
    did: 'a misspelt command of `backfill`',
    args: ['backfill', 'staart'],
    code: 2,
    cure: 'use one of the listed commands',
  },
  {
    did: 'a ticket’s number in place of its name',
    args: ['resync', '123'],
    code: 2,
    cure: 'give side, kind and id',
  },
  {
    did: 'the address of a ticket in place of its name',
    args: ['links', 'show', 'https://acme.zendesk.com/agent/tickets/123'],
    code: 2,
    cure: 'use the suggested name',
  },
  {
    did: 'a date of another form',
    args: ['history', '--since', '01.05.2026'],
    code: 2,
    cure: 'write year, month and day',
  },
  {
    did: 'a row that does not exist',
    args: ['history', '--row', 'prioritty'],
    code: 2,
    cure: 'use one of the listed rows',
  },
  { did: 'a command that does not exist', args: ['synchronise'], code: 2, cure: 'see `--help`' },
  { did: 'an option that does not exist', args: ['status', '--jsn'], code: 2, cure: 'see `--help`' },
  { did: 'a missing argument', args: ['links', 'show'], code: 2, cure: 'name the pair' },
  {
    did: 'an invalid name of a record',
    args: ['links', 'show', 'ticket 12'],
    code: 2,
    cure: 'give side, kind and id',
  },
  {
    did: 'a record of a kind that is not mapped',
    args: ['resync', 'zendesk:user:7'],
    code: 2,
    cure: 'use one of the listed values',
  },
  {
    did: 'an invalid canonical key',
    args: ['links', 'show', 'Ticket/12'],
    code: 2,
    cure: 'write it as `links find` prints it',
  },
  {
    did: 'an unknown pair',
    args: ['links', 'show', 'zendesk:ticket:987654321'],
    code: 1,
    cure: 'wait for the next poll, or check the mapping’s filter',
  },
  {
    did: 'an entity that does not exist',
    args: ['links', 'find', '--entity', 'Tickets'],
    code: 2,
    cure: 'use one of the listed values',
  },
  {
    did: 'a status that does not exist',
    args: ['links', 'find', '--status', 'broken'],
    code: 2,
    cure: 'use one of the listed values',
  },
  {
    did: 'a waiting time of 0',
    args: ['resync', 'zendesk:ticket:1', '--wait', '0'],
    code: 2,
    cure: 'give a number of seconds',
  },
  {
    did: '`quarantine retry` without a pair',
    args: ['quarantine', 'retry'],
    code: 2,
    cure: 'name pairs, or give `--all`',
  },
  {
    did: 'pairs and `--all` at once',
    args: ['quarantine', 'retry', 'zendesk:ticket:1', '--all'],
    code: 2,
    cure: 'give one of the two',
  },
  {
    did: 'a stream that does not exist',
    args: ['cursors', 'rewind', 'zendesk:users', 'start'],
    code: 2,
    cure: 'use a stream that `cursors list` shows',
  },
  {
    did: 'a time in words',
    args: ['cursors', 'rewind', 'zendesk:tickets', 'yesterday'],
    code: 2,
    cure: 'give an ISO time, such as `2026-05-01T12:00:00Z`',
  },
  {
    did: 'an unknown entity to pause',
    args: ['pause', 'tickets'],
    code: 2,
    cure: 'use one of the listed values',
  },
  {
    did: 'webhooks without a public address',
    args: ['webhooks', 'install'],
    code: 2,
    cure: 'set `PUBLIC_URL`',
  },
  {
    did: 'a public address without encryption',
    args: ['webhooks', 'install'],
    env: { PUBLIC_URL: 'http://sync.example.com' },
    code: 2,
    cure: 'put a proxy with a certificate in front of the receiver, and give its `https://` address',
  },
  {
    did: '`init` without a terminal or answers',
    args: ['init', '--dir', 'new'],
    env: { ZENDESK_BASE_URL: undefined },
    code: 2,
    cure: 'give the options',
  },
  {
    did: '`init` with an existing settings file',
    args: ['init', '--yes'],
    file: { name: 'zendesk-pms-sync.yaml', text: 'logLevel: info\n' },
    code: 2,
    cure: 'give `--force` to replace the file',
  },
  {
    did: '`verify` on real accounts without a tag',
    args: ['verify'],
    code: 2,
    cure: 'give a tag, by which you recognize the created records',
  },
  {
    did: '`links link` with two records that cannot be a pair',
    args: ['links', 'link', 'zendesk:ticket:1', 'pms:customer:C-1'],
    code: 2,
    cure: 'name two that can, such as a ticket and a project',
  },
];

/** A database of a much newer release. */
export const NEWER_STORE = 'zps-later-release';

export const CONNECTION_ERRORS: UserError[] = [
  {
    did: 'a wrong PMS token',
    args: ['start'],
    env: { PMS_TOKEN: 'wrong-credential' },
    code: 2,
    cure: 'check the token',
  },
  {
    did: 'a wrong PMS token, found by a command',
    args: ['plan'],
    env: { PMS_TOKEN: 'wrong-credential' },
    code: 1,
    cure: 'check the token; `doctor` also checks everything else',
  },
  {
    did: 'an address without a Zendesk',
    args: ['start'],
    env: { ZENDESK_BASE_URL: 'http://127.0.0.1:1' },
    code: 2,
    cure: 'check the address and the network',
  },
  {
    did: 'an address without a PMS',
    args: ['start'],
    env: { PMS_BASE_URL: 'http://127.0.0.1:1' },
    code: 2,
    cure: 'check the address and the network',
  },
  {
    did: 'an address without a Temporal',
    args: ['start'],
    env: { TEMPORAL_ADDRESS: '127.0.0.1:1' },
    code: 2,
    cure: 'start it, or correct the address',
  },
  {
    did: 'an address without a MongoDB',
    args: ['start'],
    env: { MONGODB_URI: 'mongodb://user:wrong-credential@127.0.0.1:1' },
    code: 2,
    cure: 'start it, or correct the address',
  },
  {
    did: 'a command before `start`, without addresses of servers',
    args: ['status'],
    env: { MONGODB_URI: undefined },
    code: 2,
    cure: 'run `start` in this folder',
  },
  {
    did: '`start` with a store that a later release has written',
    args: ['start'],
    env: { MONGODB_DATABASE: NEWER_STORE },
    code: 2,
    cure: 'start that release again ([evolution.md](evolution.md#going-back))',
  },
  {
    did: 'a command with a store that a later release has written',
    args: ['status'],
    env: { MONGODB_DATABASE: NEWER_STORE },
    code: 2,
    cure: 'run it with that release',
  },
];
