import { readFileSync } from 'node:fs';
import path from 'node:path';
import { cannotRead } from '../platform/systemErrors';
import { LANES } from '../sync/lane';
import { SIDES } from '../sync/record';
import { meant, nearest } from '../sync/schemaWords';
import { taskQueueOf } from '../sync/taskQueues';

/**
 * Where settings come from: for a deployment of one connection, from the environment and from the top of the settings
 * file; for each of several, from its own part of the file and its own variables (`ACME__PMS_TOKEN`) before these.
 */

/** Something that the operator must mend; the message has one line per fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Held in a file where a container mounts one, and shown in no message. */
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

/** One process has one of each, however many connections it serves. All other settings a connection may have of its own. */
export const SHARED: ReadonlySet<string> = new Set([
  ...['temporalAddress', 'temporalNamespace', 'temporalApiKey', 'temporalTls', 'temporalTlsServerName'],
  ...['temporalTlsServerCaCertPath', 'temporalTlsClientCertPath', 'temporalTlsClientKeyPath'],
  ...['encryptionKeys', 'mongodbUri', 'intakeHost', 'intakePort', 'publicUrl'],
  ...['consoleToken', 'consoleUserHeader', 'consoleTrustedProxies', 'consoleHost', 'consolePort'],
  ...['temporalUiUrl', 'metricsPort', 'metricsHost', 'logLevel'],
]);

/** Whom a connection joins, and by what right: never taken from what several share. */
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

/** The same as one connection has it, where there are several. */
export function variableFor({ connection }: { connection: string | null }, setting: string): string {
  return `${connection === null ? '' : prefixOf(connection)}${variableOf(setting)}`;
}

/** `acme` → `ACME__`, before the name of a variable. */
export function prefixOf(connection: string): string {
  return `${connection.toUpperCase()}__`;
}

/** One place in which settings stand. */
interface Layer {
  /** By their names in the file. */
  named: Record<string, unknown>;
  file: string | null;
  /** Before their names, where messages tell of them: `connections.acme.` */
  path: string;
  env: NodeJS.ProcessEnv;
  /** Before the names of its variables: `ACME__` */
  prefix: string;
}

export interface Source {
  connection: string | null;
  /** The first that has a setting decides. */
  layers: [Layer, ...Layer[]];
}

/** It is part of task queues, databases, variables, addresses and labels. */
const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const NAME_LENGTH = 40;
/** A task queue that ends so belongs to an API. */
const TAKEN: ReadonlySet<string> = new Set(SIDES);

/** Of the task queue and of the database; those of several connections begin with it. */
export const DEFAULT_NAME = 'zendesk-pms-sync';

/** The environment alone. */
export function environmentAlone(env: NodeJS.ProcessEnv): Source {
  return { connection: null, layers: [{ named: {}, file: null, path: '', env, prefix: '' }] };
}

/**
 * The connections that settings name, in their order; where they name none, the one that all of them are about.
 * @param settings what the file holds
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
  // All of it may be in the environment.
  if (own === null) return [];
  if (!isRecord(own)) return [`connections.${name}: expected settings such as "pmsBaseUrl: https://…"`];
  return Object.keys(own)
    .filter((setting) => SHARED.has(setting.replace(/File$/, '')))
    .map((setting) => `connections.${name}.${setting}: all connections share it, expected at the top`);
}

/** A credential for all of them would go to hosts that it does not belong to. */
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

/** @throws ConfigError naming those that there are */
export function sourceNamed(sources: Source[], name: string): Source {
  const found = sources.find(({ connection }) => connection === name);
  if (found) return found;
  throw new ConfigError(`--connection: found "${name}", expected ${namesOf(sources)}`);
}

/** @throws ConfigError where there are several, and nobody said which */
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
 * What a schema is to check: each setting from the first place that has it, secrets read from their files.
 * @param settings those that the schema takes @param isIgnored of those, what may stand there and is not read
 * @throws ConfigError where a secret's file cannot be read
 */
export function inputOf(
  settings: readonly string[],
  { connection, layers }: Source,
  isIgnored: (setting: string) => boolean = () => false,
): Record<string, unknown> {
  // What no schema takes must be seen by it, to be refused.
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

/** A secret as its source has it now; undefined where the source has none any more. @throws ConfigError */
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

/** A shorter name that comes near one of a setting is likely to be somebody else’s. */
const SHORTEST_VARIABLE = 9;

/** How a message speaks of a setting. */
export function nameOf({ layers: [{ file, path: at, prefix }] }: Source, setting: string): string {
  return `${prefix}${variableOf(setting)}${file === null ? '' : ` (or ${at}${setting} in ${file})`}`;
}

/** Where a name stands that is none of a setting. */
export function whereIs({ layers }: Source, setting: string, settings: readonly string[]): string {
  const layer = layers.find(({ named }) => setting in named);
  // In the file, a setting is not written as in the environment.
  const same = settings.find((each) => variableOf(each) === setting);
  const hint = same === undefined ? meant(setting, settings) : `; in a file it is written "${same}"`;
  return `${layer?.file ?? 'configuration'}: unknown field "${layer?.path ?? ''}${setting}"${hint}`;
}

/** Variables that are named almost like a setting: one line for each. */
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

/** Two connections that share a database or a task queue would take each other's work. @throws ConfigError */
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
