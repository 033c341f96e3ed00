import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadMapping } from '../../src/config/loadMapping';
import { refuseUnknownRow } from '../../src/operator/cli/commands/historyCommand';
import { emailNamed, folderNamed, pastTime, timeNamed } from '../../src/operator/cli/targets';
import { pairNamed, recordNamed } from '../../src/operator/findPairs';
import { BadInput } from '../../src/operator/operatorErrors';
import type { LinkStore } from '../../src/links/linkStore';
import { MAPPING_FILE } from '../support/sandboxes';

/** Arguments that people type. Each mistake gets a message, and none is taken for something else. */

const mapping = loadMapping(MAPPING_FILE);

function errorOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof BadInput) return error.message;
    throw error;
  }
  return 'nothing';
}

test.each([
  'yesterday',
  '01.05.2026',
  '05/01/2026',
  '2026-13-45',
  '2026-02-30',
  '2026-05-01T12:00',
  '2026-05-01 25:00:00Z',
  '1777593600',
  '',
])('"%s" is not an unambiguous time', (text) => {
  expect(errorOf(() => timeNamed('--since', text))).toBe(
    `--since: found "${text}", expected e.g. 2026-05-01, or with a time zone 2026-05-01T12:00:00Z`,
  );
});

test.each([
  ['2026-05-01', '2026-05-01T00:00:00.000Z'],
  ['2026-05-01T12:00Z', '2026-05-01T12:00:00.000Z'],
  ['2026-05-01 12:00:30.5+02:00', '2026-05-01T10:00:30.500Z'],
])('%s is %s', (text, time) => {
  expect(timeNamed('--since', text).toISOString()).toBe(time);
});

test('a start time in the future is refused', () => {
  expect(errorOf(() => pastTime('--since', '9999-01-01'))).toContain('which is in the future');
  expect(pastTime('--since', '2026-01-01').toISOString()).toBe('2026-01-01T00:00:00.000Z');
});

test.each([
  ['123', 'zendesk:ticket:123'],
  ['#123', 'zendesk:ticket:123'],
  ['https://acme.zendesk.com/agent/tickets/123', 'zendesk:ticket:123'],
  ['https://acme.zendesk.com/agent/organizations/12/tickets', 'zendesk:organization:12'],
  ['zendesk:tickets:123', 'zendesk:ticket:123'],
  ['Zendesk:Ticket:123', 'zendesk:ticket:123'],
  ['zendesk:organisation:5', 'zendesk:organization:5'],
  ['pms:projcet:P-7', 'pms:project:P-7'],
])('%s: the message suggests %s', (text, ref) => {
  expect(errorOf(() => recordNamed(mapping, text))).toMatch(
    new RegExp(`^"[^"]+" names no record: .*; did you mean ${ref}\\?$`),
  );
});

test.each(['P-1', 'zendesk:user:7', 'ticket 12'])('%s: the message makes no suggestion', (text) => {
  expect(errorOf(() => recordNamed(mapping, text))).not.toContain('did you mean');
});

const store = { claims: { owners: () => Promise.resolve(new Map()) } } as unknown as LinkStore;
test.each([
  [
    'OrgToCustomer/zendesk:ticket:1',
    'names no pair: OrgToCustomer has no zendesk:ticket, expected TicketToProject',
  ],
  [
    'https://acme.zendesk.com/agent/tickets/1',
    'is not a canonical key: .*; did you mean zendesk:ticket:1\\?',
  ],
])('the pair %s', async (text, expected) => {
  await expect(pairNamed({ store, mapping }, text)).rejects.toThrow(new RegExp(expected));
});

test('a row that neither the mapping nor the journal has is refused', () => {
  expect(errorOf(() => refuseUnknownRow(mapping, { row: 'prioritty', entity: 'TicketToProject' }))).toMatch(
    /^--row: found "prioritty", expected one of title, .*; did you mean "priority"\?$/,
  );
  expect(errorOf(() => refuseUnknownRow(mapping, { row: 'priority' }))).toBe('nothing');
});

test('a folder instead of a file, and a name instead of an address, are refused', () => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'zps-typing-')), 'a');
  writeFileSync(file, '');
  expect(errorOf(() => folderNamed('--data')(file))).toBe(
    `--data: found "${file}", which is a file; expected a folder`,
  );
  expect(folderNamed('--data')(`${file}.d`)).toBe(`${file}.d`);
  expect(errorOf(() => emailNamed('--person', 'joe'))).toBe(
    '--person: found "joe", expected an e-mail address',
  );
});
