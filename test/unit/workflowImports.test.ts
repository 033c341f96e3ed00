import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { WORKFLOWS } from '../../src/workers/workflowCode';

/** The packages of a bundle other than Temporal's own. */
async function packagesOf(workflowsPath: string): Promise<string[]> {
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  const found = code.matchAll(/node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//g);
  return [...new Set([...found].map(([, name = '']) => name))]
    .filter((name) => !name.startsWith('@temporalio/'))
    .sort();
}

// Every module of the bundle is evaluated again for every workflow, so each library costs each change some
// milliseconds.
test('workflows bundle no library except those of the SDK itself', async () => {
  const nothing = await packagesOf(path.resolve(__dirname, '../fixtures/workflows-empty'));
  expect(await packagesOf(WORKFLOWS)).toEqual(nothing);
});
