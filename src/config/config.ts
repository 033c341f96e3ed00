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
    temporalAddress: z.string().optional(),
    temporalNamespace: z.string().default('default'),
    temporalApiKey: z.string().min(1, 'expected an API key').optional(),
    /** `id:base64,…`: payloads in Temporal are encrypted with the first key; all decrypt. */
    encryptionKeys: encryptionKeys.optional(),
    temporalTls: flag.optional(),
    temporalTlsServerName: z.string().optional(),
    temporalTlsServerCaCertPath: z.string().optional(),
    temporalTlsClientCertPath: z.string().optional(),
    temporalTlsClientKeyPath: z.string().optional(),
    mongodbUri: z
      .string()
      .regex(/^mongodb(\+srv)?:\/\//, 'expected an address such as mongodb://127.0.0.1:27017')
      .optional(),
    mongodbDatabase: z.string().default('zendesk-pms-sync'),
    zendeskSubdomain: z
      .string()
      .regex(/^[a-z0-9-]+$/i, 'expected the name before .zendesk.com')
      .optional(),
    zendeskBaseUrl: url.optional(),
    zendeskEmail: z.email('expected an e-mail address'),
    zendeskApiToken: z.string().min(1, 'expected an API token'),
    pmsBaseUrl: url,
    pmsToken: z.string().min(1, 'expected an API token'),
    zendeskAttachmentHosts: hosts.default(['*.zdusercontent.com']),
    attachmentLimitMb: z.coerce.number({ error: 'expected a number of megabytes' }).positive().default(20),
    mappingFile: z.string().default('mapping.yaml'),
    taskQueue: z.string().default('zendesk-pms-sync'),
    zendeskCallsPerMinute: perMinute.optional(),
    pmsCallsPerMinute: perMinute.optional(),
    zendeskPollSeconds: seconds.default(60),
    pmsPollSeconds: seconds.default(15),
    reconcileCron: z
      .string()
      .regex(/^(off|(CRON_TZ=\S+ )?\S+( \S+){4})$/, 'expected five fields such as "0 3 * * *", or "off"')
      .default('0 3 * * *'),
    hygieneMinutes: z.coerce.number({ error: 'expected a number of minutes' }).positive().default(60),
    intakeHost: z.string().default('127.0.0.1'),
    intakePort: z.coerce.number({ error: 'expected a port' }).int().min(0).max(65_535).default(8080),
    publicUrl: url.optional(),
    zendeskWebhookSecret: secrets.optional(),
    pmsWebhookSecret: secrets.optional(),
    consoleHost: z.string().default('127.0.0.1'),
    consolePort: z.coerce.number({ error: 'expected a port' }).int().min(0).max(65_535).default(8085),
    /** The console is served where this or `consoleUserHeader` is given. */
    consoleToken: z.string().min(16, 'expected a token of at least 16 characters').optional(),
    consoleUserHeader: z
      .string()
      .regex(/^[A-Za-z0-9-]+$/, 'expected the name of a header, e.g. X-Forwarded-Email')
      .optional(),
    consoleTrustedProxies: networks.default([]),
    temporalUiUrl: url.optional(),
    pmsRecordUrl: recordUrl.optional(),
    metricsHost: z.string().default('127.0.0.1'),
    metricsPort: z.coerce.number({ error: 'expected a port' }).int().min(0).max(65_535).optional(),
    logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
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
  encryptionKeys,
  codecServerToken: z.string().min(16, 'expected a token of at least 16 characters'),
  codecServerOrigins: z
    .string()
    .default('http://localhost:8233,http://127.0.0.1:8233,http://localhost:8080,http://127.0.0.1:8080')
    .transform((text) => text.split(',').map((origin) => origin.trim())),
  codecServerHost: z.string().default('127.0.0.1'),
  codecServerPort: z.coerce.number({ error: 'expected a port' }).int().min(0).max(65535).default(8089),
});
export type CodecServerConfig = z.output<typeof codecServerSchema>;

const SECRETS = new Set([
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
