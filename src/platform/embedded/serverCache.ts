import { spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** Built and fetched servers, outside the work tree and keyed by version. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  return path.join(env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'zendesk-pms-sync');
}

const PROGRESS_MS = 10_000;
const LOCK_POLL_MS = 1_000;
/** A lock this old was left by a build that died. */
const LOCK_STALE_MS = 30 * 60_000;

/**
 * Makes `${root}/${name}` by a build in a scratch folder, unless it is there. Two processes that want it at once
 * build it once; a build that dies leaves nothing half-made.
 */
export async function buildOnce(
  root: string,
  name: string,
  build: (scratch: string) => Promise<void>,
): Promise<string> {
  const target = path.join(root, name);
  mkdirSync(root, { recursive: true });
  const lock = `${target}.lock`;
  while (!existsSync(target)) {
    if (!takeLock(lock)) {
      await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
      continue;
    }
    const scratch = mkdtempSync(`${target}.build-`);
    try {
      if (!existsSync(target)) {
        await build(scratch);
        renameSync(scratch, target);
      }
    } finally {
      rmSync(scratch, { recursive: true, force: true });
      rmSync(lock, { force: true });
    }
  }
  return target;
}

function takeLock(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    try {
      if (Date.now() - statSync(lock).mtimeMs > LOCK_STALE_MS) rmSync(lock, { force: true });
    } catch {
      // It was released meanwhile: the next attempt shows.
    }
    return false;
  }
}

/** Runs a build command, saying every ten seconds that it still runs. @throws Error with its last words */
export async function runBuild(
  command: string,
  args: string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv; what: string; onProgress: (line: string) => void },
): Promise<void> {
  const started = Date.now();
  const elapsed = () => `${Math.round((Date.now() - started) / 1000)} s`;
  const timer = setInterval(() => options.onProgress(`  … ${options.what}: ${elapsed()}`), PROGRESS_MS);
  try {
    await new Promise<void>((resolve, reject) => {
      const child = spawn(command, args, {
        cwd: options.cwd,
        env: { ...process.env, ...options.env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let tail = '';
      const keep = (chunk: Buffer) => (tail = (tail + chunk.toString()).slice(-2_000));
      child.stdout.on('data', keep);
      child.stderr.on('data', keep);
      child.once('error', (error) => reject(new Error(`${command} cannot be run: ${error.message}`)));
      child.once('exit', (code) => {
        if (code === 0) resolve();
        else
          reject(
            new Error(
              `${command} ended with ${code ?? 'a signal'}: ${tail.trim().split('\n').slice(-3).join(' | ')}`,
            ),
          );
      });
    });
  } finally {
    clearInterval(timer);
  }
  options.onProgress(`  ${options.what}: done in ${elapsed()}`);
}

/** Where a program is on PATH; null when it is not. */
export function onPath(program: string, env: NodeJS.ProcessEnv = process.env): string | null {
  for (const folder of (env['PATH'] ?? '').split(path.delimiter)) {
    const file = path.join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      if (folder !== '' && statSync(file).isFile()) return file;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/** A program that this machine can run: one made for another processor or system library is no way. @throws Error */
export function runnable(program: string): string {
  const { error, signal, status } = spawnSync(program, ['--version'], { stdio: 'ignore', timeout: 20_000 });
  if (error || signal !== null || status !== 0)
    throw new Error(`${program} does not run here (${error?.message ?? signal ?? `exit code ${status}`})`);
  return program;
}

/** Whether a download host answers within a few seconds; a download that cannot work should fail at once. */
export async function canDownload(url: string): Promise<boolean> {
  if (process.env['ZPS_NO_DOWNLOAD'] === '1') return false;
  try {
    await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(5_000) });
    return true;
  } catch {
    return false;
  }
}

/** The project's root, from the sources as well as from `dist`. */
export function projectRoot(): string {
  let folder = __dirname;
  while (!existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder);
  return folder;
}
