import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020';
import { parse } from 'yaml';
import { z } from 'zod';
import { mappingFileSchema } from '../../src/sync/mappingSchema';
import { profileFileSchema } from '../../src/systems/profile/profileSchema';

/**
 * The JSON Schemas by which editors check and complete a mapping and a profile (`# yaml-language-server: $schema=…`).
 * `UPDATE_DOCS=1 npm test -- test/docs/schemas.test.ts` rewrites them.
 */

const ROOT = path.resolve(__dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

describe.each([
  {
    file: 'mapping.schema.json',
    title: 'Mapping of zendesk-pms-sync',
    schema: mappingFileSchema,
    shipped: 'mapping.yaml',
    named: './mapping.schema.json',
    mistakes: [
      ['onDelete: flag', 'onDelete: remove'],
      ['direction: both', 'direction: bothways'],
      ['type: string,', 'type: strng,'],
      ['winner: latest', 'wins: latest'],
    ],
  },
  {
    file: 'profile.schema.json',
    title: 'Profile of a PMS for zendesk-pms-sync',
    schema: profileFileSchema,
    shipped: 'profiles/contract.yaml',
    named: '../profile.schema.json',
    mistakes: [
      ['by: bearer', 'by: token'],
      ['param: cursor, next: nextCursor', 'next: nextCursor'],
      ['means: moved', 'means: stale'],
      ['counted: true', 'counts: true'],
      ['most: 100', 'most: many'],
    ],
  },
])('$file', ({ file, title, schema, shipped, named, mistakes }) => {
  test('agrees with the code', () => {
    const text = `${JSON.stringify({ ...z.toJSONSchema(schema, { io: 'input' }), title }, null, 2)}\n`;
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path.join(ROOT, file), text);
    expect(read(file)).toBe(text);
  });

  test('accepts the shipped files, which name it, and refuses wrong ones', () => {
    const valid = new Ajv2020({ allowUnionTypes: true }).compile(JSON.parse(read(file)) as object);
    expect(read(shipped).split('\n')[0]).toBe(`# yaml-language-server: $schema=${named}`);
    expect([valid(parse(read(shipped))), valid.errors]).toEqual([true, null]);
    for (const [good = '', bad = ''] of mistakes) {
      expect(read(shipped)).toContain(good);
      expect([bad, valid(parse(read(shipped).replace(good, bad)))]).toEqual([bad, false]);
    }
  });
});
