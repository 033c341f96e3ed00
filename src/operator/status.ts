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

/** The state of the sync, for people: from MongoDB and Temporal, without a call to either API. It is there without Temporal. */
export interface Status {
  pairs: Record<EntityType, PairCounts>;
  streams: StreamState[];
  budgets: CurrentBudget[];
  schedules: ScheduleState[];
  /** Worker processes that ask the pairs' task queue for work; null where Temporal does not answer. */
  workers: number | null;
  /** Why Temporal does not answer; null where it does. */
  temporalFault: string | null;
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

/** The innermost reason in one line: the client wraps what the network said. */
function whyOf(error: unknown): string {
  if (error instanceof Error && error.cause instanceof Error) return whyOf(error.cause);
  const text = isGrpcServiceError(error) ? error.details || error.message : String((error as Error).message);
  return text.split('\n')[0] ?? '';
}
