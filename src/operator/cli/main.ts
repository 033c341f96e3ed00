#!/usr/bin/env node
import type { Command } from 'commander';
import { commandTree } from './commandTree';
import { endWithReader, reported } from './errorReport';

/**
 * The command line. Exit codes: 0 no problem; 1 a problem was found, or the command failed; 2 a person must correct an
 * input (a setting, the mapping, an argument), which one line names.
 */
async function main(argv: string[]): Promise<void> {
  const program = commandTree();
  await program.parseAsync(askedFor(program, argv));
}

/** `help COMMAND` with an unknown command gets the same message as the unknown command. */
function askedFor(program: Command, argv: string[]): string[] {
  const [node = '', file = '', first, named] = argv;
  if (first !== 'help' || named === undefined) return argv;
  return program.commands.some((each) => each.name() === named) || named === 'help'
    ? argv
    : [node, file, named];
}

/** Prints the error, in one line unless it is a bug. @returns the exit code */
function report(error: unknown): number {
  const failure = reported(error);
  if (!failure) console.error(error);
  else if (failure.line !== null) console.error(failure.line);
  return failure?.code ?? 1;
}

for (const stream of [process.stdout, process.stderr]) endWithReader(stream, () => process.exit());

main(process.argv).catch((error: unknown) => {
  // A failed start leaves connections and threads of the SDK open. Without this call, the process would not end, and
  // its supervisor would not restart it.
  process.exit(report(error));
});
