import { ENTITY_TYPES, type EntityType, type Side } from '../sync/record';
import type { Trouble } from '../links/troubles';
import { holdWords, openHolds } from './brake';
import { whatRests } from './resting';
import type { PairCounts, Status } from './status';
import { commandLine } from '../platform/commandLine';

/**
 * The one judgement of the sync's state: all is well, or what is wrong, since when, its effect and its fix. `status`,
 * the console and the health endpoint show the same one. Pure.
 */

export interface Facts {
  now: Date;
  /** The connection that the proposed commands name; null if there is only one. */
  connection: string | null;
  /** The reason why a server does not answer, with its address; null if it does. */
  temporal: string | null;
  mongodb: string | null;
  /** The disk of our data, if it is nearly full. */
  disk: { path: string; freeMb: number } | null;
  /** Null if MongoDB does not answer. */
  status: Status | null;
  troubles: readonly Trouble[];
}

export interface Fault {
  /** Names the kind of fault, for programs. */
  code: FaultCode;
  /** `outage`: something is not synced; `person`: some pairs or settings wait for a decision. */
  weight: 'outage' | 'person';
  what: string;
  /** ISO time; null if not known. */
  since: string | null;
  affects: string;
  cure: string;
}

/**
 * `cursor`: a system refuses the cursor of a change stream. `twin`: another installation syncs the same account.
 * `start`: a process cannot serve the connection. `resting`: a row rests. `aside`: records were set aside because
 * they could not be processed.
 */
export type FaultCode =
  | 'temporal'
  | 'mongodb'
  | 'disk'
  | 'system'
  | 'cursor'
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
  /** One line for the operator. */
  line: string;
  faults: Fault[];
}

const NAMES: Record<Side, string> = { zendesk: 'Zendesk', pms: 'The PMS' };
/**
 * A stream counts as behind after this many poll intervals. One interval is too few: a poll may still be running, and
 * the next one is then skipped.
 */
const MISSED_POLLS = 5;
/** The end of Zendesk's API tokens is reported as a fault from this many days before it. */
const API_TOKEN_WORRY_DAYS = 30;
/** A stream never counts as behind within this time: a poll that reads many records takes longer than its interval. */
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

/** For a folder in which no service was ever started, so that the addresses of the servers are not known. */
export function notStarted(): Verdict {
  const fault: Fault = {
    code: 'no_worker',
    weight: 'outage',
    what: 'No service runs in this folder, and neither TEMPORAL_ADDRESS nor MONGODB_URI is set',
    since: null,
    affects: 'nothing is synced; no edit is lost',
    cure: `start it: ${command('start', null)}`,
  };
  return { well: false, line: faultLine(fault), faults: [fault] };
}

/** For example `Zendesk refuses our credential (…), since …: nothing is …; check …`. */
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
  const isFull = [temporal, mongodb].some((why) => why !== null && reportsFullDisk(why));
  if (disk || isFull)
    faults.push({
      code: 'disk',
      weight: 'outage',
      what: disk
        ? `The disk of ${disk.path} is nearly full (${disk.freeMb} MB left)`
        : `The disk is full (${temporal ?? mongodb})`,
      since: null,
      affects: 'nothing can be stored, so nothing is synced; no edit is lost',
      cure: 'make room on that disk; the sync continues automatically',
    });
  if (mongodb !== null)
    faults.push({
      code: 'mongodb',
      weight: 'outage',
      what: `MongoDB does not answer (${mongodb})`,
      since: null,
      affects: 'nothing is synced; no edit is lost',
      cure: 'start it, or correct MONGODB_URI; the sync continues automatically',
    });
  if (temporal !== null)
    faults.push({
      code: 'temporal',
      weight: 'outage',
      what: `Temporal does not answer (${temporal})`,
      since: lastRead(status),
      affects: 'nothing is synced; no edit is lost',
      cure: 'start it, or correct TEMPORAL_ADDRESS; the sync continues automatically',
    });
  return faults;
}

/**
 * Whether a server's error message reports a full disk: the messages of SQLite, H2, MongoDB and the operating system.
 */
export function reportsFullDisk(words: string): boolean {
  return /no space left|disk is full|disk full|ENOSPC|OutOfDiskSpace|SQLITE_FULL/i.test(words);
}

function lastRead(status: Status | null): string | null {
  const times = (status?.streams ?? []).flatMap(({ readAt }) => readAt ?? []).sort();
  return times.at(-1) ?? null;
}

