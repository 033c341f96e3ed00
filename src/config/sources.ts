import { readFileSync } from 'node:fs';
import path from 'node:path';
import { cannotRead } from '../platform/systemErrors';
import { LANES } from '../sync/lane';
import { SIDES } from '../sync/record';
import { meant, nearest } from '../sync/schemaWords';
import { taskQueueOf } from '../sync/taskQueues';

/**
 * The sources of settings. With one connection, these are the environment and the top level of the settings file. With
 * several connections, each has its own variables (`ACME__PMS_TOKEN`) and its own part of the file, which come before
 * them.
 */

/** A fault that the operator must correct; the message has one line for each fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Settings that are secrets: a file may contain them, and no message shows them. */
export const SECRETS: ReadonlySet<string> = new Set([
  'zendeskOauthClientSecret',
  'zendeskApiToken',
  'pmsToken',
  'pmsRefreshToken',
  'mongodbUri',
  'zendeskWebhookSecret',
  'pmsWebhookSecret',
  'temporalApiKey',
  'encryptionKeys',
  'codecServerToken',
  'consoleToken',
]);

/** Settings of the whole process. Each connection may have its own value of all other settings. */
export const SHARED: ReadonlySet<string> = new Set([
  ...['temporalAddress', 'temporalNamespace', 'temporalApiKey', 'temporalTls', 'temporalTlsServerName'],
  ...['temporalTlsServerCaCertPath', 'temporalTlsClientCertPath', 'temporalTlsClientKeyPath'],
  ...['encryptionKeys', 'mongodbUri', 'intakeHost', 'intakePort', 'publicUrl'],
  ...['consoleToken', 'consoleUserHeader', 'consoleTrustedProxies', 'consoleHost', 'consolePort'],
  ...['temporalUiUrl', 'metricsPort', 'metricsHost', 'logLevel'],
]);

/** The accounts and credentials of a connection. They are never taken from the settings that connections share. */
export const OWN: ReadonlySet<string> = new Set([
  ...[
    'zendeskSubdomain',
    'zendeskBaseUrl',
    'zendeskOauthClientId',
    'zendeskOauthClientSecret',
    'zendeskOauthScopes',
    'zendeskEmail',
    'zendeskApiToken',
    'pmsBaseUrl',
    'pmsToken',
    'pmsUser',
    'pmsRefreshToken',
  ],
  ...['zendeskWebhookSecret', 'pmsWebhookSecret'],
]);

/** `zendeskApiToken` → `ZENDESK_API_TOKEN`. */
export function variableOf(setting: string): string {
  return setting.replace(/([A-Z])/g, '_$1').toUpperCase();
}

/** The same, for one of several connections. */
export function variableFor({ connection }: { connection: string | null }, setting: string): string {
  return `${connection === null ? '' : prefixOf(connection)}${variableOf(setting)}`;
}

/** The prefix of a connection's variables: `acme` → `ACME__`. */
export function prefixOf(connection: string): string {
  return `${connection.toUpperCase()}__`;
}

/** One place that has settings. */
interface Layer {
  /** The values, by their names in the file. */
  named: Record<string, unknown>;
  file: string | null;
  /** The prefix of the names in messages: `connections.acme.` */
  path: string;
  env: NodeJS.ProcessEnv;
  /** The prefix of its variables: `ACME__` */
  prefix: string;
}

export interface Source {
  connection: string | null;
  /** The places, in their order: the first that has a setting counts. */
  layers: [Layer, ...Layer[]];
}

/** The name of a connection, which is part of task queues, databases, variables, addresses and labels. */
const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const NAME_LENGTH = 40;
/** Names that a connection may not have, because the task queues of the APIs end with them. */
const TAKEN: ReadonlySet<string> = new Set(SIDES);

/** The default of task queue and database; with several connections, their names begin with it. */
export const DEFAULT_NAME = 'zendesk-pms-sync';

/** Only the environment. */
export function environmentAlone(env: NodeJS.ProcessEnv): Source {
  return { connection: null, layers: [{ named: {}, file: null, path: '', env, prefix: '' }] };
}

/**
 * The connections of the settings, in their order; without names, the only connection.
 *
 * @param settings the content of the file
 * @throws ConfigError
 */
