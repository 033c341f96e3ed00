import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Sandboxes } from './sandboxes';
import { serviceEnvironment } from './serviceProcess';
import type { Stack } from './stack';

const ROOT = path.resolve(__dirname, '../..');
const MAIN = path.join(ROOT, 'dist/src/operator/cli/main.js');

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
  const env = {
    ...serviceEnvironment(boxes, stack.taskQueue),
    ...changes,
  };
  return (...args) => runProgram(env, args);
}

/**
 * The compiled command line with just these settings.
 * @param meanwhile done while it runs
 */
export async function runProgram(
  env: Record<string, string>,
  args: string[],
  meanwhile: (child: ChildProcess) => Promise<void> = async () => undefined,
): Promise<Ran> {
  if (!existsSync(MAIN)) throw new Error('not compiled: run "npm test", which compiles first');
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const closed = once(child, 'close') as Promise<[number | null]>;
  await meanwhile(child);
  const [code] = await closed;
  return { code, out, err };
}
