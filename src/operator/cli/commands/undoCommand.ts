import type { Command } from 'commander';
import type { UndoFilter } from '../../../sync/undo';
import { undoProgress } from '../../../workflows/undo';
import { BadInput } from '../../operatorErrors';
import {
  CANNOT_COLUMNS,
  EXAMPLE_COLUMNS,
  LEFT_COLUMNS,
  UNDO_WORDS,
  VALUE_COLUMNS,
  expectCanBeDone,
  expectSelecting,
  leftLines,
  outcomeOf,
  planUndo,
  standingWords,
  type UndoOutcome,
  type UndoPlan,
} from '../../undo';
import { storeUndo, refusalIn, startUndo } from '../../undoRun';
import { common } from '../common';
import { followWorkflow } from '../followWorkflow';
import { printJson, printLine, printTable, shown } from '../output';
import { withService, type Connected } from '../withService';
import { filterOf, refuseUnknownRow, selecting, type SelectOptions } from './historyCommand';
import { commandLine } from '../../../platform/commandLine';

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
        .description(
          'replace values that the sync wrote with the former values; without --yes, only show the plan',
        ),
    )
      .option('--yes', 'do it')
      .option('--hold', 'undo before the mapping is corrected, and hold the rows until it is')
      .option('--resume <id>', 'continue an undo, or show its outcome'),
    'undo --cause mapping:9f3a11c0 --row priority',
  ).action(async (options: UndoOptions) =>
    withService(options, async (service) => {
      if (options.resume !== undefined) return follow(service, options.resume, options);
      const filter = await undoFilter(service, options);
      const plan = await planUndo(service.store, service.mapping, filter);
      if (plan.pairs === 0 && plan.cannot.length === 0) refuseUnknownRow(service.mapping, filter);
      if (options.yes !== true) return showPlan(plan, options);
      const hold = options.hold === true;
      expectCanBeDone(plan, hold);
      return follow(service, await storeUndo(service.store, filter, hold), options);
    }),
  );
}

/** @throws BadInput if no criterion says what to undo */
async function undoFilter(service: Connected, options: UndoOptions): Promise<UndoFilter> {
  const filter = await filterOf(service, options);
  expectSelecting(filter, '--since, --cause, --row or --pair');
  return { ...filter, until: new Date().toISOString() };
}

/** Starts the workflow, or joins the running one, and shows its progress. Ctrl-C leaves it running. */
async function follow(service: Connected, id: string, options: UndoOptions): Promise<void> {
  const { client, config, store } = service;
  const known = await store.undos.get(id);
  if (!known)
    throw new BadInput(
      `--resume: found "${id}", which is no undo, or its writes are no longer in the journal`,
    );
  if (known.state !== 'done') {
    const handle = await startUndo({ client, taskQueue: config.taskQueue }, id);
    try {
      await followWorkflow(handle, undoProgress, ({ told, state }) => `undo ${id}: ${state}, ${told} pairs`);
    } catch (error) {
      throw refusalIn(error) ?? error;
    }
  }
  const outcome = await outcomeOf(store, id);
  if (outcome) showOutcome(outcome, options);
}

/** Columns have lower-case names on the command line. */
const inLowerCase = (columns: readonly string[]) => columns.map((name) => name.toLowerCase());

function showPlan(plan: UndoPlan, { json, hold }: UndoOptions): void {
  if (json) return printJson(plan);
  if (plan.pairs === 0) printLine(UNDO_WORDS.nothing);
  else {
    printLine(`${UNDO_WORDS.planned(plan.pairs)}\n`);
    printTable(
      inLowerCase(VALUE_COLUMNS),
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
      inLowerCase(EXAMPLE_COLUMNS),
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
    printLine(`\n${UNDO_WORDS.cannot}\n`);
    printTable(
      inLowerCase(CANNOT_COLUMNS),
      plan.cannot.map(({ count, cure, examples }) => [String(count), cure, examples.join(', ')]),
    );
  }
  if (plan.standing.length > 0 && hold !== true) printLine(`\nNot yet: ${standingWords(plan)}`);
  else if (plan.pairs > 0) printLine(`\n${UNDO_WORDS.never} To do it, add --yes.`);
}

function showOutcome(outcome: UndoOutcome, { json }: UndoOptions): void {
  const { id, state, restored, left } = outcome;
  if (left.length > 0 || state !== 'done') process.exitCode = 1;
  if (json) return printJson(outcome);
  printLine(`Undo ${id}: ${UNDO_WORDS.restored(restored)}`);
  if (left.length > 0) {
    printLine(`${UNDO_WORDS.left(left.length)}\n`);
    printTable(
      inLowerCase(LEFT_COLUMNS),
      leftLines(outcome).map(({ key, on, property, why }) => [key, on, property, why]),
    );
  }
  printLine(`\nTo undo this undo: ${commandLine(`undo --cause undo:${id}`)}`);
}
