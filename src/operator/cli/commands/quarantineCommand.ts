import type { Command } from 'commander';
import type { CanonicalKey } from '../../../sync/canonicalKey';
import type { LinkFilter } from '../../../links/links';
import { linksThat, pairNamed } from '../../findPairs';
import { recordOf } from '../../pairNames';
import { loadPairsNaming, reasonWords, type PairsNaming } from '../../naming';
import type { Link } from '../../../sync/link';
import type { EntityType } from '../../../sync/record';
import { common, tabular, waiting } from '../common';
import { withService, type CommonOptions } from '../withService';
import { BadInput } from '../../operatorErrors';
import { printJson, printLine, printTable } from '../output';
import { codeNamed, entityOption } from '../targets';
import { printAnswers, resyncAll, type WaitOptions } from './resyncCommand';

interface Filter {
  entity?: EntityType;
  code?: string;
}

export function registerQuarantine(program: Command): void {
  const quarantine = program.command('quarantine').description('pairs that cannot be synced as they are');
  filtered(
    tabular(
      common(
        quarantine.command('list').description('list them with their reasons; exit code 1 if there are any'),
        'quarantine list --code closed_ticket',
      ),
    ),
  ).action(async (options: CommonOptions & Filter) =>
    withService(options, async ({ store, mapping }) => {
      const found: Link[] = [];
      for await (const link of linksThat(store, quarantined(options))) found.push(link);
      if (options.json) printJson(found.map(asJson));
      else printList(found, await loadPairsNaming({ store, mapping }, found));
      if (found.length > 0) process.exitCode = 1;
    }),
  );
  filtered(
    waiting(
      tabular(
        common(
          quarantine
            .command('retry')
            .description(
              'try again after the cause was removed; exit code 1 unless all are linked afterwards',
            )
            .argument('[pair...]', 'records (zendesk:ticket:123) or keys; without any, all that match'),
          'quarantine retry --code unmapped_value',
        ),
      ).option('--all', 'all that are quarantined'),
    ),
  ).action(async (pairs: string[], options: WaitOptions & Filter & { all?: true }) => {
    const { all, entity, code } = options;
    const some = entity !== undefined || code !== undefined;
    if (pairs.length > 0 && (all || some))
      throw new BadInput('found pairs together with --all, --entity or --code; expected one or the other');
    if (pairs.length === 0 && !all && !some)
      throw new BadInput('found nothing to retry; expected pairs, --entity, --code or --all');
    await withService(options, async (service) => {
      const keys: CanonicalKey[] = [];
      for (const pair of pairs) keys.push(await pairNamed(service, pair));
      if (pairs.length === 0)
        for await (const link of linksThat(service.store, quarantined(options))) keys.push(link._id);
      if (keys.length === 0 && !options.json && !options.csv) return printLine('no quarantined pair matches');
      printAnswers(await resyncAll(service, keys, options.wait), options);
    });
  });
}

function filtered(command: Command): Command {
  return command
    .addOption(entityOption())
    .option('--code <code>', 'only with this reason code, e.g. closed_ticket', codeNamed);
}

function quarantined({ entity, code }: Filter): LinkFilter {
  return { status: 'quarantined', ...(entity && { entity }), ...(code !== undefined && { code }) };
}

function printList(links: Link[], naming: PairsNaming): void {
  printTable(
    ['record', 'title', 'code', 'since', 'reason'],
    links.map((link) => [
      recordOf(link),
      naming.pairs.get(link._id) ?? '',
      link.reason?.code ?? '',
      (link.reason?.since ?? '').slice(0, 16).replace('T', ' '),
      reasonWords(naming, link),
    ]),
    'nothing is quarantined',
  );
}

function asJson({ _id, entity, reason, sides }: Link): unknown {
  return {
    key: _id,
    entity,
    code: reason?.code ?? null,
    reason: reason?.text ?? null,
    since: reason?.since ?? null,
    zendesk: sides.zendesk?.ref ?? null,
    pms: sides.pms?.ref ?? null,
  };
}
