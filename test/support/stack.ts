import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { MongoClient, type Db } from 'mongodb';
import { pino } from 'pino';
import { Brake } from '../../src/activities/brake';
import type { ActivityContext } from '../../src/activities/activityContext';
import { systemActivities } from '../../src/activities/systemActivities';
import type { Inbox, PairSummary } from '../../src/activities/types';
import type { Schema } from '../../src/links/migrations/storedSchema';
import { openLinkStore, type LinkStore } from '../../src/links/linkStore';
import type { BrakeSettings } from '../../src/sync/brake';
import { canonicalKey, type CanonicalKey } from '../../src/sync/canonicalKey';
import type { Mapping } from '../../src/sync/mapping';
import { SIDES, type EntityType, type RecordRef, type Side } from '../../src/sync/record';
import { inParallel } from '../../src/systems/inParallel';
import type { SystemPort } from '../../src/systems/port';
import { SyncMetrics } from '../../src/activities/metrics';
import { pairSignaller } from '../../src/workers/pairSignals';
import { routeTemporalLogs } from '../../src/workers/runtime';
import { shareOf } from '../../src/workers/share';
import { createWorkers, type Workers } from '../../src/workers/workers';
import { pollChanges } from '../../src/workflows';
import type { TestServers } from './servers';

/** The service in this process, on the shared test servers, with its own task queue and database. */
export interface Stack {
  client: Client;
  store: LinkStore;
  context: ActivityContext;
  db: Db;
  taskQueue: string;
  /** Polls both sides to their end and waits until no pair of this stack is at work. */
  settle(): Promise<void>;
  /** Waits until no pair of this stack is at work, without a poll. */
  quiet(): Promise<void>;
  hint(entity: EntityType, ref: RecordRef, inbox?: Partial<Inbox>): Promise<PairSummary>;
  stop(): Promise<void>;
}

/** Long polls of each worker. */
const POLLS = 2;

export interface StackOptions {
  /** Joins another stack, on the same task queues and database. */
  beside?: string;
  /** Fills the database before the store is opened. */
  prepare?: (db: Db) => Promise<void>;
  /** The versions of stored documents that it understands. */
  schema?: Schema;
  /** The brake's thresholds; without them, nothing is ever held. */
  brake?: BrakeSettings;
  /**
   * Each poll is a workflow, as in the service. By default a successful poll runs without a workflow, which would
   * take a dozen tasks.
   */
  pollsByWorkflow?: boolean;
}

/** Temporal limits the long polls of a namespace. */
const WAITS_AT_ONCE = 100;

export async function startStack(
  servers: TestServers,
  mapping: Mapping,
  systems: Record<Side, SystemPort>,
  { beside, prepare, schema, brake, pollsByWorkflow = false }: StackOptions = {},
): Promise<Stack> {
  const name = beside ?? `test-${randomUUID().slice(0, 8)}`;
  const log = pino({ level: process.env['LOG_LEVEL'] ?? 'silent' });
  routeTemporalLogs(log);
  const mongo = await MongoClient.connect(servers.mongodbUri);
  const db = mongo.db(name);
  await prepare?.(db);
  const store = await openLinkStore(db, undefined, '', schema);
  const connection = await Connection.connect({ address: servers.temporalAddress });
  const native = await NativeConnection.connect({ address: servers.temporalAddress });
  const client = new Client({ connection });
  // Workflow ids are canonical keys, and test files share one server, so each stack uses its own queue.
  const started = new Set<CanonicalKey>();
  const signalPair = pairSignaller(client, name, () => mapping);
  const around = { store, log, metrics: new SyncMetrics(), now: () => new Date() };
  const context: ActivityContext = {
    ...around,
    mapping,
    systems,
    ...(brake && { brake: new Brake(around, brake) }),
    async signalPair(key, ...rest) {
      // Added after the signal, because `quiet` can wait only for workflows that Temporal knows.
      await signalPair(key, ...rest);
      started.add(key);
    },
  };
  // Workflows run in this thread, because a thread of their own takes longer to load the SDK than most tests take to
  // run.
  const workflows = { workflowBundle: servers.workflows, debugMode: true };
  const workers: Workers = await createWorkers(context, {
    connection: native,
    namespace: 'default',
    dataConverter: {},
    tracing: null,
    workflows,
    taskQueue: name,
    // Each long poll costs the shared server, and a test has few tasks at a time.
    share: { ...shareOf(1), polls: POLLS },
  });
  const running = workers.run();
  const result = (key: CanonicalKey) => client.workflow.getHandle(key).result() as Promise<PairSummary>;

  const quiet = async () => {
    while (started.size > 0) {
      const keys = [...started];
      started.clear();
      await inParallel(keys, WAITS_AT_ONCE, result);
    }
  };

  const poll = (side: Side) =>
    client.workflow.execute(pollChanges, {
      workflowId: `${name}-poll-${side}-${randomUUID()}`,
      taskQueue: name,
      args: [side],
    });
  const pollDirectly = directPolls(context);

  return {
    client,
    store,
    context,
    db,
    taskQueue: name,
    quiet,
    async settle() {
      for (const side of SIDES) {
        if (pollsByWorkflow || !(await pollDirectly(side))) await poll(side);
        // A workflow's poll takes about as long as a pair. A direct poll of the other side would run during a pair's
        // work.
        if (!pollsByWorkflow) await quiet();
      }
      await quiet();
    },
    async hint(entity, ref, inbox = {}) {
      const key = canonicalKey(entity, ref);
      await context.signalPair(key, { hints: [], force: false, hops: 0, ...inbox });
      return result(key);
    },
    async stop() {
      workers.shutdown();
      await running;
      await context.brake?.stop();
      await native.close();
      await connection.close();
      await mongo.close();
    },
  };
}

/**
 * Does the work of a poll's workflow by calls of its activities.
 * @returns for one side, whether nothing failed; the workflow would do the retries
 */
function directPolls(context: ActivityContext): (side: Side) => Promise<boolean> {
  const activities = {
    zendesk: systemActivities(context, 'zendesk', 'interactive'),
    pms: systemActivities(context, 'pms', 'interactive'),
  };
  return async (side) => {
    const of = activities[side];
    const activity = new MockActivityEnvironment({}, { logger: Runtime.instance().logger });
    try {
      for (const stream of await of.listStreams())
        await activity.run((given) => of.pollStream(given), { stream });
      return true;
    } catch {
      return false;
    }
  };
}
