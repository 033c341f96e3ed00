import { LANES } from '../sync/lane';
import { SIDES } from '../sync/record';
import type { Pace } from './pace';

/**
 * How much of a process each of its connections may use, so that none can starve another. A connection has task queues
 * of its own, and workers for them with so many slots; what it has to do beyond that waits in Temporal, not here.
 */
export interface Share {
  /** Workflow tasks at a time; at least two, as Temporal's sticky queue needs. */
  workflowTasks: number;
  /** Activities at a time that plan, dispatch and look after the link store. */
  pairActivities: number;
  /** Activities at a time of each API and lane. */
  systemActivities: number;
  /** Concurrent signals to pairs. */
  signals: number;
  /** Long polls of each worker. */
  polls: number;
  /** Workflows kept in memory between their tasks. */
  cachedWorkflows: number;
}

/** What one connection is allowed: its share, and its pace where others are served as well. */
export type Allowance = Share & { pace: Pace | null };

/** Of a process that serves one connection. */
const WHOLE: Share = {
  workflowTasks: 40,
  pairActivities: 100,
  systemActivities: 20,
  signals: 20,
  polls: 10,
  cachedWorkflows: 500,
};
/**
 * Of one that serves several, before it is divided. Less in all: what one asks of the processor, of Temporal and of MongoDB
 * at a time is what the others' next step waits behind.
 */
const DIVIDED: Share = {
  workflowTasks: 16,
  pairActivities: 16,
  systemActivities: 12,
  signals: 8,
  polls: 8,
  cachedWorkflows: 500,
};
/** However many there are, each must get on. */
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

/** The same work, so often at a time at most; what is more waits for its turn. */
export function atMost<A extends unknown[], R>(
  most: number,
  work: (...given: A) => Promise<R>,
): (...given: A) => Promise<R> {
  let underWay = 0;
  const waiting: (() => void)[] = [];
  return async (...given) => {
    if (underWay < most) underWay += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work(...given);
    } finally {
      // Whoever waits takes the place over.
      const next = waiting.shift();
      if (next) next();
      else underWay -= 1;
    }
  };
}

/** MongoDB's own default. */
const POOL_AT_LEAST = 100;

/** Connections to MongoDB at a time, which all share: one for each activity, so that none waits for another's. */
export function poolSizeOf(connections: number): number {
  const { pairActivities, systemActivities } = shareOf(connections);
  const lanes = SIDES.length * LANES.length;
  return Math.max(POOL_AT_LEAST, connections * (pairActivities + lanes * systemActivities));
}
