import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { MongoClient, type Db } from 'mongodb';
import { stringify } from 'yaml';
import { freePort } from '../../src/platform/ports';
import { scheduleIds } from '../../src/workers/schedules';
import { runShared, type Ran } from './cli';
import { TOKEN } from './console';
import { MAPPING_FILE, startSandboxes, type Sandboxes } from './sandboxes';
import { testServers } from './servers';
import { ServiceProcess, until } from './serviceProcess';

/** One service process with several connections, each over two sandboxes whose records have the same ids. */
export interface ConnectionsWorld {
  boxes: Record<string, Sandboxes>;
  service: ServiceProcess;
  client: Client;
  folder: string;
  intakeUrl: string;
  consoleUrl: string;
  metricsUrl: string;
  taskQueue(connection: string): string;
  db(connection: string): Db;
  /** A command of the program, with the settings of the service. */
  run(...args: string[]): Promise<Ran>;
  stop(): Promise<void>;
}

export const webhookSecret = (connection: string): string => `webhook-secret-of-${connection}`;

/**
 * The first connection's credentials are in files next to the settings, the others' in the environment.
 * @param wrong connections with a wrong PMS token, in a file
 */
export async function startConnections(names: string[], wrong: string[] = []): Promise<ConnectionsWorld> {
  const idsAfter = Math.floor(Math.random() * 1e9);
  const run = `several-${randomUUID().slice(0, 8)}`;
  const folder = mkdtempSync(path.join(tmpdir(), 'zps-connections-'));
  const boxes: Record<string, Sandboxes> = {};
  const settings: Record<string, Record<string, string | number>> = {};
  const [intakePort, consolePort, metricsPort] = [await freePort(), await freePort(), await freePort()];
  const { temporalAddress, mongodbUri } = testServers();
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    TEMPORAL_ADDRESS: temporalAddress,
    MONGODB_URI: mongodbUri,
    TASK_QUEUE: run,
    MONGODB_DATABASE: run,
    ZENDESK_POLL_SECONDS: '1',
    PMS_POLL_SECONDS: '1',
    MAPPING_FILE,
    INTAKE_PORT: String(intakePort),
    CONSOLE_PORT: String(consolePort),
    CONSOLE_TOKEN: TOKEN,
    METRICS_PORT: String(metricsPort),
    LOG_LEVEL: 'info',
  };
  for (const [n, name] of names.entries()) {
    const box = await startSandboxes({ zendesk: { idsAfter }, pms: { idsAfter } });
    boxes[name] = box;
    const own = { zendeskBaseUrl: box.zendesk.url, zendeskOauthClientId: box.zendesk.clientId };
    settings[name] = { ...own, pmsBaseUrl: box.pms.url, pmsWebhookSecret: webhookSecret(name) };
    if (n === 0 || wrong.includes(name)) {
      writeFileSync(path.join(folder, `${name}-zendesk`), box.zendesk.clientSecret);
      writeFileSync(
        path.join(folder, `${name}-pms`),
        wrong.includes(name) ? 'wrong-credential' : box.pms.token,
      );
      Object.assign(settings[name], {
        zendeskOauthClientSecretFile: `${name}-zendesk`,
        pmsTokenFile: `${name}-pms`,
      });
    } else {
      env[`${name.toUpperCase()}__ZENDESK_OAUTH_CLIENT_SECRET`] = box.zendesk.clientSecret;
      env[`${name.toUpperCase()}__PMS_TOKEN`] = box.pms.token;
    }
    if (wrong.includes(name)) {
      copyFileSync(MAPPING_FILE, path.join(folder, `${name}.yaml`));
      settings[name]['mappingFile'] = path.join(folder, `${name}.yaml`);
    }
  }
  const file = path.join(folder, 'settings.yaml');
  writeFileSync(file, stringify({ connections: settings }));
  const taskQueue = (name: string) => `${run}-${name}`;
  const mongo = await MongoClient.connect(mongodbUri);
  const connection = await Connection.connect({ address: temporalAddress });
  const client = new Client({ connection });
  const service = new ServiceProcess(env, ['--config', file]);
  await until(() => service.output.includes('running; Ctrl-C stops'));
  return {
    boxes,
    service,
    client,
    folder,
    intakeUrl: `http://127.0.0.1:${intakePort}`,
    consoleUrl: `http://127.0.0.1:${consolePort}`,
    metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
    taskQueue,
    db: (name) => mongo.db(taskQueue(name)),
    run: (...args) => runShared(env, ...args, '--config', file),
    async stop() {
      await service.signal('SIGTERM');
      for (const id of names.flatMap((name) => scheduleIds(taskQueue(name))))
        await client.schedule
          .getHandle(id)
          .delete()
          .catch(() => undefined);
      await connection.close();
      await mongo.close();
      for (const box of Object.values(boxes)) await box.close();
    },
  };
}
