import { NoRedmineError, ensureRedmine } from './install';

/**
 * Runs before `npm run test:redmine`. Exit code 69 (sysexits' EX_UNAVAILABLE) if Redmine is neither here nor can be
 * installed.
 */

const UNAVAILABLE = 69;

try {
  ensureRedmine((line) => process.stderr.write(`${line}\n`));
} catch (error) {
  if (!(error instanceof NoRedmineError)) throw error;
  process.stderr.write(`Redmine is not available, so its tests did not run: ${error.message}\n`);
  process.exitCode = UNAVAILABLE;
}
