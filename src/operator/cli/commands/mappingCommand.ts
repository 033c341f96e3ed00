import type { Command } from 'commander';
import { loadMappingFile } from '../../../config/config';
import { bindMapping, loadMapping, offeredBy } from '../../../config/loadMapping';
import { configuredBudgets, configuredSystems } from '../../../config/configuredSystems';
import { pairCustomFields, type SuggestedRow } from '../../fieldPairs';
import { unstatedVisibility, whoSees } from '../../whoSees';
import { restingNow, restingWords, storedBindings } from '../../resting';
import { diffMappings, type MappingChange } from '../../mappingDiff';
import type { Mapping, PropertyRow } from '../../../sync/mapping';
import { ENTITY_TYPES } from '../../../sync/record';
import type { PropertyInfo } from '../../../systems/port';
import {
  CONFIG,
  CONNECTION,
  DATA_DIR,
  settingsFor,
  tabular,
  type SettingsOptions,
  examples,
} from '../common';
import { foundAddress } from '../servers';
import { systemErrorsAsProblems } from '../systemProblems';
import { paint, printJson, printLine, printTable } from '../output';
import { commandLine } from '../../../platform/commandLine';

interface Options extends SettingsOptions {
  json?: true;
  csv?: true;
}

const ARROWS = { both: '↔', toPms: '→', toZendesk: '←' } as const;

/** `mapping show`, `mapping check` and `mapping diff`: the rows of the mapping. */
export function registerMapping(program: Command): void {
  const mapping = program.command('mapping').description('the mapping: which properties correspond, and how');
  const json = (command: Command) => command.option('--json', 'print JSON instead of tables');
  tabular(
    json(
      mapping
        .command('show', { isDefault: true })
        .description('print its tables: Zendesk property, PMS property, PMS data type, direction')
        .argument('[file]', 'mapping file; default: the configured one')
        .option(...CONFIG)
        .option(...CONNECTION),
    ),
  )
    .addHelpText('after', examples('mapping show'))
    .action((file: string | undefined, options: Options) => {
      const { config = null, connection } = options;
      show(loadMapping(file ?? loadMappingFile(config, process.env, connection)), options);
    });
  json(
    mapping
      .command('check')
      .description(
        'compare it with the fields that both systems have now; exit code 1 if something does not fit',
      )
      .argument('[file]', 'mapping file; default: the configured one')
      .option(...CONFIG)
      .option(...CONNECTION),
  )
    .addHelpText('after', examples('mapping check mapping.yaml'))
    .action(check);
  json(
    mapping
      .command('diff')
      .description(
        'show what changes for the sync if one mapping file replaces another; exit code 1 if something does',
      )
      .argument('<before>', 'mapping file in use')
      .argument('<after>', 'new mapping file'),
  )
    .addHelpText('after', examples('mapping diff mapping.yaml mapping.new.yaml'))
    .action((before: string, after: string, options: Options) => {
      const changes = diffMappings(loadMapping(before), loadMapping(after));
      if (options.json) printJson(changes);
      else printChanges(changes);
      if (changes.length > 0) process.exitCode = 1;
    });
}

function show(mapping: Mapping, { json, csv }: Options): void {
  if (json) return printJson(ENTITY_TYPES.map((type) => asJson(mapping, type)));
  if (csv) {
    const rows = ENTITY_TYPES.flatMap((type) =>
      mapping.entities[type].rows.map((row) => {
        const [zendesk, , ...rest] = cellsOf(row);
        return [type, zendesk, ...rest];
      }),
    );
    return printTable(['entity', ...COLUMNS.filter((name) => name !== '')], rows);
  }
  for (const type of ENTITY_TYPES) {
    const { kind, rows, onDelete } = mapping.entities[type];
    printLine(
      paint('bold', `${type}: Zendesk ${kind.zendesk} ↔ PMS ${kind.pms}`) + ` (onDelete: ${onDelete})`,
    );
    printTable(COLUMNS, rows.map(cellsOf));
    printLine();
  }
}

const COLUMNS = ['Zendesk property', '', 'PMS property', 'PMS data type', 'direction', 'transform', 'winner'];

