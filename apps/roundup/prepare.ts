import { NoRoundupError, ensureRoundup } from './install';

/** Runs before `npm run test:roundup`. Exit code 69 (sysexits' EX_UNAVAILABLE) if Roundup cannot be installed. */

const UNAVAILABLE = 69;

ensureRoundup((line) => process.stderr.write(`${line}\n`)).catch((error: unknown) => {
  if (!(error instanceof NoRoundupError)) throw error;
  process.stderr.write(`Roundup is not available, so its tests did not run: ${error.message}\n`);
  process.exitCode = UNAVAILABLE;
});
