import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { checkMapping } from '../../src/config/loadMapping';
import { parseMapping } from '../../src/sync/mappingFile';
import { redactionReaches, type Mapping } from '../../src/sync/mapping';
import { filterReason } from '../../src/sync/planner';
import type { Values } from '../../src/sync/record';
import { MAPPING_FILE, startSandboxes, type Sandboxes } from '../support/sandboxes';
import { World, record } from '../support/world';

/**
 * The recipes of docs/mapping.md: each is added to the shipped mapping, checked against the fields of both sandboxes,
 * and shown by the pure planner to have its stated effect.
 */

const PAGE = readFileSync(path.resolve(__dirname, '../../docs/mapping.md'), 'utf8');
const recipes = new Map(
  (PAGE.split('\n## Recipes\n')[1] ?? '')
    .split('\n### ')
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section]),
);

let boxes: Sandboxes;
beforeAll(async () => {
  boxes = await startSandboxes();
});
afterAll(async () => boxes.close());

type Table = Record<string, unknown>;
const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Rows replace the first row with the same PMS property, or are appended; other keys are merged into the existing
 * ones.
 */
function put(into: Table, part: Table): Table {
  const merged = { ...into };
  for (const [key, value] of Object.entries(part)) {
    const there = into[key];
    if (key === 'properties') merged[key] = withRows(there as Table[], value as Table[]);
    else merged[key] = isTable(value) && isTable(there) ? put(there, value) : value;
  }
  return merged;
}

function withRows(shipped: Table[], rows: Table[]): Table[] {
  const replaced = new Set(rows.map((row) => row['pms']));
  return [...shipped.filter((row) => !replaced.has(row['pms'])), ...rows];
}

async function mappingOf(recipe: string): Promise<Mapping> {
  const [, snippet] = /```yaml\n([\s\S]*?)```/.exec(recipes.get(recipe) ?? '') ?? [];
  if (snippet === undefined) throw new Error(`docs/mapping.md has no recipe "${recipe}"`);
  const shipped = parse(readFileSync(MAPPING_FILE, 'utf8')) as Table;
  const input = put(shipped, parse(snippet) as Table);
  const unchecked = parseMapping(input, recipe, (text) =>
    createHash('sha256').update(text).digest('hex').slice(0, 12),
  );
  return checkMapping(unchecked, boxes.systems, recipe);
}

const SEVERITY = 'custom_fields.360100000002';
const USERS = 'custom_fields.360100000003';
const EFFORT = 'custom_fields.360100000004';
const DATE = 'custom_fields.360100000005';
const ESCALATED = 'custom_fields.360100000006';

/** A ticket and its project, linked. */
function paired(mapping: Mapping, ticket: Values): World {
  const world = World.of(mapping, 'zendesk', {
    subject: 'Printer',
    status: 'new',
    description: 'x',
    ...ticket,
  });
  world.settle(['zendesk']);
  expect(world.link?.status).toBe('linked');
  return world;
}
const ticketOf = (world: World) => world.records.zendesk?.values ?? {};
const projectOf = (world: World) => world.records.pms?.values ?? {};

