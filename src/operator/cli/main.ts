#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { ConfigError } from '../../config/config';
import { NoAnswerError, NoServerError } from '../../platform/embedded/embeddedServers';
import { MissingPackage } from '../../platform/optionalPackage';
import { NewerStore } from '../../links/migrations/storedSchema';
import { MappingError } from '../../sync/mappingFile';
import { registerAside } from './commands/asideCommand';
import { registerBackfill } from './commands/backfillCommand';
import { registerConflicts } from './commands/conflictsCommand';
import { registerConform } from './commands/conformCommand';
import { registerControl } from './commands/controlCommand';
import { registerCursors } from './commands/cursorsCommand';
import { registerDoctor } from './commands/doctorCommand';
import { registerHistory } from './commands/historyCommand';
import { registerInit } from './commands/initCommand';
import { registerLimits } from './commands/limitsCommand';
import { registerLinks } from './commands/linksCommand';
import { registerMapping } from './commands/mappingCommand';
import { registerPlan } from './commands/planCommand';
import { registerQuarantine } from './commands/quarantineCommand';
import { registerRebuild } from './commands/rebuildCommand';
import { registerReconcile } from './commands/reconcileCommand';
import { registerResync } from './commands/resyncCommand';
import { registerRemap } from './commands/remapCommand';
import { registerStatus } from './commands/statusCommand';
import { registerStore } from './commands/storeCommand';
import { registerUndo } from './commands/undoCommand';
import { registerVerify } from './commands/verifyCommand';
import { webhooksCommand } from './commands/webhooksCommand';
import { BadInput, Problem } from '../operatorErrors';
import { CONFIG } from './common';
import { receiveWebhooks } from './serveIntake';
import { serveCodec } from './serveCodec';
import { start, type StartOptions } from './startService';

/**
 * The command line. Exit codes: 0 no problem; 1 a problem was found, or the command failed; 2 a person must correct an
 * input (a setting, the mapping, an argument), which one line names.
 */
async function main(argv: string[]): Promise<void> {
  const program = new Command('zendesk-pms-sync').description(
    'Two-way sync between Zendesk and a PMS, on Temporal',
  );
  program.exitOverride();
  program
    .command('start')
    .description('run worker, schedules and webhook receiver')
    .option(...CONFIG)
    .option('--connection <names...>', 'serve only these connections')
    .option('--data <dir>', 'folder for the data of servers that this command starts', '.zendesk-pms-sync')
    .addOption(new Option('--only <part>', 'run only this part').choices(['worker', 'intake']))
    .action(async ({ only, ...options }: StartOptions & { only?: 'worker' | 'intake' }) =>
      only === 'intake' ? receiveWebhooks(options) : start(options, only !== 'worker'),
    );
  registerMapping(program);
  webhooksCommand(program);
  program
    .command('codec-server')
    .description('let the Temporal Web UI and command line read encrypted payloads (docs/security.md)')
    .action(serveCodec);
  registerInit(program);
  registerDoctor(program);
  registerPlan(program);
  registerStatus(program);
  registerHistory(program);
  registerBackfill(program);
  registerResync(program);
  registerRebuild(registerLinks(program));
  registerConflicts(program);
  registerQuarantine(program);
  registerAside(program);
  registerLimits(program);
  registerRemap(program);
  registerCursors(program);
  registerReconcile(program);
  registerControl(program);
  registerUndo(program);
  registerStore(program);
  registerVerify(program);
  registerConform(program);
  await program.parseAsync(argv);
}

/** Prints the error, in one line if a person can correct the cause. @returns the exit code */
function report(error: unknown): number {
  // Its message, or the help that was asked for, is printed already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Problem) {
    console.error(error.message);
    return 1;
  }
  const mendable = [
    ConfigError,
    MappingError,
    NewerStore,
    NoServerError,
    NoAnswerError,
    MissingPackage,
    BadInput,
  ];
  if (mendable.some((kind) => error instanceof kind)) {
    // One of our own classes: its message is for the person who can correct the cause.
    console.error((error as Error).message);
    return 2;
  }
  console.error(error);
  return 1;
}

main(process.argv).catch((error: unknown) => {
  // A failed start leaves connections and threads of the SDK; the supervisor must see that the process has ended.
  process.exit(report(error));
});
