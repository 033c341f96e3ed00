import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection, ScheduleNotFoundError } from '@temporalio/client';
import { scheduleIds } from '../../src/workers/schedules';
import { type Sandboxes, MAPPING_FILE, serviceSignIn } from './sandboxes';
import { testServers } from './servers';

const MAIN = path.resolve(__dirname, '../../dist/src/operator/cli/main.js');

/** Task queues of the services that a test file started, and the Temporal server of each. */
const served = new Map<string, string>();

/**
 * A service's Schedules stay after it stops. They would start work on the shared server every second until the run
 * ends.
 */
afterAll(async () => {
  for (const [taskQueue, address] of served) {
    const connection = await Connection.connect({ address });
    const { schedule } = new Client({ connection });
    for (const id of scheduleIds(taskQueue))
      await schedule
        .getHandle(id)
        .delete()
        .catch((error: unknown) => {
          if (!(error instanceof ScheduleNotFoundError)) throw error;
        });
    await connection.close();
  }
});

/** The compiled service as a separate process, as an operator runs it. */
export class ServiceProcess {
  /** Its standard output and error. */
  output = '';
  private readonly child: ChildProcess;
  private readonly exited: Promise<unknown>;

  constructor(env: Record<string, string>, args: string[] = []) {
    if (!existsSync(MAIN)) throw new Error('not compiled: run "npm test", which compiles first');
    const { TEMPORAL_ADDRESS: address, TASK_QUEUE: queue } = env;
    if (address !== undefined && address === process.env['ZPS_TEST_TEMPORAL'] && queue !== undefined)
      served.set(queue, address);
    this.child = spawn(process.execPath, [MAIN, 'start', ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.exited = once(this.child, 'exit');
  }

  /** @returns the exit code; null if it was killed */
  async signal(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    this.child.kill(signal);
    await this.exited;
    return this.child.exitCode;
  }
}

/** Runs a command of the compiled program to its end. @returns what it printed */
export async function runCommand(env: Record<string, string>, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args], { env });
  return stdout;
}

/** Settings of a service that syncs two sandboxes through the test servers, with its own name. */
export function serviceEnvironment(boxes: Sandboxes, name: string): Record<string, string> {
  const { temporalAddress, mongodbUri } = testServers();
  return {
    PATH: process.env['PATH'] ?? '',
    TEMPORAL_ADDRESS: temporalAddress,
    MONGODB_URI: mongodbUri,
    MONGODB_DATABASE: name,
    TASK_QUEUE: name,
    ZENDESK_BASE_URL: boxes.zendesk.url,
    ...serviceSignIn(boxes.zendesk),
    ZENDESK_POLL_SECONDS: '1',
    PMS_BASE_URL: boxes.pms.url,
    PMS_TOKEN: boxes.pms.token,
    PMS_POLL_SECONDS: '1',
    MAPPING_FILE,
    LOG_LEVEL: 'info',
  };
}

/** Waits until a condition holds, up to the test's own time limit. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}
