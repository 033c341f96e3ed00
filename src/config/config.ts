import { existsSync, readFileSync } from 'node:fs';
import ipaddr from 'ipaddr.js';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { SERVICE_SCOPES, type ZendeskAuth } from '../systems/zendesk/zendeskAuth';
import { parseEncryptionKeys, type EncryptionKey } from '../platform/encryption/encryptionKeys';
import {
  ConfigError,
  DEFAULT_NAME,
  SECRETS,
  connectionsIn,
  environmentAlone,
  inputOf,
  keepApart,
  nameOf,
  onlyOne,
  readAnew,
  sourceNamed,
  variableFor,
  whereIs,
  type Source,
} from './sources';

import { checkSignIn, signInFault, signInOf, type SignInSetting } from './zendeskSignIn';

export { ConfigError, SECRETS, variableFor, variableOf } from './sources';

/**
 * Configuration: from the environment, or from a YAML file whose keys are the same names in camel case. The
 * environment wins, so that one file serves several deployments. A secret may be given as a file
 * (`ZENDESK_API_TOKEN_FILE`, or `zendeskApiTokenFile`, whose path counts from the settings file).
 */

/** Read where no other file is named and this one is in the working folder; `init` writes it. */
export const SETTINGS_FILE = 'zendesk-pms-sync.yaml';

const url = z.url({ protocol: /^https?$/, error: 'expected an address such as https://example.zendesk.com' });
const seconds = z.coerce.number({ error: 'expected a number of seconds' }).positive();
const flag = z.union([z.boolean(), z.stringbool()], { error: 'expected true or false' });
const perMinute = z.coerce.number({ error: 'expected a number of calls per minute' }).int().positive();
const encryptionKeys = z.string().transform((text, context): [EncryptionKey, ...EncryptionKey[]] => {
  try {
    return parseEncryptionKeys(text);
  } catch (error) {
    context.addIssue((error as Error).message);
    return z.NEVER;
  }
});

/** Current secret, then the previous one while it is being replaced: a list, or text with a comma between. */
const secrets = z
  .union([z.string(), z.array(z.string())])
  .transform((given) =>
    (typeof given === 'string' ? given.split(/[,\s]+/) : given).filter((secret) => secret !== ''),
  )
  .refine((list) => list.length > 0 && list.length <= 2 && list.every((secret) => secret.length >= 8), {
    error: 'expected one or two secrets (current, previous) of at least 8 characters each',
  });