const EFFECTS: Record<string, (mapping: Mapping) => void> = {
  'A drop-down on both sides': (mapping) => {
    const world = paired(mapping, { [SEVERITY]: 's2' });
    expect(projectOf(world)['customFields.severity']).toBe('s2');
    world.edit('pms', { 'customFields.severity': 's1' });
    world.settle();
    expect(ticketOf(world)[SEVERITY]).toBe('s1');
  },
  'A number, a date, a checkbox': (mapping) => {
    const world = paired(mapping, { [USERS]: '40', [DATE]: '2026-05-01', [ESCALATED]: null });
    expect(projectOf(world)).toMatchObject({
      'customFields.affectedUsers': 40,
      'customFields.releaseDate': '2026-05-01',
      'customFields.escalated': false,
    });
    const writes = world.writes.length;
    world.edit('pms', { 'customFields.affectedUsers': 40.0 });
    world.edit('zendesk', { [ESCALATED]: false });
    world.settle();
    expect(world.writes).toHaveLength(writes);
  },
  'A field of an organization': (mapping) => {
    const row = mapping.entities.OrgToCustomer.rows.find(({ id }) => id === 'customFields_region');
    expect(row).toMatchObject({ zendesk: 'organization_fields.region', direction: 'toPms' });
  },
  "The customer's rating": (mapping) => {
    const world = paired(mapping, { 'satisfaction_rating.score': 'offered' });
    expect(projectOf(world)['customFields.satisfaction']).toBe('offered');
    world.edit('zendesk', { 'satisfaction_rating.score': 'bad' });
    world.settle();
    expect(projectOf(world)['customFields.satisfaction']).toBe('bad');
    world.edit('pms', { 'customFields.satisfaction': 'good' });
    world.settle();
    expect(projectOf(world)['customFields.satisfaction']).toBe('bad');
    expect(ticketOf(world)['satisfaction_rating.score']).toBe('bad');
  },
  'A field that only the PMS decides': (mapping) => {
    const world = paired(mapping, {});
    world.edit('pms', { 'customFields.effortHours': 8 });
    world.settle();
    expect(ticketOf(world)[EFFORT]).toBe(8);
    world.edit('zendesk', { [EFFORT]: 2 });
    world.settle();
    expect(ticketOf(world)[EFFORT]).toBe(8);
    expect(projectOf(world)['customFields.effortHours']).toBe(8);
  },
  'Let a person decide': (mapping) => {
    const world = paired(mapping, { tags: [] });
    world.edit('zendesk', { subject: 'Printer, 1st floor' });
    world.edit('pms', { title: 'Printer, 2nd floor', tags: ['urgent'] });
    world.settle();
    expect(world.link?.conflicts).toMatchObject([{ row: 'title' }]);
    expect(ticketOf(world)).toMatchObject({ subject: 'Printer, 1st floor', tags: ['urgent'] });
    expect(projectOf(world)['title']).toBe('Printer, 2nd floor');
  },
  'One side always wins': (mapping) => {
    const world = paired(mapping, {});
    world.edit('pms', { dueDate: '2026-05-01T00:00:00Z' });
    world.edit('zendesk', { due_at: '2026-06-01T00:00:00Z' });
    world.settle();
    expect(ticketOf(world)['due_at']).toBe('2026-05-01T00:00:00Z');
  },
  'Several statuses of Zendesk, one of the PMS': (mapping) => {
    const world = paired(mapping, { status: 'hold' });
    expect(projectOf(world)['status']).toBe('waiting');
    world.edit('pms', { title: 'Printer 2' });
    world.settle();
    expect(ticketOf(world)).toMatchObject({ subject: 'Printer 2', status: 'hold' });
    world.edit('zendesk', { status: 'open' });
    world.settle();
    world.edit('pms', { status: 'waiting' });
    world.settle();
    expect(ticketOf(world)['status']).toBe('pending');
  },
  'Only the tickets of some groups': (mapping) => {
    const sales = World.of(mapping, 'zendesk', { subject: 'x', status: 'new', group: 'Sales' });
    expect(sales.settle(['zendesk'])).toMatchObject({ do: 'ignore' });
    paired(mapping, { group: 'Support' });
  },
  'Do not sync projects that were created in the PMS': (mapping) => {
    const own = World.of(mapping, 'pms', { title: 'x', status: 'new' });
    expect(own.settle(['pms'])).toMatchObject({ do: 'ignore' });
    const world = paired(mapping, {});
    world.edit('pms', { title: 'Printer 2' });
    world.settle();
    expect(ticketOf(world)['subject']).toBe('Printer 2');
  },
  'Say where a project came from': (mapping) => {
    const world = paired(mapping, {});
    expect(projectOf(world)['customFields.product']).toBe('Support');
    world.edit('pms', { 'customFields.product': 'Printers' });
    world.settle();
    expect(projectOf(world)['customFields.product']).toBe('Printers');
  },
  'A title made of several properties': (mapping) => {
    const world = paired(mapping, { priority: 'high' });
    expect(projectOf(world)['title']).toBe('[high] Printer');
    world.edit('zendesk', { subject: 'Printer, 2nd floor' });
    world.settle();
    expect(projectOf(world)['title']).toBe('[high] Printer');
    const own = World.of(mapping, 'pms', { title: 'Made in the PMS', status: 'new', description: 'x' });
    own.settle(['pms']);
    expect(ticketOf(own)['subject']).toBe('Made in the PMS');
  },
  'Set once, then leave alone': (mapping) => {
    const world = paired(mapping, { assignee: 'ann@acme.example' });
    expect(projectOf(world)['assignee']).toBe('ann@acme.example');
    world.edit('zendesk', { assignee: 'bob@acme.example' });
    world.settle();
    expect(projectOf(world)['assignee']).toBe('ann@acme.example');
  },
  'Join what is on both sides already': (mapping) => {
    expect(mapping.entities.OrgToCustomer.match).toEqual([
      { zendesk: 'name', pms: 'name' },
      { zendesk: 'domain_names', pms: 'domains' },
    ]);
  },
  'Archive with the other side': (mapping) => {
    const world = paired(mapping, {});
    const ticket = world.records.zendesk;
    if (!ticket) throw new Error('no ticket');
    world.records.zendesk = { ...ticket, state: 'deleted', order: 1_000, version: '1000' };
    expect(world.plan(['zendesk', 'pms'], true)).toMatchObject({
      do: 'bury',
      intent: { writes: [{ side: 'pms', op: 'archive' }] },
    });
  },
  'Keep internal comments in Zendesk': (mapping) => {
    const table = mapping.entities.CommentToProject;
    expect(filterReason(table, record('zendesk', { public: false }))).toMatch(/^filtered out: public/);
    expect(filterReason(table, record('zendesk', { public: true }))).toBeNull();
    expect(filterReason(table, record('pms', { visibility: 'internal' }))).toBeNull();
  },
  'Comments as projects': (mapping) => {
    expect(mapping.commentMode).toBe('project');
    expect(mapping.entities.CommentToProject.kind).toEqual({ zendesk: 'comment', pms: 'project' });
  },
  'Redactions in both directions': (mapping) => {
    expect(redactionReaches(mapping.entities.CommentToProject, 'zendesk')).toBe(true);
    expect(redactionReaches(mapping.entities.CommentToProject, 'pms')).toBe(true);
  },
};

test('every YAML snippet of the page is a recipe, and every recipe is tested', () => {
  expect(PAGE.match(/```yaml/g)).toHaveLength(recipes.size);
  expect(recipes.size).toBeGreaterThanOrEqual(10);
  expect([...recipes.keys()]).toEqual(Object.keys(EFFECTS));
});

test.each(Object.entries(EFFECTS))('%s', async (recipe, check) => {
  check(await mappingOf(recipe));
});

test('a filter by a property that a system does not have is refused', async () => {
  const shipped = parse(readFileSync(MAPPING_FILE, 'utf8')) as Table;
  const input = put(shipped, {
    entities: { TicketToProject: { filter: { zendesk: { grp: ['Support'] } } } },
  });
  await expect(
    checkMapping(
      parseMapping(input, 'mapping.yaml', () => 'v'),
      boxes.systems,
      'mapping.yaml',
    ),
  ).rejects.toThrow(/TicketToProject filter "grp": zendesk ticket has no property "grp"; it has subject/);
});
