import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { SETTING_NAMES } from '../../config/config';
import { misspelt } from '../../config/sources';
import { projectRoot } from '../../platform/embedded/serverCache';
import { registerAside } from './commands/asideCommand';
import { registerBackfill } from './commands/backfillCommand';
import { registerBrake } from './commands/brakeCommand';
import { registerCompletion } from './commands/completionCommand';
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
import { registerSchedules } from './commands/schedulesCommand';
import { registerStatus } from './commands/statusCommand';
import { registerStore } from './commands/storeCommand';
import { registerUndo } from './commands/undoCommand';
import { registerVerify } from './commands/verifyCommand';
import { webhooksCommand } from './commands/webhooksCommand';
import { CONFIG, DATA_DIR } from './common';
import { printTablesAs } from './output';
import { receiveWebhooks } from './serveIntake';
import { folderNamed } from './targets';
import { serveCodec } from './serveCodec';
import { start, type StartOptions } from './startService';
import { docsPage } from '../../platform/docsPage';

/** All commands, with their options and help. */
export function commandTree(): Command {
  const program = new Command('zendesk-pms-sync').description(
    'Two-way sync between Zendesk and a PMS, on Temporal',
  );
  program
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(withHint(text)) })
    .version(packageVersion(), '-V, --version', 'print the version')
    .option('--no-color', 'no colours; as a variable: NO_COLOR=1')
    .addHelpText('after', () => `\nDocumentation: ${docsPage('cli.md')} and the pages beside it`)
    .hook('preAction', (_, command) => {
      printTablesAs(command.optsWithGlobals()['csv'] === true ? 'csv' : 'text');
      for (const line of misspelt(process.env, SETTING_NAMES)) console.error(line);
      if (command.optsWithGlobals()['color'] === false) process.env['NO_COLOR'] = '1';
    });
  registerStart(program);
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
  registerBrake(program);
  registerLimits(program);
  registerRemap(program);
  registerCursors(program);
  registerReconcile(program);
  registerControl(program);
  registerUndo(program);
  registerSchedules(program);
  registerStore(program);
  registerVerify(program);
  registerConform(program);
  registerCompletion(program);
  return program;
}

function registerStart(program: Command): void {
  program
    .command('start')
    .description('run worker, schedules and webhook receiver')
    .option(...CONFIG)
    .option('--connection <names...>', 'serve only these connections')
    .option(
      '--data <dir>',
      'folder for the data of servers that this command starts',
      folderNamed('--data'),
      DATA_DIR,
    )
    .option('--json', 'print the log as JSON on a terminal, too')
    .addOption(new Option('--only <part>', 'run only this part').choices(['worker', 'intake']))
    .action(async ({ only, ...options }: StartOptions & { only?: 'worker' | 'intake' }) =>
      only === 'intake' ? receiveWebhooks(options) : start(options, only !== 'worker'),
    );
}

/** The library names the error. If it has no suggestion, the message points to the help. */
function withHint(text: string): string {
  return text.includes('(Did you mean')
    ? text
    : `${text.trimEnd()}\n(--help after the command shows how it is used)\n`;
}

/** The version of the package. The path is the same from the compiled file and from the source. */
function packageVersion(): string {
  const file = path.join(projectRoot(), 'package.json');
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8'))).version;
}
