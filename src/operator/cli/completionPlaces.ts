import type { Argument, Command, Option } from 'commander';

/** The words that can follow each command, read from the definitions of the commands. Pure. */

/** A word that can be typed, and its description. */
export interface Word {
  word: string;
  what: string;
}

export interface OptionWords {
  /** For example `--json`, or `-h` and `--help`. */
  names: string[];
  what: string;
  /** Null if the option takes no value. If it has no choices, files are offered. */
  value: { choices: readonly string[] } | null;
}

/** A command, and the words that can follow it. */
export interface Place {
  /** `''` for the program itself; otherwise e.g. `links find`. */
  path: string;
  commands: Word[];
  options: OptionWords[];
  /** Choices of its arguments. */
  choices: readonly string[];
}

/** The program and all its commands, each before its sub-commands. */
export function placesOf(command: Command, path = '', inherited: readonly Option[] = []): Place[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const options = [...help.visibleOptions(command), ...inherited];
  const own: Place = {
    path,
    commands: commands.map((each) => ({ word: each.name(), what: each.description() })),
    options: unique(options).map(optionWords),
    choices: command.registeredArguments.flatMap((argument: Argument) => argument.argChoices ?? []),
  };
  const below = command.commands.flatMap((each) =>
    placesOf(each, `${path} ${each.name()}`.trim(), unique([...inherited, ...command.options])),
  );
  return [own, ...below, ...helpPlaces(command, own)];
}

/** `help COMMAND` is added here, because it is not part of the tree of commands. */
function helpPlaces(command: Command, { path, commands }: Place): Place[] {
  const named = command.commands.some((each) => each.name() === 'help');
  const offered = commands.some(({ word }) => word === 'help');
  if (named || !offered) return [];
  const others = commands.map(({ word }) => word).filter((word) => word !== 'help');
  return [{ path: `${path} help`.trim(), commands: [], options: [], choices: others }];
}

function unique(options: readonly Option[]): Option[] {
  return [...new Map(options.map((option) => [option.name(), option])).values()];
}

function optionWords({ short, long, description, required, optional, argChoices }: Option): OptionWords {
  return {
    names: [short, long].filter((name) => name !== undefined),
    what: description,
    value: required || optional ? { choices: argChoices ?? [] } : null,
  };
}
