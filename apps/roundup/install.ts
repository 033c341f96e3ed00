import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { buildOnce, cacheRoot, onPath, runBuild } from '../../src/platform/embedded/serverCache';

/**
 * Installs Roundup (PyPI: roundup) in a virtual environment, outside of the work tree, in a folder for each version.
 */

export const ROUNDUP_VERSION = '2.6.0';
/** The oldest supported Python, by the package's metadata. */
const PYTHON = [3, 7] as const;

/** Roundup cannot be installed; the message has the reason. It is not a failure of a test run. */
export class NoRoundupError extends Error {
  override readonly name = 'NoRoundupError';
}

export interface InstalledRoundup {
  /** The interpreter of the virtual environment. */
  python: string;
}

/** @throws NoRoundupError if there is no Python, or Roundup cannot be downloaded */
export async function ensureRoundup(say: (line: string) => void): Promise<InstalledRoundup> {
  const python = onPath('python3');
  if (python === null || !isRecent(python))
    throw new NoRoundupError(`found no python3 of ${PYTHON.join('.')} or later on PATH`);
  const folder = await buildOnce(cacheRoot(), `roundup-${ROUNDUP_VERSION}`, (scratch) =>
    build(python, scratch, say),
  );
  return { python: path.join(folder, 'bin', 'python') };
}

/**
 * The scripts in it contain the path of the folder in which it was made, so after a move only the interpreter is
 * used.
 */
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
