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

/** Whom the receiver hands over to. It needs no credential of either API. */
export interface IntakeServers {
  client: Client;
  /** A connection's database. */
  db: (name: string) => Db;
}

/** A connection whose webhooks are received. */
export interface IntakeConnection {
  /** Null where it is the only one. */
  connection: string | null;
  taskQueue: string;
  mongodbDatabase: string;
  secrets: Partial<Record<Side, readonly string[]>>;
}

export interface IntakeSettings {
  host: string;
  /** 0 for a free one. */
  port: number;
  connections: readonly IntakeConnection[];
  log: Logger;
  requestWithinMs?: number;
}

export interface Intake {
  port: number;
  /** Of each connection, in their order. */
  counts: Counts[];
  /** Takes no more, and finishes what it took. */
  stop(): Promise<void>;
}

/** A server that does not answer within this time is unavailable; senders get 503 and try again. */
const SERVER_WITHIN_MS = 3_000;
const PROBE_WITHIN_MS = 2_000;
/** As long as a hand-over may take. */
const STOP_WITHIN_MS = 6_000;
const LOG_COUNTS_EVERY_MS = 60_000;

/** Runs the webhook receiver. Resolves once it listens. */
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
 * Lets requests under way end. A kept-alive connection that falls idle meanwhile would hold the server for as long as
 * its sender likes, and so would a sender that never ends its request: Node looks after neither once it is closing.
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
