import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadMapping } from '../../src/config/loadMapping';
import { loadProfile } from '../../src/config/loadProfile';
import { readYaml } from '../../src/config/readYaml';
import { nearest } from '../../src/sync/schemaWords';

/** Files that people provide as YAML, and the messages about them. */

const dir = mkdtempSync(path.join(tmpdir(), 'zps-yaml-'));
const at = path.join(dir, 'a.yaml');

function errorOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    return (error as Error).message.replaceAll(`${dir}/`, '');
  }
  return 'nothing';
}

test.each<[string, string | Buffer, string]>([
  [
    'a tab',
    'a:\n\tb: 1\n',
    'a.yaml:2: not valid YAML: Tabs are not allowed as indentation; indent with spaces',
  ],
  [
    'a repeated name',
    'a: 1\nb: 2\na: 3\n',
    'a.yaml:3: not valid YAML: found a twice in one place; keep one of them',
  ],
  ['a list’s type without quotes', 'a: { b: string[] }\n', 'quote a value that holds one of [ ] { } '],
  ['a missing comma', 'a: { b: 1\n  c: 2 }\n', 'commas between those in { }'],
  ['two documents', 'a: 1\n---\nb: 1\n', 'found a second document; keep one document: remove the line "---"'],
  [
    'a merge conflict',
    'a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n',
    'a.yaml:2: found a merge conflict',
  ],
  ['an open quote', 'a: "b\n', 'a.yaml:2: not valid YAML: Missing closing "quote; close what is open'],
  ['an alias of nothing', 'a: *b\n', 'quote a value that holds one of'],
  ['UTF-16', Buffer.from('\ufeffa: 1\n', 'utf16le'), 'a.yaml: found text in UTF-16, expected UTF-8'],
  ['Latin-1', Buffer.from('a: schl\u00fcssel\n', 'latin1'), 'a.yaml: found bytes that are no text in UTF-8'],
  ['an image', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1]), 'a.yaml: found bytes that are no text in UTF-8'],
])('%s', (_, content, expected) => {
  writeFileSync(at, content);
  expect(errorOf(() => readYaml(at))).toContain(expected);
});

test('the byte order mark at the start of a file is ignored', () => {
  writeFileSync(at, '\ufeffa: 1\n');
  expect(readYaml(at)).toEqual({ a: 1 });
});

test('a path without a file is refused', () => {
  expect(errorOf(() => readYaml(path.join(dir, 'none.yaml')))).toBe(
    'none.yaml: cannot be read (ENOENT): it is not there; check the path',
  );
  expect(errorOf(() => readYaml(dir))).toContain('cannot be read (EISDIR): it is a folder; expected a file');
});

test.each([
  ['nothing', '', 'a.yaml:1: found nothing, expected fields such as version, entities'],
  ['text', 'mapping\n', 'a.yaml:1: found "mapping", expected fields such as version, entities'],
  [
    'a list of entities',
    'version: 1\nentities:\n  - OrgToCustomer\n',
    'a.yaml:3: entities: found ["OrgToCustomer"], expected fields such as OrgToCustomer',
  ],
  ['a profile', 'kinds: {}\n', 'a.yaml: found a profile, expected a mapping; name this file by PMS_PROFILE'],
])('a mapping file that holds %s', (_, text, expected) => {
  writeFileSync(at, text);
  expect(errorOf(() => loadMapping(at))).toContain(expected);
});

test.each([
  ['nothing', '', 'a.yaml:1: found nothing, expected fields such as version'],
  [
    'a mapping',
    'entities: {}\n',
    'a.yaml: found a mapping, expected a profile; name this file by MAPPING_FILE',
  ],
  ['a misspelt field', 'knids: {}\n', 'a.yaml:1: knids: unknown field; did you mean "kinds"?'],
])('a profile that holds %s', (_, text, expected) => {
  writeFileSync(at, text);
  expect(errorOf(() => loadProfile(at))).toContain(expected);
});

test.each([
  ['derection', 'direction'],
  ['Direction', 'direction'],
  ['drieciton', 'direction'],
  ['psm', 'pms'],
  ['ymp', null],
  ['colour', null],
  ['id', null],
  ['', null],
])('"%s": the message suggests %s', (word, name) => {
  expect(nearest(word, ['direction', 'default', 'pms', 'ids'])).toBe(name);
});
