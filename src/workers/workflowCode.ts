import { existsSync } from 'node:fs';
import path from 'node:path';
import type { WorkerOptions } from '@temporalio/worker';
import type { Tracing } from '../platform/tracing';

/** The source of the workflows that a worker runs. */
export type WorkflowCode = Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>;

export const WORKFLOWS = path.join(__dirname, '../workflows');
/** `npm run build` writes it, so that a worker need not bundle the workflows at each start. */
export const BUNDLE = path.join(__dirname, '../workflows.bundle.js');

/**
 * The bundle that was built. If there is none, or if tracing adds modules, the worker bundles the workflows at its start.
 * https://docs.temporal.io/develop/typescript/core-application#prebundle-code
 */
export function workflowCode(tracing: Tracing | null): WorkflowCode {
  return tracing === null && existsSync(BUNDLE)
    ? { workflowBundle: { codePath: BUNDLE } }
    : { workflowsPath: WORKFLOWS };
}
