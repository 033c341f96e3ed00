import type { Command } from 'commander';
import { MongoClient } from 'mongodb';
import { checkMapping, loadMapping } from '../../../config/loadMapping';
import { configuredBudgets, configuredSystems } from '../../../config/configuredSystems';
import { lockFolder, startMongo } from '../../../platform/embedded/embeddedServers';
import { keepForecast } from '../../../links/forecasts';
import { withScratch } from '../../../links/shelf';
import {
  PLAN_ACTIONS,
  dryRun,
  noCounts,
  type PlanAction,
  type PlanCounts,
  type PlanLine,
} from '../../../checks/plan/dryRun';
import { forecastLimits } from '../../../checks/plan/forecastLimits';
import { forecast, type Forecast, type SyncWork } from '../../../sync/forecast';
import { ENTITY_TYPES } from '../../../sync/record';
import { inCallContext } from '../../../systems/callContext';
import { Stopped } from '../../operatorErrors';
import { storedBindings } from '../../resting';
import { FieldTitles, inTitles, type Naming } from '../../titles';
import { systemErrorsAsProblems } from '../systemProblems';
import { common, settingsFor, tabular } from '../common';
import type { CommonOptions } from '../withService';
import { forecastWords } from '../forecastWords';
import {
  jsonOf,
  paint,
  printCsvRow,
  printLine,
  printTable,
  progressLine,
  safe,
  type Colour,
} from '../output';
import { foundAddress } from '../servers';
import { printLegend } from '../legend';

interface PlanOptions extends CommonOptions {
  summary?: true;
}

export function registerPlan(program: Command): void {
  tabular(
    common(
      program
        .command('plan')
        .description(
          'dry run: show what a sync would do now; writes nothing; exit code 1 if a person must decide something',
        )
        .option('--summary', 'print counts only'),
      'plan --summary',
    ),
  ).action(plan);
}

async function plan(options: PlanOptions): Promise<void> {
  const config = settingsFor(options);
  const budgets = configuredBudgets(config);
  const systems = configuredSystems(config, { budgets });
  const unchecked = loadMapping(config.mappingFile);
  const mongodbUri = foundAddress('mongodbUri', config, options.data);
  const { formerName } = await storedBindings(mongodbUri, config.mongodbDatabase);
  const mapping = await systemErrorsAsProblems(() =>
    checkMapping(unchecked, systems, config.mappingFile, formerName),
  );
  const progress = progressLine();
  await withStore({ options, mongodbUri }, progress, async (mongo) => {
    const db = mongo.db(config.mongodbDatabase);
    budgets.open(db);
    const countsIn = (prefix: string) => {
      const input = { db, prefix, mapping, systems, onProgress: progress.update };
      const naming = { mapping, titles: new FieldTitles(mapping.bound ?? []) };
      const predict = async (work: SyncWork) => {
        const predicted = forecast(work, await forecastLimits(db, config, systems.pms));
        await keepForecast(db, { ...predicted, at: new Date().toISOString() });
        return predicted;
      };
      return inCallContext({ lane: 'background' }, () =>
        systemErrorsAsProblems(() => print(dryRun(input), { ...options, naming }, progress.finish, predict)),
      );
    };
    // If the command is stopped, the scratch documents are removed, too.
    const counts = await withScratch(db, (prefix) => Promise.race([countsIn(prefix), stopped()]));
    if (ENTITY_TYPES.some((type) => NEEDS_PERSON.some((action) => counts[type][action] > 0)))
      process.exitCode = 1;
  });
}

/** The service's link store. If no service runs, an own server: a new, empty store gives the right plan. */
async function withStore(
  { options, mongodbUri }: { options: PlanOptions; mongodbUri: string | undefined },
  progress: { update: (line: string) => void },
  work: (mongo: MongoClient) => Promise<void>,
): Promise<void> {
  const lock = mongodbUri === undefined ? await lockFolder(options.data, 'plan') : null;
  try {
    const server = await startMongo({
      onProgress: (line) => progress.update(line),
      dataDir: options.data,
      ...(mongodbUri !== undefined && { mongodbUri }),
    });
    try {
      const mongo = await MongoClient.connect(server.uri);
      try {
        await work(mongo);
      } finally {
        await mongo.close();
      }
    } finally {
      await server.stop();
    }
  } finally {
    await lock?.release();
  }
}

