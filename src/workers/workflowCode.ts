import { existsSync } from 'node:fs';
import path from 'node:path';
import type { WorkerOptions } from '@temporalio/worker';
import type { Tracing } from '../platform/tracing';

/** What a worker runs workflows from. */
export type WorkflowCode = Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>;

export const WORKFLOWS = path.join(__dirname, '../workflows');
/** Written by `npm run build`, so that a worker need not bundle at each start. */
export const BUNDLE = path.join(__dirname, '../workflows.bundle.js');

/**
 * The bundle that was built; where there is none, or tracing adds modules of its own, the worker bundles as it starts.
 * https://docs.temporal.io/develop/typescript/core-application#prebundle-code
 */
export function workflowCode(tracing: Tracing | null): WorkflowCode {
  return tracing === null && existsSync(BUNDLE)
    ? { workflowBundle: { codePath: BUNDLE } }
    : { workflowsPath: WORKFLOWS };
}
