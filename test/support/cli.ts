import { fork, spawn, type ChildProcess } from 'node:child_process';
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

/** Environment variables; one that is undefined is not set. */
type Settings = Record<string, string | undefined>;

/**
 * A process that runs commands of the compiled program, one after another, so that each need not load its modules.
 */
export class CliHost {
  private child: ChildProcess | null = null;
  private last: Promise<unknown> = Promise.resolve();

  /** @param cwd the working folder of the command */
  run(env: Settings, args: string[], cwd = process.cwd()): Promise<Ran> {
    const ran = this.last.then(() => this.ask({ env, args, cwd }));
    this.last = ran.catch(() => undefined);
    return ran;
  }

  async stop(): Promise<void> {
    if (!this.child) return;
    const exited = once(this.child, 'exit');
    this.child.disconnect();
    await exited;
    this.child = null;
  }

  private async ask(command: { env: Settings; args: string[]; cwd: string }): Promise<Ran> {
    expectCompiled();
    this.child ??= fork(path.join(__dirname, 'cliHost.cjs'), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const child = this.child;
    const left = new AbortController();
    const ended = once(child, 'exit', left).then(() => {
      throw new Error(`the process ended while it ran ${command.args.join(' ')}`);
    });
    try {
      child.send(command);
      const [ran] = (await Promise.race([once(child, 'message', left), ended])) as [Ran];
      return ran;
    } finally {
      ended.catch(() => undefined);
      left.abort();
    }
  }
}

const host = new CliHost();
afterAll(() => host.stop());

/** Runs the compiled command line with only these settings, in a process that the test file's commands share. */
export function runShared(env: Settings, ...args: string[]): Promise<Ran> {
  return host.run(env, args);
}

/** {@link runShared} with the settings of a stack and its sandboxes. */
export function cliOf(
  boxes: Sandboxes,
  stack: Stack,
  changes: Record<string, string> = {},
): (...args: string[]) => Promise<Ran> {
  const env = {
    ...serviceEnvironment(boxes, stack.taskQueue),
    ...changes,
  };
  return (...args) => runShared(env, ...args);
}

/**
 * Runs the compiled command line with only these settings, as a separate process.
 * @param meanwhile runs at the same time
 */
export async function runProgram(
  env: Settings,
  args: string[],
  { cwd, meanwhile }: { cwd?: string; meanwhile?: (child: ChildProcess) => Promise<void> } = {},
): Promise<Ran> {
  expectCompiled();
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = outcomeOf(child);
  await meanwhile?.(child);
  return ended;
}

/** @returns the exit code and the output of a process that was just started */
export async function outcomeOf(child: ChildProcess): Promise<Ran> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

function expectCompiled(): void {
  if (!existsSync(MAIN)) throw new Error('not compiled: run "npm test", which compiles first');
}
