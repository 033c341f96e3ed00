import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { MappingError, parseMapping } from '../../src/sync/mappingFile';
import { bindProperties } from '../../src/sync/bindProperties';
import { entityOf, type Mapping } from '../../src/sync/mapping';
import { ENTITY_TYPES } from '../../src/sync/record';

const FILE = path.resolve(__dirname, '../../mapping.yaml');
const shipped = (): Record<string, never> => parse(readFileSync(FILE, 'utf8')) as Record<string, never>;
const load = (input: unknown): Mapping => parseMapping(input, 'mapping.yaml', () => 'v1');

/** The shipped mapping with one change, made by a function on its plain data. */
function changed(
  change: (entities: Record<string, { properties: Record<string, unknown>[] }>) => void,
): unknown {
  const input = shipped() as unknown as {
    entities: Record<string, { properties: Record<string, unknown>[] }>;
  };
  change(input.entities);
  return input;
}

function faultsOf(input: unknown): string {
  try {
    load(input);
  } catch (error) {
    if (error instanceof MappingError) return error.message;
    throw error;
  }
  return 'no fault';
}

describe('the shipped mapping.yaml', () => {
  test('is valid and covers the three entities', () => {
    const mapping = load(shipped());
    expect(ENTITY_TYPES.map((type) => mapping.entities[type].rows.length > 4)).toEqual([true, true, true]);
    expect(mapping.entities.CommentToProject.kind).toEqual({ zendesk: 'comment', pms: 'note' });
  });

  test('distinguishes tickets from comments in mode project by their parent', () => {
    const input = shipped() as unknown as { entities: { CommentToProject: { mode: string } } };
    input.entities.CommentToProject.mode = 'project';
    const mapping = load(input);
    expect(mapping.entities.CommentToProject.kind.pms).toBe('project');
    expect(entityOf(mapping, 'pms', 'project', { parentId: 'P-1' })).toBe('CommentToProject');
    expect(entityOf(mapping, 'pms', 'project', { parentId: null })).toBe('TicketToProject');
    expect(entityOf(mapping, 'pms', 'person', {})).toBeNull();
  });
});

