import { confirm } from '@inquirer/prompts';
import type { Command } from 'commander';
import { BadInput, Problem } from '../operatorErrors';

/** What touches many pairs, or cannot be taken back by a command, asks first. */

export interface AskOptions {
  yes?: true;
}

export function asking(command: Command): Command {
  return command.option('-y, --yes', 'ask nothing, as scripts need it');
}

/** @throws BadInput where nobody can be asked, Problem where the answer is no */
export async function confirmed(question: string, { yes }: AskOptions): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) throw new BadInput(`${question} Found no terminal to ask at; expected --yes`);
  if (!(await confirm({ message: question, default: false }))) throw new Problem('nothing was done');
}
