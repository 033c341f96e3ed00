import type { Command } from 'commander';
import { answerOf } from '../../answer';
import { RESERVED_WORDS, fixOf, nextAttempt } from '../../explain';
import { offersOf, type Offers } from '../../offers';
import { pairNamed, recordNamed, searchLinks, type Searched } from '../../findPairs';
import { counterpartOf, recordOf } from '../../pairNames';
import { loadPairsNaming, reasonWords, type PairsNaming } from '../../naming';
import { inTitles, rowWords, titleRows } from '../../titles';
import { workOf, type Work } from '../../pairWork';
import { canonicalKey, parseCanonicalKey, parseRef, type CanonicalKey } from '../../../sync/canonicalKey';
import type { Link, LinkStatus } from '../../../sync/link';
import { SIDES, otherSide, type EntityType, type RefKey, type Side } from '../../../sync/record';
import { keptValues } from '../../../sync/rules/taken';
import { common, tabular, waiting } from '../common';
import { asking, confirmed, type AskOptions } from '../confirm';
import { withService, type CommonOptions, type Connected } from '../withService';
import { BadInput, Problem } from '../../operatorErrors';
import { paint, printJson, printLine, printTable, safe, shown } from '../output';
import { codeNamed, entityOption, positive, statusOption } from '../targets';
import { printChoice } from './conflictsCommand';
import { registerRecreate } from './recreateCommand';
import { printAnswer, withWholeReason, type WaitOptions } from './resyncCommand';
import { commandLine } from '../../../platform/commandLine';

const PAIR = 'a record (zendesk:ticket:123) or a key (TicketToProject/zendesk:ticket:123)';

export function registerLinks(program: Command): Command {
  const links = program.command('links').description('pairs of records, and their states');
  registerShow(links);
  registerFind(links);
  registerLink(links);
  registerRecreate(links);
  return links;
}

function registerShow(links: Command): void {
  common(
    links
      .command('show')
      .description('state, cause and next attempt of a pair, values in conflict, and its history')
      .argument('<pair>', PAIR),
    'links show zendesk:ticket:123',
  ).action(async (pair: string, options: CommonOptions) =>
    withService(options, async (service) => {
      const key = await pairNamed(service, pair);
      const link = await service.store.get(key);
      const work = await workOf(service, key);
      if (!link && work.length === 0)
        throw new Problem(`${key}: no link; the record was not seen yet, or is out of scope`);
      const offers = link && (await offersOf(service.store, service.mapping, link));
      if (options.json) return printJson({ ...(link && asJson(link, offers)), key, work });
      printPair(key, link, work, await loadPairsNaming(service, link ? [link] : []));
      if (link?.status === 'conflict' && offers) printChoice('To decide', link, offers);
    }),
  );
}

interface FindOptions extends CommonOptions {
  entity?: EntityType;
  status?: LinkStatus;
  code?: string;
  after?: string;
  limit: number;
}

function registerFind(links: Command): void {
  tabular(
    common(
      links
        .command('find')
        .description('list pairs; exit code 1 if there are none')
        .argument('[text]', 'part of a title, of an id or of a key')
        .addOption(entityOption())
        .addOption(statusOption())
        .option('--code <code>', 'only with this reason code, e.g. waiting or retry_later', codeNamed)
        .option('--after <key>', 'continue a search after this key', keyNamed)
        .option('--limit <n>', 'the largest number of pairs to list', positive('--limit'), 50),
      'links find --status pending',
    ),
  ).action(async (text: string | undefined, options: FindOptions) =>
    withService(options, async ({ store, mapping }) => {
      const { entity, status, code, limit, after = null } = options;
      const filter = {
        ...(entity && { entity }),
        ...(status && { status }),
        ...(code !== undefined && { code }),
        ...(text !== undefined && { text, titles: titleRows(mapping) }),
      };
      const found = await searchLinks(store, filter, { after, limit, withinMs: SEARCH_MS });
      const { links: list, more, stoppedAt } = found;
      const naming = await loadPairsNaming({ store, mapping }, list);
      if (options.json)
        printJson({
          links: list.map((link) => ({ ...asJson(link, null), title: naming.pairs.get(link._id) ?? '' })),
          more,
          stoppedAt,
        });
      else printFound(found, naming, limit);
      if (list.length === 0) process.exitCode = 1;
    }),
  );
}

