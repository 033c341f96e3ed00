import { parse } from 'yaml';
import { readFileSync } from 'node:fs';
import { loadMapping } from '../../src/config/loadMapping';
import { pairCustomFields } from '../../src/operator/fieldPairs';
import { diffMappings } from '../../src/operator/mappingDiff';
import { mappingFile } from '../../src/operator/setup';
import { misfitsOf } from '../../src/sync/misfits';
import { parseMapping } from '../../src/sync/mappingFile';
import type { Mapping } from '../../src/sync/mapping';
import type { PropertyInfo } from '../../src/systems/port';
import { MAPPING_FILE, startSandboxes } from '../support/sandboxes';

const SHIPPED = readFileSync(MAPPING_FILE, 'utf8');
const mapping = loadMapping(MAPPING_FILE);
const field = (name: string, title: string, type: string | null, options?: string[]): PropertyInfo => ({
  name,
  aliases: [],
  writable: true,
  custom: { title, type, ...(options && { options }) } as NonNullable<PropertyInfo['custom']>,
});
const changed = (from: string, to: string): Mapping => {
  expect(SHIPPED).toContain(from);
  return parseMapping(parse(SHIPPED.replace(from, to)), 'mapping.yaml', (text) => String(text.length));
};

describe('custom fields of both sides', () => {
  const pair = (zendesk: PropertyInfo[], pms: PropertyInfo[]) =>
    pairCustomFields(mapping.entities.TicketToProject, { zendesk, pms });

  test('are paired by title or key, however they are written', () => {
    const { rows, unmapped } = pair(
      [field('custom_fields.1', 'Release date', 'date'), field('custom_fields.2', 'Order No.', 'string')],
      [field('customFields.releaseDate', 'Wann?', 'date'), field('customFields.x', 'order no', 'text')],
    );
    expect(unmapped).toEqual([]);
    expect(rows).toMatchObject([
      { zendesk: 'custom_fields.1', pms: 'customFields.releaseDate', type: 'date' },
      { zendesk: 'custom_fields.2', pms: 'customFields.x', type: 'text' },
    ]);
  });

  test('are not paired, with a reason, if their types or values do not fit', () => {
    const { rows, unmapped } = pair(
      [
        field('custom_fields.1', 'Size', 'integer'),
        field('custom_fields.2', 'Level', 'enum', ['a', 'b']),
        field('custom_fields.3', 'Owner', null),
        field('custom_fields.4', 'Alone', 'string'),
      ],
      [
        field('customFields.size', 'Size', 'decimal'),
        field('customFields.level', 'Level', 'enum', ['a', 'c']),
        field('customFields.owner', 'Owner', 'string'),
        field('customFields.other', 'Other', 'string'),
      ],
    );
    expect(rows).toEqual([]);
    expect(unmapped.map(({ side, title, why }) => `${side} ${title}: ${why}`)).toEqual([
      'zendesk Size: the types differ: integer in Zendesk, decimal in the PMS',
      'pms Size: the types differ: integer in Zendesk, decimal in the PMS',
      'zendesk Level: the values differ: a, b in Zendesk, a, c in the PMS; write the table by hand',
      'pms Level: the values differ: a, b in Zendesk, a, c in the PMS; write the table by hand',
      'zendesk Owner: its type cannot be mapped',
      'pms Owner: its type cannot be mapped',
      'zendesk Alone: no field of the PMS has its title or key',
      'pms Other: no field of Zendesk has its title or key',
    ]);
  });

  test('are not suggested if the table already contains them', () => {
    const table = {
      ...mapping.entities.TicketToProject,
      rows: mapping.entities.TicketToProject.rows.map((row) =>
        row.id === 'title' ? { ...row, zendesk: 'custom_fields.1', pms: 'customFields.a' } : row,
      ),
    };
    const fields = {
      zendesk: [field('custom_fields.1', 'A', 'string')],
      pms: [field('customFields.a', 'A', 'string')],
    };
    expect(pairCustomFields(table, fields)).toEqual({ rows: [], unmapped: [] });
  });

  test('become rows of a valid mapping, whatever their titles contain', () => {
    const paired = pair(
      [
        field('custom_fields.1', 'A # b\n- { zendesk: x }', 'boolean'),
        field('custom_fields.2', 'Level', 'enum', ['a', 'true']),
        field('custom_fields.3', 'Lost:\n}', 'string'),
      ],
      [
        field('customFields.y', 'a B zendesk x', 'boolean'),
        field('customFields.level', 'Level', 'enum', ['a', 'true']),
      ],
    );
    const text = mappingFile(SHIPPED, { TicketToProject: paired });
    const made = parseMapping(parse(text), 'mapping.yaml', () => 'v');
    expect(made.entities.TicketToProject.rows.slice(-2)).toMatchObject([
      { zendesk: 'custom_fields.1', pms: 'customFields.y', type: 'boolean', default: false },
      { zendesk: 'custom_fields.2', pms: 'customFields.level', type: 'enum' },
    ]);
    expect(made.entities.TicketToProject.rows).toHaveLength(mapping.entities.TicketToProject.rows.length + 2);
    // The shipped comments stay.
    expect(text).toContain('# How the two systems');
    expect(text).toContain('zendesk custom_fields.3 "Lost: }"');
  });
});

