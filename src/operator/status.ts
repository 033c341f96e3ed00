import { isGrpcServiceError, type Client } from '@temporalio/client';
import type { Db } from 'mongodb';
import { currentBudgets, type CurrentBudget } from '../systems/budget/currentBudget';
import { Starts, type FailedStart } from '../links/failedStarts';
import type { RestingSince } from '../links/bindingStore';
import type { LinkStore } from '../links/linkStore';
import type { SetAside } from '../links/setAside';
import type { CanonicalKey } from '../sync/canonicalKey';
import type { LinkStatus } from '../sync/link';
import { ENTITY_TYPES, type EntityType } from '../sync/record';
import { holdsIn, type HoldShown } from './brake';
import { apiTokenState, type ApiTokenState } from './apiToken';
import { pollersOf } from './pollers';
import { schedulesOf, type ScheduleState } from './scheduleStates';

const TEMPORAL_WITHIN_MS = 5_000;

/** The state of the sync, from MongoDB and Temporal, without a call to either API. It is available without Temporal. */
export interface Status {
  pairs: Record<EntityType, PairCounts>;
  streams: StreamState[];
  budgets: CurrentBudget[];
  schedules: ScheduleState[];
  /** Worker processes that poll the pairs' task queue; null if Temporal does not answer. */
  workers: number | null;
  /** The reason why Temporal does not answer; null if it does. */
  temporalFault: string | null;
  /** Processes that cannot serve this connection, although they serve others. */
  failedStarts: FailedStart[];
  /** About how many pending changes there are. */
  waitingRecords: number;
  /** Rows, match rules and filters that rest because a side no longer offers their property. */
  resting: RestingSince[];
  /** Pairs that failed with a bug: their number, and the keys of some. */
  bugs: { count: number; examples: CanonicalKey[] };
  /**
   * Records, and pages of a backfill, that were set aside because they could not be processed: their number, and some
   * examples.
   */
  aside: { count: number; examples: SetAside[] };
  /** The holds of the brake, open and ended. */
  brake: HoldShown[];
  /** Null if the workers sign in to Zendesk with an OAuth client. */
  apiToken: ApiTokenState | null;
}

export interface PairCounts extends Record<LinkStatus, number> {
  /** ISO time at which an operator paused the entity type; null if it is not paused. */
  pausedSince: string | null;
  /** Pairs that received a signal during the pause. */
  heldBack: number;
  /** Pairs that are in sync except for a value that one side did not take. */
  notTaken: number;
}

export interface StreamState {
  /** `zendesk:tickets` */
  name: string;
  /** The time when its cursor last moved, that is, when it had something new; null for never. */
  movedAt: string | null;
  /** The time when it was last read to its end; null for never, or not since it was rewound. */
  readAt: string | null;
  /** The age, in seconds, of the oldest change that may be unread. */
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
  const [counts, notTaken, paused, heldBack, positions, budgets, ours, ...others] = await Promise.all([
    store.countByStatus(),
    store.countNotTaken(),
    store.control.paused(),
    store.control.countHeldBack(),
    store.cursors.positions(),
    currentBudgets(db, now()),
    temporalState(client, taskQueue),
    new Starts(db).all(now()),
    store.observations.count(),
    apiTokenState(store, now()),
    store.bindings.resting(),
    bugsIn(store),
    asideIn(store),
    holdsIn(store),
  ]);
  const [failedStarts, waitingRecords, apiToken, resting, bugs, aside, brake] = others;
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
    ...ours,
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

/** Pairs that failed with a bug. */
export async function bugsIn(store: Pick<LinkStore, 'countByCode' | 'find'>): Promise<Status['bugs']> {
  const [count, some] = await Promise.all([
    store.countByCode('bug'),
    store.find({ code: 'bug' }, null, EXAMPLES),
  ]);
  return { count, examples: some.map(({ _id }) => _id) };
}

/** The records that were set aside. */
export async function asideIn({ aside }: Pick<LinkStore, 'aside'>): Promise<Status['aside']> {
  const [count, examples] = await Promise.all([aside.count(), aside.list(null, EXAMPLES)]);
  return { count, examples };
}

async function temporalState(
  client: Client,
  taskQueue: string,
): Promise<Pick<Status, 'schedules' | 'workers' | 'temporalFault'>> {
  try {
    return await client.withDeadline(Date.now() + TEMPORAL_WITHIN_MS, async () => ({
      schedules: await schedulesOf(client, taskQueue),
      workers: await pollersOf(client, taskQueue),
      temporalFault: null,
    }));
  } catch (error) {
    return { schedules: [], workers: null, temporalFault: whyOf(error) };
  }
}

/** The innermost cause, in one line: the client wraps the error of the network. */
function whyOf(error: unknown): string {
  if (error instanceof Error && error.cause instanceof Error) return whyOf(error.cause);
  const text = isGrpcServiceError(error) ? error.details || error.message : String((error as Error).message);
  return text.split('\n')[0] ?? '';
}