/** @throws BadInput */
function keyNamed(text: string): string {
  try {
    parseCanonicalKey(text);
    return text;
  } catch {
    throw new BadInput(
      `--after: found "${text}", expected the key that "${commandLine('links find')}" printed, e.g. TicketToProject/zendesk:ticket:123`,
    );
  }
}

/** The time limit of a search; a million links take longer. */
const SEARCH_MS = 10_000;

function printFound({ links: found, more, stoppedAt }: Searched, naming: PairsNaming, limit: number): void {
  printTable(
    ['record', 'title', 'state', 'counterpart', 'reason'],
    found.map((link) => [
      recordOf(link),
      naming.pairs.get(link._id) ?? '',
      link.status,
      counterpartOf(link) ?? '—',
      reasonWords(naming, link),
    ]),
    stoppedAt === null ? 'no pair found' : 'no pair found so far',
  );
  if (stoppedAt !== null)
    printLine(
      paint('yellow', `The search stopped after ${SEARCH_MS / 1000} s; --after ${stoppedAt} goes on.`),
    );
  else if (more) printLine(paint('dim', `… and more; --limit ${limit * 10} shows them`));
}

function registerLink(links: Command): void {
  asking(
    waiting(
      common(
        links
          .command('unlink')
          .description('unlink a pair: both records stay as they are, and the sync does not link them again')
          .argument('<pair>', PAIR),
        'links unlink zendesk:ticket:123',
      ),
    ),
  ).action(async (pair: string, options: WaitOptions & AskOptions) =>
    withService(options, async (service) => {
      const key = await pairNamed(service, pair);
      await confirmed(
        `${key}: both records stay, and changes are not copied between them any more. Unlink?`,
        options,
      );
      const unlink = () => service.commands.resolve(key, { counterpart: 'none' });
      const answer = await answerOf(service.client, options.wait, unlink);
      printAnswer(await withWholeReason(service.store, answer), options);
    }),
  );
  waiting(
    common(
      links
        .command('link')
        .description('join two records, or a pair that was unlinked')
        .argument('<record>', 'e.g. zendesk:ticket:123')
        .argument('<counterpart>', 'e.g. pms:project:P-7'),
      'links link zendesk:ticket:123 pms:project:P-7',
    ),
  ).action(async (record: string, counterpart: string, options: WaitOptions) =>
    withService(options, async (service) => {
      const { mapping, client, commands } = service;
      const refs = [recordNamed(mapping, record), recordNamed(mapping, counterpart)] as const;
      const { key, other } = await pairToLink(service, refs);
      const answer = await answerOf(client, options.wait, () =>
        commands.resolve(key, { counterpart: other }),
      );
      printAnswer(await withWholeReason(service.store, answer), options);
      if (answer.status !== 'linked') process.exitCode = 1;
    }),
  );
}

/** The record whose pair is used: the record with a link, or else the Zendesk record. */
async function pairToLink(
  { store, mapping }: Connected,
  [a, b]: readonly [RefKey, RefKey],
): Promise<{ key: CanonicalKey; other: RefKey }> {
  const refs = { [parseRef(a).side]: a, [parseRef(b).side]: b };
  const { zendesk, pms } = refs;
  if (zendesk === undefined || pms === undefined)
    throw new BadInput(`${a} and ${b} are of the same side; expected one record of each side`);
  const kinds = { zendesk: parseRef(zendesk).kind, pms: parseRef(pms).kind };
  const entity = (Object.keys(mapping.entities) as EntityType[]).find((type) =>
    SIDES.every((side) => mapping.entities[type].kind[side] === kinds[side]),
  );
  if (!entity) throw new BadInput(`a ${kinds.zendesk} and a ${kinds.pms} do not correspond; see: mapping`);
  const owners = await store.claims.owners([zendesk, pms]);
  for (const side of SIDES) {
    const own = side === 'zendesk' ? zendesk : pms;
    const key = canonicalKey(entity, parseRef(own));
    const speaks = owners.get(own) === key || (!owners.has(own) && (await store.get(key)) !== null);
    if (speaks) return { key, other: side === 'zendesk' ? pms : zendesk };
  }
  return { key: canonicalKey(entity, parseRef(zendesk)), other: pms };
}

