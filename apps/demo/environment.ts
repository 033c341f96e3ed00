import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MongoClient } from 'mongodb';
import { Client, Connection } from '@temporalio/client';
import { NO_LIMITS, startZendeskSandbox, type ZendeskSandbox } from 'zendesk-sandbox';
import {
  startMongo,
  startTemporal,
  type EmbeddedMongo,
  type EmbeddedTemporal,
} from '../../src/platform/embedded/embeddedServers';
import { openLinkStore, type LinkStore } from '../../src/links/linkStore';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes';
import { startPms, type DemoPms, type PmsName } from './pms';
import { receiveWebhooks, type RunningReceiver } from './webhooks';
import { WorkerProcess, serviceSettings } from './worker';

/**
 * The sandbox account's calls per minute: Zendesk's largest plan, with the high-volume add-on. Only its limit of 300
 * ticket updates is left out, because the demo shows in minutes the changes of days.
 */
export const ZENDESK_LIMITS = { ...NO_LIMITS, rateLimitPerMinute: 2_500, incrementalPerMinute: 30 };
/** Three exports per poll: almost as often as the limit allows. */
export const ZENDESK_POLL_SECONDS = 7;
const PMS_POLL_SECONDS = 2;
const DATABASE = 'demo';

/** Everything that the demo runs: two servers, both systems, and the service as a separate process. */
export interface Environment {
  temporal: EmbeddedTemporal;
  mongo: EmbeddedMongo;
  zendesk: ZendeskSandbox;
  pms: DemoPms;
  worker: WorkerProcess;
  store: LinkStore;
  client: Client;
  folder: string;
  /** Prefix of the service's task queues and Schedules. */
  taskQueue: string;
  /** Installs webhooks on both sides and starts their receiver, once. @returns the addresses of the webhooks */
  receive(): Promise<string[]>;
  /** @param keepLogs whether to keep the folder with the logs */
  stop(options: { keepLogs: boolean }): Promise<void>;
}

/** @throws NoServerError, NoRedmineError if a server can neither be found nor started */
export async function startEnvironment(
  pmsName: PmsName,
  onProgress: (line: string) => void,
): Promise<Environment> {
  const temporal = await startTemporal({ onProgress, uiPort: 0, searchAttributes: SEARCH_ATTRIBUTES });
  const mongo = await startMongo({ onProgress });
  const zendesk = await startZendeskSandbox(ZENDESK_LIMITS);
  const pms = await startPms(pmsName, onProgress);
  const mongoClient = await MongoClient.connect(mongo.uri);
  // The servers may have other users, so database and task queues have a unique name.
  const run = `${DATABASE}-${randomBytes(3).toString('hex')}`;
  const store = await openLinkStore(mongoClient.db(run));
  const connection = await Connection.connect({ address: temporal.address });
  const settings = {
    ...serviceSettings(run, { temporal, mongo, zendesk, pms }),
    ...pms.settings,
    ZENDESK_POLL_SECONDS: String(ZENDESK_POLL_SECONDS),
    PMS_POLL_SECONDS: String(PMS_POLL_SECONDS),
    LOG_LEVEL: 'info',
  };
  // Created last, because only `stop` removes it.
  const folder = mkdtempSync(path.join(tmpdir(), 'zps-demo-'));
  const worker = new WorkerProcess(
    [path.resolve(__dirname, '../../src/operator/cli/main.js'), 'start'],
    settings,
    path.join(folder, 'worker.log'),
  );
  let receiver: RunningReceiver | null = null;
  return {
    temporal,
    mongo,
    zendesk,
    pms,
    worker,
    store,
    client: new Client({ connection }),
    folder,
    taskQueue: run,
    async receive() {
      receiver ??= await receiveWebhooks(settings, folder);
      return receiver.urls;
    },
    async stop({ keepLogs }) {
      await receiver?.stop();
      await worker.stop();
      await connection.close();
      await mongoClient.close();
      await zendesk.close();
      await pms.close();
      await temporal.stop();
      await mongo.stop();
      if (!keepLogs) rmSync(folder, { recursive: true, force: true });
    },
  };
}
