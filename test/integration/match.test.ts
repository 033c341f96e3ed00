import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { checkMapping } from '../../src/config/loadMapping';
import type { Link } from '../../src/sync/link';
import { MappingError, parseMapping } from '../../src/sync/mappingFile';
import type { Mapping } from '../../src/sync/mapping';
import { pairCommands } from '../../src/workers/pairSignals';
import { MAPPING_FILE, startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/** Records that exist on both sides before the first sync, over HTTP. */

type Rule = { zendesk: string; pms: string };
const NAME: Rule = { zendesk: 'name', pms: 'name' };
const DOMAIN: Rule = { zendesk: 'domain_names', pms: 'domains' };

function mappingWith(match: Rule[], entity: 'OrgToCustomer' | 'TicketToProject' = 'OrgToCustomer'): Mapping {
  const input = parse(readFileSync(MAPPING_FILE, 'utf8')) as {
    entities: Record<string, { match?: Rule[] }>;
  };
  const table = input.entities[entity];
  if (table) table.match = match;
  return parseMapping(input, 'mapping.yaml', () => 'test');
}

let boxes: Sandboxes;
let stack: Stack;

async function begin(match: Rule[]): Promise<void> {
  boxes = await startSandboxes({ mapping: mappingWith(match) });
  stack = await startStack(testServers(), boxes.mapping, boxes.systems, { pollsByWorkflow: true });
}
afterEach(async () => {
  await stack?.stop();
  await boxes.close();
});

const quiet = async () => {
  await stack.settle();
  await stack.settle();
};
async function org(name: string, domains: string[] = []): Promise<string> {
  const made = await boxes.zd('POST', '/organizations', { organization: { name, domain_names: domains } });
  return `zendesk:organization:${(made['organization'] as { id: number }).id}`;
}
async function customer(name: string, domains: string[] = []): Promise<string> {
  const made = await boxes.pm('POST', '/customers', { name, domains });
  return `pms:customer:${String(made['id'])}`;
}
async function links(): Promise<Link[]> {
  const all: Link[] = [];
  for await (const link of stack.store.all()) all.push(link);
  return all;
}
const pairsOf = (all: Link[]) =>
  all
    .filter((link) => link.status === 'linked')
    .map(({ sides }) => `${sides.zendesk?.ref ?? ''} ${sides.pms?.ref ?? ''}`)
    .sort();
const counts = () => ({
  organizations: [...boxes.zendesk.store.organizations.values()].length,
  customers: [...boxes.pms.store.all('customer')].length,
});
/** A fixed shuffle: the order of events must not matter, but every run must use the same order. */
function shuffled<T>(items: T[], seed: number): T[] {
  let state = seed;
  const weighed = items.map((item) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return { item, weight: state };
  });
  return weighed.sort((a, b) => a.weight - b.weight).map(({ item }) => item);
}

test('thirty pairs whose events all arrive at once, in any order, are linked without duplicates', async () => {
  await begin([NAME]);
  const expected: string[] = [];
  const refs: string[] = [];
  for (let n = 0; n < 30; n += 1) {
    const [z, p] = [await org(`Company ${n}`), await customer(`COMPANY ${n}`)];
    expected.push(`${z} ${p}`);
    refs.push(z, p);
  }
  // All events at once, some twice, while a poll reads both sides as well.
  const events = shuffled([...refs, ...refs.slice(0, 20)], 7);
  await Promise.all([
    ...events.map((ref) =>
      stack.context.signalPair(`OrgToCustomer/${ref}`, {
        hints: [{ ref, version: null }],
        force: false,
        hops: 0,
      }),
    ),
    stack.settle(),
  ]);
  await quiet();
  expect(pairsOf(await links())).toEqual(expected.sort());
  expect(counts()).toEqual({ organizations: 30, customers: 30 });
});

test('matches by one of several domains, in any case, if the names differ', async () => {
  await begin([NAME, DOMAIN]);
  const z = await org('Acme Inc', ['acme.example', 'acme.test']);
  const p = await customer('ACME Incorporated', ['other.example', 'ACME.test']);
  await org('Alone', ['alone.example']);
  await quiet();
  expect(pairsOf(await links())).toContain(`${z} ${p}`);
  expect(counts()).toEqual({ organizations: 2, customers: 2 });
});

test('matches by a domain, beginning with either side', async () => {
  await begin([DOMAIN]);
  const z = await org('Zed', ['zed.example']);
  const p = await customer('Zet', ['zed.example']);
  await stack.context.signalPair(`OrgToCustomer/${p}`, {
    hints: [{ ref: p, version: null }],
    force: false,
    hops: 0,
  });
  await quiet();
  expect(pairsOf(await links())).toEqual([`${z} ${p}`]);
});

test('two rules that name different records are a conflict that lists both', async () => {
  await begin([NAME, DOMAIN]);
  const z = await org('Globex', ['globex.example']);
  const byName = await customer('Globex');
  const byDomain = await customer('Globex Holding', ['globex.example']);
  await quiet();
  const link = (await links()).find(({ _id }) => _id === `OrgToCustomer/${z}`);
  expect(link).toMatchObject({ status: 'conflict', reason: { code: 'ambiguous_match' } });
  expect(link?.candidates.toSorted()).toEqual([byName, byDomain].sort());
  expect(pairsOf(await links())).toEqual([]);
  expect(counts()).toEqual({ organizations: 1, customers: 2 });

  const commands = pairCommands(stack.client, stack.taskQueue, boxes.mapping);
  await commands.resolve(`OrgToCustomer/${z}`, { counterpart: byDomain });
  await quiet();
  expect(pairsOf(await links())).toEqual([`${z} ${byDomain}`]);
});

test('several records of one name on either side are a conflict each: nothing is linked or created', async () => {
  await begin([DOMAIN]);
  const refs = [
    await org('One', ['shared.example']),
    await org('Two', ['shared.example']),
    await customer('Three', ['shared.example']),
    await customer('Four', ['shared.example']),
  ];
  await quiet();
  await quiet();
  const all = await links();
  expect(all.map(({ _id, status }) => [_id, status]).sort()).toEqual(
    refs.map((ref) => [`OrgToCustomer/${ref}`, 'conflict']).sort(),
  );
  expect(counts()).toEqual({ organizations: 2, customers: 2 });
});

test('one record matching two is not linked, also if it is the last to arrive', async () => {
  await begin([NAME]);
  const twins = [await customer('Twin'), await customer('Twin')];
  const z = await org('twin');
  await quiet();
  const all = await links();
  expect(all.find(({ _id }) => _id === `OrgToCustomer/${z}`)?.candidates.toSorted()).toEqual(twins.sort());
  expect(pairsOf(all)).toEqual([]);
  expect(counts()).toEqual({ organizations: 1, customers: 2 });
});

test('a rule that no look-up supports is refused at the start', async () => {
  await begin([NAME]);
  const rule = { zendesk: 'subject', pms: 'title' };
  await expect(
    checkMapping(mappingWith([rule], 'TicketToProject'), boxes.systems, 'mapping.yaml'),
  ).rejects.toEqual(
    new MappingError(
      'mapping.yaml: TicketToProject match rule "subject ↔ title": zendesk cannot look for a ticket by "subject"',
    ),
  );
});
