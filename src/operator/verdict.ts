import { ENTITY_TYPES, type EntityType, type Side } from '../sync/record';
import type { Trouble } from '../links/troubles';
import { holdWords, openHolds } from './brake';
import type { PairCounts, Status } from './status';

/**
 * The one judgement of the sync's state, which `status`, the console and the health endpoint show alike: all is well, or
 * what is wrong, since when, what it affects and what to do. Pure.
 */

export interface Facts {
  now: Date;
  /** Named in the commands, where there are several. */
  connection: string | null;
  /** Why a server does not answer, with its address; null where it does. */
  temporal: string | null;
  mongodb: string | null;
  /** The disk with our data, where it is nearly full. */
  disk: { path: string; freeMb: number } | null;
  /** Null where MongoDB does not answer. */
  status: Status | null;
  troubles: readonly Trouble[];
}

export interface Fault {
  /** Names the kind of fault, for programs. */
  code: FaultCode;
  /** `outage`: something is not synced; `person`: some pairs or settings wait for a decision. */
  weight: 'outage' | 'person';
  what: string;
  /** ISO; null where it is not known. */
  since: string | null;
  affects: string;
  cure: string;
}

export type FaultCode =
  | 'temporal'
  | 'mongodb'
  | 'disk'
  | 'system'
  | 'mapping'
  | 'twin'
  | 'no_worker'
  | 'start'
  | 'behind'
  | 'schedule'
  | 'paused'
  | 'api_token'
  | 'resting'
  | 'brake'
  | 'bug'
  | 'aside'
  | 'conflicts'
  | 'quarantine';

export interface Verdict {
  well: boolean;
  /** One line for people. */
  line: string;
  faults: Fault[];
}

const NAMES: Record<Side, string> = { zendesk: 'Zendesk', pms: 'The PMS' };
/** Polls that may be missed before a stream counts as behind: one may run, one may have been skipped for it. */
const MISSED_POLLS = 5;
/** A notice of the API token's end turns into a fault this many days ahead. */
const API_TOKEN_WORRY_DAYS = 30;
/** A poll that reads much takes longer than the interval. */
const AT_LEAST_SECONDS = 120;

export function verdict(facts: Facts): Verdict {
  const found = [
    ...serverFaults(facts),
    ...systemFaults(facts),
    ...serviceFaults(facts),
    ...pairFaults(facts),
  ];
  const faults = [...found].sort((a, b) => weightOf(a) - weightOf(b));
  const [first, ...others] = faults;
  if (!first) return { well: true, line: 'all is well', faults };
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return { well: false, line: `${faultLine(first)}${more}`, faults };
}

/** `Zendesk refuses our credential (…), since …: nothing is …; check …` */
export function faultLine({ what, since, affects, cure }: Fault): string {
  const when = since === null ? '' : `, since ${minute(since)}`;
  const effect = affects === '' ? '' : `: ${affects}`;
  return `${what}${when}${effect}; ${cure}`;
}

function minute(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}

function weightOf({ weight }: Fault): number {
  return weight === 'outage' ? 0 : 1;
}

/** Temporal, MongoDB, and the disk below them. */
function serverFaults({ temporal, mongodb, disk, status }: Facts): Fault[] {
  const faults: Fault[] = [];
  const isFull = [temporal, mongodb].some((why) => why !== null && saysDiskFull(why));
  if (disk || isFull)
    faults.push({
      code: 'disk',
      weight: 'outage',
      what: disk
        ? `The disk of ${disk.path} is full (${disk.freeMb} MB left)`
        : `The disk is full (${temporal ?? mongodb})`,
      since: null,
      affects: 'nothing can be stored, so nothing is synced; no edit is lost',
      cure: 'make room on that disk; the sync goes on by itself',
    });
  if (mongodb !== null)
    faults.push({
      code: 'mongodb',
      weight: 'outage',
      what: `MongoDB does not answer (${mongodb})`,
      since: null,
      affects: 'nothing is synced; no edit is lost',
      cure: 'start it, or correct MONGODB_URI; the sync goes on by itself',
    });
  if (temporal !== null)
    faults.push({
      code: 'temporal',
      weight: 'outage',
      what: `Temporal does not answer (${temporal})`,
      since: lastRead(status),
      affects: 'nothing is synced; no edit is lost',
      cure: 'start it, or correct TEMPORAL_ADDRESS; the sync goes on by itself',
    });
  return faults;
}

