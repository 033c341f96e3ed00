import { randomUUID } from 'node:crypto';
import { MongoClient, type Db } from 'mongodb';
import { pino } from 'pino';
import type { Client } from '@temporalio/client';
import { startReceiver, type Receiver } from '../../src/operator/cli/serveIntake';
import { ConfigError, loadConfig, type Config } from '../../src/config/config';
import { checkMapping, loadMapping } from '../../src/config/loadMapping';
import { configuredBudgets, configuredSystems } from '../../src/config/configuredSystems';
import type { Link } from '../../src/sync/link';
import type { Mapping } from '../../src/sync/mapping';
import { SIDES, type Side } from '../../src/sync/record';
import { SyncMetrics } from '../../src/activities/metrics';
import { connectClient, connectWorkers } from '../../src/workers/temporalClient';
import type { Connection } from '../../src/workers/connection';
import { PAIRS_AT_WORK, pairCommands, type PairCommands } from '../../src/workers/pairSignals';
import { shareOf } from '../../src/workers/share';
import { Supervised } from '../../src/workers/supervision';
import { startService, type Service } from '../../src/workers/service';
import { pollChanges } from '../../src/workflows';
import type { FaultInput } from 'zendesk-sandbox/common';
import { controlsOf } from 'testkit';
import { SECRETS } from './intake';
import { startSandboxes, type Sandboxes } from './sandboxes';
import { serviceEnvironment, until } from './serviceProcess';
import { testServers } from './servers';

/** The range of record ids, different from those of other tests, because the ids of workflows contain them. */
const IDS_AFTER = 880_000_000;
const NEVER = '86400';

/**
 * Worker, Schedules and webhook receiver in this process, combined as in `start`, over two sandboxes. It polls only
 * on request, so a test controls what it knows.
 */
export class RecordedService {
  private constructor(
    readonly name: string,
    readonly boxes: Sandboxes,
    readonly mapping: Mapping,
    readonly client: Client,
    readonly commands: PairCommands,
    readonly db: Db,
    readonly config: Config,
    readonly receiver: Receiver,
    private readonly service: Service,
    private readonly closing: () => Promise<void>,
  ) {}

  static async start(mappingFile: string): Promise<RecordedService> {
    const name = `record-${randomUUID().slice(0, 8)}`;
    const boxes = await startSandboxes({
      zendesk: { fileHost: true, idsAfter: IDS_AFTER },
      pms: { idsAfter: IDS_AFTER },
    });
    const config = loadConfig(null, {
      ...serviceEnvironment(boxes, name),
      MAPPING_FILE: mappingFile,
      ZENDESK_POLL_SECONDS: NEVER,
      PMS_POLL_SECONDS: NEVER,
      RECONCILE_CRON: 'off',
      INTAKE_PORT: '0',
      ZENDESK_WEBHOOK_SECRET: SECRETS.zendesk[0],
      PMS_WEBHOOK_SECRET: SECRETS.pms[0],
      ZENDESK_ATTACHMENT_HOSTS: boxes.zendesk.fileUrl ?? '',
    });
    const servers = testServers();
    const log = pino({ level: process.env['LOG_LEVEL'] ?? 'silent' });
    const metrics = new SyncMetrics();
    const budgets = configuredBudgets(config);
    const systems = configuredSystems(config, { budgets });
    const connection: Connection = {
      config,
      metrics,
      log,
      parts: () => ({ config, systems, budgets, findOtherWebhooks: async () => ({}) }),
    };
    const service = await startService([connection], servers, { log });
    const receiver = await startReceiver([config], servers, log);
    if (!receiver) throw new Error('no receiver');
    const mapping = await checkMapping(loadMapping(mappingFile), systems, mappingFile);
    const mongo = await MongoClient.connect(servers.mongodbUri);
    const temporal = await connectClient(config, servers.temporalAddress);
    const { client } = temporal;
    const commands = pairCommands(client, name, mapping);
    return new RecordedService(
      name,
      boxes,
      mapping,
      client,
      commands,
      mongo.db(name),
      config,
      receiver,
      service,
      async () => {
        await temporal.close();
        await mongo.close();
      },
    );
  }

  /** Reads both sides' changes to their end. Pairs may still be processing them. */
  async poll(): Promise<void> {
    for (const side of SIDES) {
      const workflowId = `${this.name}-poll-${side}-${randomUUID()}`;
      await this.client.workflow.execute(pollChanges, { workflowId, taskQueue: this.name, args: [side] });
    }
  }

  async link(key: string): Promise<Link | null> {
    return this.db.collection<Link & { _id: string }>('links').findOne({ _id: key });
  }

  /** Polls until a pair is in a state. */
  async until(key: string, is: (link: Link) => boolean): Promise<void> {
    await until(async () => {
      const link = await this.link(key);
      if (link && is(link)) return true;
      await this.poll();
      return false;
    });
  }

  faults(side: Side, ...rules: FaultInput[]): Promise<void> {
    return controlsOf(this.boxes[side]).setFaults(...rules);
  }

  /** A second process without a credential for this connection: it reports that, and tries again. */
  async failToServe(): Promise<void> {
    const { config, client } = this;
    const { mongodbUri, temporalAddress } = testServers();
    const mongo = await MongoClient.connect(mongodbUri);
    const native = await connectWorkers(config, temporalAddress);
    const close = async () => {
      await native.close();
      await mongo.close();
    };
    const parts = () => {
      throw new ConfigError('acme.yaml: pmsToken: found nothing, expected a value');
    };
    const log = pino({ level: 'silent' });
    const backbone = { mongo, client, native, tracing: null, close };
    const allowance = { ...shareOf(2), pace: null };
    const failing = new Supervised({ config, metrics: new SyncMetrics(), log, parts }, backbone, allowance);
    await until(async () => (await this.db.collection('starts').countDocuments()) > 0);
    await failing.stop();
    await close();
  }

  /** Stops the workers; the receiver keeps running. */
  async stopWorkers(): Promise<void> {
    await this.service.stop();
  }

  async close(): Promise<void> {
    // Updates in progress get an answer.
    for await (const { workflowId } of this.client.workflow.list({ query: PAIRS_AT_WORK }))
      await this.client.workflow
        .getHandle(workflowId)
        .terminate()
        .catch(() => undefined);
    await this.receiver.stop();
    await this.closing();
    await this.boxes.close();
  }
}
