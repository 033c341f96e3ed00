import { randomUUID } from 'node:crypto';
import { WorkflowFailedError } from '@temporalio/client';
import { Argument, type Command } from 'commander';
import type { PauseState, ResyncFilter } from '../../../activities/types';
import { recordNamed } from '../../findPairs';
import { ENTITY_TYPES, type EntityType } from '../../../sync/record';
import { pauseOrResume } from '../../../workers/pauseControl';
import { resyncMany } from '../../../workflows';
import type { Scope } from '../../../workflows/control';
import { common } from '../common';
import { asking, confirmed, type AskOptions } from '../confirm';
import { withService, type CommonOptions, type Connected } from '../withService';
import { BadInput } from '../../operatorErrors';
import { printJson, printLine, printTable } from '../output';
import { entityOption, pastTime } from '../targets';
import { commandLine } from '../../../platform/commandLine';

const SCOPES: readonly Scope[] = ['everything', ...ENTITY_TYPES];

interface FilterOptions extends CommonOptions, AskOptions {
  entity?: EntityType;
  organization?: string;
  since?: string;
}

/** `pause`, `resume` and `resync-all`. */
export function registerControl(program: Command): void {
  for (const what of ['pause', 'resume'] as const) {
    const command = common(
      program
        .command(what)
        .description(
          what === 'pause'
            ? 'pause an entity type, or everything; changes are kept'
            : 'resume, with the changes that arrived meanwhile',
        )
        .addArgument(
          new Argument('[scope]', 'what is meant')
            .choices(SCOPES)
            .argParser(scopeNamed)
            .default('everything'),
        ),
      `${what} TicketToProject`,
    );
    asking(command).action(async (scope: Scope, options: CommonOptions & AskOptions) => {
      if (what === 'pause' && scope === 'everything')
        await confirmed(
          `No pair is synced until "${commandLine('resume')}"; changes are kept. Pause everything?`,
          options,
        );
      await withService(options, async ({ client, config }) =>
        print(await pauseOrResume(client, config.taskQueue, what, scope), options),
      );
    });
  }
  asking(
    common(
      program
        .command('resync-all')
        .description('read both records of many pairs again')
        .addOption(entityOption())
        .option('--organization <record>', 'an organization and its tickets, e.g. zendesk:organization:12')
        .option('--since <time>', 'pairs with a record that changed since, e.g. 2026-05-01T12:00:00Z'),
      'resync-all --organization zendesk:organization:12',
    ),
  ).action(async (options: FilterOptions) => withService(options, (service) => resyncAll(service, options)));
}

async function resyncAll(
  { client, config, mapping }: Connected,
  { entity, organization, since, json, yes }: FilterOptions,
): Promise<void> {
  const filter: ResyncFilter = {
    ...(entity !== undefined && { entity }),
    ...(organization !== undefined && { organization: recordNamed(mapping, organization) }),
    ...(since !== undefined && { since: pastTime('--since', since).toISOString() }),
  };
  if (Object.keys(filter).length === 0)
    await confirmed(
      'All pairs read both their records again, which takes two calls or more for each. Resync all?',
      yes ? { yes } : {},
    );
  try {
    const told = await client.workflow.execute(resyncMany, {
      workflowId: `${config.taskQueue}-resync-${randomUUID()}`,
      taskQueue: config.taskQueue,
      args: [filter],
    });
    if (json) printJson({ told });
    else printLine(`${told} pairs read both their records again`);
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause?.cause : null;
    // The worker knows which records are linked. Its refusal is shown to the user.
    if (cause instanceof Error && 'type' in cause && cause.type === 'BadInput')
      throw new BadInput(cause.message);
    throw error;
  }
}

/** @throws BadInput */
function scopeNamed(text: string): Scope {
  const found = SCOPES.find((each) => each === text);
  if (found === undefined) throw new BadInput(`scope: found "${text}", expected one of ${SCOPES.join(', ')}`);
  return found;
}

function print(state: PauseState, { json }: CommonOptions): void {
  if (json) return printJson({ ...state });
  printTable(
    ['entity', 'paused since', 'pairs with pending changes'],
    ENTITY_TYPES.map((type) => [type, state.paused[type] ?? '—', String(state.heldBack[type] ?? 0)]),
  );
}
