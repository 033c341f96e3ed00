import { existsSync } from 'node:fs';
import { z } from 'zod';
import { commandLine } from '../platform/commandLine';
import type { ZendeskAuth } from '../systems/zendesk/zendeskAuth';
import { readYaml, refuseOther } from './readYaml';
import { SETTINGS, UNUSED, codecServerSettings, intakeSettings, serviceSettings } from './settings';
import {
  ConfigError,
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
import { signInFault, signInOf, type SignInSetting } from './zendeskSignIn';

export { ConfigError, SECRETS, variableFor, variableOf } from './sources';

/**
 * Configuration from the environment, or from a YAML file whose keys are the same names in camel case. The
 * environment overrides the file, so that one file serves several deployments. A secret may be given as a file
 * (`ZENDESK_API_TOKEN_FILE`, or `zendeskApiTokenFile`, whose path is relative to the settings file).
 */

/** Read from the working folder if no other file is named; `init` writes it. */
export const SETTINGS_FILE = 'zendesk-pms-sync.yaml';

type Input = z.output<typeof serviceSettings>;
/** Settings from which `zendeskAuth` and `zendeskBaseUrl` are made. */
type Joined = SignInSetting | 'zendeskOauthScopes' | 'zendeskSubdomain' | 'zendeskBaseUrl';
export type Config = Omit<Input, Joined> & {
  zendeskBaseUrl: string;
  zendeskAuth: ZendeskAuth;
  /** Reads the PMS's secret again. @throws ConfigError if its file cannot be read */
  readPmsToken: () => string;
  /** Returns an empty text if there is no refresh token. */
  readPmsRefreshToken: () => string;
} & Place;

/** The connection that settings belong to, if a deployment has several. */
export interface Place {
  /** Null if the settings file names no connections. */
  connection: string | null;
  /** The prefix of workflow ids of pairs: several accounts may have the same record ids. */
  pairPrefix: string;
}

export type IntakeConfig = z.output<typeof intakeSettings> & Place;
export type CodecServerConfig = z.output<typeof codecServerSettings>;

/** The connections of a deployment: at least one. Settings that they share are the same in each. */
export type Several<T> = readonly [T, ...T[]];

/**
 * Loads the settings of one connection.
 * @param file path of a YAML file; null for {@link SETTINGS_FILE} if it exists, or else the environment alone
 * @param connection the connection's name, if the file names several
 * @throws ConfigError that names each variable or field at fault, what was found and what was expected
 */
export function loadConfig(
  file: string | null,
  env: NodeJS.ProcessEnv,
  connection: string | null = null,
): Config {
  return onlyOne(loadConfigs(file, env, connection === null ? [] : [connection]));
}

/** As {@link loadConfig}, for all connections. @param names limits them to these */
export function loadConfigs(
  file: string | null,
  env: NodeJS.ProcessEnv,
  names: readonly string[] = [],
): Several<Config> {
  return configsIn(file ?? foundFile(), env, names);
}

/**
 * Loads the settings from these variables alone, and ignores settings files. @throws ConfigError as {@link
 * loadConfig}
 */
export function configOf(env: NodeJS.ProcessEnv): Config {
  return onlyOne(configsIn(null, env, []));
}

function configsIn(file: string | null, env: NodeJS.ProcessEnv, names: readonly string[]): Several<Config> {
  return each(loadWithSources(serviceSettings, file, env, names), ({ settings, source }) => {
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
      readPmsRefreshToken: () => readAnew(source, 'pmsRefreshToken') ?? rest.pmsRefreshToken ?? '',
    };
  });
}

