import type { Command } from 'commander';
import { rebuildLinks, type RebuildReport } from '../../../activities/rebuildLinks';
import { checkMapping } from '../../../config/loadMapping';
import { configuredBudgets, configuredSystems } from '../../../config/configuredSystems';
import { openShelf, withScratch } from '../../../links/shelf';
import { ENTITY_TYPES } from '../../../sync/record';
import { inCallContext } from '../../../systems/callContext';
import { SyncMetrics } from '../../../activities/metrics';
import { pairSignaller } from '../../../workers/pairSignals';
import { serviceLogger } from '../../../workers/service';
import { common } from '../common';
import { withService, type CommonOptions } from '../withService';
import { printJson, printLine, printTable, progressLine } from '../output';
import { commandLine } from '../../../platform/commandLine';

/** `links rebuild`: restores a link store that was lost. */
export function registerRebuild(links: Command): void {
  common(
    links
      .command('rebuild')
      .description(
        'restore lost links from the back-references on both sides, except values that were not taken; exit code 1 if some contradict each other, or a record cannot be read',
      ),
    'links rebuild',
  ).action(async (options: CommonOptions) =>
    withService(options, async ({ config, mapping: unchecked, mongo, store, client }) => {
      const db = mongo.db(config.mongodbDatabase);
      const budgets = configuredBudgets(config);
      budgets.open(db);
      const systems = configuredSystems(config, { budgets });
      systems.zendesk.rememberIn?.(store.firstComments);
      const formerName = await store.bindings.formerNames();
      const mapping = await checkMapping(unchecked, systems, config.mappingFile, formerName);
      const context = {
        store,
        mapping,
        systems,
        signalPair: pairSignaller(client, config.taskQueue, () => mapping, config.pairPrefix),
        log: serviceLogger(config.logLevel, null, 2),
        now: () => new Date(),
        metrics: new SyncMetrics(),
      };
      const progress = progressLine();
      const report = await withScratch(db, async (prefix) =>
        inCallContext({ lane: 'background' }, async () =>
          rebuildLinks(context, await openShelf(db, prefix, new Map()), (side, records) =>
            progress.update(`reading ${side}: ${records} records`),
          ),
        ),
      );
      progress.finish();
      if (options.json) printJson(report);
      else printReport(report);
      if (isAmbiguous(report) || report.aside > 0) process.exitCode = 1;
    }),
  );
}

function isAmbiguous({ entities }: RebuildReport): boolean {
  return ENTITY_TYPES.some((type) => entities[type].ambiguous > 0);
}

function printReport(report: RebuildReport): void {
  const { records, entities, told, aside } = report;
  printLine(`Read ${records.zendesk} records of Zendesk and ${records.pms} of the PMS.`);
  printTable(
    [
      'entity',
      'rebuilt',
      'of these differing',
      'of these ended',
      'kept',
      'ambiguous',
      'orphaned',
      'set aside',
    ],
    ENTITY_TYPES.map((type) => {
      const counts = entities[type];
      const { rebuilt, differing, ended, kept, ambiguous, orphaned } = counts;
      return [type, ...[rebuilt, differing, ended, kept, ambiguous, orphaned, counts.aside].map(String)];
    }),
  );
  printLine(`${told} pairs were signalled to sync.`);
  printLine(
    'Values that a side did not take are lost, because only the lost links had them. These rows count as different.',
  );
  if (aside > 0)
    printLine(
      `${aside} records are set aside, because they could not be read or kept. "${commandLine('aside list')}" says why; once they are corrected, run "${commandLine('aside retry')}"`,
    );
  if (isAmbiguous(report))
    printLine(
      `Some back-references contradict each other; a person must decide: ${commandLine('conflicts list')}`,
    );
}
