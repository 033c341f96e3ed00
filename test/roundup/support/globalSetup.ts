import { startRoundup, type Roundup } from '../../../apps/roundup/server';
import baseSetup from '../../support/globalSetup';

declare global {
  var zpsRoundup: Roundup | undefined;
}

export default async function globalSetup(): Promise<void> {
  const roundup = await startRoundup((line) => process.stderr.write(`${line}\n`));
  globalThis.zpsRoundup = roundup;
  process.env['ZPS_TEST_ROUNDUP'] = JSON.stringify({ ...roundup, stop: undefined });
  await baseSetup();
}
