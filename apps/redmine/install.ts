import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { onPath } from '../../src/platform/embedded/serverCache';

/** Installs Redmine's Debian package. */

export const PACKAGED = '/usr/share/redmine';
const PACKAGES = ['redmine', 'redmine-sqlite'];
const UPDATE_MS = 2 * 60_000;
const INSTALL_MS = 5 * 60_000;
/** Another apt may be running. */
const LOCK_SECONDS = 120;

/** Redmine is neither here nor can it be installed; the message has the reason. It is not a failure of a test run. */
export class NoRedmineError extends Error {
  override readonly name = 'NoRedmineError';
}

/**
 * Installs the package if it is missing, within a time limit.
 * @returns the package's version
 * @throws NoRedmineError
 */
export function ensureRedmine(say: (line: string) => void): string {
  const missing = lacks();
  if (missing === null) return version();
  const cannot = whyNotInstall();
  if (cannot !== null) throw new NoRedmineError(`${missing}, and it cannot be installed: ${cannot}`);
  say('Installing the Debian package of Redmine …');
  apt(['update', '-qq'], UPDATE_MS);
  // The package's post-installation step may fail on gems that are not needed here, so only its result is checked.
  const output = apt(['install', '-y', '-qq', '--no-install-recommends', ...PACKAGES], INSTALL_MS);
  const still = lacks();
  if (still !== null) throw new NoRedmineError(`${still} after apt-get install (${output})`);
  return version();
}

/** @returns what is missing; null if nothing is */
function lacks(): string | null {
  if (!existsSync(path.join(PACKAGED, 'config', 'environment.rb')))
    return 'the package "redmine" is not installed';
  if (onPath('bundle') === null) return 'Ruby’s "bundle" is not on PATH';
  const gems = spawnSync('ruby', ['-e', 'require "rails"; require "sqlite3"; require "webrick"'], {
    stdio: 'ignore',
  });
  return gems.status === 0 ? null : 'Ruby lacks rails, sqlite3 or webrick';
}

function whyNotInstall(): string | null {
  if (onPath('apt-get') === null) return 'apt-get is not on PATH';
  if (process.getuid?.() !== 0) return 'only root can install packages';
  if (process.env['ZPS_NO_DOWNLOAD'] === '1') return 'ZPS_NO_DOWNLOAD is set';
  return null;
}

/** @returns the last lines of its output */
function apt(args: string[], timeout: number): string {
  const { error, status, stderr } = spawnSync(
    'apt-get',
    ['-o', `DPkg::Lock::Timeout=${LOCK_SECONDS}`, ...args],
    { timeout, encoding: 'utf8', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } },
  );
  if (error) return error.message;
  return `exit code ${status ?? 'none'}: ${stderr.trim().split('\n').at(-1) ?? ''}`;
}

function version(): string {
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${Version}', 'redmine'], { encoding: 'utf8' });
  if (!stdout) throw new NoRedmineError(`${PACKAGED} is there, but dpkg knows no package "redmine"`);
  return stdout;
}
