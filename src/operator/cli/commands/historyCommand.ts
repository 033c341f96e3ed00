import type { Command } from 'commander';
import type { JournalFilter } from '../../../links/journalStore';
import type { Mapping } from '../../../sync/mapping';
import { meant } from '../../../sync/schemaWords';
import { pairNamed } from '../../findPairs';
import { loadNaming } from '../../naming';
import { rowWords } from '../../titles';
import { HISTORY_COLUMNS, historyPage, linesOf } from '../../history';
import { common, tabular } from '../common';
import { clipped, paint, printJson, printLine, printTable, shown } from '../output';
import { entityOption, pastTime, positive, timeNamed } from '../targets';
import { ENTITY_TYPES, type EntityType } from '../../../sync/record';
import { BadInput } from '../../operatorErrors';
import { withService, type CommonOptions, type Connected } from '../withService';

/** The filters of commands about writes of the sync. */
export interface SelectOptions extends CommonOptions {
  pair?: string;
  entity?: EntityType;
  since?: string;
  cause?: string;
  row?: string;
}

interface HistoryOptions extends SelectOptions {
  until?: string;
  limit: number;
  after?: string;
}

const VALUE_WIDTH = 40;

/** Adds the options that select writes. */
export function selecting(command: Command): Command {
  return command
    .option('--pair <pair>', 'only of this pair: a record (zendesk:ticket:123) or a key')
    .addOption(entityOption('only of this entity'))
    .option('--since <time>', 'only from this time on, e.g. 2026-05-01T12:00:00Z')
    .option('--cause <cause>', 'only by this cause (remap:9f3a11c0), or kind of causes (remap)')
    .option('--row <row>', 'only with this row of the mapping, named as in "links show"');
}

export async function filterOf(
  service: Connected,
  { pair, entity, since, cause, row }: SelectOptions,
): Promise<JournalFilter> {
  return {
    ...(pair !== undefined && { key: await pairNamed(service, pair) }),
    ...(entity && { entity }),
    ...(since !== undefined && { since: pastTime('--since', since).toISOString() }),
    ...(cause !== undefined && { cause }),
    ...(row !== undefined && { row }),
  };
}

/**
 * A row that was removed from the mapping may still have writes. A row without writes and without a place in the
 * mapping is a typing error. @throws BadInput
 */
export function refuseUnknownRow(
  mapping: Mapping,
  { row, entity }: Pick<JournalFilter, 'row' | 'entity'>,
): void {
  if (row === undefined) return;
  const tables = ENTITY_TYPES.filter((type) => entity === undefined || type === entity);
  const names = [...new Set(tables.flatMap((type) => mapping.entities[type].rows.map(({ id }) => id)))];
  if (!names.includes(row))
    throw new BadInput(`--row: found "${row}", expected one of ${names.join(', ')}${meant(row, names)}`);
}

export function registerHistory(program: Command): void {
  tabular(
    common(
      selecting(program.command('history').description('what the sync wrote to both systems, latest first'))
        .option('--until <time>', 'only before this time')
        .option('--limit <n>', 'the largest number of writes to list', positive('--limit'), 50)
        .option('--after <place>', 'the end of the previous page'),
      'history --pair zendesk:ticket:123 --since 2026-05-01T12:00:00Z',
    ),
  ).action(async (options: HistoryOptions) =>
    withService(options, async (service) => {
      const { until, limit, after } = options;
      const filter: JournalFilter = {
        ...(await filterOf(service, options)),
        ...(until !== undefined && { until: timeNamed('--until', until).toISOString() }),
      };
      if (filter.since !== undefined && filter.until !== undefined && filter.since >= filter.until)
        throw new BadInput(`--until: found "${until}", expected a time after --since`);
      const { entries, next } = await historyPage(service.store, filter, after ?? null, limit);
      if (entries.length === 0) refuseUnknownRow(service.mapping, filter);
      if (options.json) return printJson({ entries, next });
      const naming = await loadNaming(service);
      printTable(
        HISTORY_COLUMNS.map((name) => name.toLowerCase()),
        entries
          .flatMap((entry) => linesOf(entry).map((line) => ({ ...line, entity: entry.entity })))
          .map(({ entity, at, key, record, what, row, before, after: now, why, outcome }) => [
            at,
            key,
            record,
            what,
            rowWords(naming, entity, row),
            clipped(shown(before), VALUE_WIDTH),
            clipped(shown(now), VALUE_WIDTH),
            why,
            outcome,
          ]),
        'nothing was written, or it is no longer in the journal',
      );
      if (next !== null) printLine(paint('dim', `… and more; --after '${next}' shows them`));
    }),
  );
}
