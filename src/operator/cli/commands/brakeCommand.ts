import { WorkflowIdConflictPolicy } from '@temporalio/client';
import type { Command } from 'commander';
import type { HoldProgress } from '../../../activities/types';
import type { LinkStore } from '../../../links/linkStore';
import { endHold, holdProgress } from '../../../workflows/endHold';
import { endHoldId as workflowOf } from '../../../workflows/ids';
import { holdWords, holdsIn, openHolds, type HoldShown } from '../../brake';
import { BadInput } from '../../operatorErrors';
import { common } from '../common';
import { followWorkflow } from '../followWorkflow';
import { printJson, printLine } from '../output';
import { withService, type CommonOptions, type Connected } from '../withService';
import { commandLine } from '../../../platform/commandLine';

const EXAMPLES = 10;

interface EndOptions extends CommonOptions {
  yes?: true;
}

const ENDS: Record<HoldProgress['how'], { command: string; what: string; does: string }> = {
  releasing: {
    command: 'release',
    what: 'carry out the held changes',
    does: 'continue: the held changes are written',
  },
  discarding: {
    command: 'discard',
    what: 'discard the held changes; both sides keep their values',
    does: 'keep the values of both sides (values count as not taken; pairs do not end)',
  },
};

/** `brake show`, `release`, `discard`: changes that the brake holds, because too many pairs were changed alike. */
export function registerBrake(program: Command): void {
  const brake = program
    .command('brake')
    .description('changes that are held because too many pairs were changed alike');
  common(
    brake
      .command('show')
      .description(
        'list the holds: which changes, on how many pairs, since when and why; exit code 1 if there are any',
      ),
    'brake show',
  ).action(async (options: CommonOptions) =>
    withService(options, async ({ store }) => {
      const holds = await holdsIn(store);
      if (options.json) printJson(holds);
      else {
        if (holds.every(({ state }) => state === 'released')) printLine('nothing is held');
        holds.forEach(print);
      }
      if (openHolds(holds).length > 0) process.exitCode = 1;
    }),
  );
  for (const how of ['releasing', 'discarding'] as const) {
    const { command, what } = ENDS[how];
    common(
      brake
        .command(command)
        .description(`${what}; without --yes, show what would be done`)
        .argument('[hold...]', 'names from "brake show"; without any, all of them')
        .option('--yes', 'do it'),
      `brake ${command} TicketToProject/emptied/priority/pms --yes`,
    ).action(async (names: string[], options: EndOptions) =>
      withService(options, (service) => end(service, how, names, options)),
    );
  }
}

function print(hold: HoldShown): void {
  const { id, state, by, since, examples } = hold;
  printLine(`${id}  (${by === 'undo' ? 'for an undo' : state}, since ${since})`);
  printLine(`  ${holdWords(hold)}`);
  for (const key of examples) printLine(`  ${key}`);
}

async function end(
  service: Connected,
  how: HoldProgress['how'],
  names: string[],
  { yes, json }: EndOptions,
): Promise<void> {
  const { command, does } = ENDS[how];
  const chosen = choose(await holdsIn(service.store), names, await service.store.undos.heldNow());
  if (!yes) {
    const plan = await Promise.all(chosen.map((hold) => preview(service.store, hold)));
    if (json) return printJson({ command, done: false, holds: plan });
    for (const { hold, waiting, pairs } of plan) {
      printLine(`${hold}: ${waiting} pairs would ${does}`);
      for (const key of pairs) printLine(`  ${key}`);
    }
    if (plan.length === 0) printLine('nothing is held');
    else printLine(`nothing was changed; add --yes, or see "${commandLine('links show')}" of a pair first`);
    return;
  }
  const outcomes: HoldProgress[] = [];
  for (const hold of chosen) outcomes.push(await follow(service, hold.id, how));
  if (json) printJson({ command, done: true, holds: outcomes });
  else {
    for (const outcome of outcomes) printLine(words(outcome));
    if (how === 'releasing') for (const hold of chosen) printUndoCommand(hold);
  }
  if (outcomes.some(({ left }) => left > 0)) process.exitCode = 1;
}

/** Prints the command that takes a release back, because a hold may be released by mistake. */
function printUndoCommand({ id, row, bound }: HoldShown): void {
  if (row === null) return;
  const first = bound === undefined ? '' : ' (correct the mapping file first)';
  printLine(`To undo what was written${first}: ${commandLine(`undo --cause brake:${id} --row ${row}`)}`);
}

/** @param held holds of undos that are still running and end their holds themselves @throws BadInput */
function choose(
  holds: readonly HoldShown[],
  names: readonly string[],
  held: ReadonlySet<string>,
): HoldShown[] {
  const stillRunning = names.find((name) => held.has(name));
  if (stillRunning !== undefined)
    throw new BadInput(
      `hold: found "${stillRunning}", which belongs to an undo that is still running; wait until it ends`,
    );
  const ended = holds.filter(({ id, state }) => state !== 'released' && !held.has(id));
  const unknown = names.find((name) => !ended.some(({ id }) => id === name));
  if (unknown !== undefined)
    throw new BadInput(
      `hold: found "${unknown}", expected a name that "${commandLine('brake show')}" prints`,
    );
  return names.length === 0 ? openHolds(ended) : ended.filter(({ id }) => names.includes(id));
}

async function preview(store: Pick<LinkStore, 'heldBy'>, { id, waiting }: HoldShown) {
  return { hold: id, waiting, pairs: await store.heldBy(id, null, EXAMPLES) };
}

/** Starts the workflow, or joins the running one, and shows its progress. Ctrl-C leaves it running. */
async function follow(
  { client, config }: Connected,
  hold: string,
  how: HoldProgress['how'],
): Promise<HoldProgress> {
  const handle = await client.workflow.start(endHold, {
    workflowId: workflowOf(config.taskQueue, hold),
    taskQueue: config.taskQueue,
    args: [hold, how],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    staticSummary: `Brake: ${ENDS[how].command} ${hold}`,
  });
  return followWorkflow(handle, holdProgress, words);
}

function words({ hold, told, left }: HoldProgress): string {
  return `${hold}: ${told} pairs signalled, ${left} left as they are`;
}
