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

/** The folder for built and downloaded servers, outside of the work tree. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  return path.join(env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'zendesk-pms-sync');
}

const PROGRESS_MS = 10_000;
const LOCK_POLL_MS = 1_000;
/** The age from which a lock belongs to a build that died. */
const LOCK_STALE_MS = 30 * 60_000;

/**
 * Makes `${root}/${name}` by a build in a scratch folder, unless it exists. Concurrent processes share one build, and a
 * build that dies leaves no partial result.
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
      // The lock was released meanwhile; the caller tries again.
    }
    return false;
  }
}

/** Runs a build command and reports progress every ten seconds. @throws Error with the end of its output */
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

/** The file of a program on PATH; null if there is none. */
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

/** Checks that a program runs on this machine: it may be built for another processor or system library. @throws Error */
export function runnable(program: string): string {
  const { error, signal, status } = spawnSync(program, ['--version'], { stdio: 'ignore', timeout: 20_000 });
  if (error || signal !== null || status !== 0)
    throw new Error(`${program} does not run here (${error?.message ?? signal ?? `exit code ${status}`})`);
  return program;
}

/** Whether a download host answers within a few seconds, so that an impossible download fails at once. */
export async function canDownload(url: string): Promise<boolean> {
  if (process.env['ZPS_NO_DOWNLOAD'] === '1') return false;
  try {
    await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(5_000) });
    return true;
  } catch {
    return false;
  }
}

/** The project's root folder, both for the sources and for `dist`. */
export function projectRoot(): string {
  let folder = __dirname;
  while (!existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder);
  return folder;
}
