import { writeFileSync } from 'node:fs';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';
import { BUNDLE, WORKFLOWS } from './workflowCode';

/** The second step of `npm run build`: bundles the workflows, so that workers need not do it at each start. */
async function main(): Promise<void> {
  const { code } = await bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger: new DefaultLogger('WARN') });
  writeFileSync(BUNDLE, code);
}

void main();
