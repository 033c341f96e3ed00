import { startMongo, startTemporal, type EmbeddedMongo, type EmbeddedTemporal } from '../../src/embedded';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes';

declare global {
  var zpsServers: { temporal: EmbeddedTemporal; mongo: EmbeddedMongo } | undefined;
}

/** One Temporal server and one MongoDB for the whole run. Test files use task queues and databases of their own. */
export default async function globalSetup(): Promise<void> {
  if (process.env['ZPS_UNIT_ONLY'] === '1') return;
  const onProgress = (line: string) => process.stderr.write(`${line}\n`);
  const temporal = await startTemporal({ onProgress, searchAttributes: SEARCH_ATTRIBUTES });
  const mongo = await startMongo({ onProgress });
  globalThis.zpsServers = { temporal, mongo };
  process.env['ZPS_TEST_TEMPORAL'] = temporal.address;
  process.env['ZPS_TEST_MONGODB'] = mongo.uri;
}
