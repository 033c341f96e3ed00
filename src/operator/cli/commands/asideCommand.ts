import type { Command } from 'commander';
import type { LinkStore } from '../../../links/linkStore';
import type { SetAside } from '../../../links/setAside';
import { hintsWorkflowId } from '../../../intake/intake';
import { hintsCame, readHints } from '../../../workflows/readHints';
import type { Side } from '../../../sync/record';
import { WorkflowIdConflictPolicy } from '@temporalio/client';
import { common, tabular } from '../common';
import { withService, type CommonOptions, type Connected } from '../withService';
import { BadInput } from '../../operatorErrors';
import { printJson, printLine, printTable } from '../output';
import { commandLine } from '../../../platform/commandLine';

/** `aside list` and `aside retry`: records that were set aside. */
export function registerAside(program: Command): void {
  const aside = program
    .command('aside')
    .description('records that were set aside because they could not be processed');
  tabular(
    common(
      aside.command('list').description('list them with reason and size; exit code 1 if there are any'),
      'aside list',
    ),
  ).action(async (options: CommonOptions) =>
    withService(options, async ({ store }) => {
      const found = await all(store);
      if (options.json) printJson(found);
      else
        printTable(
          ['what', 'bytes', 'since', 'reason'],
          found.map(({ what, bytes, since, reason }) => [what, String(bytes ?? '—'), since, reason]),
          'nothing is set aside',
        );
      if (found.length > 0) process.exitCode = 1;
    }),
  );
  common(
    aside
      .command('retry')
      .description('read them again; those that still fail return to the list')
      .argument('[what...]', 'names from "aside list"; without any, all of them'),
    'aside retry zendesk:ticket:123',
  ).action(async (names: string[], options: CommonOptions) =>
    withService(options, async (service) => {
      const { again, dropped } = await retry(service, names);
      if (options.json) printJson({ again, dropped });
      else
        printLine(
          `${again} are read again; ${dropped} have no name or are pages of a backfill: "${commandLine('reconcile --full')}" reads them`,
        );
    }),
  );
}

async function retry(service: Connected, names: string[]): Promise<{ again: number; dropped: number }> {
  const { store } = service;
  const listed = await all(store);
  const unknown = names.find((name) => !listed.some(({ what }) => what === name));
  if (unknown !== undefined)
    throw new BadInput(`"${unknown}" is not set aside; see "${commandLine('aside list')}"`);
  const chosen = names.length === 0 ? listed : listed.filter(({ what }) => names.includes(what));
  const records = chosen.filter(({ kind }) => kind === 'record');
  // The hints are stored before the records are removed from the list, so that a crash in between repeats them.
  await store.hints.keep(records.map(({ what }) => ({ ref: what, order: null, actor: null })));
  await store.aside.drop(chosen);
  for (const side of new Set(records.map((each) => each.side))) await readNow(service, side);
  return { again: records.length, dropped: chosen.length - records.length };
}

/** Starts the reading of hints, as the webhook receiver does. */
async function readNow({ client, config }: Connected, side: Side): Promise<void> {
  const { taskQueue } = config;
  await client.workflow.signalWithStart(readHints, {
    workflowId: hintsWorkflowId(taskQueue, side),
    taskQueue,
    args: [side],
    signal: hintsCame,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
  });
}

async function all(store: LinkStore): Promise<SetAside[]> {
  const found: SetAside[] = [];
  for (let after: string | null = null; ;) {
    const page = await store.aside.list(after, PAGE);
    found.push(...page);
    after = page.at(-1)?.what ?? null;
    if (page.length < PAGE) return found;
  }
}

const PAGE = 500;