export function connectionsIn(
  { connections, ...named }: Record<string, unknown>,
  file: string | null,
  env: NodeJS.ProcessEnv,
): Source[] {
  const top: Layer = { named, file, path: '', env, prefix: '' };
  if (connections === undefined) return [{ connection: null, layers: [top] }];
  if (!isRecord(connections) || Object.keys(connections).length === 0)
    throw new ConfigError(`${file}: connections: expected a name for each, and its settings below it`);
  const parts = Object.entries(connections);
  const faults = parts.flatMap(([name, own]) => faultsOf(name, own).map((fault) => `${file}: ${fault}`));
  if (faults.length === 0) faults.push(...misplaced(top, parts[0]?.[0] ?? ''));
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return parts.map(([name, own]) => {
    const layer = { named: isRecord(own) ? own : {}, path: `connections.${name}.`, prefix: prefixOf(name) };
    return { connection: name, layers: [{ ...top, ...layer }, top] };
  });
}

function faultsOf(name: string, own: unknown): string[] {
  if (!NAME.test(name) || name.length > NAME_LENGTH || TAKEN.has(name))
    return [
      `connections: found the name "${name}", expected small letters, digits and single "_" between them, but not ${[...TAKEN].join(' or ')}`,
    ];
  // The environment may have all settings of the connection.
  if (own === null) return [];
  if (!isRecord(own)) return [`connections.${name}: expected settings such as "pmsBaseUrl: https://…"`];
  return Object.keys(own)
    .filter((setting) => SHARED.has(setting.replace(/File$/, '')))
    .map((setting) => `connections.${name}.${setting}: all connections share it, expected at the top`);
}

/** A credential for all connections is a fault: it would be sent to hosts that it does not belong to. */
function misplaced({ named, file, env }: Layer, example: string): string[] {
  const inFile = [...OWN].flatMap((setting) => [setting, `${setting}File`]).filter((name) => name in named);
  const inEnvironment = [...OWN]
    .flatMap((setting) => [variableOf(setting), `${variableOf(setting)}_FILE`])
    .filter((variable) => (env[variable] ?? '') !== '');
  return [
    ...inFile.map(
      (name) => `${file}: ${name}: each connection has its own, expected connections.${example}.${name}`,
    ),
    ...inEnvironment.map(
      (name) => `${name}: each connection has its own, expected ${prefixOf(example)}${name}`,
    ),
  ];
}

/** @throws ConfigError with the names of the existing connections */
export function sourceNamed(sources: Source[], name: string): Source {
  const found = sources.find(({ connection }) => connection === name);
  if (found) return found;
  throw new ConfigError(`--connection: found "${name}", expected ${namesOf(sources)}`);
}

/** @throws ConfigError if there are several connections, and none was chosen */
export function onlyOne<T extends { connection: string | null }>(several: readonly T[]): T {
  const [first, second] = several;
  if (!first || second) throw new ConfigError(`--connection: found nothing, expected ${namesOf(several)}`);
  return first;
}

function namesOf(several: readonly { connection: string | null }[]): string {
  const names = several.flatMap(({ connection }) => connection ?? []);
  if (names.length === 0) return 'none: the settings file names no connections';
  return names.length === 1 ? `"${names[0]}"` : `one of ${names.join(', ')}`;
}

/**
 * The input of a schema: each setting from the first place that has it, with secrets from their files.
 *
 * @param settings the settings of the schema
 * @param isIgnored selects settings that may be present and are not read
 * @throws ConfigError if the file of a secret cannot be read
 */
export function inputOf(
  settings: readonly string[],
  { connection, layers }: Source,
  isIgnored: (setting: string) => boolean = () => false,
): Record<string, unknown> {
  // Unknown settings are part of the input, so that the schema refuses them.
  const input: Record<string, unknown> = {};
  for (const { named } of [...layers].reverse()) Object.assign(input, named);
  for (const setting of settings) {
    if (SECRETS.has(setting)) delete input[`${setting}File`];
    if (isIgnored(setting)) continue;
    for (const layer of layers) {
      const value = given(layer, setting);
      if (value === undefined) continue;
      input[setting] = value;
      break;
    }
  }
  if (connection === null) return input;
  for (const setting of ['taskQueue', 'mongodbDatabase']) {
    const base = input[setting] ?? DEFAULT_NAME;
    if (settings.includes(setting) && given(layers[0], setting) === undefined && typeof base === 'string')
      input[setting] = `${base}-${connection}`;
  }
  return input;
}

