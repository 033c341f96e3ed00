import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { setPaused } from '../../pauseSchedule';
import { BadInput } from '../../operatorErrors';
import { schedulesOf } from '../../scheduleStates';
import { scheduleIds } from '../../../workers/schedules';
import { common, tabular } from '../common';
import { printJson, printTable } from '../output';
import { withService, type CommonOptions, type Connected } from '../withService';

interface PauseOptions extends CommonOptions {
  why: string;
}

/** `schedules list`, `schedules pause` and `schedules resume`. */
export function registerSchedules(program: Command): void {
  const schedules = program
    .command('schedules')
    .description('recurring tasks: polls, link hygiene, reconcile');
  tabular(
    common(schedules.command('list').description('their states, last and next runs'), 'schedules list'),
  ).action(async (options: CommonOptions) => withService(options, (service) => print(service, options)));
  common(
    schedules
      .command('pause')
      .description('pause a Schedule; its task does not run until it is resumed')
      .argument('<id>', 'as "schedules list" shows it')
      .option('--why <text>', 'reason, which the Web UI and the console show', ''),
    'schedules pause zendesk-pms-sync-poll-pms --why "PMS is being moved"',
  ).action(async (id: string, options: PauseOptions) => set(id, true, options));
  common(
    schedules.command('resume').description('resume one').argument('<id>', 'as "schedules list" shows it'),
    'schedules resume zendesk-pms-sync-poll-pms',
  ).action(async (id: string, options: CommonOptions) => set(id, false, { ...options, why: '' }));
}

function set(id: string, paused: boolean, options: PauseOptions): Promise<void> {
  return withService(options, async (service) => {
    const { taskQueue } = service.config;
    const found = await setPaused(
      { client: service.client, taskQueue },
      { id, paused, why: options.why, who: userInfo().username },
    );
    if (!found)
      throw new BadInput(
        `"${id}" is no Schedule of this service; expected one of ${scheduleIds(taskQueue).join(', ')}`,
      );
    await print(service, options);
  });
}

async function print({ client, config }: Connected, { json }: CommonOptions): Promise<void> {
  const found = (await schedulesOf(client, config.taskQueue)).filter(({ exists }) => exists);
  if (json) return printJson(found);
  printTable(
    ['Schedule', 'state', 'note', 'last run', 'next run'],
    found.map(({ id, paused, running, note, lastRun, nextRun }) => [
      id,
      paused ? 'paused' : running ? 'running' : 'waiting',
      note,
      lastRun ?? '—',
      paused ? '—' : (nextRun ?? '—'),
    ]),
  );
}
