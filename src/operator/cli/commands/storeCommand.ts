import type { Command } from 'commander';
import { migrateStore, type MigratedCollection } from '../../../links/migrate';
import { MIGRATIONS } from '../../../links/migrations';
import { SCHEMA } from '../../../links/migrations/storedSchema';
import { common, settingsFor } from '../common';
import { withMongo, type CommonOptions } from '../withService';
import { printJson, printLine, printTable, progressLine } from '../output';

interface MigrateCommand extends CommonOptions {
  dryRun?: true;
}

/** `store migrate`: converts stored documents to the form of this release. */
export function registerStore(program: Command): void {
  const store = program.command('store').description('the stored documents of the service');
  common(
    store
      .command('migrate')
      .description('migrate all stored documents to this release’s version; exit code 1 if some are left')
      .option('--dry-run', 'show what would be done, and write nothing'),
    'store migrate --dry-run',
  ).action(migrate);
}

async function migrate(options: MigrateCommand): Promise<void> {
  const config = settingsFor(options);
  const dryRun = options.dryRun ?? false;
  const done = await withMongo(config, options, async (mongo) => {
    const line = progressLine();
    try {
      return await migrateStore(mongo.db(config.mongodbDatabase), {
        dryRun,
        onProgress: (collection, documents) => line.update(`${collection}: ${documents} documents`),
      });
    } finally {
      line.finish();
    }
  });
  if (options.json) printJson({ version: SCHEMA.version, dryRun, collections: done });
  else print(done, dryRun);
  if (done.some(({ left, failed }) => left > 0 || failed.length > 0)) process.exitCode = 1;
}

function print(done: MigratedCollection[], dryRun: boolean): void {
  const sum = (count: (each: MigratedCollection) => number) =>
    done.reduce((all, each) => all + count(each), 0);
  const oldest = Math.min(...done.map((each) => each.oldest ?? Infinity));
  for (const { from, name } of MIGRATIONS) if (from >= oldest) printLine(`${from} to ${from + 1}: ${name}`);
  printTable(
    ['collection', 'of an earlier version', dryRun ? 'can be migrated' : 'migrated'],
    done.map((each) => [each.collection, String(each.older), String(each.migrated)]),
  );
  const failed = done.flatMap((each) => each.failed.map(({ id, why }) => [each.collection, id, why]));
  if (failed.length > 0) printTable(['collection', 'document', 'why it cannot be migrated'], failed);
  const left = sum((each) => each.left);
  if (left > 0)
    printLine(`${left} were written again by a worker of an earlier release: stop it, and run this again`);
  const migrated = sum((each) => each.migrated);
  printLine(
    dryRun
      ? `version ${SCHEMA.version}: ${migrated} documents would be migrated; nothing was written`
      : `version ${SCHEMA.version}: ${migrated} documents migrated`,
  );
}
