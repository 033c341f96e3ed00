import { LANES } from '../sync/lane';
import { SIDES } from '../sync/record';
import type { Pace } from './pace';

/**
 * The part of a process that one connection may use, so that no connection starves another. Each connection has its own
 * task queues and its own workers, with the following numbers of slots. Work beyond its slots waits in Temporal.
 */
export interface Share {
  /** Concurrent workflow tasks; Temporal's sticky queue needs at least two. */
  workflowTasks: number;
  /** Concurrent activities that plan, dispatch and maintain the link store. */
  pairActivities: number;
  /** Concurrent activities for each API and lane. */
  systemActivities: number;
  /** Concurrent signals to pairs. */
  signals: number;
  /** Concurrent long polls of each worker. */
  polls: number;
  /** Workflows kept in memory between their tasks. */
  cachedWorkflows: number;
}

/** The limits of one connection: its share, and its pace; the pace is null if no other connection is served. */
export type Allowance = Share & { pace: Pace | null };

/** The share of the only connection of a process. */
const WHOLE: Share = {
  workflowTasks: 40,
  pairActivities: 100,
  systemActivities: 20,
  signals: 20,
  polls: 10,
  cachedWorkflows: 500,
};
/**
 * The total that several connections divide. It is smaller than {@link WHOLE}, because the next step of each connection
 * waits for the steps of the others that the processor, Temporal and MongoDB are carrying out.
 */
const DIVIDED: Share = {
  workflowTasks: 16,
  pairActivities: 16,
  systemActivities: 12,
  signals: 8,
  polls: 8,
  cachedWorkflows: 500,
};
/** The minimum for each connection, whatever their number. */
const LEAST: Share = {
  workflowTasks: 4,
  pairActivities: 4,
  systemActivities: 3,
  signals: 2,
  polls: 2,
  cachedWorkflows: 50,
};

export function shareOf(connections: number): Share {
  if (connections === 1) return WHOLE;
  const part = (name: keyof Share) => Math.max(LEAST[name], Math.floor(DIVIDED[name] / connections));
  return {
    workflowTasks: part('workflowTasks'),
    pairActivities: part('pairActivities'),
    systemActivities: part('systemActivities'),
    signals: part('signals'),
    polls: part('polls'),
    cachedWorkflows: part('cachedWorkflows'),
  };
}

/** A semaphore: the same work, of which at most `most` calls run at a time. Further calls wait in their order. */
export function withConcurrencyLimit<A extends unknown[], R>(
  most: number,
  work: (...given: A) => Promise<R>,
): (...given: A) => Promise<R> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (...given) => {
    if (running < most) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work(...given);
    } finally {
      // The next waiting call takes over the permit.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

/** The default of MongoDB's driver. */
const MINIMUM_POOL_SIZE = 100;

/** The size of the pool of MongoDB connections that all connections share: one for each concurrent activity. */
export function poolSizeOf(connections: number): number {
  const { pairActivities, systemActivities } = shareOf(connections);
  const lanes = SIDES.length * LANES.length;
  return Math.max(MINIMUM_POOL_SIZE, connections * (pairActivities + lanes * systemActivities));
}