describe('a broken mapping gets one line with file, row and error', () => {
  test.each([
    [
      'unknown field',
      changed((e) => Object.assign(e['TicketToProject']?.properties[0] ?? {}, { colour: 'red' })),
      'mapping.yaml: entities.TicketToProject.properties[0] (subject ↔ title): unknown field "colour"',
    ],
    [
      'bad type',
      changed((e) => Object.assign(e['TicketToProject']?.properties[0] ?? {}, { type: 'varchar' })),
      'mapping.yaml: entities.TicketToProject.properties[0] (subject ↔ title).type: found "varchar", expected one of string, text,',
    ],
    [
      'two rows that write the same property',
      changed((e) =>
        e['TicketToProject']?.properties.push({
          id: 'again',
          zendesk: 'recipient',
          pms: 'title',
          type: 'string',
          direction: 'both',
        }),
      ),
      'mapping.yaml: entities.TicketToProject: rows "subject ↔ title" and "recipient ↔ title" both write the pms property "title"; expected one',
    ],
    [
      'enum without a table',
      changed((e) =>
        e['OrgToCustomer']?.properties.push({
          zendesk: 'a',
          pms: 'b',
          type: 'enum',
          direction: 'both',
          transform: 'enum',
        }),
      ),
      'properties[7] (a ↔ b): transform enum needs "table"',
    ],
    [
      'one side only',
      changed((e) =>
        e['OrgToCustomer']?.properties.push({ zendesk: 'a', type: 'string', direction: 'both' }),
      ),
      'names one side only; expected both "zendesk" and "pms"',
    ],
    [
      'a default of another type',
      changed((e) => Object.assign(e['OrgToCustomer']?.properties[5] ?? {}, { default: 'no' })),
      '"default" is "no", expected true or false without quotes',
    ],
    [
      'a default that is missing in the table',
      changed((e) => Object.assign(e['TicketToProject']?.properties[3] ?? {}, { default: 'urgent' })),
      '"default" is "urgent", expected a PMS value of its table: low, medium, high, critical',
    ],
    [
      'an exception that is missing in the table',
      changed((e) => Object.assign(e['TicketToProject']?.properties[9] ?? {}, { except: ['intern'] })),
      '"except" names "intern", expected a PMS value of its table: public, internal',
    ],
    [
      'a number in a table',
      changed((e) => Object.assign(e['TicketToProject']?.properties[3] ?? {}, { table: { low: 1 } })),
      '.table.low: found 1, expected text; quote it: "1"',
    ],
    [
      'sides that are swapped',
      changed((e) => Object.assign(e['OrgToCustomer'] ?? {}, { zendesk: 'customer', pms: 'organization' })),
      'mapping.yaml: entities.OrgToCustomer.zendesk: found "customer", expected organization',
    ],
    [
      'a misspelt entity',
      { version: 1, entities: { TicketsToProject: {} } },
      'unknown field "TicketsToProject"; did you mean "TicketToProject"?',
    ],
    [
      'no rows',
      changed((e) => Object.assign(e['OrgToCustomer'] ?? {}, { properties: [] })),
      'entities.OrgToCustomer.properties: found [], expected a list of at least 1',
    ],
    [
      'a row that is only a word',
      changed((e) => e['OrgToCustomer']?.properties.push('name' as never)),
      'entities.OrgToCustomer.properties[7]: found "name", expected fields such as type, direction',
    ],
    ['no mapping at all', null, 'mapping.yaml: found nothing'],
    ['a missing entity', { version: 1, entities: {} }, 'mapping.yaml: entities.OrgToCustomer: found nothing'],
  ])('%s', (_, input, expected) => {
    expect(faultsOf(input)).toContain(expected);
  });

  test('refuses a property that the system does not have', () => {
    const offered = new Map([['organization', [{ name: 'name', aliases: [] }]]]);
    expect(() =>
      bindProperties(load(shipped()), { zendesk: offered, pms: new Map() }, 'mapping.yaml'),
    ).toThrow(
      'mapping.yaml: OrgToCustomer row "domain_names ↔ domains": zendesk organization has no property "domain_names"; it has name',
    );
  });

  test('accepts the title of a custom field', () => {
    const input = changed((e) =>
      e['OrgToCustomer']?.properties.push({
        zendesk: 'organization_fields.Plan Name',
        pms: 'plan',
        type: 'string',
        direction: 'both',
      }),
    );
    const names = ['name', 'domain_names', 'details', 'notes', 'tags', 'shared_tickets', 'shared_comments'];
    const offered = [
      ...names.map((name) => ({ name, aliases: [] })),
      { name: 'organization_fields.plan', aliases: ['organization_fields.Plan Name'] },
    ];
    const bound = bindProperties(
      load(input),
      { zendesk: new Map([['organization', offered]]), pms: new Map() },
      'mapping.yaml',
    );
    expect(bound.entities.OrgToCustomer.rows.at(-1)?.zendesk).toBe('organization_fields.plan');
  });

  test('a row of a list knows the elements that belong to other properties, in the row’s form (F2)', () => {
    const rowsBound = (reserved?: string[]) => {
      const { rows } = load(shipped()).entities.TicketToProject;
      const names = new Set(rows.flatMap(({ zendesk }) => zendesk ?? []));
      const offered = [...names].map((name) => ({ name, aliases: [], ...(reserved && { reserved }) }));
      const sides = { zendesk: new Map([['ticket', offered]]), pms: new Map() };
      return bindProperties(load(shipped()), sides, 'mapping.yaml').entities.TicketToProject.rows;
    };
    const reserving = rowsBound(['B c', 'a', 'A']).filter(({ reserved }) => reserved !== undefined);
    expect(reserving).toMatchObject([{ zendesk: 'tags', reserved: ['a', 'b_c'] }]);
    expect(rowsBound().some((row) => 'reserved' in row)).toBe(false);
  });
});
