import type { Command } from 'commander';
import { configuredBudgets, configuredSystems } from '../../../config/configuredSystems';
import { SIDES, type Side } from '../../../sync/record';
import type { SystemPort } from '../../../systems/port';
import { common, tabular } from '../common';
import { asking, confirmed, type AskOptions } from '../confirm';
import { withService, type CommonOptions, type Connected } from '../withService';
import { BadInput } from '../../operatorErrors';
import { printJson, printLine, printTable } from '../output';
import { pastTime } from '../targets';

/** `cursors list` shows the position of each change stream; `cursors rewind` sets it to an earlier time. */
export function registerCursors(program: Command): void {
  const cursors = program.command('cursors').description('the positions of the change streams');
  tabular(
    common(
      cursors
        .command('list')
        .description('show each stream’s cursor, when it moved, and when it was last read to its end'),
      'cursors list',
    ),
  ).action(async (options: CommonOptions) => withService(options, (service) => list(service, options)));
  asking(
    common(
      cursors
        .command('rewind')
        .description('read a stream again from a given time; known records do not change')
        .argument('<stream>', 'a name from "cursors list", e.g. zendesk:tickets')
        .argument('<time>', 'e.g. 2026-05-01T12:00:00Z, or "start" for its beginning'),
      'cursors rewind zendesk:tickets 2026-05-01T12:00:00Z',
    ),
  ).action(async (stream: string, time: string, options: CommonOptions & AskOptions) =>
    withService(options, (service) => rewind(service, stream, time, options)),
  );
}

async function list(service: Connected, { json }: CommonOptions): Promise<void> {
  const known = new Map(
    (await service.store.cursors.positions()).map((position) => [position.name, position]),
  );
  const streams = streamsOf(systemsOf(service)).map((name) => ({
    cursor: null,
    movedAt: null,
    readAt: null,
    ...known.get(name),
    name,
  }));
  if (json) return printJson(streams);
  printTable(
    ['stream', 'cursor', 'moved', 'read to its end'],
    streams.map(({ name, cursor, movedAt, readAt }) => [
      name,
      cursor ?? '(start)',
      movedAt ?? '—',
      readAt ?? '—',
    ]),
  );
}

async function rewind(service: Connected, name: string, time: string, options: AskOptions): Promise<void> {
  const since = time === 'start' ? null : pastTime('time', time, 'or "start"');
  const systems = systemsOf(service);
  const streams = streamsOf(systems);
  const side = SIDES.find((each) => name.startsWith(`${each}:`));
  if (side === undefined || !streams.includes(name))
    throw new BadInput(`stream: found "${name}", expected one of ${streams.join(', ')}`);
  if (since === null)
    await confirmed(`${name} is read from its beginning, record by record. Rewind?`, options);
  const cursor = since && (await systems[side].cursorAt(name.slice(side.length + 1), since));
  await service.store.cursors.rewind(name, cursor);
  printLine(`${name}: the next poll reads from ${since?.toISOString() ?? 'its beginning'}`);
}

function systemsOf({ config, mongo }: Connected): Record<Side, SystemPort> {
  const budgets = configuredBudgets(config);
  budgets.open(mongo.db(config.mongodbDatabase));
  return configuredSystems(config, { budgets });
}

function streamsOf(systems: Record<Side, SystemPort>): string[] {
  return SIDES.flatMap((side) => systems[side].streams.map((stream) => `${side}:${stream}`));
}
