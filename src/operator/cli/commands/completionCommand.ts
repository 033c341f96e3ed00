import { Argument, type Command } from 'commander';
import { SHELLS, completionScript, type Shell } from '../completion';
import { placesOf } from '../completionPlaces';
import { printLine } from '../output';
import { commandLine } from '../../../platform/commandLine';

/** `completion`: prints a script by which a shell completes commands, options and their values. */
export function registerCompletion(program: Command): void {
  program
    .command('completion')
    .description('print a script with which a shell completes commands, options and their values')
    .addArgument(new Argument('<shell>', 'the shell that reads the script').choices(SHELLS))
    .addHelpText('after', () => `\nExample:\n  source <(${commandLine('completion bash')})`)
    .action((shell: Shell) => printLine(completionScript(shell, program.name(), placesOf(program))));
}
