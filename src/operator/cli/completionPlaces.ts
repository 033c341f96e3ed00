import type { Argument, Command, Option } from 'commander';

/** What can be typed after each command. Pure: it is read from the commands themselves. */

/** A word that can be typed, and what it does. */
export interface Word {
  word: string;
  what: string;
}

export interface OptionWords {
  /** As typed: `--json`, and `-h` beside `--help`. */
  names: string[];
  what: string;
  /** Null where it takes no value. Without choices, files are offered. */
  value: { choices: readonly string[] } | null;
}

/** A command, and what can follow it. */
export interface Place {
  /** `''` for the program itself, or e.g. `links find`. */
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

/** `help COMMAND`, which is no command of the tree. */
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
