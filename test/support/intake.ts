import { Client, Connection } from '@temporalio/client';
import { MongoClient } from 'mongodb';
import { pino } from 'pino';
import { startReceiver, type Receiver } from '../../src/operator/cli/serveIntake';
import { HintStore } from '../../src/links/hintStore';
import { SIDES, type Side } from '../../src/sync/record';
import type { Counts } from '../../src/sync/deliveryCounts';
import { hintsWorkflowId } from '../../src/intake/intake';

/** The webhook receiver in this process, on servers of the test run, and the messages that it delivered. */
export interface TestIntake {
  url: string;
  receiver: Receiver;
  counts: Counts;
  taskQueue: string;
  hints: HintStore;
  /** Signals to each side's reading workflow, over all its runs. */
  signals(side: Side): Promise<number>;
  /** Whether a workflow that reads hints is running. */
  isReading(): Promise<boolean>;
  stop(): Promise<void>;
}

export const SECRETS = { zendesk: ['zendesk-current-secret'], pms: ['pms-current-secret'] };

export async function startTestIntake(
  servers: { temporalAddress: string; mongodbUri: string },
  {
    name,
    secrets = SECRETS,
    port = 0,
    direct = servers,
  }: {
    /** The task queue and the database. */
    name: string;
    secrets?: Partial<Record<Side, string[]>>;
    port?: number;
    /** The test's own connection, because the receiver's connection may be closed. */
    direct?: { temporalAddress: string; mongodbUri: string };
  },
): Promise<TestIntake> {
  const mongo = await MongoClient.connect(direct.mongodbUri);
  const connection = await Connection.connect({ address: direct.temporalAddress });
  const client = new Client({ connection });
  const receiver = await startReceiver(
    [
      {
        connection: null,
        intakeHost: '127.0.0.1',
        intakePort: port,
        taskQueue: name,
        temporalNamespace: 'default',
        mongodbDatabase: name,
        zendeskWebhookSecret: secrets.zendesk,
        pmsWebhookSecret: secrets.pms,
      },
    ],
    servers,
    pino({ level: process.env['LOG_LEVEL'] ?? 'silent' }),
  );
  const counts = receiver?.counts.get(null);
  if (!receiver || !counts) throw new Error('no secret was given');
  return {
    url: `http://127.0.0.1:${receiver.port}`,
    receiver,
    counts,
    taskQueue: name,
    hints: new HintStore(mongo.db(name)),
    async signals(side) {
      const history = await client.workflow
        .getHandle(hintsWorkflowId(name, side))
        .fetchHistory()
        .catch(() => null);
      return (history?.events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes).length;
    },
    async isReading() {
      const states = SIDES.map((side) =>
        client.workflow
          .getHandle(hintsWorkflowId(name, side))
          .describe()
          .then(
            ({ status }) => status.name === 'RUNNING',
            () => false,
          ),
      );
      return (await Promise.all(states)).some(Boolean);
    },
    async stop() {
      await receiver.stop();
      for (const side of SIDES)
        await client.workflow
          .getHandle(hintsWorkflowId(name, side))
          .terminate('test is over')
          .catch(() => undefined);
      await connection.close();
      await mongo.close();
    },
  };
}
