import { startRedmine, type Redmine } from '../../../apps/redmine/server';
import baseSetup from '../../support/globalSetup';

declare global {
  var zpsRedmine: Redmine | undefined;
}

export default async function globalSetup(): Promise<void> {
  const redmine = await startRedmine((line) => process.stderr.write(`${line}\n`));
  globalThis.zpsRedmine = redmine;
  process.env['ZPS_TEST_REDMINE_URL'] = redmine.url;
  process.env['ZPS_TEST_REDMINE_KEY'] = redmine.apiKey;
  await baseSetup();
}