function cellsOf(row: PropertyRow): [zendesk: string, arrow: string, ...rest: string[]] {
  return [
    row.zendesk ?? '—',
    ARROWS[row.direction],
    row.pms ?? '—',
    row.type,
    row.direction,
    row.transform.kind + (row.write === 'create' ? ', on creation' : ''),
    winnerOf(row),
  ];
}

/** A row that goes one way, or is written once, has no winner. */
function winnerOf({ direction, write, winner }: PropertyRow): string {
  return direction === 'both' && write === 'always' ? winner : '—';
}

function asJson(mapping: Mapping, type: (typeof ENTITY_TYPES)[number]): object {
  const { kind, onDelete, rows } = mapping.entities[type];
  return {
    entity: type,
    kind,
    onDelete,
    rows: rows.map((row) => ({
      zendesk: row.zendesk,
      pms: row.pms,
      type: row.type,
      direction: row.direction,
      transform: row.transform.kind,
      write: row.write,
      winner: winnerOf(row),
    })),
  };
}

async function check(file: string | undefined, options: Options): Promise<void> {
  const config = settingsFor(options);
  const name = file ?? config.mappingFile;
  const systems = configuredSystems(config, { budgets: configuredBudgets(config) });
  const unchecked = loadMapping(name);
  const offered = await systemErrorsAsProblems(() => offeredBy(unchecked, systems));
  const stored = await storedBindings(foundAddress('mongodbUri', config, DATA_DIR), config.mongodbDatabase);
  const mapping = bindMapping(unchecked, systems, offered, name, stored.formerName);
  const resting = restingNow(mapping.resting, stored);
  const tables = ENTITY_TYPES.map((type) => {
    const table = mapping.entities[type];
    const fields = {
      zendesk: offered.zendesk.get(table.kind.zendesk) ?? ([] as PropertyInfo[]),
      pms: offered.pms.get(table.kind.pms) ?? ([] as PropertyInfo[]),
    };
    const unstated = unstatedVisibility(table, fields.pms);
    return { table, problems: unstated === null ? [] : [unstated], ...pairCustomFields(table, fields) };
  });
  const problems = [
    ...resting.map(restingWords),
    ...(mapping.misfits ?? []),
    ...tables.flatMap((each) => each.problems),
  ];
  if (options.json)
    printJson({
      file: name,
      version: mapping.version,
      rows: Object.fromEntries(tables.map(({ table }) => [table.entity, table.rows.length])),
      problems,
      resting,
      suggested: tables.flatMap(({ table, rows }) => rows.map((row) => ({ entity: table.entity, ...row }))),
      unmapped: tables.flatMap(({ table, unmapped }) =>
        unmapped.map((field) => ({ entity: table.entity, ...field })),
      ),
    });
  else {
    for (const { table, rows, unmapped } of tables) {
      const fitting = table.rows.filter((row) => row.restsOn === undefined).length;
      printLine(`${table.entity}: ${fitting} rows fit the fields of both systems`);
      const seen = whoSees(table);
      if (seen !== null) printLine(`  ${seen}`);
      for (const row of rows) printLine(`  not mapped, though both have it: ${asLine(row)}`);
      for (const field of unmapped)
        printLine(paint('dim', `  not mapped: ${field.side} ${field.name} "${field.title}" (${field.why})`));
    }
    for (const problem of problems) printLine(paint('yellow', `! ${problem}`));
  }
  if (problems.length > 0) process.exitCode = 1;
}

export function asLine({ title, ...row }: SuggestedRow): string {
  const fields = Object.entries(row).map(
    ([name, value]) =>
      `${name}: ${typeof value === 'object' ? JSON.stringify(value).replaceAll('"', '').replaceAll(',', ', ').replaceAll(':', ': ') : String(value)}`,
  );
  return `- { ${fields.join(', ')} } # ${title}`;
}

function printChanges(changes: MappingChange[]): void {
  if (changes.length === 0) return printLine('the same for the sync');
  const signs = { added: '+', removed: '-', changed: '~' } as const;
  for (const { entity, row, change, details } of changes) {
    printLine(`${signs[change]} ${entity}${row === null ? '' : ` row "${row}"`} ${change}`);
    for (const detail of details) printLine(`    ${detail}`);
  }
  printLine(
    `Each pair takes the new mapping at its next change; "${commandLine('remap')}" brings all of them to it.`,
  );
}