function sideName(side: Side): string {
  return side === 'zendesk' ? 'Zendesk' : 'PMS';
}

function asJson(link: Link, offers: Offers | null): Record<string, unknown> {
  const { _id, intent, ...rest } = link;
  const chosenFrom = offers && { candidates: offers.free, create: offers.create };
  return { key: _id, ...rest, ...chosenFrom, nextAttempt: nextAttempt(link), writing: intent !== null };
}

function printPair(key: CanonicalKey, link: Link | null, work: Work[], naming: PairsNaming): void {
  const title = naming.pairs.get(key) ?? '';
  printLine(paint('bold', title === '' ? key : `${key}  ${safe(title)}`));
  const field = (name: string, value: string) => printLine(`  ${name.padEnd(13)} ${value}`);
  if (link) {
    const colour = link.status === 'linked' ? 'green' : link.status === 'pending' ? 'yellow' : 'red';
    field('state', paint(colour, link.status) + (link.reason ? ` since ${link.reason.since}` : ''));
    field('cause', link.reason ? `${safe(reasonWords(naming, link))} (${link.reason.code})` : '—');
    const fix = fixOf(link);
    // For a conflict, the commands that decide it are printed below.
    if (fix !== null && link.status !== 'conflict') field('fix', fix);
    field('next attempt', nextAttempt(link));
    const { origin } = parseCanonicalKey(key);
    for (const side of [origin.side, otherSide(origin.side)]) {
      const known = link.sides[side];
      field(sideName(side), known ? `${known.ref}, ${known.state}, version ${known.version}` : '—');
    }
    if (link.waitsFor.length > 0) field('waits for', link.waitsFor.join(', '));
    field('mapping', link.mappingVersion);
  } else field('state', 'not linked yet');
  for (const { activity, attempt, lastFailure, nextAttempt: next } of work) {
    const failed = lastFailure === null ? '' : `; failed: ${safe(lastFailure)}`;
    field('at work', `${activity}, attempt ${attempt}${failed}${next === null ? '' : `; next ${next}`}`);
  }
  if (link) printRows(link, naming);
}

/** The rows of a pair that may need a person's attention. */
function printRows(
  { entity, conflicts, notTaken = [], reserved = {}, history }: Link,
  naming: PairsNaming,
): void {
  const name = (row: string) => rowWords(naming, entity, row);
  const list = (titles: string[], rows: string[][]) => {
    if (rows.length === 0) return;
    printLine();
    printTable(titles, rows);
  };
  list(
    ['in conflict', 'Zendesk', 'PMS', 'since'],
    conflicts.map(({ row, zendesk, pms, since }) => [name(row), shown(zendesk), shown(pms), since]),
  );
  list(
    ['not taken', 'by', 'Zendesk', 'PMS', 'since', 'why'],
    notTaken.map((each) => {
      const { zendesk, pms } = keptValues(each);
      const why = safe(inTitles(naming, entity, each.words));
      return [name(each.row), sideName(each.side), shown(zendesk), shown(pms), each.since, why];
    }),
  );
  list(
    ['left alone', 'on', 'elements', 'why'],
    Object.entries(reserved).flatMap(([row, sides]) =>
      SIDES.flatMap((side) => {
        const elements = sides[side];
        return elements ? [[name(row), sideName(side), shown(elements), RESERVED_WORDS]] : [];
      }),
    ),
  );
  list(
    ['overruled at', 'property', 'on', 'lost', 'kept', 'by'],
    history.map(({ at, row, side, lost, kept, rule }) => [
      ...[at, name(row), sideName(side), shown(lost), shown(kept), rule],
    ]),
  );
}
