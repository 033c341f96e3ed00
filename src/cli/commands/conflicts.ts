import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { parseCanonicalKey, type CanonicalKey } from '../../sync/keys';
import type { Link } from '../../sync/link';
import type { Mapping, PropertyRow } from '../../sync/mapping';
import type { EntityType, Json, Side } from '../../sync/record';
import { SIDES } from '../../sync/record';
import { refusalOf, type Resolution } from '../../sync/resolution';
import { toCanonical } from '../../sync/values';
import { common, waiting } from '../common';
import { answerOf, withService, type CommonOptions, type Connected } from '../connect';
import { BadInput, Problem } from '../errors';
import { decideBy } from '../explain';
import { printJson, printLine, printTable, shown } from '../output';
import { entityNamed, linksThat, pairNamed, recordNamed } from '../targets';
import { printAnswer, withWholeReason, type WaitOptions } from './resync';

export function registerConflicts(program: Command): void {
  const conflicts = program.command('conflicts').description('what only a person can decide');
  common(
    conflicts
      .command('list')
      .description('list conflicts; exit code 1 when there are any')
      .option('--entity <name>', 'only this entity, e.g. TicketToProject', entityNamed),
    'zendesk-pms-sync conflicts list --entity OrgToCustomer',
  ).action(async (options: CommonOptions & { entity?: EntityType }) =>
    withService(options, async ({ store }) => {
      const { entity } = options;
      const found: Link[] = [];
      for await (const link of linksThat(store, { status: 'conflict', ...(entity && { entity }) }))
        found.push(link);
      if (options.json) printJson(found.map(asJson));
      else printList(found);
      if (found.length > 0) process.exitCode = 1;
    }),
  );
  waiting(
    common(
      conflicts
        .command('resolve')
        .description('decide a conflict of a property, or say which record is the counterpart')
        .argument('<pair>', 'a record (zendesk:ticket:123) or a key (TicketToProject/zendesk:ticket:123)')
        .option('--row <property>', 'the property in conflict, as "conflicts list" names it')
        .option('--choose <side>', 'zendesk or pms: whose value counts', sideNamed)
        .option('--value <value>', 'a value made of both, in the PMS form; JSON where it is not text')
        .option('--value-file <file>', 'the same from a file; - for standard input')
        .option('--link <record>', 'the record that is the counterpart')
        .option('--create', 'none of the candidates: make a new counterpart')
        .option('--unlink', 'keep the record by itself'),
      'zendesk-pms-sync conflicts resolve zendesk:ticket:123 --row title --choose pms',
    ),
  ).action(async (pair: string, options: ResolveOptions) => {
    const choice = readChoice(options);
    await withService(options, async (service) => {
      const key = await pairNamed(service, pair);
      const answer = await resolve(service, key, choice, options.wait);
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

type Choice = Resolution | { row: string; value: string };

function sideNamed(text: string): Side {
  const side = SIDES.find((each) => each === text);
  if (side) return side;
  throw new BadInput(`--choose: found "${text}", expected zendesk or pms`);
}

/** One decision, said in one way. @throws BadInput */
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
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new BadInput(`--value-file: ${file} cannot be read (${code})`);
  }
}

/** @throws Problem where the pair refuses; BadInput where a value does not fit its property */
async function resolve(service: Connected, key: CanonicalKey, choice: Choice, wait: number) {
  const { client, commands, store, mapping } = service;
  if (!('value' in choice)) {
    if ('counterpart' in choice && choice.counterpart !== 'create' && choice.counterpart !== 'none')
      recordNamed(mapping, choice.counterpart);
    return answerOf(client, wait, () => commands.resolve(key, choice));
  }
  const { row } = choice;
  const resolution: Resolution = { row, choice: 'merged' };
  const { entity } = parseCanonicalKey(key);
  const why = refusalOf(key, await store.get(key), mapping.entities[entity], resolution);
  if (why !== null) throw new Problem(why);
  // The value goes where values live; the workflow hears only that there is one.
  await store.decide(key, {
    row,
    choice: 'merged',
    value: canonicalValue(mapping, entity, row, choice.value),
  });
  return answerOf(client, wait, () => commands.resolve(key, resolution));
}

/** @throws BadInput */
function canonicalValue(mapping: Mapping, entity: EntityType, id: string, text: string): Json {
  const row = mapping.entities[entity].rows.find((each) => each.id === id);
  if (!row) throw new BadInput(`--row: the mapping has no property "${id}" any more`);
  if (row.transform.kind === 'reference')
    throw new BadInput(`--value: "${id}" points to another record; expected --choose zendesk or pms`);
  const nothing = { byRef: new Map(), byKey: new Map() };
  const value = toCanonical(row, 'pms', parsed(row, text), nothing, () => mapping.entities[entity].kind);
  if (value.ok) return value.value;
  throw new BadInput(`--value: ${'problem' in value ? value.problem : 'it points to another record'}`);
}

/** Text is taken as it is; of other types `null`, `true`, `3` and `["a"]` are meant as such. */
function parsed(row: PropertyRow, text: string): Json {
  if (row.type === 'string' || row.type === 'text') return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function asJson(link: Link): unknown {
  const { _id, entity, reason, conflicts, candidates, sides } = link;
  return {
    key: _id,
    entity,
    code: reason?.code ?? 'conflict',
    reason: reason?.text ?? null,
    since: reason?.since ?? null,
    zendesk: sides.zendesk?.ref ?? null,
    pms: sides.pms?.ref ?? null,
    conflicts,
    candidates,
  };
}

function printList(links: Link[]): void {
  if (links.length === 0) return printLine('no conflicts');
  const rows = links.flatMap((link) => link.conflicts.map((parked) => ({ link, parked })));
  if (rows.length > 0) {
    printTable(
      ['pair', 'property', 'Zendesk', 'PMS', 'since'],
      rows.map(({ link, parked }) => [
        link._id,
        parked.row,
        shown(parked.zendesk).slice(0, 60),
        shown(parked.pms).slice(0, 60),
        parked.since,
      ]),
    );
  }
  const whole = links.filter((link) => link.conflicts.length === 0);
  if (whole.length > 0) {
    if (rows.length > 0) printLine();
    printTable(
      ['pair', 'what', 'candidates', 'reason'],
      whole.map((link) => [
        link._id,
        link.reason?.code ?? '',
        link.candidates.join(', ') || '—',
        link.reason?.text ?? '',
      ]),
    );
  }
  const [first] = links;
  if (first) printLine(`\nTo decide: ${decideBy(first)}`);
}