/** The settings of a process that only receives webhooks and serves the console. @throws ConfigError */
export function loadIntakeConfigs(
  file: string | null,
  env: NodeJS.ProcessEnv,
  names: readonly string[] = [],
): Several<IntakeConfig> {
  const configs = load(intakeSettings, file ?? foundFile(), env, names);
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

/**
 * The settings of `zendesk-pms-sync codec-server`, from the environment alone. @throws ConfigError as {@link
 * loadConfig}
 */
export function loadCodecServerConfig(env: NodeJS.ProcessEnv): CodecServerConfig {
  return parse(codecServerSettings, environmentAlone(env));
}

/** The path of the mapping file, for commands that need no account. @throws ConfigError as {@link loadConfig} */
export function loadMappingFile(
  file: string | null,
  env: NodeJS.ProcessEnv,
  connection: string | null = null,
): string {
  const wanted = z.object({
    mappingFile: serviceSettings.shape.mappingFile,
    taskQueue: serviceSettings.shape.taskQueue,
    mongodbDatabase: serviceSettings.shape.mongodbDatabase,
  });
  return onlyOne(load(wanted, file ?? foundFile(), env, connection === null ? [] : [connection])).mappingFile;
}

function foundFile(): string | null {
  return existsSync(SETTINGS_FILE) ? SETTINGS_FILE : null;
}

/** Settings that every process reads of a connection, besides its own. */
interface Named {
  taskQueue: string;
  mongodbDatabase: string;
}

/** Loads all connections, or the named ones. @throws ConfigError with the faults of all of them */
function load<T extends Named>(
  wanted: z.ZodObject & z.ZodType<T>,
  file: string | null,
  env: NodeJS.ProcessEnv,
  names: readonly string[],
): Several<T & Place> {
  return each(loadWithSources(wanted, file, env, names), ({ settings }) => settings);
}

/** As {@link load}, with the source of each connection's settings. */
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
  if (faults.length > 0 || !first)
    throw new ConfigError([...hintOf(wanted, file, env), ...new Set(faults)].join('\n'));
  keepApart(loaded.map(({ settings }) => settings));
  return [first, ...others];
}

/** If no setting is given at all, the command was probably run in another folder, or before "init". */
function hintOf({ shape }: z.ZodObject, file: string | null, env: NodeJS.ProcessEnv): string[] {
  const isGiven = file !== null || Object.keys(env).some((name) => /^(ZENDESK|PMS)_/.test(name));
  return isGiven || shape !== serviceSettings.shape
    ? []
    : [
        `${SETTINGS_FILE}: not in this folder; go to the folder that has it, or write it with "${commandLine('init')}"`,
      ];
}

/** Applies a function to each connection. */
export function each<T, U>([first, ...others]: Several<T>, work: (item: T) => U): Several<U> {
  return [work(first), ...others.map(work)];
}

/** Each connection has its own task queue and database, named after it unless the settings name them. */
function placed<T extends Named>(connection: string | null, settings: T): T & Place {
  if (connection === null) return { ...settings, connection, pairPrefix: '' };
  return { ...settings, connection, pairPrefix: `${settings.taskQueue}/` };
}

function parse<T>(wanted: z.ZodObject & z.ZodType<T>, source: Source): T {
  const input = inputOf(Object.keys(wanted.shape), source, (name) => wanted.shape[name] === UNUSED);
  const parsed = wanted.safeParse(input);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => describe(issue, input, source));
  // The schema checks rules about several settings only if each of the settings is valid. Here, all faults are
  // reported together.
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
  refuseOther(file, settings, 'settings');
  return { ...settings };
}

function describe(issue: z.core.$ZodIssue, input: Record<string, unknown>, source: Source): string {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => whereIs(source, key, SETTING_NAMES)).join('\n');
  }
  const setting = String(issue.path[0] ?? '');
  const value = input[setting];
  const found = value === undefined ? 'nothing' : SECRETS.has(setting) ? 'a value' : shown(value);
  const expected =
    value === undefined && issue.code === 'invalid_type'
      ? 'expected a value'
      : issue.code === 'invalid_value'
        ? `expected one of ${issue.values.map(String).join(', ')}`
        : issue.message;
  return `${nameOf(source, setting)}: found ${found}, ${expected}`;
}

/** A value without a password that is part of an address. */
function shown(value: unknown): string {
  return JSON.stringify(value).replace(/(\w:\/\/)[^/"\s]*@/g, '$1…@');
}

/** The names of all settings, of the service and of the codec server. */
export const SETTING_NAMES = Object.values(SETTINGS).flatMap(({ shape }) => Object.keys(shape));
