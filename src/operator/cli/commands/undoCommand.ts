import { randomBytes } from 'node:crypto';
import { ApplicationFailure, WorkflowFailedError, WorkflowIdConflictPolicy } from '@temporalio/client';
import type { Command } from 'commander';
import { ActivityFailure } from '@temporalio/common';
import type { UndoFilter } from '../../../sync/undo';
import { undo, undoProgress } from '../../../workflows/undo';
import { BadInput, Problem } from '../../operatorErrors';
import { outcomeOf, planUndo, type UndoOutcome, type UndoPlan } from '../../undo';
import { common } from '../common';
import { followWorkflow } from '../followWorkflow';
import { printJson, printLine, printTable, shown } from '../output';
import { withService, type Connected } from '../withService';
import { filterOf, refuseUnknownRow, selecting, type SelectOptions } from './historyCommand';

interface UndoOptions extends SelectOptions {
  yes?: true;
  hold?: true;
  resume?: string;
}

const VALUE_WIDTH = 40;

export function registerUndo(program: Command): void {
  common(
    selecting(
      program
        .command('undo')
        .description('put back what the sync wrote, where it is still there; without --yes, only say what'),
    )
      .option('--yes', 'do it')
      .option('--hold', 'undo before the mapping is corrected, and hold the rows until it is')
      .option('--resume <id>', 'go on with an undo, or show what came of it'),
    'zendesk-pms-sync undo --cause mapping:9f3a11c0 --row priority',
  ).action(async (options: UndoOptions) =>
    withService(options, async (service) => {
      if (options.resume !== undefined) return follow(service, options.resume, options);
      const filter = await undoFilter(service, options);
      const plan = await planUndo(service.store, service.mapping, filter);
      if (plan.pairs === 0 && plan.cannot.length === 0) refuseUnknownRow(service.mapping, filter);
      if (options.yes !== true) return showPlan(plan, options);
      if (plan.standing.length > 0 && options.hold !== true) throw new Problem(standsIn(plan));
      if (plan.pairs === 0)
        throw new Problem('there is nothing that can be put back; see "undo" without --yes');
      const id = `${filter.until.replace(/\D/g, '').slice(0, 14)}-${randomBytes(2).toString('hex')}`;
      await service.store.undos.begin({ id, filter, hold: options.hold === true });
      return follow(service, id, options);
    }),
  );
}

/** @throws BadInput where nothing says what is to be undone */
async function undoFilter(service: Connected, options: UndoOptions): Promise<UndoFilter> {
  const filter = await filterOf(service, options);
  const { key, since, cause, row } = filter;
  if ([key, since, cause, row].every((each) => each === undefined))
    throw new BadInput('found nothing that says what to undo, expected --since, --cause, --row or --pair');
  return { ...filter, until: new Date().toISOString() };
}

/** Starts the workflow, or joins the running one, and shows its progress. Ctrl-C leaves it running. */
async function follow(service: Connected, id: string, options: UndoOptions): Promise<void> {
  const { client, config, store } = service;
  const known = await store.undos.get(id);
  if (!known) throw new BadInput(`--resume: found "${id}", which is no undo, or its journal is gone`);
  if (known.state !== 'done') {
    const handle = await client.workflow.start(undo, {
      workflowId: `${config.taskQueue}-undo-${id}`,
      taskQueue: config.taskQueue,
      args: [id],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      staticSummary: `Undo ${id}`,
    });
    try {
      await followWorkflow(handle, undoProgress, ({ told, state }) => `undo ${id}: ${state}, ${told} pairs`);
    } catch (error) {
      throw refusalIn(error);
    }
  }
  const outcome = await outcomeOf(store, id);
  if (outcome) showOutcome(outcome, options);
}

function refusalIn(error: unknown): unknown {
  const failure = error instanceof WorkflowFailedError ? error.cause : null;
  const cause = failure instanceof ActivityFailure ? failure.cause : failure;
  return cause instanceof ApplicationFailure && cause.type === 'Refused' ? new Problem(cause.message) : error;
}

function standsIn({ standing }: UndoPlan): string {
  const rows = standing.map(({ entity, row }) => `${entity} "${row}"`).join(', ');
  return `the mapping still binds ${rows} as it did when this was written, and would write it again; correct the mapping file first, or undo with --hold and correct it afterwards`;
}

function showPlan(plan: UndoPlan, { json, hold }: UndoOptions): void {
  if (json) return printJson(plan);
  if (plan.pairs === 0) printLine('Nothing can be put back.');
  else {
    printLine(
      `Values of ${plan.pairs} pairs would be put back, each where it is still what the sync wrote:\n`,
    );
    printTable(
      ['row', 'on', 'property', 'pairs', 'written anew since'],
      plan.values.map(({ row, side, property, pairs, overwritten }) => [
        row,
        side,
        property,
        String(pairs),
        String(overwritten),
      ]),
    );
    printLine('\nFor example:\n');
    printTable(
      ['record', 'property', 'now', 'back to'],
      plan.values.flatMap(({ property, examples }) =>
        examples.map(({ ref, now, former }) => [
          ref,
          property,
          shown(now).slice(0, VALUE_WIDTH),
          shown(former).slice(0, VALUE_WIDTH),
        ]),
      ),
    );
  }
  if (plan.cannot.length > 0) {
    printLine('\nThis cannot be undone:\n');
    printTable(
      ['how many', 'what, and its cure', 'for example'],
      plan.cannot.map(({ count, cure, examples }) => [String(count), cure, examples.join(', ')]),
    );
  }
  if (plan.standing.length > 0 && hold !== true) printLine(`\nNot yet: ${standsIn(plan)}`);
  else if (plan.pairs > 0)
    printLine('\nA value that customers do not see is never made public. To do it, add --yes.');
}

function showOutcome(outcome: UndoOutcome, { json }: UndoOptions): void {
  const { id, state, restored, left } = outcome;
  if (left.length > 0 || state !== 'done') process.exitCode = 1;
  if (json) return printJson(outcome);
  printLine(`Undo ${id}: ${restored} pairs are as they were before.`);
  if (left.length > 0) {
    printLine(`${left.length} were left, in whole or in part:\n`);
    printTable(
      ['pair', 'on', 'property', 'why'],
      left.flatMap(({ key, rows, why }) =>
        why !== null || rows.length === 0
          ? [[key, '', '', why ?? '']]
          : rows.map((row) => [key, row.side, row.property, row.why]),
      ),
    );
  }
  printLine(`\nTo undo this undo: zendesk-pms-sync undo --cause undo:${id}`);
}
