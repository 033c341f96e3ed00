import { writesTo, type PropertyRow } from './mapping';
import type { RowInput } from './mappingSchema';
import { SIDES, type Json } from './record';

/** Finds faults in rows that the schema accepts, and names rows in messages. */

export function rowTitle(row: { zendesk?: unknown; pms?: unknown }): string {
  const name = (value: unknown) => (typeof value === 'string' ? value : '—');
  return `${name(row.zendesk)} ↔ ${name(row.pms)}`;
}

export function rowFaults(row: RowInput): string[] {
  const faults: string[] = [];
  const needs = (kind: RowInput['transform'], field: keyof RowInput) => {
    if (row.transform === kind && row[field] === undefined) faults.push(`transform ${kind} needs "${field}"`);
    if (row.transform !== kind && row[field] !== undefined) {
      faults.push(`"${field}" belongs to transform ${kind}, found transform ${row.transform}`);
    }
  };
  needs('enum', 'table');
  needs('reference', 'entity');
  needs('constant', 'value');
  needs('template', 'template');
  const generated = row.transform === 'constant' || row.transform === 'template';
  if (!row.zendesk && !row.pms) faults.push('names no property; expected "zendesk" and "pms"');
  else if (!generated && !(row.zendesk && row.pms)) {
    faults.push('names one side only; expected both "zendesk" and "pms" (or transform constant or template)');
  }
  if (generated && row.direction === 'both')
    faults.push(`transform ${row.transform} goes one way: expected direction toPms or toZendesk`);
  if (generated && row.write !== 'create')
    faults.push(`transform ${row.transform} is written on creation only: expected write: create`);
  if (row.transform === 'person' && row.type !== 'person')
    faults.push(`transform person needs type person, found ${row.type}`);
  if (row.transform === 'reference' && row.type !== 'reference')
    faults.push(`transform reference needs type reference, found ${row.type}`);
  if (row.transform === 'enum' && row.type !== 'enum')
    faults.push(`transform enum needs type enum, found ${row.type}`);
  if (row.transform === 'tags' && row.type !== 'string[]')
    faults.push(`transform tags needs type string[], found ${row.type}`);
  if (row.type === 'reference' && row.transform !== 'reference')
    faults.push('type reference needs transform reference');
  if (row.type === 'person' && row.transform !== 'person') faults.push('type person needs transform person');
  if ((row.fixedOn === undefined) !== (row.onEdit === undefined))
    faults.push('"fixedOn" and "onEdit" go together');
  const missing = (row.except ?? []).filter((value) => !takes(row, value));
  if (missing.length > 0)
    faults.push(`"except" names ${missing.map(shown).join(', ')}, expected ${wanted(row)}`);
  if (row.default !== undefined && row.default !== null && !takes(row, row.default))
    faults.push(`"default" is ${shown(row.default)}, expected ${wanted(row)}`);
  if (row.except !== undefined && row.onEdit !== 'overrule') faults.push('"except" needs onEdit: overrule');
  return faults;
}

const shown = (value: Json) => JSON.stringify(value);

/** Whether a value in the PMS form fits the row's type: `default: 'no'` for a boolean would be written unchanged. */
function takes({ type, table }: RowInput, value: Json): boolean {
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
    case 'decimal':
      return typeof value === 'number' && (type === 'decimal' || Number.isInteger(value));
    case 'string[]':
      return Array.isArray(value) && value.every((each) => typeof each === 'string');
    case 'enum':
      return typeof value === 'string' && (table === undefined || Object.values(table).includes(value));
    default:
      return typeof value === 'string';
  }
}

function wanted({ type, table }: RowInput): string {
  if (type === 'enum' && table)
    return `a PMS value of its table: ${[...new Set(Object.values(table))].join(', ')}`;
  return type === 'boolean' ? 'true or false without quotes' : `a value of type ${type}`;
}

export function duplicateFaults(rows: PropertyRow[], at: string): string[] {
  const faults: string[] = [];
  for (const side of SIDES) {
    const writers = new Map<string, PropertyRow>();
    for (const row of rows) {
      const property = row[side];
      if (!property || !writesTo(row, side)) continue;
      const first = writers.get(property);
      if (first) {
        faults.push(
          `${at}: rows "${rowTitle(first)}" and "${rowTitle(row)}" both write the ${side} property "${property}"; expected one`,
        );
      }
      writers.set(property, row);
    }
  }
  const ids = new Map<string, PropertyRow>();
  for (const row of rows) {
    const first = ids.get(row.id);
    if (first && first.pms !== row.pms)
      faults.push(
        `${at}: rows "${rowTitle(first)}" and "${rowTitle(row)}" have the same id "${row.id}"; give one an "id"`,
      );
    ids.set(row.id, row);
  }
  return faults;
}
