import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { buildOnce, cacheRoot, onPath, runBuild } from '../../src/platform/embedded/serverCache';

/** Roundup (PyPI: roundup) in a virtual environment of its own, outside the work tree and keyed by version. */

export const ROUNDUP_VERSION = '2.6.0';
/** Its oldest Python, by its own metadata. */
const PYTHON = [3, 7] as const;

/** No Roundup can be had here; the message says why. Nobody's mistake, so no failure of a test run. */
export class NoRoundupError extends Error {
  override readonly name = 'NoRoundupError';
}

export interface InstalledRoundup {
  /** The interpreter of the virtual environment. */
  python: string;
}

/** @throws NoRoundupError where there is no Python, or Roundup cannot be fetched */
export async function ensureRoundup(say: (line: string) => void): Promise<InstalledRoundup> {
  const python = onPath('python3');
  if (python === null || !isRecent(python))
    throw new NoRoundupError(`found no python3 of ${PYTHON.join('.')} or later on PATH`);
  const folder = await buildOnce(cacheRoot(), `roundup-${ROUNDUP_VERSION}`, (scratch) =>
    build(python, scratch, say),
  );
  return { python: path.join(folder, 'bin', 'python') };
}

/** Programs in it name the folder in which they were made: only the interpreter is used after it was moved. */
async function build(python: string, scratch: string, say: (line: string) => void): Promise<void> {
  if (process.env['ZPS_NO_DOWNLOAD'] === '1')
    throw new NoRoundupError('it is not installed yet, and ZPS_NO_DOWNLOAD is set');
  say(`Installing Roundup ${ROUNDUP_VERSION} (once) …`);
  const options = { cwd: scratch, what: 'Roundup', onProgress: say };
  try {
    await runBuild(python, ['-m', 'venv', scratch], options);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input'];
    await runBuild(path.join(scratch, 'bin', 'python'), [...pip, `roundup==${ROUNDUP_VERSION}`], options);
  } catch (error) {
    throw new NoRoundupError((error as Error).message);
  }
}

function isRecent(python: string): boolean {
  const [major, minor] = PYTHON;
  const check = `import sys; sys.exit(sys.version_info < (${major}, ${minor}))`;
  return spawnSync(python, ['-c', check], { stdio: 'ignore' }).status === 0;
}
