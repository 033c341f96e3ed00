import type { Command } from 'commander';
import { pairNamed } from '../../findPairs';
import { loadPairsNaming } from '../../naming';
import { BadInput, Problem } from '../../operatorErrors';
import { countsOf, inOrder, missingOf, missingRecords, recreate, type MissingRecord } from '../../recreate';
import type { EntityType } from '../../../sync/record';
import { common, waiting } from '../common';
import { asking, confirmed, type AskOptions } from '../confirm';
import { paint, printLine, printTable, progressLine } from '../output';
import { entityOption } from '../targets';
import { withService, type CommonOptions, type Connected } from '../withService';
import { printAnswers, withWholeReason, type WaitOptions } from './resyncCommand';

/** The most records that a preview lists. */
const LISTED = 20;

interface RecreateOptions extends WaitOptions, AskOptions {
  absent?: true;
  entity?: EntityType;
}

export function registerRecreate(links: Command): void {
  asking(
    waiting(
      common(
        links
          .command('recreate')
          .description(
            'create lost records again from their counterparts, e.g. after a side was restored from a backup; exit code 1 if not all pairs are linked',
          )
          .argument(
            '[pair...]',
            'a record (zendesk:ticket:123) or a key (TicketToProject/zendesk:ticket:123)',
          )
          .option('--absent', 'all pairs that wait because a record was not found')
          .addOption(entityOption()),
        'links recreate --absent',
      ),
    ),
  ).action(async (pairs: string[], options: RecreateOptions) => {
    if ((pairs.length === 0) !== (options.absent === true))
      throw new BadInput('found neither pairs nor --absent, or both; expected one of them');
    await withService(options, async (service) => {
      const missing = options.absent
        ? await missingRecords(service.store, options.entity)
        : await named(service, pairs);
      await printPreview(service, missing, options);
      if (missing.length === 0) return;
      await confirmed(question(missing), options);
      const progress = progressLine();
      const answers = await recreate(service, missing, options.wait, (done) =>
        progress.update(`${done} of ${missing.length} pairs`),
      );
      progress.finish();
      const whole = await Promise.all(answers.map((answer) => withWholeReason(service.store, answer)));
      printAnswers(whole, options);
    });
  });
}

async function named(service: Connected, pairs: readonly string[]): Promise<MissingRecord[]> {
  const found: MissingRecord[] = [];
  for (const pair of pairs) {
    const key = await pairNamed(service, pair);
    const link = await service.store.get(key);
    const missing = link && missingOf(link);
    if (!missing)
      throw new Problem(
        `${key}: neither of its records is known to be lost; if one is, first run: resync ${key}`,
      );
    found.push(missing);
  }
  return inOrder(found);
}

async function printPreview(
  { store, mapping }: Connected,
  missing: readonly MissingRecord[],
  { json }: CommonOptions,
): Promise<void> {
  if (json) return;
  const some = missing.slice(0, LISTED);
  const naming = await loadPairsNaming(
    { store, mapping },
    some.map(({ link }) => link),
  );
  printTable(
    ['gone', 'made again from', 'title', 'since'],
    some.map(({ link, gone, left }) => [
      gone,
      left,
      naming.pairs.get(link._id) ?? '',
      link.reason?.since ?? '',
    ]),
    'no pair waits for a record that was not found',
  );
  if (missing.length > LISTED) printLine(paint('dim', `… and ${missing.length - LISTED} more`));
}

function question(missing: readonly MissingRecord[]): string {
  const isZendesk = missing.some(({ side }) => side === 'zendesk');
  const mails = isZendesk ? ' Zendesk may send e-mails about new tickets and comments.' : '';
  return `${countsOf(missing)} will be created again, with new ids.${mails} Continue?`;
}