/** Whether a server's own words tell of a full disk: SQLite's, H2's, MongoDB's, the system's. */
export function saysDiskFull(words: string): boolean {
  return /no space left|disk is full|disk full|ENOSPC|OutOfDiskSpace|SQLITE_FULL/i.test(words);
}

function lastRead(status: Status | null): string | null {
  const times = (status?.streams ?? []).flatMap(({ readAt }) => readAt ?? []).sort();
  return times.at(-1) ?? null;
}

/** The two systems, the mapping, and who else is at work. */
function systemFaults({ troubles, connection }: Facts): Fault[] {
  return troubles.map(({ name, code, text, since }): Fault => {
    if (name === 'mapping')
      return {
        code: 'mapping',
        weight: 'outage',
        what: `The changed mapping file is refused (${text})`,
        since,
        affects: 'the mapping before the change stays in use',
        cure: `correct the file; ${command('mapping check', connection)} has the details`,
      };
    const side = name.startsWith('zendesk') ? 'zendesk' : 'pms';
    if (code === 'twin')
      return {
        code: 'twin',
        weight: 'outage',
        what: `Another installation is at work on ${side === 'zendesk' ? 'this Zendesk account' : 'this PMS'} (${text})`,
        since,
        affects: 'the two overrule each other',
        cure: 'stop one of the two',
      };
    const refused = code !== 'unavailable';
    return {
      code: 'system',
      weight: 'outage',
      what: refused
        ? `${NAMES[side]} refuses us (${text})`
        : `${NAMES[side]} does not answer as it should (${text})`,
      since,
      affects: 'no change from or to it is synced; none is lost',
      cure: refused
        ? `correct its credential or rights; ${command('doctor', connection)} says which`
        : `check that it runs and can be reached; the sync goes on by itself, and ${command('doctor', connection)} looks at it`,
    };
  });
}

/** Our own processes and Schedules. */
function serviceFaults(facts: Facts): Fault[] {
  const { status, connection } = facts;
  if (!status) return [];
  const faults: Fault[] = status.failedStarts.map(({ process, why, since, nextAttempt }) => ({
    code: 'start',
    weight: 'outage',
    what: `${process} cannot serve this connection (${why})`,
    since,
    affects: 'this connection is not synced by it',
    cure: `correct this; the service tries again at ${nextAttempt}`,
  }));
  if (status.workers === 0 && status.failedStarts.length === 0)
    faults.push({
      code: 'no_worker',
      weight: 'outage',
      what: 'No worker runs',
      since: lastRead(status),
      affects: 'nothing is synced; no edit is lost',
      cure: 'start one: "zendesk-pms-sync start"',
    });
  faults.push(...behind(facts));
  for (const { id, paused, note } of status.schedules)
    if (paused)
      faults.push({
        code: 'schedule',
        weight: 'person',
        what: `Schedule ${id} is paused (${note || 'no note'})`,
        since: null,
        affects: 'what it does is not done',
        cure: `resume it: ${command(`schedules resume ${id}`, connection)}`,
      });
  if (status.apiToken && status.apiToken.daysLeft <= API_TOKEN_WORRY_DAYS)
    faults.push({
      code: 'api_token',
      weight: 'person',
      what: status.apiToken.notice,
      since: null,
      affects: '',
      cure: 'see docs/zendesk.md',
    });
  return faults;
}

