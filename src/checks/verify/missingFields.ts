import { FIELDS, type FieldDefinition } from 'pms-sandbox';
import { ORGANIZATION_FIELDS, TICKET_FIELDS, type CustomField, type MoreFields } from 'zendesk-sandbox';
import type { Mapping, PropertyRow } from '../../sync/mapping';
import { ENTITY_TYPES } from '../../sync/record';

/** Custom fields that a mapping names and the sandboxes lack; the sandboxes get them with the row's type. */

export function missingFields(mapping: Mapping): { zendesk: MoreFields; pms: FieldDefinition[] } {
  const tables = ENTITY_TYPES.map((type) => mapping.entities[type]);
  const rowsOf = (kind: string) =>
    tables.filter((table) => table.kind.zendesk === kind).flatMap((table) => table.rows);
  return {
    zendesk: {
      ticket: zendeskFields(rowsOf('ticket'), 'custom_fields.', TICKET_FIELDS),
      organization: zendeskFields(rowsOf('organization'), 'organization_fields.', ORGANIZATION_FIELDS),
    },
    pms: tables.flatMap(({ kind, rows }) => pmsFields(rows, kind.pms)),
  };
}

/** The first id for fields that the mapping names by title, not by id. */
const FIRST_ID = 360900000001;

function zendeskFields(
  rows: readonly PropertyRow[],
  prefix: string,
  known: readonly CustomField[],
): CustomField[] {
  const isKnown = (name: string) =>
    known.some(({ id, key, title }) => [String(id), key, title].includes(name));
  return named(rows, 'zendesk', prefix, isKnown).map(([name, row], index) => ({
    id: /^\d+$/.test(name) ? Number(name) : FIRST_ID + index,
    key: prefix === 'custom_fields.' ? null : name,
    title: name,
    ...zendeskType(row),
  }));
}

function zendeskType({ type, transform }: PropertyRow): Pick<CustomField, 'type' | 'options'> {
  if (transform.kind === 'enum') return { type: 'tagger', options: [...transform.toPms.keys()] };
  const types: Partial<Record<PropertyRow['type'], string>> = {
    integer: 'integer',
    decimal: 'decimal',
    boolean: 'checkbox',
    date: 'date',
  };
  if (type === 'string[]') return { type: 'multiselect', options: ['one', 'two', 'three'] };
  return { type: types[type] ?? 'text', options: [] };
}

function pmsFields(rows: readonly PropertyRow[], kind: string): FieldDefinition[] {
  if (kind !== 'customer' && kind !== 'project') return [];
  const known = FIELDS.filter((field) => field.kind === kind);
  const isKnown = (name: string) => known.some(({ key, title }) => [key, title].includes(name));
  return named(rows, 'pms', 'customFields.', isKnown).map(([name, row]) => ({
    kind,
    key: name,
    title: name,
    type: row.type === 'person' || row.type === 'reference' ? 'string' : row.type,
    ...(row.transform.kind === 'enum' && { options: [...new Set(row.transform.toPms.values())] }),
  }));
}

/** Each unknown field once, with the first row that names it. */
function named(
  rows: readonly PropertyRow[],
  side: 'zendesk' | 'pms',
  prefix: string,
  isKnown: (name: string) => boolean,
): [string, PropertyRow][] {
  const found = new Map<string, PropertyRow>();
  for (const row of rows) {
    const property = row[side];
    if (!property?.startsWith(prefix)) continue;
    const name = property.slice(prefix.length);
    if (!isKnown(name) && !found.has(name)) found.set(name, row);
  }
  return [...found];
}
