import { NoRoundupError, ensureRoundup } from './install';

/** Before `npm run test:roundup`: exit code 69 (sysexits' EX_UNAVAILABLE) where no Roundup can be had. */

const UNAVAILABLE = 69;

ensureRoundup((line) => process.stderr.write(`${line}\n`)).catch((error: unknown) => {
  if (!(error instanceof NoRoundupError)) throw error;
  process.stderr.write(`Roundup is not available, so nothing was tried against it: ${error.message}\n`);
  process.exitCode = UNAVAILABLE;
});
