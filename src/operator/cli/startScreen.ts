import type { Config } from '../../config/config';
import type { Mapping } from '../../sync/mapping';
import { ENTITY_TYPES, SIDES, type Side } from '../../sync/record';
import { withoutPassword } from '../../workers/service';
import { eventsIn } from '../temporalLists';
import { commandLine } from '../../platform/commandLine';

/** The text that `start` shows on a terminal: first what it will write, then the addresses. Pure. */

export interface Accounts {
  config: Config;
  /** The user of each credential. */
  as: Record<Side, string>;
  mapping: Mapping;
}

const NAMES: Record<Side, string> = { zendesk: 'Zendesk', pms: 'PMS' };

/** Shown before the first write. */
export function writesNotice({ config, as, mapping }: Accounts): string[] {
  const pairs = ENTITY_TYPES.map((type) => {
    const { zendesk, pms } = mapping.entities[type].kind;
    return `${zendesk}s ↔ ${pms}s`;
  });
  return [
    'From now on, this service writes to both systems:',
    ...SIDES.map((side) => `  ${NAMES[side].padEnd(8)} ${addressOf(config, side)}, as ${as[side]}`),
    `It syncs ${pairs.join(', ')}, by ${config.mappingFile}:`,
    'changes are copied to the other side, and a record without a counterpart gets one.',
    `To see this without writing anything: ${commandLine('plan')}`,
  ];
}

export interface Addresses {
  config: Config;
  temporal: string;
  temporalUi: string | null;
  mongodb: string;
  /** Null if the console is off. */
  console: string | null;
  /** The file with the console's token; null if the token comes from elsewhere. */
  consoleTokenFile: string | null;
  /** The address that receives webhooks; null if there is none. */
  receiver: string | null;
}

/** Shown when everything runs. */
export function addressLines(addresses: Addresses): string[] {
  const { config, temporal, temporalUi, mongodb, receiver } = addresses;
  const polls = `every ${config.zendeskPollSeconds} s in Zendesk, every ${config.pmsPollSeconds} s in the PMS`;
  const lines: [string, string][] = [
    ['Temporal', temporal],
    ...(temporalUi === null ? [] : webUi(temporalUi, config.temporalNamespace)),
    ['MongoDB', withoutPassword(mongodb)],
    ['Console', consoleWords(addresses)],
    ['Changes', receiver === null ? `looked for ${polls}` : `by webhooks at ${receiver}, and ${polls}`],
  ];
  return [
    'Running. Ctrl-C stops it; the next start continues from there.',
    ...lines.map(([name, value]) => `  ${name.padEnd(8)} ${value}`),
    'In another terminal, in this folder:',
    ...inColumns([
      ['backfill --wait', 'syncs the records that exist already, in bulk'],
      ['status', 'is everything all right?'],
      ['conflicts list', 'conflicts that a person must decide, with the commands'],
    ]),
    'Each change that is synced prints a line below.',
  ];
}

function consoleWords({ console, consoleTokenFile }: Addresses): string {
  if (console === null)
    return 'off; a setting CONSOLE_TOKEN of at least 16 characters switches it on at the next start';
  return consoleTokenFile === null ? console : `${console}, with the token in ${consoleTokenFile}`;
}

/** Commands with their descriptions. */
function inColumns(commands: readonly [words: string, what: string][]): string[] {
  const typed = commands.map(([words, what]) => [commandLine(words), what] as const);
  const width = Math.max(...typed.map(([command]) => command.length));
  return typed.map(([command, what]) => `  ${command.padEnd(width)}   ${what}`);
}

function webUi(address: string, namespace: string): [string, string][] {
  return [
    ['Web UI', `${address} (the same port at the next start, if it is free)`],
    ['', `what pairs did, without the polls: ${eventsIn(address, namespace)}`],
  ];
}

function addressOf({ zendeskBaseUrl, pmsBaseUrl }: Config, side: Side): string {
  return side === 'zendesk' ? zendeskBaseUrl : pmsBaseUrl;
}
