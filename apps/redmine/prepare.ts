import { NoRedmineError, ensureRedmine } from './install';

/** Before `npm run test:redmine`: exit code 69 (sysexits' EX_UNAVAILABLE) where there is no Redmine and none can be had. */

const UNAVAILABLE = 69;

try {
  ensureRedmine((line) => process.stderr.write(`${line}\n`));
} catch (error) {
  if (!(error instanceof NoRedmineError)) throw error;
  process.stderr.write(`Redmine is not available, so nothing was tried against it: ${error.message}\n`);
  process.exitCode = UNAVAILABLE;
}
