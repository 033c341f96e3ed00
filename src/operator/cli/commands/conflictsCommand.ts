import { readFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { cannotRead } from '../../../platform/systemErrors';
import type { CanonicalKey } from '../../../sync/canonicalKey';
import type { Link } from '../../../sync/link';
import { decide, type Choice } from '../../decide';
import { decideBy } from '../../explain';
import { offersOf, type Offers } from '../../offers';
import { recordOf } from '../../pairNames';
import { loadPairsNaming, reasonWords, type PairsNaming } from '../../naming';
import { inWordsOf, rowWords } from '../../titles';
import { linksThat, pairNamed } from '../../findPairs';
import { SIDES, type EntityType, type RefKey, type Side } from '../../../sync/record';
import { common, tabular, waiting } from '../common';
import { withService, type CommonOptions } from '../withService';
import { BadInput } from '../../operatorErrors';
import { clipped, printJson, printLine, printTable, shown } from '../output';
import { entityOption } from '../targets';
import { printAnswer, withWholeReason, type WaitOptions } from './resyncCommand';

const VALUE_WIDTH = 60;

export function registerConflicts(program: Command): void {
  const conflicts = program.command('conflicts').description('conflicts that a person must decide');
  tabular(
    common(
      conflicts
        .command('list')
        .description('list conflicts; exit code 1 if there are any')
        .addOption(entityOption()),
      'conflicts list --entity OrgToCustomer',
    ),
  ).action(async (options: CommonOptions & { entity?: EntityType }) =>
    withService(options, async ({ store, mapping }) => {
      const { entity } = options;
      const found: Link[] = [];
      for await (const link of linksThat(store, { status: 'conflict', ...(entity && { entity }) }))
        found.push(link);
      const offers = new Map<CanonicalKey, Offers>();
      for (const link of found) offers.set(link._id, await offersOf(store, mapping, link));
      if (options.json) printJson(found.map((link) => asJson(link, offers)));
      else {
        const naming = { ...(await loadPairsNaming({ store, mapping }, found)), offers };
        if (options.csv) printOneTable(found, naming);
        else printList(found, naming);
      }
      if (found.length > 0) process.exitCode = 1;
    }),
  );
  waiting(
    common(
      conflicts
        .command('resolve')
        .description('decide a conflict of a property, or choose the counterpart')
        .argument('<pair>', 'a record (zendesk:ticket:123) or a key (TicketToProject/zendesk:ticket:123)')
        .option('--row <property>', 'the property in conflict, from "conflicts list"')
        .addOption(
          new Option('--choose <side>', 'the side whose value counts').choices(SIDES).argParser(sideNamed),
        )
        .option('--value <value>', 'a merged value, in the form of the PMS; JSON if it is not text')
        .option('--value-file <file>', 'the same from a file; - for standard input')
        .option('--link <record>', 'the record that is the counterpart')
        .option('--create', 'create a new counterpart, and use none of the candidates')
        .option('--unlink', 'leave the record without a counterpart'),
      'conflicts resolve zendesk:ticket:123 --row title --choose pms',
    ),
  ).action(async (pair: string, options: ResolveOptions) => {
    const choice = readChoice(options);
    await withService(options, async (service) => {
      const key = await pairNamed(service, pair);
      const answer = await decide(service, key, choice, { wait: options.wait, valueName: '--value' });
      printAnswer(await withWholeReason(service.store, answer), options);
      if (answer.status === 'quarantined') process.exitCode = 1;
    });
  });
}

interface ResolveOptions extends WaitOptions {
  row?: string;
  choose?: Side;
  value?: string;
  valueFile?: string;
  link?: string;
  create?: true;
  unlink?: true;
}

function sideNamed(text: string): Side {
  const side = SIDES.find((each) => each === text);
  if (side) return side;
  throw new BadInput(`--choose: found "${text}", expected zendesk or pms`);
}

/** Parses the decision. @throws BadInput unless exactly one option gives it */
function readChoice({ row, choose, value, valueFile, link, create, unlink }: ResolveOptions): Choice {
  const ways = { choose, value, 'value-file': valueFile, link, create, unlink };
  const given = Object.entries(ways).filter(([, option]) => option !== undefined);
  const [only, ...more] = given.map(([name]) => name);
  if (only === undefined || more.length > 0) {
    const found = given.length === 0 ? 'nothing' : given.map(([name]) => `--${name}`).join(' and ');
    throw new BadInput(
      `found ${found}, expected one of ${Object.keys(ways)
        .map((name) => `--${name}`)
        .join(', ')}`,
    );
  }
  const ofRow = choose !== undefined || value !== undefined || valueFile !== undefined;
  if (ofRow && row === undefined) throw new BadInput(`--${only} needs --row, the property in conflict`);
  if (!ofRow && row !== undefined)
    throw new BadInput(`--row: found with --${only}, which is about the whole pair`);
  if (row !== undefined && choose !== undefined) return { row, choice: choose };
  if (row !== undefined) return { row, value: value ?? readValue(valueFile ?? '') };
  return { counterpart: link ?? (create ? 'create' : 'none') };
}

function readValue(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new BadInput(`--value-file: ${file} ${cannotRead(error)}`);
  }
}