const HOST = /^(https?:\/\/[^/\s]+|(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+)$/i;
/** Names, or whole origins: a list, or text with commas between. */
const hosts = z
  .union([z.string(), z.array(z.string())])
  .transform((given) =>
    (typeof given === 'string' ? given.split(/[,\s]+/) : given).filter((host) => host !== ''),
  )
  .refine((list) => list.every((host) => HOST.test(host)), {
    error:
      'expected hosts such as *.zdusercontent.com, or whole origins such as https://files.example.com:8443',
  });

/** Addresses or networks: a list, or text with commas between. */
const networks = z
  .union([z.string(), z.array(z.string())])
  .transform((given) =>
    (typeof given === 'string' ? given.split(/[,\s]+/) : given).filter((network) => network !== ''),
  )
  .refine((list) => list.every((network) => ipaddr.isValid(network) || ipaddr.isValidCIDR(network)), {
    error: 'expected addresses such as 10.0.0.5, or networks such as 10.0.0.0/24',
  });
const recordUrl = z
  .string()
  .regex(/^https?:\/\/\S*\{id\}\S*$/, 'expected e.g. https://pms.acme.example/{kind}s/{id}');

/** Whoever a header is believed from must be named. */
function proxiesGiven(config: { consoleUserHeader?: string | undefined; consoleTrustedProxies: string[] }) {
  return config.consoleUserHeader === undefined || config.consoleTrustedProxies.length > 0;
}
const NO_PROXIES = {
  path: ['consoleTrustedProxies'],
  error: 'expected the addresses of the proxies whose CONSOLE_USER_HEADER is believed',
};

const schema = z
  .strictObject({
    temporalAddress: z
      .string()
      .optional()
      .describe('Host and port of Temporal; left out, `start` runs a server of its own.'),
    temporalNamespace: z
      .string()
      .default('default')
      .describe('Namespace in which workflows and Schedules live.'),
    temporalApiKey: z
      .string()
      .min(1, 'expected an API key')
      .optional()
      .describe('API key of Temporal Cloud, sent as a bearer token; switches TLS on.'),
    encryptionKeys: encryptionKeys
      .optional()
      .describe(
        'Keys that payloads in Temporal are encrypted with, `id:base64,…`: the first encrypts, all decrypt.',
      ),
    temporalTls: flag
      .optional()
      .describe(
        '`true`: TLS with nothing else; `false`: none in spite of an API key, where a proxy does it.',
      ),
    temporalTlsServerName: z
      .string()
      .optional()
      .describe('The name in the server’s certificate, where the address differs.'),
    temporalTlsServerCaCertPath: z
      .string()
      .optional()
      .describe('File with a certificate authority of your own, PEM.'),
    temporalTlsClientCertPath: z.string().optional().describe('File with the client certificate, PEM.'),
    temporalTlsClientKeyPath: z
      .string()
      .optional()
      .describe('File with the key of the client certificate, PEM.'),
    mongodbUri: z
      .string()
      .regex(/^mongodb(\+srv)?:\/\//, 'expected an address such as mongodb://127.0.0.1:27017')
      .optional()
      .describe('Address of MongoDB, with its credentials; left out, `start` runs a server of its own.'),
    mongodbDatabase: z
      .string()
      .default(DEFAULT_NAME)
      .describe('Database of the links; each installation needs one of its own.'),
    zendeskSubdomain: z
      .string()
      .regex(/^[a-z0-9-]+$/i, 'expected the name before .zendesk.com')
      .optional()
      .describe('The name before `.zendesk.com`; this or the base URL is required.'),
    zendeskBaseUrl: url
      .optional()
      .describe('Address of the account, where it is not `https://SUBDOMAIN.zendesk.com`.'),
    zendeskOauthClientId: z
      .string()
      .min(1, 'expected the Identifier of an OAuth client')
      .optional()
      .describe('Identifier of the OAuth client that the sync signs in with ([zendesk.md](zendesk.md)).'),
    zendeskOauthClientSecret: z
      .string()
      .min(1, 'expected the secret of an OAuth client')
      .optional()
      .describe('That client’s secret; a file is read again whenever a token is asked for.'),
    zendeskOauthScopes: z
      .string()
      .regex(/^[a-z_]+(:[a-z]+)?( [a-z_]+(:[a-z]+)?)*$/, 'expected scopes such as "read tickets:write"')
      .optional()
      .describe(`Scopes to ask for, with spaces between; \`${SERVICE_SCOPES}\` if not given.`),
    zendeskEmail: z
      .email('expected an e-mail address')
      .optional()
      .describe('In place of an OAuth client until 2027-04-30: e-mail address of the API token’s user.'),
    zendeskApiToken: z
      .string()
      .min(1, 'expected an API token')
      .optional()
      .describe('That user’s API token. Zendesk lets nobody create one since 2026-10-27.'),
    pmsBaseUrl: url.describe(
      'Address of the PMS, without the path that its profile begins with (`/api/v1`).',
    ),
    pmsToken: z
      .string()
      .min(1, 'expected an API token')
      .describe('Token, key, password or client secret of the PMS; the last is read anew for each token.'),
    pmsUser: z
      .string()
      .min(1, 'expected a name')
      .optional()
      .describe('Name that belongs to it, where the profile’s `auth` is `basic` or `oauth2`.'),
    pmsProfile: z
      .string()
      .default('contract')
      .describe(
        'What the PMS’s API is like ([profile.md](profile.md)): a file, or the name of a profile that comes along.',
      ),
    pmsAdapter: z
      .string()
      .min(1, 'expected a module')
      .optional()
      .describe('In place of a profile: a module with an adapter of your own ([adapter.md](adapter.md)).'),
    zendeskAttachmentHosts: hosts
      .default(['*.zdusercontent.com'])
      .describe(
        'Where Zendesk’s attachments may be fetched from besides Zendesk itself; in the environment with commas between.',
      ),
    attachmentLimitMb: z.coerce
      .number({ error: 'expected a number of megabytes' })
      .positive()
      .default(20)
      .describe('A larger file stays where it is, and the link says so; megabytes.'),
    mappingFile: z
      .string()
      .default('mapping.yaml')
      .describe('Which properties correspond ([mapping.md](mapping.md)); relative to the working folder.'),
    taskQueue: z
      .string()
      .default(DEFAULT_NAME)
      .describe('Prefix of task queues, Schedules and workflow ids; each installation needs one of its own.'),
    zendeskCallsPerMinute: perMinute
      .optional()
      .describe('To use less of Zendesk’s rate, over all workers together.'),
    pmsCallsPerMinute: perMinute
      .optional()
      .describe('To use less of the PMS’s rate, over all workers together.'),
    zendeskTicketUpdateShare: z.coerce
      .number({ error: 'expected a percentage' })
      .min(1, 'expected a percentage from 1 to 100')
      .max(100, 'expected a percentage from 1 to 100')
      .default(70)
      .describe(
        'How much of the ticket updates that Zendesk allows a minute is used at once, in percent; the rest as the minute runs out and agents have not used it.',
      ),
    zendeskPollSeconds: seconds.default(60).describe('How often Zendesk is asked for changes.'),
    pmsPollSeconds: seconds.default(15).describe('How often the PMS is asked for changes.'),
    reconcileCron: z
      .string()
      .regex(/^(off|(CRON_TZ=\S+ )?\S+( \S+){4})$/, 'expected five fields such as "0 3 * * *", or "off"')
      .default('0 3 * * *')
      .describe(
        'When all records are compared with the links, in UTC unless it begins with `CRON_TZ=Europe/Berlin`; or `off`.',
      ),
    hygieneMinutes: z.coerce
      .number({ error: 'expected a number of minutes' })
      .positive()
      .default(60)
      .describe('How often the link store is looked through for what nobody works on.'),
    intakeHost: z.string().default('127.0.0.1').describe('Address at which webhooks are received.'),
    intakePort: z.coerce
      .number({ error: 'expected a port' })
      .int()
      .min(0)
      .max(65_535)
      .default(8080)
      .describe('Port at which webhooks are received.'),
    publicUrl: url
      .optional()
      .describe('How both systems reach the receiver, by HTTPS; `webhooks install` registers it.'),
    zendeskWebhookSecret: secrets
      .optional()
      .describe(
        'Signing secret of Zendesk’s webhook, and the previous one while it is replaced; without it, nothing is received.',
      ),
    pmsWebhookSecret: secrets.optional().describe('The same of the PMS’s webhook.'),
    consoleHost: z.string().default('127.0.0.1').describe('Address at which the console is served.'),
    consolePort: z.coerce
      .number({ error: 'expected a port' })
      .int()
      .min(0)
      .max(65_535)
      .default(8085)
      .describe('Port at which the console is served.'),
    consoleToken: z
      .string()
      .min(16, 'expected a token of at least 16 characters')
      .optional()
      .describe(
        'Token that the log-in form asks for; the console is off without it and without a user header.',
      ),
    consoleUserHeader: z
      .string()
      .regex(/^[A-Za-z0-9-]+$/, 'expected the name of a header, e.g. X-Forwarded-Email')
      .optional()
      .describe('Header in which a proxy names the user whom it has logged in.'),
    consoleTrustedProxies: networks
      .default([])
      .describe('Addresses or networks whose headers are believed; in the environment with commas between.'),
    temporalUiUrl: url
      .optional()
      .describe(
        'Address of the Temporal Web UI, for links to workflows and Schedules; one that `start` runs is known.',
      ),
    pmsRecordUrl: recordUrl
      .optional()
      .describe('Address of a record in the PMS, for links; `{kind}` is `customer`, `project` or `note`.'),
    metricsHost: z.string().default('127.0.0.1').describe('Address at which metrics are served.'),
    metricsPort: z.coerce
      .number({ error: 'expected a port' })
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe('Port of `/metrics`; off without it.'),
    logLevel: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
      .default('info')
      .describe('The least severe log lines that are written.'),
  })
  .refine((config) => config.zendeskSubdomain ?? config.zendeskBaseUrl, {
    path: ['zendeskSubdomain'],
    error: 'expected the Zendesk subdomain (or zendeskBaseUrl)',
  })
  .superRefine(checkSignIn)
  .refine((config) => !config.temporalTlsClientCertPath === !config.temporalTlsClientKeyPath, {
    path: ['temporalTlsClientKeyPath'],
    error: 'expected a client certificate and its key together',
  })
  .refine((config) => config.temporalAddress ?? !(config.temporalApiKey ?? config.temporalTls), {
    path: ['temporalAddress'],
    error: 'expected the address that TLS or the API key is for',
  })
  .refine(proxiesGiven, NO_PROXIES);

type Input = z.output<typeof schema>;
/** Settings that become `zendeskAuth` and `zendeskBaseUrl`. */
type Joined = SignInSetting | 'zendeskOauthScopes' | 'zendeskSubdomain' | 'zendeskBaseUrl';
export type Config = Omit<Input, Joined> & {
  zendeskBaseUrl: string;
  zendeskAuth: ZendeskAuth;
  /** The PMS's secret, read anew. @throws ConfigError where its file cannot be read */
  readPmsToken: () => string;
} & Place;

/** Which connection settings are of, where a deployment has several. */
export interface Place {
  /** Null where the settings file names no connections: the deployment is one. */
  connection: string | null;
  /** Before the canonical key, in a pair's workflow id: several accounts may have the same record ids. */
  pairPrefix: string;
}

const UNUSED = z.unknown().optional();
/** The webhook receiver is what strangers can reach: it holds no credential of either API, and starts no servers. */
const intakeSchema = z
  .strictObject({
    ...schema.shape,
    zendeskOauthClientId: UNUSED,
    zendeskOauthClientSecret: UNUSED,
    zendeskOauthScopes: UNUSED,
    zendeskEmail: UNUSED,
    zendeskApiToken: UNUSED,
    pmsBaseUrl: UNUSED,
    pmsToken: UNUSED,
    pmsUser: UNUSED,
    pmsProfile: UNUSED,
    pmsAdapter: UNUSED,
    temporalAddress: schema.shape.temporalAddress.unwrap(),
    mongodbUri: schema.shape.mongodbUri.unwrap(),
  })
  .refine(proxiesGiven, NO_PROXIES);
export type IntakeConfig = z.output<typeof intakeSchema> & Place;

/** The codec server's own settings; it needs no credential of either system. */
const codecServerSchema = z.strictObject({
  encryptionKeys: encryptionKeys.describe(
    'Keys that payloads in Temporal are encrypted with, `id:base64,…`: the first encrypts, all decrypt.',
  ),
  codecServerToken: z
    .string()
    .min(16, 'expected a token of at least 16 characters')
    .describe('Token by which the Web UI and the command line may have payloads decrypted.'),
  codecServerOrigins: z
    .string()
    .default('http://localhost:8233,http://127.0.0.1:8233,http://localhost:8080,http://127.0.0.1:8080')
    .transform((text) => text.split(',').map((origin) => origin.trim()))
    .describe('Origins of the Web UIs whose pages may ask, with commas between.'),
  codecServerHost: z.string().default('127.0.0.1').describe('Address at which the codec server listens.'),
  codecServerPort: z.coerce
    .number({ error: 'expected a port' })
    .int()
    .min(0)
    .max(65535)
    .default(8089)
    .describe('Port at which the codec server listens.'),
});

/** The settings of each process, for docs/configuration.md. */
export const SETTINGS = {
  service: schema,
  intake: intakeSchema,
  codecServer: codecServerSchema,
} as const;
export type CodecServerConfig = z.output<typeof codecServerSchema>;

/** All connections of a deployment: at least one. Settings that they share are the same in each. */
export type Several<T> = readonly [T, ...T[]];

/**
 * @param file path of a YAML file; null for {@link SETTINGS_FILE} if it is there, or the environment alone
 * @param connection which one, where the file names several
 * @throws ConfigError naming each variable or field at fault, what was found and what was expected
 */
export function loadConfig(
  file: string | null,
  env: NodeJS.ProcessEnv,
  connection: string | null = null,
): Config {
  return onlyOne(loadConfigs(file, env, connection === null ? [] : [connection]));
}

/** The same for a deployment of one connection or several. @param names just these; all where there are none */
export function loadConfigs(
  file: string | null,
  env: NodeJS.ProcessEnv,
  names: readonly string[] = [],
): Several<Config> {
  return configsIn(file ?? foundFile(), env, names);
}

/** From these variables alone, whatever settings file lies in the working folder. @throws ConfigError as {@link loadConfig} */
export function configOf(env: NodeJS.ProcessEnv): Config {
  return onlyOne(configsIn(null, env, []));
}

function configsIn(file: string | null, env: NodeJS.ProcessEnv, names: readonly string[]): Several<Config> {
  return each(loadWithSources(schema, file, env, names), ({ settings, source }) => {
    const { zendeskSubdomain, zendeskBaseUrl, ...given } = settings;
    const { zendeskEmail, zendeskApiToken, zendeskOauthClientId, zendeskOauthScopes, ...others } = given;
    const { zendeskOauthClientSecret, ...rest } = others;
    return {
      ...rest,
      zendeskBaseUrl: zendeskBaseUrl ?? `https://${zendeskSubdomain}.zendesk.com`,
      zendeskAuth: signInOf({
        clientId: zendeskOauthClientId,
        readSecret: () => readAnew(source, 'zendeskOauthClientSecret') ?? zendeskOauthClientSecret ?? '',
        scopes: zendeskOauthScopes,
        email: zendeskEmail,
        token: zendeskApiToken,
      }),
      readPmsToken: () => readAnew(source, 'pmsToken') ?? rest.pmsToken,
    };
  });
}

/** The same for a process that only receives webhooks and serves the console. @throws ConfigError */
export function loadIntakeConfigs(
  file: string | null,
  env: NodeJS.ProcessEnv,
  names: readonly string[] = [],
): Several<IntakeConfig> {
  const configs = load(intakeSchema, file ?? foundFile(), env, names);
  const [{ consoleToken, consoleUserHeader }] = configs;
  const isUsed = configs.some((config) => config.zendeskWebhookSecret ?? config.pmsWebhookSecret);
  if (!isUsed && !consoleToken && !consoleUserHeader) {
    const variable = variableFor(configs[0], 'zendeskWebhookSecret');
    throw new ConfigError(
      `${variable}: found nothing, expected the signing secret of one side at least (or PMS_WEBHOOK_SECRET), or a console (CONSOLE_TOKEN)`,
    );
  }
  return configs;
}

/** Of `zendesk-pms-sync codec-server`: from the environment alone. @throws ConfigError as {@link loadConfig} */
export function loadCodecServerConfig(env: NodeJS.ProcessEnv): CodecServerConfig {
  return parse(codecServerSchema, environmentAlone(env));
}

/** The mapping's file alone, for what needs no account. @throws ConfigError as {@link loadConfig} */
export function loadMappingFile(
  file: string | null,
  env: NodeJS.ProcessEnv,
  connection: string | null = null,
): string {
  const wanted = z.object({
    mappingFile: schema.shape.mappingFile,
    taskQueue: schema.shape.taskQueue,
    mongodbDatabase: schema.shape.mongodbDatabase,
  });
  return onlyOne(load(wanted, file ?? foundFile(), env, connection === null ? [] : [connection])).mappingFile;
}

function foundFile(): string | null {
  return existsSync(SETTINGS_FILE) ? SETTINGS_FILE : null;
}

/** What every process reads of a connection, besides the settings that it alone needs. */
interface Named {
  taskQueue: string;
  mongodbDatabase: string;
}

/** All connections, or those named. @throws ConfigError with the faults of all of them */
function load<T extends Named>(
  wanted: z.ZodObject & z.ZodType<T>,
  file: string | null,
  env: NodeJS.ProcessEnv,
  names: readonly string[],
): Several<T & Place> {
  return each(loadWithSources(wanted, file, env, names), ({ settings }) => settings);
}

/** The same, with where each connection's settings come from. */
function loadWithSources<T extends Named>(
  wanted: z.ZodObject & z.ZodType<T>,
  file: string | null,
  env: NodeJS.ProcessEnv,
  names: readonly string[],
): Several<{ settings: T & Place; source: Source }> {
  const sources = connectionsIn(file === null ? {} : readSettings(file), file, env);
  const chosen = names.length === 0 ? sources : names.map((name) => sourceNamed(sources, name));
  const faults: string[] = [];
  const loaded = chosen.flatMap((source) => {
    try {
      return [{ settings: placed(source.connection, parse(wanted, source)), source }];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      faults.push(...error.message.split('\n'));
      return [];
    }
  });
  const [first, ...others] = loaded;
  if (faults.length > 0 || !first) throw new ConfigError([...new Set(faults)].join('\n'));
  keepApart(loaded.map(({ settings }) => settings));
  return [first, ...others];
}

/** Something for each connection. */
export function each<T, U>([first, ...others]: Several<T>, work: (item: T) => U): Several<U> {
  return [work(first), ...others.map(work)];
}

/** Each connection has a task queue and a database of its own, named after it unless they are given. */
function placed<T extends Named>(connection: string | null, settings: T): T & Place {
  if (connection === null) return { ...settings, connection, pairPrefix: '' };
  return { ...settings, connection, pairPrefix: `${settings.taskQueue}/` };
}

function parse<T>(wanted: z.ZodObject & z.ZodType<T>, source: Source): T {
  const input = inputOf(Object.keys(wanted.shape), source, (name) => wanted.shape[name] === UNUSED);
  const parsed = wanted.safeParse(input);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => describe(issue, input, source));
  // What spans several settings is checked by the schema only once each of them is sound: here all is told at once.
  const signIn = wanted.shape['zendeskOauthClientId'] !== UNUSED && signInFaultOf(wanted, input, source);
  throw new ConfigError([...new Set([...faults, ...(signIn ? [signIn] : [])])].join('\n'));
}

function signInFaultOf(
  { shape }: z.ZodObject,
  input: Record<string, unknown>,
  source: Source,
): string | null {
  if (!('zendeskOauthClientId' in shape)) return null;
  const fault = signInFault(input);
  return fault && `${nameOf(source, fault[0])}: found nothing, ${fault[1]}`;
}

function readSettings(file: string): Record<string, unknown> {
  const settings: unknown = readYaml(file);
  if (settings === null || typeof settings !== 'object' || Array.isArray(settings)) {
    throw new ConfigError(
      `${file}: found ${Array.isArray(settings) ? 'a list' : settings === null ? 'nothing' : `a ${typeof settings}`}, expected settings such as "pmsBaseUrl: https://…"`,
    );
  }
  return { ...settings };
}

/** @throws ConfigError naming the file, and the line where it is not YAML. */
export function readYaml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(
      `${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
    );
  }
  try {
    return parseYaml(text);
  } catch (error) {
    throw new ConfigError(
      `${file}: not valid YAML: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
    );
  }
}

function describe(issue: z.core.$ZodIssue, input: Record<string, unknown>, source: Source): string {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => whereIs(source, key)).join('\n');
  }
  const setting = String(issue.path[0] ?? '');
  const value = input[setting];
  const found = value === undefined ? 'nothing' : SECRETS.has(setting) ? 'a value' : JSON.stringify(value);
  const expected =
    value === undefined && issue.code === 'invalid_type'
      ? 'expected a value'
      : issue.code === 'invalid_value'
        ? `expected one of ${issue.values.map(String).join(', ')}`
        : issue.message;
  return `${nameOf(source, setting)}: found ${found}, ${expected}`;
}
