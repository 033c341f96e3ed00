import type { Command } from 'commander';
import { positive } from './targets';

/** Adds what every command that speaks with the service takes, and an example to its help. */
export function common(command: Command, example: string): Command {
  return command
    .option('--config <file>', 'YAML file with settings; environment variables win over it')
    .option(
      '--data <dir>',
      'where "start" keeps the data of servers that it runs itself',
      '.zendesk-pms-sync',
    )
    .option('--json', 'print JSON in place of tables')
    .addHelpText('after', `\nExample:\n  ${example}`);
}

/** For commands that wait for a pair's answer. */
export function waiting(command: Command): Command {
  return command.option('--wait <seconds>', 'how long to wait for an answer', positive('--wait'), 60);
}
