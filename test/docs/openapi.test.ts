import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { loadMapping } from '../../src/config/loadMapping';
import { writesTo, type PropertyRow } from '../../src/sync/mapping';
import type { EntityType } from '../../src/sync/record';

/** A PMS that keeps to docs/pms-openapi.yaml accepts all that the shipped mapping writes. */

const ROOT = path.resolve(__dirname, '../..');

interface Schemas {
  components: { schemas: Record<string, { properties?: Record<string, unknown> }> };
}
const { components } = parse(readFileSync(path.join(ROOT, 'docs/pms-openapi.yaml'), 'utf8')) as Schemas;
const propertiesOf = (schema: string) => Object.keys(components.schemas[schema]?.properties ?? {});
/** The contract names a person by id. */
const nameOf = ({ pms, type }: PropertyRow) => (type === 'person' ? `${pms}Id` : pms);
const mapping = loadMapping(path.join(ROOT, 'mapping.yaml'));

test.each<[EntityType, string]>([
  ['OrgToCustomer', 'Customer'],
  ['TicketToProject', 'Project'],
  ['CommentToProject', 'Note'],
])('the mapped properties of %s can be read, created and changed', (entity, name) => {
  const rows = mapping.entities[entity].rows.filter(({ pms }) => pms !== null && !pms.includes('.'));
  const shown = rows.map(nameOf);
  const written = rows.filter((row) => writesTo(row, 'pms'));
  const changed = written.filter(({ write }) => write !== 'create');
  expect(shown.length).toBeGreaterThan(3);
  expect(propertiesOf(name)).toEqual(expect.arrayContaining(shown));
  expect(propertiesOf(`${name}Create`)).toEqual(expect.arrayContaining(written.map(nameOf)));
  expect(propertiesOf(`${name}Change`)).toEqual(expect.arrayContaining(changed.map(nameOf)));
});
