import { confirm } from '@inquirer/prompts';
import type { Command } from 'commander';
import { BadInput, Problem } from '../operatorErrors';

/** Asks before a command touches many pairs, or does something that no command can take back. */

export interface AskOptions {
  yes?: true;
}

export function asking(command: Command): Command {
  return command.option('-y, --yes', 'do not ask, for scripts');
}

/** @throws BadInput if there is no terminal, Problem if the answer is no */
export async function confirmed(question: string, { yes }: AskOptions): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) throw new BadInput(`${question} Found no terminal to ask at; expected --yes`);
  if (!(await confirm({ message: question, default: false }))) throw new Problem('nothing was done');
}