/** Faults of the two systems and of the mapping, and other installations on the same accounts. */
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
        what: `Another installation syncs ${side === 'zendesk' ? 'this Zendesk account' : 'this PMS'} (${text})`,
        since,
        affects: 'each installation overwrites the changes of the other',
        cure: `stop one of the two installations; if there is only one, its webhook is left over from another PUBLIC_URL: ${command('webhooks remove --elsewhere', connection)}`,
      };
    if (code === 'cursor_refused')
      return {
        code: 'cursor',
        weight: 'outage',
        what: text,
        since,
        affects: 'no change from it is synced; none is lost',
        cure: `${command('doctor', connection)} has the command that rewinds the stream`,
      };
    const refused = code !== 'unavailable';
    return {
      code: 'system',
      weight: 'outage',
      what: refused
        ? `${NAMES[side]} refuses the calls of the sync (${text})`
        : `${NAMES[side]} does not answer as it should (${text})`,
      since,
      affects: 'no change from or to it is synced; none is lost',
      cure: refused
        ? `correct its credential or rights; ${command('doctor', connection)} names what is wrong`
        : `check that it runs and can be reached; the sync continues automatically, and ${command('doctor', connection)} tests the connection`,
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
    affects: 'this process does not sync this connection',
    cure: `correct this; the service tries again at ${nextAttempt}`,
  }));
  if (status.workers === 0 && status.failedStarts.length === 0)
    faults.push({
      code: 'no_worker',
      weight: 'outage',
      what: 'No worker runs',
      since: lastRead(status),
      affects: 'nothing is synced; no edit is lost',
      cure: `start one: ${command('start', null)}`,
    });
  faults.push(...behindFaults(facts));
  for (const { id, paused, note } of status.schedules)
    if (paused)
      faults.push({
        code: 'schedule',
        weight: 'person',
        what: `Schedule ${id} is paused (${note || 'no note'})`,
        since: null,
        affects: 'its task does not run',
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

/** A stream that is behind is a fault of its own, unless an outage that is reported already explains it. */
function behindFaults({ status, troubles, temporal, now, connection }: Facts): Fault[] {
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
        what: `${name} was last read to its end ${lagSeconds} s ago`,
        since: new Date(now.getTime() - lagSeconds * 1000).toISOString(),
        affects: 'changes since then arrive late',
        cure: `see its poll workflow in the Temporal Web UI, or ${command('doctor', connection)}`,
      },
    ];
  });
}

/** What waits for a person: rows that rest, pairs, and records that could not be processed. */
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
    cure: `see ${command('brake show', connection)}, then ${command('brake release', connection)} or ${command('brake discard', connection)}`,
  }));
}

function restingFaults({ resting }: Status): Fault[] {
  return resting.map(({ since, ...rest }) => ({
    code: 'resting',
    weight: 'person',
    what: whatRests(rest),
    since,
    affects: 'this property is not synced',
    cure: 'bring the field back, or change the mapping; then the property is synced again',
  }));
}

/** Pairs that failed with a bug, and records that could not be processed. */
function brokenFaults({ bugs, aside }: Status, connection: string | null): Fault[] {
  const names = (some: readonly string[], of: number) =>
    [...some, ...(of > some.length ? ['…'] : [])].join(', ');
  const faults: Fault[] = [];
  if (bugs.count > 0)
    faults.push({
      code: 'bug',
      weight: 'person',
      what: `Pairs that failed with a bug: ${bugs.count} (${names(bugs.examples, bugs.count)})`,
      since: null,
      affects: 'they are not synced',
      cure: `${command('links find --code bug', connection)}; report it, then resync them`,
    });
  if (aside.count > 0) {
    const examples = aside.examples.map(({ what }) => what);
    faults.push({
      code: 'aside',
      weight: 'person',
      what: `Records or pages that could not be processed: ${aside.count} (${names(examples, aside.count)})`,
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
    add('conflicts', `${type}: ${conflict} in conflict`, 'each side keeps its own value', 'conflicts list');
  if (quarantined > 0)
    add('quarantine', `${type}: ${quarantined} in quarantine`, 'they are not synced', 'quarantine list');
  if (pausedSince !== null)
    add('paused', `${type} is paused`, 'its changes are kept', `resume ${type}`, pausedSince);
  return faults;
}

function command(words: string, connection: string | null): string {
  return `"${commandLine(words, connection)}"`;
}