function given({ named, file, path: at, env, prefix }: Layer, setting: string): unknown {
  const variable = `${prefix}${variableOf(setting)}`;
  const isGiven = (text: string | undefined): text is string => text !== undefined && text !== '';
  const value = env[variable];
  if (isGiven(value)) return value;
  if (!SECRETS.has(setting)) return named[setting];
  const mounted = env[`${variable}_FILE`];
  if (isGiven(mounted)) return readSecret(mounted, `${variable}_FILE`);
  const secretFile = named[`${setting}File`];
  return named[setting] === undefined && typeof secretFile === 'string'
    ? readSecret(path.resolve(path.dirname(file ?? ''), secretFile), `${file}: ${at}${setting}File`)
    : named[setting];
}

/** The present value of a secret; undefined if its source has none any more. @throws ConfigError */
export function readAnew({ layers }: Source, setting: string): string | undefined {
  for (const layer of layers) {
    const value = given(layer, setting);
    if (typeof value === 'string') return value.trim();
  }
  return undefined;
}

function readSecret(file: string, named: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new ConfigError(`${named}: ${file} ${cannotRead(error)}`);
  }
  if (text === '') throw new ConfigError(`${named}: ${file} is empty, expected the secret in it`);
  return text;
}

/** A shorter name that resembles a setting probably belongs to another program. */
const SHORTEST_VARIABLE = 9;

/** The name of a setting in messages. */
export function nameOf({ layers: [{ file, path: at, prefix }] }: Source, setting: string): string {
  return `${prefix}${variableOf(setting)}${file === null ? '' : ` (or ${at}${setting} in ${file})`}`;
}

/** The place of a name that is no setting, for messages. */
export function whereIs({ layers }: Source, setting: string, settings: readonly string[]): string {
  const layer = layers.find(({ named }) => setting in named);
  // The file spells settings in another way than the environment.
  const same = settings.find((each) => variableOf(each) === setting);
  const hint = same === undefined ? meant(setting, settings) : `; in a file it is written "${same}"`;
  return `${layer?.file ?? 'configuration'}: unknown field "${layer?.path ?? ''}${setting}"${hint}`;
}

/** One line for each variable whose name resembles a setting. */
export function misspelt(env: NodeJS.ProcessEnv, settings: readonly string[]): string[] {
  const names = settings.flatMap((setting) => [
    variableOf(setting),
    ...(SECRETS.has(setting) ? [`${variableOf(setting)}_FILE`] : []),
  ]);
  const known = new Set(names);
  return Object.keys(env)
    .filter((name) => !known.has(name) && name.length >= SHORTEST_VARIABLE)
    .flatMap((name) => {
      const near = nearest(name, names);
      return near === null ? [] : `${name}: is no setting, and is ignored; did you mean ${near}?`;
    });
}

/** Two connections with one database or task queue would take each other's work. @throws ConfigError */
export function keepApart(
  configs: readonly { connection: string | null; taskQueue: string; mongodbDatabase: string }[],
): void {
  const taken = new Map<string, string | null>();
  for (const { connection, taskQueue, mongodbDatabase } of configs) {
    const lanes = SIDES.flatMap((side) => LANES.map((lane) => taskQueueOf(taskQueue, side, lane)));
    const own = new Map<string, [setting: string, value: string]>([
      [`database ${mongodbDatabase}`, ['mongodbDatabase', mongodbDatabase]],
      ...[taskQueue, ...lanes].map((queue): [string, [string, string]] => [
        `queue ${queue}`,
        ['taskQueue', queue],
      ]),
    ]);
    for (const [name, [setting, value]] of own) {
      if (taken.has(name))
        throw new ConfigError(
          `connections.${connection}.${setting}: "${value}" is that of ${taken.get(name)}, expected one of its own`,
        );
      taken.set(name, connection);
    }
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
