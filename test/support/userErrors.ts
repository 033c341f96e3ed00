import type { ZendeskSandbox } from 'zendesk-sandbox';

/** What people get wrong, and what they are told. The table in docs/errors.md is made from it. */

export interface UserError {
  /** What the person did, for the table. */
  did: string;
  args: string[];
  /** Over a complete environment; undefined removes a variable. */
  env?: Record<string, string | undefined>;
  /** A file in the folder in which the command runs: its name and its text, or a change of what is shipped. */
  file?: { name: string; text: string } | { name: string; change: [from: string | RegExp, to: string] };
  /** Brings a Zendesk of its own into the state that the error is about. @returns what the environment has besides */
  zendesk?: (zendesk: ZendeskSandbox) => Promise<Record<string, string> | void>;
  /** What of the standard output is the message, for commands that print what they find. */
  out?: RegExp;
  /** 2: to be mended here; 1: a problem was found. */
  code: 1 | 2;
  /** What to do about it, where the message does not say it all. */
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

/** Where there are connections, these are theirs. */
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
    did: 'a profile that is not there',
    args: ['conform', '--profile', 'pms.yaml'],
    code: 2,
    cure: 'mend the path; `contract` is the one that comes along',
  },
  {
    did: 'a profile that is no YAML',
    args: tried,
    file: { name: 'profile.yaml', text: 'version: [1\n' },
    code: 2,
    cure: 'mend the line that it names',
  },
  {
    did: 'an unknown word in a profile',
    args: tried,
    file: profile('counted: true', 'counts: true'),
    code: 2,
    cure: 'see [profile.md](profile.md) for the words',
  },
  {
    did: 'a way to authenticate that there is none of',
    args: tried,
    file: profile('by: bearer', 'by: token'),
    code: 2,
    cure: 'one of those listed',
  },
  {
    did: 'a request without its method',
    args: tried,
    file: profile('create: POST /{collection}', 'create: /{collection}'),
    code: 2,
    cure: 'method and path',
  },
  {
    did: 'a request that speaks of something else',
    args: tried,
    file: profile('/{collection}/{id}/archive', '/{collection}/{ID}/archive'),
    code: 2,
    cure: 'one of those listed',
  },
  {
    did: 'an expression that is none',
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
    did: 'a kind without what it must have',
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
    cure: 'one of those listed',
  },
  {
    did: 'a changed list for no kind',
    args: tried,
    file: {
      name: 'profile.yaml',
      change: [/changes:\n(?: .*\n)+/, 'changes: { since: { lagSeconds: 5 } }\n'],
    },
    code: 2,
    cure: 'add `changed` to the kind',
  },
  {
    did: 'a name that a profile needs',
    args: tried,
    file: profile('by: bearer', 'by: basic'),
    code: 2,
    cure: 'set `PMS_USER`',
  },
  {
    did: 'an adapter that is not there',
    args: ['conform'],
    env: { PMS_ADAPTER: './adapter.js' },
    code: 2,
    cure: 'mend the path, or compile it; see [adapter.md](adapter.md)',
  },
  {
    did: 'an adapter that exports none',
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
    cure: 'only the name: `acme`',
  },
  {
    did: 'an e-mail that is none',
    args: ['status'],
    env: { ZENDESK_EMAIL: 'admin' },
    code: 2,
    cure: 'the e-mail of the admin whose token it is',
  },
  {
    did: 'a PMS address without https',
    args: ['status'],
    env: { PMS_BASE_URL: 'pms.example' },
    code: 2,
    cure: 'write it with `https://`',
  },
  {
    did: 'a secret’s file that is not there',
    args: ['status'],
    env: { PMS_TOKEN: undefined, PMS_TOKEN_FILE: '/nowhere/token' },
    code: 2,
    cure: 'mount the secret, or mend the path',
  },
  {
    did: 'the same, named in the settings file',
    args: status,
    env: { PMS_TOKEN: undefined },
    file: settings('pmsTokenFile: secrets/none\n'),
    code: 2,
    cure: 'the path counts from the settings file',
  },
  {
    did: 'a settings file that is not there',
    args: ['status', '--config', 'none.yaml'],
    code: 2,
    cure: 'mend the path, or run `init`',
  },
  {
    did: 'a settings file that is no YAML',
    args: status,
    file: settings('pmsToken: "a\n'),
    code: 2,
    cure: 'mend the line that it names',
  },
  {
    did: 'a settings file that holds a list',
    args: status,
    file: settings('- pmsToken\n'),
    code: 2,
    cure: 'one `name: value` on each line',
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
    cure: 'a number of seconds',
  },
  {
    did: 'a cron line in words',
    args: ['status'],
    env: { RECONCILE_CRON: 'nightly' },
    code: 2,
    cure: 'five fields, or `off`',
  },
  {
    did: 'a log level that does not exist',
    args: ['status'],
    env: { LOG_LEVEL: 'loud' },
    code: 2,
    cure: 'one of those listed',
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
    cure: '`true` or `false`',
  },
  {
    did: 'an API key without an address',
    args: ['status'],
    env: { TEMPORAL_ADDRESS: undefined, TEMPORAL_API_KEY: 'temporal-key' },
    code: 2,
    cure: 'set `TEMPORAL_ADDRESS`, too',
  },
  {
    did: 'a client certificate without its key',
    args: ['status'],
    env: { TEMPORAL_TLS_CLIENT_CERT_PATH: '/etc/client.pem' },
    code: 2,
    cure: 'set `TEMPORAL_TLS_CLIENT_KEY_PATH`, too',
  },
  {
    did: 'a certificate that is not there',
    args: ['status'],
    env: { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere/ca.pem' },
    code: 2,
    cure: 'mount it, or mend the path',
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
    cure: 'name hosts',
  },
  {
    did: 'a port that cannot be',
    args: ['status'],
    env: { INTAKE_PORT: '99999' },
    code: 2,
    cure: 'a port up to 65535',
  },
  {
    did: 'a negative file limit',
    args: ['status'],
    env: { ATTACHMENT_LIMIT_MB: '-1' },
    code: 2,
    cure: 'megabytes, above 0',
  },
  {
    did: 'a call rate of nothing',
    args: ['status'],
    env: { ZENDESK_CALLS_PER_MINUTE: '0' },
    code: 2,
    cure: 'calls a minute; leave it out for what the API allows',
  },
  {
    did: 'a receiver without a secret',
    args: ['start', '--only', 'intake'],
    code: 2,
    cure: 'run `webhooks install` first',
  },
  {
    did: 'a receiver without its servers',
    args: ['start', '--only', 'intake'],
    env: { MONGODB_URI: undefined, PMS_WEBHOOK_SECRET: 'long-enough' },
    code: 2,
    cure: 'the receiver starts no servers itself',
  },
  {
    did: 'a codec server without its token',
    args: ['codec-server'],
    env: { ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}` },
    code: 2,
    cure: 'choose one of 16 characters at least',
  },
  {
    did: 'a command for one of several connections, and none named',
    args: ['conflicts', 'list', '--config', 'settings.yaml'],
    env: WITHOUT_OWN,
    file: two(),
    code: 2,
    cure: 'name one: `--connection acme`',
  },
  {
    did: 'a connection that is not there',
    args: [...status, '--connection', 'initech'],
    env: WITHOUT_OWN,
    file: two(),
    code: 2,
    cure: 'one of those that it lists',
  },
  {
    did: 'a connection, where the settings name none',
    args: ['status', '--connection', 'acme'],
    code: 2,
    cure: 'leave it out, or see [operations.md](operations.md#many-accounts)',
  },
  {
    did: 'a connection’s name with a hyphen',
    args: status,
    env: WITHOUT_OWN,
    file: settings(`connections:\n  acme-eu:${OWN}`),
    code: 2,
    cure: 'e.g. `acme_eu`',
  },
  {
    did: '`connections` without any',
    args: status,
    env: WITHOUT_OWN,
    file: settings('connections:\n'),
    code: 2,
    cure: 'name them, or take the line out',
  },
  {
    did: 'a connection without settings',
    args: status,
    env: WITHOUT_OWN,
    file: two(' here\n'),
    code: 2,
    cure: 'its settings on lines of their own, further in',
  },
  {
    did: 'a credential for all connections, in the file',
    args: status,
    env: WITHOUT_OWN,
    file: settings(`pmsTokenFile: secrets/pms\n${two().text}`),
    code: 2,
    cure: 'each connection has its own',
  },
  {
    did: 'the same, in the environment',
    args: status,
    env: { ...WITHOUT_OWN, PMS_TOKEN: 'wrong-credential' },
    file: two(),
    code: 2,
    cure: 'the connection’s name and two `_` before it',
  },
  {
    did: 'a setting that all connections share, below one',
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
    cure: 'set it there, or give its file',
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
    cure: 'leave it out: each has one that is named after it',
  },
];

export const MAPPING_ERRORS: UserError[] = [
  {
    did: 'a mapping file that is not there',
    args: ['mapping', 'show', 'none.yaml'],
    code: 2,
    cure: 'mend the path, or run `init`',
  },
  {
    did: 'a mapping that is no YAML',
    args: show,
    file: { name: 'mapping.yaml', text: 'entities: [' },
    code: 2,
    cure: 'mend the line that it names',
  },
  {
    did: 'a mapping of another version',
    args: show,
    file: mapping('version: 1', 'version: 2'),
    code: 2,
    cure: '`version: 1`',
  },
  {
    did: 'an unknown word in the mapping',
    args: show,
    file: mapping('onDelete: flag', 'onRemove: flag'),
    code: 2,
    cure: 'see the top of mapping.yaml for the words',
  },
  {
    did: 'a data type that does not exist',
    args: show,
    file: mapping('pms: name, type: string', 'pms: name, type: varchar'),
    code: 2,
    cure: 'one of those listed',
  },
  {
    did: 'a winner that does not exist',
    args: show,
    file: mapping('winner: latest', 'winner: newest'),
    code: 2,
    cure: 'one of those listed',
  },
  {
    did: 'a direction that does not exist',
    args: show,
    file: mapping('type: string, direction: both', 'type: string, direction: down'),
    code: 2,
    cure: 'one of those listed',
  },
  {
    did: 'an enum without its table',
    args: show,
    file: mapping('table: { low: low, normal: medium, high: high, urgent: critical },', ''),
    code: 2,
    cure: 'write the table',
  },
  {
    did: 'a transform that does not fit the type',
    args: show,
    file: mapping(
      "type: 'string[]', direction: both, transform: tags",
      'type: text, direction: both, transform: tags',
    ),
    code: 2,
    cure: 'mend one of the two',
  },
  {
    did: 'two rows that write one property',
    args: show,
    file: mapping('zendesk: details, pms: description', 'zendesk: details, pms: notes'),
    code: 2,
    cure: 'remove one',
  },
  {
    did: 'a row with one side only',
    args: show,
    file: mapping('zendesk: details, pms: description,', 'zendesk: details,'),
    code: 2,
    cure: 'name both',
  },
  {
    did: 'a template that goes both ways',
    args: show,
    file: mapping(
      'pms: title,\n            type: string,\n            direction: toPms',
      'pms: title,\n            type: string,\n            direction: both',
    ),
    code: 2,
    cure: 'a direction',
  },
  {
    did: 'a reference without its transform',
    args: show,
    file: mapping(
      'type: reference,\n          direction: both,\n          transform: reference,\n          entity: OrgToCustomer,',
      'type: reference,\n          direction: both,',
    ),
    code: 2,
    cure: '`transform: reference` and `entity`',
  },
  {
    did: 'fixed, and nothing said of edits',
    args: show,
    file: mapping('fixedOn: zendesk,\n          onEdit: followUp,', 'fixedOn: zendesk,'),
    code: 2,
    cure: '`onEdit: followUp` or `overrule`',
  },
  {
    did: 'a property that a system does not have',
    args: ['mapping', 'check', 'mapping.yaml'],
    file: mapping('pms: dueDate', 'pms: deadline'),
    code: 2,
    cure: 'one of those listed',
  },
  {
    did: 'a match rule by what cannot be looked for',
    args: ['mapping', 'check', 'mapping.yaml'],
    file: mapping('{ zendesk: name, pms: name }', '{ zendesk: notes, pms: notes }'),
    code: 2,
    cure: 'match by name or domain',
  },
];

export const TYPING_ERRORS: UserError[] = [
  { did: 'a command that does not exist', args: ['synchronise'], code: 2, cure: '`--help` lists them' },
  { did: 'an option that does not exist', args: ['status', '--jsn'], code: 2, cure: '`--help` lists them' },
  { did: 'an argument left out', args: ['links', 'show'], code: 2, cure: 'name the pair' },
  { did: 'a record that is none', args: ['links', 'show', 'ticket 12'], code: 2, cure: 'side, kind and id' },
  {
    did: 'a record of a kind that is not mapped',
    args: ['resync', 'zendesk:user:7'],
    code: 2,
    cure: 'one of those listed',
  },
  {
    did: 'a key that is none',
    args: ['links', 'show', 'Ticket/12'],
    code: 2,
    cure: 'as `links find` prints it',
  },
  {
    did: 'a pair that nobody knows',
    args: ['links', 'show', 'zendesk:ticket:987654321'],
    code: 1,
    cure: 'wait for the next poll, or see the mapping’s filter',
  },
  {
    did: 'an entity that does not exist',
    args: ['links', 'find', '--entity', 'Tickets'],
    code: 2,
    cure: 'one of those listed',
  },
  {
    did: 'a status that does not exist',
    args: ['links', 'find', '--status', 'broken'],
    code: 2,
    cure: 'one of those listed',
  },
  { did: 'no time to wait', args: ['resync', 'zendesk:ticket:1', '--wait', '0'], code: 2, cure: 'seconds' },
  {
    did: 'nothing named to retry',
    args: ['quarantine', 'retry'],
    code: 2,
    cure: '`--all`, if all are meant',
  },
  {
    did: 'pairs and `--all` at once',
    args: ['quarantine', 'retry', 'zendesk:ticket:1', '--all'],
    code: 2,
    cure: 'one of the two',
  },
  {
    did: 'a stream that does not exist',
    args: ['cursors', 'rewind', 'zendesk:users', 'start'],
    code: 2,
    cure: '`cursors list` names them',
  },
  {
    did: 'a time in words',
    args: ['cursors', 'rewind', 'zendesk:tickets', 'yesterday'],
    code: 2,
    cure: 'ISO, e.g. `2026-05-01T12:00:00Z`',
  },
  {
    did: 'something to pause that is none',
    args: ['pause', 'tickets'],
    code: 2,
    cure: 'one of those listed',
  },
  {
    did: 'webhooks without a public address',
    args: ['webhooks', 'install'],
    code: 2,
    cure: 'set `PUBLIC_URL`',
  },
  {
    did: '`init` without a terminal or answers',
    args: ['init', '--dir', 'new'],
    env: { ZENDESK_BASE_URL: undefined },
    code: 2,
    cure: 'pass the options',
  },
  {
    did: '`init` over a file that is there',
    args: ['init', '--yes'],
    file: { name: 'zendesk-pms-sync.yaml', text: 'logLevel: info\n' },
    code: 2,
    cure: '`--force`, if it is meant',
  },
  {
    did: '`verify` on real accounts without a tag',
    args: ['verify'],
    code: 2,
    cure: 'a tag by which what it makes is known',
  },
  {
    did: 'the two links of different kinds',
    args: ['links', 'link', 'zendesk:ticket:1', 'pms:customer:C-1'],
    code: 2,
    cure: 'a ticket and a project',
  },
];

/** A database to which a release wrote that is far ahead of this one. */
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
    did: 'a wrong token, met by a command',
    args: ['plan'],
    env: { PMS_TOKEN: 'wrong-credential' },
    code: 1,
    cure: 'check the token; `doctor` looks at everything else, too',
  },
  {
    did: 'a Zendesk that is not there',
    args: ['start'],
    env: { ZENDESK_BASE_URL: 'http://127.0.0.1:1' },
    code: 2,
    cure: 'check the address and the network',
  },
  {
    did: 'a PMS that is not there',
    args: ['start'],
    env: { PMS_BASE_URL: 'http://127.0.0.1:1' },
    code: 2,
    cure: 'check the address and the network',
  },
  {
    did: 'a Temporal that is not there',
    args: ['start'],
    env: { TEMPORAL_ADDRESS: '127.0.0.1:1' },
    code: 2,
    cure: 'start it, or mend the address',
  },
  {
    did: 'a MongoDB that is not there',
    args: ['start'],
    env: { MONGODB_URI: 'mongodb://user:wrong-credential@127.0.0.1:1' },
    code: 2,
    cure: 'start it, or mend the address',
  },
  {
    did: 'a command before `start`, where servers are its own',
    args: ['status'],
    env: { MONGODB_URI: undefined },
    code: 2,
    cure: 'run `start` in this folder',
  },
  {
    did: 'a start on what a later release has stored',
    args: ['start'],
    env: { MONGODB_DATABASE: NEWER_STORE },
    code: 2,
    cure: 'start that release again: [evolution.md](evolution.md#going-back)',
  },
  {
    did: 'a command on what a later release has stored',
    args: ['status'],
    env: { MONGODB_DATABASE: NEWER_STORE },
    code: 2,
    cure: 'run it with that release',
  },
];
