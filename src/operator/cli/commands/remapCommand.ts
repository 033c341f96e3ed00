import { WorkflowIdConflictPolicy } from '@temporalio/client';
import type { Command } from 'commander';
import type { RemapProgress } from '../../../activities/types';
import { remap, remapProgress } from '../../../workflows/remap';
import { holdWords, holdsIn, openHolds } from '../../brake';
import { common } from '../common';
import { withService, type CommonOptions, type Connected } from '../withService';
import { followWorkflow } from '../followWorkflow';
import { printJson, printLine } from '../output';
import { commandLine } from '../../../platform/commandLine';

export function registerRemap(program: Command): void {
  common(
    program
      .command('remap')
      .description('apply the present mapping file to all pairs, e.g. after a row was added'),
    'remap',
  ).action(async (options: CommonOptions) =>
    withService(options, async (connected) => {
      const outcome = await follow(connected);
      const held = openHolds(await holdsIn(connected.store)).filter(({ bound }) => bound !== undefined);
      if (options.json) printJson({ ...outcome, held: held.map(({ id }) => id) });
      else {
        printLine(`${words(outcome)}, ${outcome.state}`);
        for (const hold of held) printLine(`${holdWords(hold)}; see "${commandLine('brake show')}"`);
      }
      if (outcome.state !== 'done') process.exitCode = 1;
    }),
  );
}

/** Starts the workflow, or joins the running one, and shows its progress. Ctrl-C leaves it running. */
async function follow({ client, config, mapping: { version } }: Connected): Promise<RemapProgress> {
  const handle = await client.workflow.start(remap, {
    workflowId: `${config.taskQueue}-remap-${version}`,
    taskQueue: config.taskQueue,
    args: [version],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    staticSummary: `Bring all pairs to mapping ${version}`,
  });
  return followWorkflow(handle, remapProgress, words);
}

function words({ version, told, left }: RemapProgress): string {
  return `mapping ${version}: ${told} pairs signalled, ${left} left as they are`;
}
