import type { Client } from '@temporalio/client';
import type { Db } from 'mongodb';
import { currentBudgets, type CurrentBudget } from '../systems/budget/currentBudget';
import { Starts, type FailedStart } from '../links/failedStarts';
import type { RestingSince } from '../links/bindingStore';
import type { LinkStore } from '../links/linkStore';
import type { SetAside } from '../links/setAside';
import type { CanonicalKey } from '../sync/canonicalKey';
import type { LinkStatus } from '../sync/link';
import { ENTITY_TYPES, type EntityType } from '../sync/record';
import { restingWords } from './resting';
import { holdWords, holdsIn, openHolds, type HoldShown } from './brake';
import { apiTokenState, type ApiTokenState } from './apiToken';
import { pollersOf } from './pollers';
import { schedulesOf, type ScheduleState } from './scheduleStates';

/** The state of the sync, for people: from MongoDB and Temporal, without a call to either API. */
export interface Status {
  pairs: Record<EntityType, PairCounts>;
  streams: StreamState[];
  budgets: CurrentBudget[];
  schedules: ScheduleState[];
  /** Worker processes that ask the pairs' task queue for work. */
  workers: number;
  /** Processes that cannot serve this connection, of several that they have. */
  failedStarts: FailedStart[];
  /** About how many records were seen and not dealt with yet. */
  waitingRecords: number;
  /** Rows, match rules and filters that rest because a side does not offer their property any more. */
  resting: RestingSince[];
  /** Pairs that ended in an error that the sync does not expect; with the keys of some. */
  bugs: { count: number; examples: CanonicalKey[] };
  /** Records, and pages of a backfill, that could not be taken in and were passed over; some of them. */
  aside: { count: number; examples: SetAside[] };
  /** What the brake holds, and what became of it. */
  brake: HoldShown[];
  /** Null where the workers sign in to Zendesk with an OAuth client. */
  apiToken: ApiTokenState | null;
}

export interface PairCounts extends Record<LinkStatus, number> {
  /** ISO time of an operator's pause; null where it runs. */
  pausedSince: string | null;
  /** Pairs that received a signal during the pause. */
  heldBack: number;
  /** Pairs, in sync but for a value that one side did not take. */
  notTaken: number;
}

export interface StreamState {
  /** `zendesk:tickets` */
  name: string;
  /** When its cursor moved last, i.e. there was something new; null for never. */
  movedAt: string | null;
  /** When it was last read to its end; null for never, or not since it was rewound. */
  readAt: string | null;
  /** Seconds since it was last known that nothing in it was unread: no change older than that is unknown to us. */
  lagSeconds: number | null;
}

export interface StatusSources {
  store: LinkStore;
  client: Client;
  db: Db;
  taskQueue: string;
  now: () => Date;
}

export async function gatherStatus({ store, client, db, taskQueue, now }: StatusSources): Promise<Status> {
  const [counts, notTaken, paused, heldBack, positions, budgets, schedules, ...others] = await Promise.all([
    store.countByStatus(),
    store.countNotTaken(),
    store.control.paused(),
    store.control.countHeldBack(),
    store.cursors.positions(),
    currentBudgets(db, now()),
    schedulesOf(client, taskQueue),
    pollersOf(client, taskQueue),
    new Starts(db).all(now()),
    store.observations.count(),
    apiTokenState(store, now()),
    store.bindings.resting(),
    bugsIn(store),
    asideIn(store),
    holdsIn(store),
  ]);
  const [workers, failedStarts, waitingRecords, apiToken, resting, bugs, aside, brake] = others;
  const pairs = Object.fromEntries(
    ENTITY_TYPES.map((type) => [
      type,
      {
        ...counts[type],
        pausedSince: paused[type] ?? null,
        heldBack: heldBack[type] ?? 0,
        notTaken: notTaken[type],
      },
    ]),
  ) as Record<EntityType, PairCounts>;
  const streams = positions.map(({ name, movedAt, readAt, currentAt }) => ({
    name,
    movedAt,
    readAt,
    lagSeconds:
      currentAt === null ? null : Math.max(0, Math.round((now().getTime() - Date.parse(currentAt)) / 1000)),
  }));
  return {
    pairs,
    streams,
    budgets,
    schedules,
    workers,
    failedStarts,
    waitingRecords,
    resting,
    apiToken,
    bugs,
    aside,
    brake,
  };
}

