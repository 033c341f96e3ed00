import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020';
import { parse } from 'yaml';
import { z } from 'zod';
import { mappingFileSchema } from '../../src/sync/mapping';
import { MAPPING_FILE } from '../support/sandboxes';

/**
 * mapping.schema.json, by which editors check and complete a mapping (`# yaml-language-server: $schema=…`).
 * `UPDATE_DOCS=1 npm test -- test/docs/mappingSchema.test.ts` writes it anew.
 */

const FILE = path.resolve(__dirname, '../../mapping.schema.json');
const shipped = () => readFileSync(MAPPING_FILE, 'utf8');

test('the published schema is that of the code', () => {
  const schema = {
    ...z.toJSONSchema(mappingFileSchema, { io: 'input' }),
    title: 'Mapping of zendesk-pms-sync',
  };
  const text = `${JSON.stringify(schema, null, 2)}
`;
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(FILE, text);
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});

test('it takes the shipped mapping, which names it, and refuses a wrong one', () => {
  const ajv = new Ajv2020();
  const valid = ajv.compile(JSON.parse(readFileSync(FILE, 'utf8')) as object);
  expect(shipped().split('\n')[0]).toBe('# yaml-language-server: $schema=./mapping.schema.json');
  expect(valid(parse(shipped()))).toBe(true);
  for (const [good, bad] of [
    ['onDelete: flag', 'onDelete: remove'],
    ['direction: both', 'direction: bothways'],
    ['type: string,', 'type: strng,'],
    ['winner: latest', 'wins: latest'],
  ] as const) {
    expect(shipped()).toContain(good);
    expect(valid(parse(shipped().replace(good, bad)))).toBe(false);
  }
});
