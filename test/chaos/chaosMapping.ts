import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { CUSTOM_FIELDS, type CustomField } from 'testkit';
import { projectRoot } from '../../src/platform/embedded/serverCache';

/**
 * The shipped mapping with one row that only a person decides, and custom fields of every kind.
 * @returns its file
 */
export function chaosMapping(folder: string): string {
  const mapping = parse(readFileSync(path.join(projectRoot(), 'mapping.yaml'), 'utf8')) as {
    entities: Record<'OrgToCustomer' | 'TicketToProject', { properties: Record<string, unknown>[] }>;
  };
  const { OrgToCustomer, TicketToProject } = mapping.entities;
  for (const row of OrgToCustomer.properties) if (row['pms'] === 'notes') row['winner'] = 'manual';
  TicketToProject.properties.push(
    customRow('order', { type: 'string' }),
    customRow('severity', {
      type: 'enum',
      transform: 'enum',
      table: Object.fromEntries(['s1', 's2', 's3', 's4'].map((value) => [value, value])),
    }),
    customRow('escalated', { type: 'boolean', default: false }),
    customRow('components', { type: 'string[]', transform: 'tags' }),
  );
  const file = path.join(folder, 'mapping.yaml');
  writeFileSync(file, stringify(mapping));
  return file;
}

function customRow(field: CustomField, more: object): Record<string, unknown> {
  const { title, key } = CUSTOM_FIELDS[field];
  const names = { zendesk: `custom_fields.${title}`, pms: `customFields.${key}` };
  return { ...names, direction: 'both', winner: 'latest', ...more };
}
