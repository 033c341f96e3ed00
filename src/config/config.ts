import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ipaddr from 'ipaddr.js';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { parseEncryptionKeys, type EncryptionKey } from '../encryption/keys';

/**
 * Configuration: from the environment, or from a YAML file whose keys are the same names in camel case. The
 * environment wins, so that one file serves several deployments. A secret may be given as a file
 * (`ZENDESK_API_TOKEN_FILE`, or `zendeskApiTokenFile`, whose path counts from the settings file).
 */

/** Read where no other file is named and this one is in the working folder; `init` writes it. */
export const SETTINGS_FILE = 'zendesk-pms-sync.yaml';

/** Something that the operator must mend; the message has one line per fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

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
      .default('zendesk-pms-sync')
      .describe('Database of the links; each installation needs one of its own.'),
    zendeskSubdomain: z
      .string()
      .regex(/^[a-z0-9-]+$/i, 'expected the name before .zendesk.com')
      .optional()
      .describe('The name before `.zendesk.com`; this or the base URL is required.'),
    zendeskBaseUrl: url
      .optional()
      .describe('Address of the account, where it is not `https://SUBDOMAIN.zendesk.com`.'),
    zendeskEmail: z
      .email('expected an e-mail address')
      .describe('E-mail address of the user whose API token is used ([zendesk.md](zendesk.md)).'),
    zendeskApiToken: z.string().min(1, 'expected an API token').describe('That user’s API token.'),
    pmsBaseUrl: url.describe(
      'Address of the PMS, without the path that its profile begins with (`/api/v1`).',
    ),
    pmsToken: z
      .string()
      .min(1, 'expected an API token')
      .describe('Token, key, password or client secret of the PMS.'),
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
      .default('zendesk-pms-sync')
      .describe('Prefix of task queues, Schedules and workflow ids; each installation needs one of its own.'),
    zendeskCallsPerMinute: perMinute
      .optional()
      .describe('To use less of Zendesk’s rate, over all workers together.'),
    pmsCallsPerMinute: perMinute
      .optional()
      .describe('To use less of the PMS’s rate, over all workers together.'),
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
export type Config = Omit<Input, 'zendeskSubdomain' | 'zendeskBaseUrl'> & { zendeskBaseUrl: string };

const UNUSED = z.unknown().optional();
/** The webhook receiver is what strangers can reach: it holds no credential of either API, and starts no servers. */
const intakeSchema = z
  .strictObject({
    ...schema.shape,
    zendeskEmail: UNUSED,
    zendeskApiToken: UNUSED,
    pmsBaseUrl: UNUSED,
    pmsToken: UNUSED,
    pmsUser: UNUSED,
    pmsProfile: UNUSED,
    temporalAddress: schema.shape.temporalAddress.unwrap(),
    mongodbUri: schema.shape.mongodbUri.unwrap(),
  })
  .refine(
    (config) =>
      config.zendeskWebhookSecret ??
      config.pmsWebhookSecret ??
      config.consoleToken ??
      config.consoleUserHeader,
    {
      path: ['zendeskWebhookSecret'],
      error:
        'expected the signing secret of one side at least (or PMS_WEBHOOK_SECRET), or a console (CONSOLE_TOKEN)',
    },
  )
  .refine(proxiesGiven, NO_PROXIES);
export type IntakeConfig = z.output<typeof intakeSchema>;

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

/** Held in a file where a container mounts one, and shown in no message. */
export const SECRETS: ReadonlySet<string> = new Set([
  'zendeskApiToken',
  'pmsToken',
  'mongodbUri',
  'zendeskWebhookSecret',
  'pmsWebhookSecret',
  'temporalApiKey',
  'encryptionKeys',
  'codecServerToken',
  'consoleToken',
]);

/** `zendeskApiToken` → `ZENDESK_API_TOKEN`. */
export function variableOf(setting: string): string {
  return setting.replace(/([A-Z])/g, '_$1').toUpperCase();
}

/**
 * @param file path of a YAML file; null for {@link SETTINGS_FILE} if it is there, or the environment alone
 * @throws ConfigError naming each variable or field at fault, what was found and what was expected
 */
export function loadConfig(file: string | null, env: NodeJS.ProcessEnv): Config {
  const { zendeskSubdomain, zendeskBaseUrl, ...rest } = load(schema, file ?? foundFile(), env);
  return { ...rest, zendeskBaseUrl: zendeskBaseUrl ?? `https://${zendeskSubdomain}.zendesk.com` };
}

/** The same for a process that only receives webhooks. @throws ConfigError */
export function loadIntakeConfig(file: string | null, env: NodeJS.ProcessEnv): IntakeConfig {
  return load(intakeSchema, file ?? foundFile(), env);
}

/** Of `zendesk-pms-sync codec-server`: from the environment alone. @throws ConfigError as {@link loadConfig} */
export function loadCodecServerConfig(env: NodeJS.ProcessEnv): CodecServerConfig {
  return load(codecServerSchema, null, env);
}

/** The mapping's file alone, for what needs no account. @throws ConfigError as {@link loadConfig} */
export function loadMappingFile(file: string | null, env: NodeJS.ProcessEnv): string {
  return load(z.object({ mappingFile: schema.shape.mappingFile }), file ?? foundFile(), env).mappingFile;
}

function foundFile(): string | null {
  return existsSync(SETTINGS_FILE) ? SETTINGS_FILE : null;
}

function load<T>(wanted: z.ZodObject & z.ZodType<T>, file: string | null, env: NodeJS.ProcessEnv): T {
  const settings = Object.keys(wanted.shape);
  const input: Record<string, unknown> = file === null ? {} : readSettings(file);
  for (const setting of settings) {
    const variable = variableOf(setting);
    const named = input[`${setting}File`];
    if (SECRETS.has(setting)) delete input[`${setting}File`];
    if (wanted.shape[setting] === UNUSED) continue;
    let value = env[variable];
    if (value === undefined && SECRETS.has(setting)) {
      const mounted = env[`${variable}_FILE`];
      if (mounted !== undefined) value = readSecret(mounted, `${variable}_FILE`);
      else if (typeof named === 'string' && input[setting] === undefined)
        value = readSecret(path.resolve(path.dirname(file ?? ''), named), `${file}: ${setting}File`);
    }
    if (value !== undefined && value !== '') input[setting] = value;
  }
  const parsed = wanted.safeParse(input);
  if (!parsed.success) {
    throw new ConfigError(parsed.error.issues.map((issue) => describe(issue, input, file)).join('\n'));
  }
  return parsed.data;
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

function readSecret(file: string, named: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new ConfigError(`${named}: ${file} cannot be read (${code})`);
  }
}

function describe(issue: z.core.$ZodIssue, input: Record<string, unknown>, file: string | null): string {
  if (issue.code === 'unrecognized_keys') {
    return `${file ?? 'configuration'}: unknown field ${issue.keys.map((key) => `"${key}"`).join(', ')}`;
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
  return `${variableOf(setting)}${file === null ? '' : ` (or ${setting} in ${file})`}: found ${found}, ${expected}`;
}
