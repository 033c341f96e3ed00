import type { AddressInfo } from 'node:net';
import { WorkflowIdConflictPolicy, type Client } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import type { Db } from 'mongodb';
import type { Logger } from 'pino';
import { HintStore } from '../links/hintStore';
import type { Side } from '../sync/record';
import { hintsCame, readHints } from '../workflows/readHints';
import { Counts } from '../sync/deliveryCounts';
import { Deliveries } from './deliveries';
import { HandOver, type HandOverSteps } from './handOver';
import { createReceiver } from './intakeServer';

/** The servers that the receiver uses. It needs no credential of either API. */
export interface IntakeServers {
  client: Client;
  /** The database of a connection. */
  db: (name: string) => Db;
}

/** A connection that receives webhooks. */
export interface IntakeConnection {
  /** Null if it is the only connection. */
  connection: string | null;
  taskQueue: string;
  mongodbDatabase: string;
  secrets: Partial<Record<Side, readonly string[]>>;
}

export interface IntakeSettings {
  host: string;
  /** The port; 0 for any free one. */
  port: number;
  connections: readonly IntakeConnection[];
  log: Logger;
  requestWithinMs?: number;
}

export interface Intake {
  port: number;
  /** The counts of each connection, in their order. */
  counts: Counts[];
  /** Accepts no more requests, and finishes those in progress. */
  stop(): Promise<void>;
}

/** A server that does not answer within this time counts as unavailable; senders get 503 and try again. */
const SERVER_WITHIN_MS = 3_000;
const PROBE_WITHIN_MS = 2_000;
/** How long requests in progress may take at the end: as long as a hand-over. */
const STOP_WITHIN_MS = 6_000;
const LOG_COUNTS_EVERY_MS = 60_000;

/** Starts the webhook receiver. Resolves when it listens. */
export async function startIntake(servers: IntakeServers, settings: IntakeSettings): Promise<Intake> {
  const { log } = settings;
  const received = settings.connections.map((connection) => ({
    connection: connection.connection,
    secrets: connection.secrets,
    handOver: new HandOver(stepsOf(servers, connection), log),
    counts: new Counts(),
  }));
  const app = createReceiver({
    connections: received,
    probe: () => probe(servers, settings.connections),
    log,
    ...(settings.requestWithinMs !== undefined && { requestWithinMs: settings.requestWithinMs }),
  });
  await app.listen({ host: settings.host, port: settings.port });
  const { port } = app.server.address() as AddressInfo;
  for (const { connection, secrets } of received)
    log.info(
      { host: settings.host, port, sides: Object.keys(secrets), ...named(connection) },
      'receiving webhooks',
    );
  const timer = setInterval(() => {
    for (const { connection, counts } of received) {
      const grown = counts.ifGrown();
      if (grown) log.info({ webhooks: grown, ...named(connection) }, 'webhooks so far');
    }
  }, LOG_COUNTS_EVERY_MS).unref();
  return {
    port,
    counts: received.map(({ counts }) => counts),
    async stop() {
      clearInterval(timer);
      await closeWithin(app, STOP_WITHIN_MS);
    },
  };
}

/**
 * Lets requests in progress end. It closes kept-alive connections that become idle, and connections whose request does
 * not end: while a server closes, Node closes neither, and a sender could keep the server open.
 */
async function closeWithin(app: FastifyInstance, ms: number): Promise<void> {
  const idle = setInterval(() => app.server.closeIdleConnections(), 100);
  const all = setTimeout(() => app.server.closeAllConnections(), ms);
  try {
    await app.close();
  } finally {
    clearInterval(idle);
    clearTimeout(all);
  }
}

function named(connection: string | null): { connection?: string } {
  return connection === null ? {} : { connection };
}

function stepsOf(
  { client, db: databaseOf }: IntakeServers,
  { taskQueue, mongodbDatabase }: IntakeConnection,
): HandOverSteps {
  const db = databaseOf(mongodbDatabase);
  const deliveries = Deliveries.of(db);
  const hints = new HintStore(db);
  return {
    known: (marks) => deliveries.known(marks),
    keep: (changes) => hints.keep(changes),
    remember: (marks) => deliveries.remember(marks),
    async wake(side) {
      await client.connection.withDeadline(Date.now() + SERVER_WITHIN_MS, () =>
        client.workflow.signalWithStart(readHints, {
          workflowId: hintsWorkflowId(taskQueue, side),
          taskQueue,
          args: [side],
          signal: hintsCame,
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
          staticSummary: `Read what webhooks spoke of on ${side}`,
        }),
      );
    },
  };
}

export function hintsWorkflowId(taskQueue: string, side: Side): string {
  return `${taskQueue}-hints-${side}`;
}

async function probe(
  { client, db }: IntakeServers,
  [first]: readonly IntakeConnection[],
): Promise<{ temporal: boolean; mongodb: boolean }> {
  const answers = (work: Promise<unknown>) =>
    Promise.race([
      work.then(
        () => true,
        () => false,
      ),
      new Promise<false>((resolve) => setTimeout(resolve, PROBE_WITHIN_MS, false)),
    ]);
  const temporal = answers(
    client.connection.withDeadline(Date.now() + PROBE_WITHIN_MS, () =>
      client.workflowService.describeNamespace({ namespace: client.options.namespace }),
    ),
  );
  const mongodb = answers(first ? db(first.mongodbDatabase).command({ ping: 1 }) : Promise.resolve());
  return { temporal: await temporal, mongodb: await mongodb };
}
