import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { commandTree } from '../../src/operator/cli/commandTree';
import { ROOT } from '../support/shellBlocks';

/** Compares docs/cli.md with the commands. */

const page = readFileSync(path.join(ROOT, 'docs/cli.md'), 'utf8');
/** Commands in shell blocks and code spans, without the program's name. */
const code = [...page.matchAll(/```sh\n([\s\S]*?)```|`([^`\n]+)`/g)]
  .flatMap(([, block, span = '']) => block?.split('\n') ?? [span])
  .map((line) => line.replace(/^zendesk-pms-sync /, ''));

function leaves(command: Command, at = ''): { at: string; command: Command }[] {
  return command.commands.flatMap((each) => {
    const name = `${at} ${each.name()}`.trim();
    return each.commands.length === 0 ? [{ at: name, command: each }] : leaves(each, name);
  });
}
const all = leaves(commandTree());
/** The command that runs if only the group is named: `backfill` is `backfill start`. */
const BY_DEFAULT: Record<string, string> = { 'backfill start': 'backfill', 'reconcile run': 'reconcile' };

test.each(all.map(({ at }) => at))('O13: docs/cli.md names "%s"', (at) => {
  const typed = BY_DEFAULT[at] ?? at;
  expect(code.filter((line) => line === typed || line.startsWith(`${typed} `))).not.toEqual([]);
});

test('O13: docs/cli.md lists the commands with --csv, and no others', () => {
  const [, list = ''] = /instead of a table\. These commands accept it:([\s\S]*?)\.\n/.exec(page) ?? [];
  const listed = [...list.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
  const taking = all.filter(({ command }) => command.options.some(({ long }) => long === '--csv'));
  expect(listed.sort()).toEqual(taking.map(({ at }) => at).sort());
});
