import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { freePort } from '../../src/platform/ports';
import { sleep } from 'testkit';
import { WorkerProcess } from './worker';

/** Installs webhooks and starts their receiver with the printed secrets, like an operator. */

const MAIN = path.resolve(__dirname, '../../src/operator/cli/main.js');
const installed = z.array(
  z.looseObject({ side: z.enum(['zendesk', 'pms']), url: z.string(), secret: z.string() }),
);

export interface RunningReceiver {
  /** The address of each side's webhook. */
  urls: string[];
  pid(): number | null;
  stop(): Promise<void>;
}

/** @param env the service's settings */
export async function receiveWebhooks(env: NodeJS.ProcessEnv, folder: string): Promise<RunningReceiver> {
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, 'webhooks', 'install', '--json'], {
    env: { ...env, PUBLIC_URL: publicUrl },
  });
  const webhooks = installed.parse(JSON.parse(stdout));
  const secretOf = (side: string) => webhooks.find((webhook) => webhook.side === side)?.secret;
  // The receiver needs no credential of either system.
  const { PATH, HOME, TEMPORAL_ADDRESS, MONGODB_URI, MONGODB_DATABASE, TASK_QUEUE } = env;
  const receiver = new WorkerProcess(
    [MAIN, 'start', '--only', 'intake'],
    {
      PATH,
      HOME,
      TEMPORAL_ADDRESS,
      MONGODB_URI,
      MONGODB_DATABASE,
      TASK_QUEUE,
      INTAKE_PORT: String(port),
      ZENDESK_WEBHOOK_SECRET: secretOf('zendesk'),
      PMS_WEBHOOK_SECRET: secretOf('pms'),
    },
    path.join(folder, 'intake.log'),
  );
  receiver.start();
  const isReady = () =>
    fetch(`${publicUrl}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
  while (!(await isReady())) await sleep(100);
  return { urls: webhooks.map(({ url }) => url), pid: () => receiver.pid, stop: () => receiver.stop() };
}
