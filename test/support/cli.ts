import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Sandboxes } from './sandboxes';
import { testServers } from './servers';
import type { Stack } from './stack';

const ROOT = path.resolve(__dirname, '../..');
const MAIN = path.join(ROOT, 'dist/src/cli/main.js');

export interface Ran {
  code: number | null;
  out: string;
  err: string;
}

/** The compiled command line as a process of its own, against a stack and its sandboxes. */
export function cliOf(
  boxes: Sandboxes,
  stack: Stack,
  changes: Record<string, string> = {},
): (...args: string[]) => Promise<Ran> {
  if (!existsSync(MAIN)) throw new Error('not compiled: run "npm test", which compiles first');
  const { temporalAddress, mongodbUri } = testServers();
  const env = {
    PATH: process.env['PATH'] ?? '',
    TEMPORAL_ADDRESS: temporalAddress,
    MONGODB_URI: mongodbUri,
    MONGODB_DATABASE: stack.taskQueue,
    TASK_QUEUE: stack.taskQueue,
    ZENDESK_BASE_URL: boxes.zendesk.url,
    ZENDESK_EMAIL: boxes.zendesk.adminEmail,
    ZENDESK_API_TOKEN: boxes.zendesk.apiToken,
    PMS_BASE_URL: boxes.pms.url,
    PMS_TOKEN: boxes.pms.token,
    MAPPING_FILE: path.join(ROOT, 'mapping.yaml'),
    ...changes,
  };
  return async (...args) => {
    const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, out, err };
  };
}