test('values that are missing in the table or in the field are reported, by side', () => {
  const status = (options: string[]) => ({
    zendesk: [field('priority', 'Priority', 'enum', options)],
    pms: [],
  });
  expect(misfitsOf(mapping.entities.TicketToProject, status(['low', 'normal', 'high', 'urgent']))).toEqual(
    [],
  );
  expect(misfitsOf(mapping.entities.TicketToProject, status(['low', 'normal', 'high', 'vital']))).toEqual([
    'TicketToProject row "priority ↔ priority": the table names urgent, which zendesk does not have; it has low, normal, high, vital',
    'TicketToProject row "priority ↔ priority": zendesk also has vital, which the table does not name; a record with it would be quarantined',
  ]);
});

test('a property that a template names and the record lacks is reported', () => {
  const [row] = mapping.entities.TicketToProject.rows;
  if (!row) throw new Error('the mapping has no row');
  const template = { ...row, zendesk: null, direction: 'toPms' as const };
  const table = {
    ...mapping.entities.TicketToProject,
    rows: [{ ...template, transform: { kind: 'template' as const, template: 'By {autor_name}, {subject}' } }],
  };
  const zendesk = ['subject', 'author_name'].map((name) => field(name, name, 'string'));
  expect(misfitsOf(table, { zendesk, pms: [] })).toEqual([
    'TicketToProject row "— ↔ title": the template names {autor_name}, which zendesk does not have; did you mean "author_name"?',
  ]);
});

describe('F24: what mapping check and start report', () => {
  const { TicketToProject } = mapping.entities;
  const plain = (name: string, more: Partial<PropertyInfo> = {}): PropertyInfo => ({
    ...{ name, aliases: [], writable: true },
    ...more,
  });

  test('a row that writes a read-only property', () => {
    const rows = TicketToProject.rows.map((row) =>
      row.id === 'channel' ? { ...row, direction: 'both' as const } : row,
    );
    const zendesk = [plain('channel', { writable: false }), plain('group', { writable: false })];
    expect(misfitsOf({ ...TicketToProject, rows }, { zendesk, pms: [] })).toEqual([
      'TicketToProject row "channel ↔ channel": zendesk "channel" can only be read, and direction both writes it; expected direction toPms',
    ]);
    expect(misfitsOf(TicketToProject, { zendesk, pms: undefined })).toEqual([]);
  });

  test('values of a profile, or of a standard field, that are missing in the row’s table', () => {
    const pms = [
      plain('status', { options: ['new', 'in_progress', 'waiting', 'on_hold', 'done', 'rejected'] }),
    ];
    expect(misfitsOf(TicketToProject, { zendesk: [], pms })).toEqual([
      'TicketToProject row "status ↔ status": the table names closed, which pms does not have; it has new, in_progress, waiting, on_hold, done, rejected',
      'TicketToProject row "status ↔ status": pms also has rejected, which the table does not name; a record with it would be quarantined',
    ]);
    const oneWay = TicketToProject.rows.map((row) =>
      row.id === 'status' ? { ...row, direction: 'toPms' as const } : row,
    );
    expect(misfitsOf({ ...TicketToProject, rows: oneWay }, { zendesk: [], pms })).toHaveLength(1);
  });

  test('the shipped mappings fit the properties of the adapters', async () => {
    const boxes = await startSandboxes();
    expect(boxes.mapping.misfits).toEqual([]);
    await boxes.close();
  });
});

describe('the difference of two mappings', () => {
  test('is empty for the same table in another notation', () => {
    expect(diffMappings(mapping, changed('version: 1', '# a comment\nversion: 1'))).toEqual([]);
  });

  test('names added, removed and changed rows, and the changes of the table', () => {
    expect(
      diffMappings(
        mapping,
        changed(
          'pms: notes, type: text, direction: both, winner: latest',
          'pms: notes, type: text, direction: toPms',
        ),
      ),
    ).toEqual([
      {
        entity: 'OrgToCustomer',
        row: 'notes ↔ notes',
        change: 'changed',
        details: ['direction: "both" → "toPms"'],
      },
    ]);
    expect(diffMappings(mapping, changed('urgent: critical', 'urgent: high'))).toMatchObject([
      {
        row: 'priority ↔ priority',
        change: 'changed',
        details: [expect.stringMatching(/^transform: .*critical.* → .*"urgent":"high"/)],
      },
    ]);
    const row = '      - { zendesk: notes, pms: notes, type: text, direction: both, winner: latest }\n';
    expect(diffMappings(mapping, changed(row, ''))).toEqual([
      { entity: 'OrgToCustomer', row: 'notes ↔ notes', change: 'removed', details: [] },
    ]);
    expect(diffMappings(changed(row, ''), mapping)).toEqual([
      { entity: 'OrgToCustomer', row: 'notes ↔ notes', change: 'added', details: [] },
    ]);
    expect(diffMappings(mapping, changed('onDelete: flag', 'onDelete: archive'))).toEqual([
      { entity: 'OrgToCustomer', row: null, change: 'changed', details: ['onDelete: "flag" → "archive"'] },
    ]);
  });
});