const EXAMPLES = 5;

/** Pairs that ended in a bug, for people. */
export async function bugsIn(store: Pick<LinkStore, 'countByCode' | 'find'>): Promise<Status['bugs']> {
  const [count, some] = await Promise.all([
    store.countByCode('bug'),
    store.find({ code: 'bug' }, null, EXAMPLES),
  ]);
  return { count, examples: some.map(({ _id }) => _id) };
}

/** What was passed over, for people. */
export async function asideIn({ aside }: Pick<LinkStore, 'aside'>): Promise<Status['aside']> {
  const [count, examples] = await Promise.all([aside.count(), aside.list(null, EXAMPLES)]);
  return { count, examples };
}

/** Polls that may be missed before a stream counts as behind: one may run, one may have been skipped for it. */
const MISSED_POLLS = 5;
/** A notice of the API token's end turns into a worry this many days ahead. */
const API_TOKEN_WORRY_DAYS = 30;
/** A poll that reads much takes longer than the interval. */
const AT_LEAST_SECONDS = 120;

/**
 * What about a status needs a person, one line each, with what to do. Empty where all is well.
 * @param pollSeconds the configured intervals
 * @param connection named in the commands, where there are several
 */
export function worriesOf(
  status: Status,
  pollSeconds: Readonly<Record<'zendesk' | 'pms', number>>,
  connection: string | null = null,
): string[] {
  const command = (words: string) =>
    `"zendesk-pms-sync ${words}${connection === null ? '' : ` --connection ${connection}`}"`;
  const worries: string[] = [];
  for (const { process, why, since, nextAttempt } of status.failedStarts)
    worries.push(
      `${process} cannot serve this connection since ${since}: ${why}; correct this, and the service tries again at ${nextAttempt}`,
    );
  if (status.workers === 0 && status.failedStarts.length === 0)
    worries.push('no worker runs: start one with "zendesk-pms-sync start"');
  for (const { name, lagSeconds } of status.streams) {
    const side = name.startsWith('zendesk:') ? 'zendesk' : 'pms';
    const limit = Math.max(MISSED_POLLS * pollSeconds[side], AT_LEAST_SECONDS);
    if (lagSeconds !== null && lagSeconds > limit)
      worries.push(
        `${name} was read to its end ${lagSeconds} s ago: see its poll workflow in the Temporal Web UI, or ${command('doctor')}`,
      );
  }
  for (const { id, paused, note } of status.schedules)
    if (paused)
      worries.push(`Schedule ${id} is paused (${note || 'no note'}): resume it in the Temporal Web UI`);
  if (status.apiToken && status.apiToken.daysLeft <= API_TOKEN_WORRY_DAYS)
    worries.push(status.apiToken.notice);
  for (const hold of openHolds(status.brake)) worries.push(`${holdWords(hold)}: ${command('brake show')}`);
  worries.push(...status.resting.map(restingWords));
  const { bugs, aside } = status;
  const list = (names: readonly string[], of: number) =>
    [...names, ...(of > names.length ? ['…'] : [])].join(', ');
  if (bugs.count > 0)
    worries.push(
      `${bugs.count} ended in a bug (${list(bugs.examples, bugs.count)}): ${command('links find --code bug')}; report it, then resync them`,
    );
  if (aside.count > 0)
    worries.push(
      `${aside.count} could not be taken in (${list(
        aside.examples.map(({ what }) => what),
        aside.count,
      )}): ${command('aside list')}`,
    );
  for (const type of ENTITY_TYPES) {
    const { conflict, quarantined, pausedSince } = status.pairs[type];
    if (conflict > 0) worries.push(`${type}: ${conflict} in conflict: ${command('conflicts list')}`);
    if (quarantined > 0) worries.push(`${type}: ${quarantined} in quarantine: ${command('quarantine list')}`);
    if (pausedSince !== null)
      worries.push(`${type} is paused since ${pausedSince}: ${command(`resume ${type}`)}`);
  }
  return worries;
}