/** A stream that is behind is the effect of an outage that is told already, or a fault of its own. */
function behind({ status, troubles, temporal, now, connection }: Facts): Fault[] {
  if (!status || temporal !== null || status.workers === 0) return [];
  return status.streams.flatMap(({ name, lagSeconds }): Fault[] => {
    const side = name.startsWith('zendesk:') ? 'zendesk' : 'pms';
    const poll = status.schedules.find(({ id }) => id.endsWith(`-poll-${side}`));
    if (lagSeconds === null || !poll || poll.paused || poll.everySeconds === null) return [];
    if (lagSeconds <= Math.max(MISSED_POLLS * poll.everySeconds, AT_LEAST_SECONDS)) return [];
    if (troubles.some((trouble) => trouble.name === side)) return [];
    return [
      {
        code: 'behind',
        weight: 'outage',
        what: `${name} was read to its end ${lagSeconds} s ago`,
        since: new Date(now.getTime() - lagSeconds * 1000).toISOString(),
        affects: 'changes since then arrive late',
        cure: `see its poll workflow in the Temporal Web UI, or ${command('doctor', connection)}`,
      },
    ];
  });
}

/** What waits for a person: rows at rest, pairs, and records that were set aside. */
function pairFaults({ status, connection }: Facts): Fault[] {
  if (!status) return [];
  return [
    ...brakeFaults(status, connection),
    ...restingFaults(status),
    ...brokenFaults(status, connection),
    ...ENTITY_TYPES.flatMap((type) => typeFaults(type, status.pairs[type], connection)),
  ];
}

function brakeFaults({ brake }: Status, connection: string | null): Fault[] {
  return openHolds(brake).map((hold) => ({
    code: 'brake',
    weight: 'person',
    what: holdWords(hold),
    since: hold.since,
    affects: 'these changes wait; all else is synced',
    cure: `see ${command('brake show', connection)}, then brake release or brake discard`,
  }));
}

function restingFaults({ resting }: Status): Fault[] {
  return resting.map(({ entity, what, side, kind, property, name, since }) => ({
    code: 'resting',
    weight: 'person',
    what: `${entity} ${what} rests: ${side} ${kind} does not offer "${property}"${name === property ? '' : ` (${name})`} any more`,
    since,
    affects: 'this property is not synced',
    cure: 'it goes on when the field is back, or change the mapping',
  }));
}

/** Pairs that ended in a bug, and what could not be taken in. */
function brokenFaults({ bugs, aside }: Status, connection: string | null): Fault[] {
  const names = (some: readonly string[], of: number) =>
    [...some, ...(of > some.length ? ['…'] : [])].join(', ');
  const faults: Fault[] = [];
  if (bugs.count > 0)
    faults.push({
      code: 'bug',
      weight: 'person',
      what: `${bugs.count} ended in a bug (${names(bugs.examples, bugs.count)})`,
      since: null,
      affects: 'they are not synced',
      cure: `${command('links find --code bug', connection)}; report it, then resync them`,
    });
  if (aside.count > 0) {
    const examples = aside.examples.map(({ what }) => what);
    faults.push({
      code: 'aside',
      weight: 'person',
      what: `${aside.count} could not be taken in (${names(examples, aside.count)})`,
      since: null,
      affects: 'they are not synced',
      cure: command('aside list', connection),
    });
  }
  return faults;
}

function typeFaults(
  type: EntityType,
  { conflict, quarantined, pausedSince }: PairCounts,
  connection: string | null,
): Fault[] {
  const faults: Fault[] = [];
  const add = (code: FaultCode, what: string, affects: string, words: string, since: string | null = null) =>
    faults.push({ code, weight: 'person', what, since, affects, cure: command(words, connection) });
  if (conflict > 0)
    add('conflicts', `${type}: ${conflict} in conflict`, 'each keeps both values', 'conflicts list');
  if (quarantined > 0)
    add('quarantine', `${type}: ${quarantined} in quarantine`, 'they are not synced', 'quarantine list');
  if (pausedSince !== null)
    add('paused', `${type} is paused`, 'its changes are kept', `resume ${type}`, pausedSince);
  return faults;
}

function command(words: string, connection: string | null): string {
  return `"zendesk-pms-sync ${words}${connection === null ? '' : ` --connection ${connection}`}"`;
}
