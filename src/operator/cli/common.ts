import { Option, type Command } from 'commander';
import { loadConfig, loadConfigs, type Config, type Several } from '../../config/config';
import { commandLine } from '../../platform/commandLine';
import { folderNamed, positive } from './targets';

export const CONFIG = [
  '--config <file>',
  'YAML file with settings; environment variables override it',
] as const;
export const CONNECTION = ['--connection <name>', 'the connection, if the settings name several'] as const;

/** The data folder of the servers that `start` runs itself. */
export const DATA_DIR = '.zendesk-pms-sync';

/** Options that say where a command finds its settings. */
export interface SettingsOptions {
  config?: string;
  connection?: string;
}

/** @throws ConfigError */
export function settingsFor({ config, connection }: SettingsOptions): Config {
  return loadConfig(config ?? null, process.env, connection);
}

/** All connections if none is named. @throws ConfigError */
export function allSettingsFor({ config, connection }: SettingsOptions): Several<Config> {
  return loadConfigs(config ?? null, process.env, connection === undefined ? [] : [connection]);
}

/** Examples for a command's help. @param words the words after the program's name */
export function examples(...words: string[]): () => string {
  const title = words.length > 1 ? 'Examples' : 'Example';
  return () => [`\n${title}:`, ...words.map((each) => `  ${commandLine(each)}`)].join('\n');
}

/**
 * Adds the options of every command that talks to the service, and an example to its help.
 * @param example the words after the program's name
 */
export function common(command: Command, example: string): Command {
  return command
    .option(...CONFIG)
    .option(...CONNECTION)
    .option('--data <dir>', 'folder of the servers that "start" runs itself', folderNamed('--data'), DATA_DIR)
    .option('--json', 'print JSON instead of tables')
    .addHelpText('after', examples(example));
}

/** For commands whose result is one table. */
export function tabular(command: Command): Command {
  return command.addOption(new Option('--csv', 'print CSV instead of a table').conflicts('json'));
}

/** For commands that wait for a pair's answer. */
export function waiting(command: Command): Command {
  return command.option('--wait <seconds>', 'how long to wait for an answer', positive('--wait'), 60);
}
