import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';
import {
  startMongo,
  startTemporal,
  type EmbeddedMongo,
  type EmbeddedTemporal,
} from '../../src/platform/embedded/embeddedServers';
import { WORKFLOWS } from '../../src/workers/workflowCode';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes';

declare global {
  var zpsServers: { temporal: EmbeddedTemporal; mongo: EmbeddedMongo } | undefined;
}

/** One Temporal server and one MongoDB for the whole run. Test files use separate task queues and databases. */
export default async function globalSetup(): Promise<void> {
  if (process.env['ZPS_UNIT_ONLY'] === '1') return;
  const onProgress = (line: string) => process.stderr.write(`${line}\n`);
  onProgress('Starting what the tests share: a Temporal server, a MongoDB, the bundle of workflows …');
  const temporal = await startTemporal({ onProgress, searchAttributes: SEARCH_ATTRIBUTES });
  const mongo = await startMongo({ onProgress });
  globalThis.zpsServers = { temporal, mongo };
  const codePath = path.join(mkdtempSync(path.join(tmpdir(), 'zps-workflows-')), 'bundle.js');
  const logger = new DefaultLogger('WARN');
  writeFileSync(codePath, (await bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger })).code);
  process.env['ZPS_TEST_WORKFLOWS'] = codePath;
  process.env['ZPS_TEST_TEMPORAL'] = temporal.address;
  process.env['ZPS_TEST_MONGODB'] = mongo.uri;
}
