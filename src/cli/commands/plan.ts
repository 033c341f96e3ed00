import type { Command } from 'commander';
import { MongoClient } from 'mongodb';
import { checkMapping, loadMapping } from '../../config/mapping';
import { configuredBudgets, configuredSystems } from '../../config/systems';
import { startMongo } from '../../embedded';
import { withScratch } from '../../links/shelf';
import {
  PLAN_ACTIONS,
  dryRun,
  noCounts,
  type PlanAction,
  type PlanCounts,
  type PlanLine,
} from '../../plan/dryRun';
import { ENTITY_TYPES } from '../../sync/record';
import { inCallContext } from '../../systems/callContext';
import { passing } from '../passing';
import { common, settingsFor } from '../common';
import type { CommonOptions } from '../connect';
import { jsonOf, paint, printLine, printTable, progressLine, safe, type Colour } from '../output';
import { foundAddress } from '../servers';

interface PlanOptions extends CommonOptions {
  summary?: true;
}

export function registerPlan(program: Command): void {
  common(
    program
      .command('plan')
      .description(
        'dry run: what a sync would do now, without writing anything; exit code 1 if anything needs a person',
      )
      .option('--summary', 'print counts only'),
    'zendesk-pms-sync plan --summary',
  ).action(plan);
}

async function plan(options: PlanOptions): Promise<void> {
  const config = settingsFor(options);
  const budgets = configuredBudgets(config);
  const systems = configuredSystems(config, { budgets });
  const unchecked = loadMapping(config.mappingFile);
  const mapping = await passing(() => checkMapping(unchecked, systems, config.mappingFile));
  const progress = progressLine();
  // A plan is wanted before anything runs, too: then there is no link store yet, and a new one is as good.
  const mongodbUri = foundAddress('mongodbUri', config, options.data);
  const server = await startMongo({
    onProgress: (line) => progress.update(line),
    dataDir: options.data,
    ...(mongodbUri !== undefined && { mongodbUri }),
  });
  try {
    const mongo = await MongoClient.connect(server.uri);
    try {
      const db = mongo.db(config.mongodbDatabase);
      budgets.open(db);
      const counts = await withScratch(db, async (prefix) => {
        const input = { db, prefix, mapping, systems, onProgress: progress.update };
        return inCallContext({ lane: 'background' }, () =>
          passing(() => print(dryRun(input), options, progress.finish)),
        );
      });
      if (ENTITY_TYPES.some((type) => NEEDS_PERSON.some((action) => counts[type][action] > 0)))
        process.exitCode = 1;
    } finally {
      await mongo.close();
    }
  } finally {
    await server.stop();
  }
}

const NEEDS_PERSON: PlanAction[] = ['conflict', 'quarantine', 'fail'];

/** Prints lines as they come: a first sync may have more of them than fit into memory. */
async function print(
  lines: AsyncIterable<PlanLine>,
  { json, summary }: PlanOptions,
  onFirst: () => void,
): Promise<PlanCounts> {
  const counts = noCounts();
  let first = true;
  if (json && !summary) printLine('{"lines":[');
  for await (const line of lines) {
    counts[line.entity][line.action] += 1;
    if (first) onFirst();
    if (!summary) printLine(json ? `${first ? '' : ','}${jsonOf(line)}` : wordsFor(line));
    first = false;
  }
  onFirst();
  if (json) printLine(summary ? jsonOf({ counts }) : `],"counts":${jsonOf(counts)}}`);
  else {
    if (!first && !summary) printLine();
    printTable(
      ['entity', ...PLAN_ACTIONS],
      ENTITY_TYPES.map((type) => [type, ...PLAN_ACTIONS.map((action) => String(counts[type][action]))]),
    );
    printLine(first ? 'Nothing to do: both systems agree.' : 'Nothing was written.');
  }
  return counts;
}

const COLOURS: Partial<Record<PlanAction, Colour>> = {
  conflict: 'yellow',
  quarantine: 'red',
  fail: 'red',
  wait: 'dim',
};

function wordsFor({ action, key, zendesk, pms, on, properties, reason }: PlanLine): string {
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
  const text = `${action.padEnd(10)} ${safe(what[action]())}`;
  const colour = COLOURS[action];
  return colour ? paint(colour, text) : text;
}