/** Rejects when a person stops the command, or when the reader of its output ends. */
function stopped(): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (signal: string) =>
      reject(new Stopped(signal === 'SIGINT' ? 'stopped by Ctrl-C' : 'stopped'));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGPIPE'] as const) process.once(signal, stop);
  });
}

const NEEDS_PERSON: PlanAction[] = ['conflict', 'quarantine', 'fail'];

const CSV_COLUMNS = ['action', 'entity', 'zendesk', 'pms', 'on', 'properties', 'reason'] as const;

function csvCells(line: PlanLine, naming: Naming): string[] {
  const { action, entity, zendesk, pms, on, properties, reason } = line;
  const words = (text: string) => inTitles(naming, entity, text);
  return [
    ...[action, entity, zendesk ?? '', pms ?? '', on ?? ''],
    ...[words(properties.join(', ')), words(reason ?? '')],
  ];
}

/** Prints each line at once: a first sync may have more lines than fit into memory. */
async function print(
  lines: AsyncGenerator<PlanLine, SyncWork, void>,
  { json, csv, summary, naming }: PlanOptions & { naming: Naming },
  onFirst: () => void,
  predict: (work: SyncWork) => Promise<Forecast>,
): Promise<PlanCounts> {
  const counts = noCounts();
  let first = true;
  if (json && !summary) printLine('{"lines":[');
  if (csv && !summary) printCsvRow(CSV_COLUMNS);
  let next = await lines.next();
  for (; !next.done; next = await lines.next()) {
    const line = next.value;
    counts[line.entity][line.action] += 1;
    if (first) onFirst();
    if (csv && !summary) printCsvRow(csvCells(line, naming));
    else if (!summary) printLine(json ? `${first ? '' : ','}${jsonOf(line)}` : wordsFor(line, naming));
    first = false;
  }
  onFirst();
  const predicted = await predict(next.value);
  if (json) {
    const ending = jsonOf({ counts, forecast: predicted });
    printLine(summary ? ending : `],${ending.slice(1)}`);
  } else {
    if (!first && !summary) printLine();
    // CSV has one table: the lines, or their counts.
    if (!csv || summary) printCounts(counts);
    if (!first) printLine(`By the limits of both APIs it takes ${forecastWords(predicted)}.`);
    printLine(first ? 'Nothing to do: both systems agree.' : 'Nothing was written.');
  }
  return counts;
}

function printCounts(counts: PlanCounts): void {
  printTable(
    ['entity', ...PLAN_ACTIONS],
    ENTITY_TYPES.map((type) => [type, ...PLAN_ACTIONS.map((action) => String(counts[type][action]))]),
  );
  printLegend(
    MEANINGS,
    ENTITY_TYPES.map((type) => counts[type]),
  );
}

const MEANINGS: Record<PlanAction, string> = {
  create: 'the record gets a new counterpart on the other side',
  link: 'two records that exist already are linked',
  update: 'values are copied to a record that exists already',
  end: 'a record was deleted or archived; onDelete in the mapping says what happens',
  wait: 'waits until its parent is linked (a ticket waits for its organization)',
  conflict: 'a person must decide',
  quarantine: 'the record cannot be synced as it is',
  fail: 'the other side would refuse the write',
};

const COLOURS: Partial<Record<PlanAction, Colour>> = {
  conflict: 'yellow',
  quarantine: 'red',
  fail: 'red',
  wait: 'dim',
};

function wordsFor(
  { action, entity, key, zendesk, pms, on, properties, reason }: PlanLine,
  naming: Naming,
): string {
  const name = on === 'zendesk' ? 'Zendesk' : 'the PMS';
  const pair = `${zendesk ?? '—'} ↔ ${pms ?? '—'}`;
  const what: Record<PlanAction, () => string> = {
    create: () => `in ${name} for ${zendesk ?? pms ?? key}`,
    link: () => pair,
    update: () =>
      `${(on === 'zendesk' ? zendesk : pms) ?? `the new record of ${key}`}: ${properties.join(', ')}`,
    end: () => `${pair}: ${reason ?? ''}`,
    wait: () => `${pair}: ${reason ?? ''}`,
    conflict: () => `${pair}: ${reason ?? ''}`,
    quarantine: () => `${pair}: ${reason ?? ''}`,
    fail: () => `${pair}: ${reason ?? ''}`,
  };
  const text = `${action.padEnd(10)} ${safe(inTitles(naming, entity, what[action]()))}`;
  const colour = COLOURS[action];
  return colour ? paint(colour, text) : text;
}
