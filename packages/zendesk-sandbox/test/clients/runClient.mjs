/** What the clients' runners share. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';

const NOT_HERE = 69;

/** Whether a command ends well; its output is not shown. */
export function attempt(command, args, options = {}) {
  const quiet = { stdio: ['ignore', 'ignore', 'ignore'], timeout: 300_000 };
  return spawnSync(command, args, { ...quiet, ...options }).status === 0;
}

/** Ends with 69, because the client is not available here. */
export function notHere(line) {
  process.stderr.write(`${line}\n`);
  process.exit(NOT_HERE);
}

/** Runs a program with the address and a token of a sandbox of its own, and ends with its exit code. */
export async function runAgainstSandbox(command, args) {
  const { startZendeskSandbox, NO_LIMITS } = createRequire(import.meta.url)('../../dist/index.js');
  const sandbox = await startZendeskSandbox(NO_LIMITS);
  const target = [sandbox.url, sandbox.bearer('ann@sandbox.example')];
  const child = spawn(command, [...args, ...target], { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'exit');
  await sandbox.close();
  process.exit(code ?? 1);
}
