import { newLink, type Link } from '../../src/sync/link';
import { malformed, refusalOf, type Resolution } from '../../src/sync/resolution';
import { NOW, testMapping } from '../support/world';

const mapping = testMapping([{ zendesk: 'subject', pms: 'title', type: 'string', direction: 'both' }]);
const table = mapping.entities.TicketToProject;
const KEY = 'TicketToProject/zendesk:ticket:1';
const side = (ref: string) => ({
  ref,
  version: '1',
  order: 1,
  state: 'live' as const,
  updatedAt: NOW,
  residue: {},
  backRef: false,
});
const alone = newLink(KEY, 'TicketToProject', 'v1', NOW);
const linked: Link = { ...alone, sides: { zendesk: side('zendesk:ticket:1'), pms: side('pms:project:P-1') } };
const inConflict: Link = {
  ...linked,
  conflicts: [{ row: 'title', zendesk: 'a', pms: 'b', since: NOW }],
};

describe('the argument of resolveConflict', () => {
  test.each<[unknown]>([
    [{ row: 'title', choice: 'zendesk' }],
    [{ row: 'title', choice: 'pms' }],
    [{ row: 'title', choice: 'merged' }],
    [{ counterpart: 'create' }],
    [{ counterpart: 'none' }],
    [{ counterpart: 'pms:project:P-1' }],
  ])('%j is well formed', (input) => {
    expect(malformed(input)).toBeNull();
  });

  test.each<[unknown]>([
    [undefined],
    [null],
    ['zendesk'],
    [[]],
    [{}],
    [{ row: 'title' }],
    [{ row: '', choice: 'pms' }],
    [{ row: 'title', choice: 'latest' }],
    [{ row: 'title', choice: 'merged', value: 'a secret value stays out of histories' }],
    [{ counterpart: 'P-1' }],
    [{ counterpart: 'create', row: 'title' }],
  ])('%j is refused with the expected form', (input) => {
    expect(malformed(input)).toMatch(/^found .*, expected \{"row": "title", "choice": /);
  });
});

test('a message about a malformed argument does not repeat a value that may be content', () => {
  const why = malformed({ row: 'title', choice: 'merged', value: 'a customer’s words' });
  expect(why).toMatch(/^found \{"row":"title","choice":"merged","value":"…"\}, expected /);
});

describe('a resolution that does not fit the pair', () => {
  test.each<[string, Link | null, Resolution, string]>([
    [
      'names a row without a conflict',
      inConflict,
      { row: 'status', choice: 'pms' },
      `${KEY} has no conflict on "status"; it has one on title`,
    ],
    [
      'names a row of a pair without conflicts',
      linked,
      { row: 'title', choice: 'pms' },
      `${KEY} has no conflict on "title"; it has none on any property`,
    ],
    [
      'names a row of an unknown pair',
      null,
      { row: 'title', choice: 'pms' },
      `${KEY} has no conflict on "title"; it has none on any property`,
    ],
    [
      'gives a linked pair another counterpart',
      linked,
      { counterpart: 'pms:project:P-2' },
      `${KEY} is linked to pms:project:P-1; unlink it first`,
    ],
    [
      'asks for a new counterpart although the former one still names the record',
      { ...linked, unlinked: true },
      { counterpart: 'create' },
      `${KEY} was linked to pms:project:P-1, which still names it; link it to that record, or to another existing one`,
    ],
    [
      'links a record to one of its own side',
      alone,
      { counterpart: 'zendesk:ticket:2' },
      'zendesk:ticket:1 cannot be linked to zendesk:ticket:2: expected a record such as pms:project:1',
    ],
    [
      'links a record to one of another kind',
      alone,
      { counterpart: 'pms:note:N-2' },
      'zendesk:ticket:1 cannot be linked to pms:note:N-2: expected a record such as pms:project:1',
    ],
  ])('%s', (_, link, resolution, expected) => {
    expect(refusalOf(KEY, link, table, resolution)).toBe(expected);
  });

  test.each<[string, Link | null, Resolution]>([
    ['a row in conflict', inConflict, { row: 'title', choice: 'merged' }],
    ['unlinking a linked pair', linked, { counterpart: 'none' }],
    ['keeping an unknown record without a counterpart', null, { counterpart: 'none' }],
    ['linking an unlinked pair again', { ...linked, unlinked: true }, { counterpart: 'pms:project:P-1' }],
    [
      'linking an unlinked pair to a new record',
      { ...linked, unlinked: true },
      { counterpart: 'pms:project:P-2' },
    ],
    ['a new counterpart for a record without one', alone, { counterpart: 'create' }],
  ])('%s fits', (_, link, resolution) => {
    expect(refusalOf(KEY, link, table, resolution)).toBeNull();
  });
});
