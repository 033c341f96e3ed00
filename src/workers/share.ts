import { LANES } from '../sync/lane';
import { SIDES } from '../sync/record';

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
  /** Long polls of each worker. */
  polls: number;
  /** Workflows kept in memory between their tasks. */
  cachedWorkflows: number;
}

/** What a process does at a time, for one connection or for all. */
const WHOLE: Share = {
  workflowTasks: 40,
  pairActivities: 100,
  systemActivities: 20,
  polls: 10,
  cachedWorkflows: 500,
};
/** However many there are, each must get on. */
const LEAST: Share = {
  workflowTasks: 4,
  pairActivities: 4,
  systemActivities: 4,
  polls: 2,
  cachedWorkflows: 50,
};

export function shareOf(connections: number): Share {
  const part = (name: keyof Share) => Math.max(LEAST[name], Math.floor(WHOLE[name] / connections));
  return {
    workflowTasks: part('workflowTasks'),
    pairActivities: part('pairActivities'),
    systemActivities: part('systemActivities'),
    polls: part('polls'),
    cachedWorkflows: part('cachedWorkflows'),
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