type AllOffers = ReadonlyMap<CanonicalKey, Offers>;
type ListNaming = PairsNaming & { offers: AllOffers };

const NO_OFFERS: Offers = { free: [], taken: [], create: false };

function asJson(link: Link, offers: AllOffers): unknown {
  const { _id, entity, reason, conflicts, sides } = link;
  const { free, create } = offers.get(_id) ?? NO_OFFERS;
  return {
    key: _id,
    entity,
    code: reason?.code ?? 'conflict',
    reason: reason?.text ?? null,
    since: reason?.since ?? null,
    zendesk: sides.zendesk?.ref ?? null,
    pms: sides.pms?.ref ?? null,
    conflicts,
    candidates: free,
    create,
  };
}

function printList(links: Link[], naming: ListNaming): void {
  if (links.length === 0) return printLine('no conflicts');
  const rows = links.flatMap((link) => link.conflicts.map((parked) => ({ link, parked })));
  if (rows.length > 0) {
    printTable(
      ['record', 'title', 'property', 'Zendesk', 'PMS', 'since'],
      rows.map(({ link, parked }) => [...cellsOf(link, naming), ...parkedCells(link, parked, naming)]),
    );
  }
  const whole = links.filter((link) => link.conflicts.length === 0);
  if (whole.length > 0) {
    if (rows.length > 0) printLine();
    printTable(
      ['record', 'title', 'what', 'candidates', 'reason'],
      whole.map((link) => [
        ...cellsOf(link, naming),
        link.reason?.code ?? '',
        freeOf(link, naming).join(', ') || '—',
        reasonWords(naming, link),
      ]),
    );
  }
  const [first] = links;
  if (!first) return;
  printChoice(`To decide ${recordOf(first)}`, first, naming.offers.get(first._id) ?? NO_OFFERS);
}

/** The commands that end a conflict, with notes that help to choose. */
export function printChoice(title: string, link: Link, offers: Offers): void {
  const { commands, notes } = decideBy(link, offers);
  printLine(`\n${title}${commands.length > 1 ? ', one of' : ''}:`);
  for (const command of commands) printLine(`  ${command}`);
  for (const note of notes) printLine(note);
}

function freeOf({ _id }: Link, { offers }: ListNaming): RefKey[] {
  return offers.get(_id)?.free ?? [];
}

/** Conflicts of properties and of whole pairs in one table, so that a program reads one kind of row. */
function printOneTable(links: Link[], naming: ListNaming): void {
  const titles = ['record', 'title', 'property', 'Zendesk', 'PMS', 'since', 'what', 'candidates', 'reason'];
  const rows = links.flatMap((link) => {
    const whole = [link.reason?.code ?? '', freeOf(link, naming).join(', '), reasonWords(naming, link)];
    const parts =
      link.conflicts.length === 0
        ? [['', '', '', minuteOf(link.reason?.since ?? '')]]
        : link.conflicts.map((parked) => parkedCells(link, parked, naming));
    return parts.map((part) => [...cellsOf(link, naming), ...part, ...whole]);
  });
  printTable(titles, rows);
}

function cellsOf(link: Link, naming: PairsNaming): string[] {
  return [recordOf(link), naming.pairs.get(link._id) ?? ''];
}

function parkedCells(link: Link, parked: Link['conflicts'][number], naming: PairsNaming): string[] {
  const row = naming.mapping.entities[link.entity].rows.find(({ id }) => id === parked.row);
  return [
    rowWords(naming, link.entity, parked.row),
    clipped(shown(inWordsOf(row, 'zendesk', parked.zendesk)), VALUE_WIDTH),
    clipped(shown(inWordsOf(row, 'pms', parked.pms)), VALUE_WIDTH),
    minuteOf(parked.since),
  ];
}

function minuteOf(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ');
}
