import { loadMapping } from '../../src/config/loadMapping';
import { BadInput } from '../../src/operator/operatorErrors';
import { recordNamed, searchLinks } from '../../src/operator/findPairs';
import { holdWords } from '../../src/operator/brake';
import { loadPairsNaming } from '../../src/operator/naming';
import { whatRests } from '../../src/operator/resting';
import {
  FieldTitles,
  inTitles,
  inWordsOf,
  rowName,
  rowWords,
  titleOf,
  titleOfRowId,
  titleRows,
} from '../../src/operator/titles';
import { codeNamed } from '../../src/operator/cli/targets';
import { newLink, type Link } from '../../src/sync/link';
import type { BoundProperty } from '../../src/sync/mapping';
import { MAPPING_FILE } from '../support/sandboxes';
import { record, testMapping } from '../support/world';

const mapping = loadMapping(MAPPING_FILE);
const link = (n: number, change: Partial<Link> = {}): Link => ({
  ...newLink(`TicketToProject/zendesk:ticket:${n}`, 'TicketToProject', 'v', '2026-01-01T00:00:00Z'),
  ...change,
});

test('O5: a pair’s title is its first row of text: subject, name, or the comment itself', () => {
  const { TicketToProject: ticket = '', OrgToCustomer: organization = '' } = titleRows(mapping);
  expect(titleOf(mapping, link(1, { snapshot: { [ticket]: 'A  printer\nsmokes' } }))).toBe(
    'A printer smokes',
  );
  expect(titleOf(mapping, link(1))).toBe('');
  const parked = { row: ticket, zendesk: 'from Zendesk', pms: 'b', since: '' };
  expect(titleOf(mapping, link(1, { conflicts: [parked] }))).toBe('from Zendesk');
  expect(titleOf(mapping, link(1, { snapshot: { [ticket]: 'x'.repeat(100) } }))).toHaveLength(60);
  expect(mapping.entities.OrgToCustomer.rows.find(({ id }) => id === organization)?.zendesk).toBe('name');
  // The name of its author is written once, and is not a title.
  expect(titleRows(mapping).CommentToProject).toBe('body');
});

describe('O5: a custom field is called by its title', () => {
  const custom = testMapping([
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both' },
    { zendesk: 'custom_fields.360', pms: 'customFields.product', type: 'string', direction: 'both' },
    { zendesk: 'custom_fields.361', pms: 'effort', type: 'string', direction: 'both' },
    { zendesk: 'custom_fields.362', type: 'string', pms: 'left', direction: 'toPms' },
    { zendesk: 'custom_fields.363', type: 'string', pms: 'right', direction: 'toPms' },
  ]);
  const ticket = (property: string, title: string): BoundProperty => ({
    ...{ side: 'zendesk', kind: 'ticket', property, name: property, title },
  });
  const bound: BoundProperty[] = [
    { side: 'zendesk', kind: 'ticket', property: 'subject', name: 'subject' },
    ticket('custom_fields.360', 'Product'),
    { ...ticket('customFields.product', 'Product'), side: 'pms', kind: 'project' },
    ticket('custom_fields.361', 'Effort (hours)'),
    ticket('custom_fields.362', 'Twin'),
    ticket('custom_fields.363', 'Twin'),
    { side: 'pms', kind: 'project', property: 'Left', name: 'customFields.left', title: 'Left' },
  ];
  const naming = { mapping: custom, titles: new FieldTitles(bound) };

  test.each([
    ['title', 'subject ↔ title', 'title'],
    ['customFields_product', 'Product', 'Product (customFields_product)'],
    ['effort', 'Effort (hours) ↔ effort', 'Effort (hours) (effort)'],
    ['left', 'Twin (custom_fields.362) ↔ left', 'Twin (custom_fields.362) (left)'],
    ['gone', 'gone', 'gone'],
  ])('row %s', (row, name, text) => {
    expect(rowName(naming, 'TicketToProject', row)).toBe(name);
    expect(rowWords(naming, 'TicketToProject', row)).toBe(text);
  });

  test('also if the mapping file has the title, and the side has a name', () => {
    expect(naming.titles.of('pms', 'project', 'customFields.left')).toBe('Left');
    // The same name of another kind, or of the other side, is another field.
    expect(naming.titles.of('pms', 'customer', 'customFields.product')).toBe('customFields.product');
    expect(naming.titles.of('zendesk', 'ticket', 'customFields.product')).toBe('customFields.product');
  });

  test('in a text, by whole words only', () => {
    const text =
      'both sides changed title, customFields_product; custom_fields.3601, custom_fields.360: too long.';
    expect(inTitles(naming, 'TicketToProject', text)).toBe(
      'both sides changed title, "Product"; custom_fields.3601, "Product": too long.',
    );
  });

  test('in resting rows, and in a hold of the brake', () => {
    const rests = { ...ticket('custom_fields.360', 'Product'), entity: 'TicketToProject', what: 'row "a"' };
    expect(whatRests({ ...rests, entity: 'TicketToProject' })).toBe(
      'TicketToProject row "a" rests: zendesk ticket does not offer "Product" (custom_fields.360) any more',
    );
    expect(titleOfRowId(bound, 'customFields_product')).toBe('Product');
    expect(titleOfRowId(bound, 'title')).toBeUndefined();
    const other: BoundProperty = { ...ticket('customFields.product', 'Line'), side: 'pms', kind: 'customer' };
    expect(titleOfRowId([...bound, other], 'customFields_product')).toBeUndefined();
    const text = holdWords({
      ...{ id: 'x', entity: 'TicketToProject', kind: 'emptied', row: 'customFields_product', side: 'pms' },
      ...{ state: 'held', by: 'brake', cause: 'many changes', since: '', examples: [], waiting: 1 },
      ...{ counts: { pairs: 9, linked: 20, allowed: 3 }, rowTitle: 'Product' },
    });
    expect(text).toBe(
      'The brake holds emptying of TicketToProject "Product" (customFields_product) in the PMS: many changes (9 of 20 pairs, 3 allowed); 1 pair waits',
    );
  });

  test('a pair that was never in sync is called by the title of its record', async () => {
    const seen = record('zendesk', { subject: 'Seen  only' });
    const store = {
      observations: { get: async () => new Map([['zendesk:ticket:1', seen]]) },
      bindings: { bound: async () => bound },
    } as unknown as Parameters<typeof loadPairsNaming>[0]['store'];
    const links = [link(1), link(2, { snapshot: { title: 'Agreed' } })];
    const { pairs } = await loadPairsNaming({ store, mapping: custom }, links);
    expect([...pairs.values()]).toEqual(['Seen only', 'Agreed']);
  });
});

test('O5: each side’s value is in the terms of that side', () => {
  const row = mapping.entities.TicketToProject.rows.find(({ pms }) => pms === 'priority');
  expect(inWordsOf(row, 'zendesk', 'medium')).toBe('normal');
  expect(inWordsOf(row, 'pms', 'medium')).toBe('medium');
  expect(inWordsOf(row, 'zendesk', 'unheard of')).toBe('unheard of');
  expect(inWordsOf(undefined, 'zendesk', 'as it is')).toBe('as it is');
});

test('O5: a search by text stops after its time limit, and prints where to continue', async () => {
  const all = Array.from({ length: 10 }, (_, n) => link(100 + n));
  let clock = 0;
  const store = {
    keyAfter: async (after: string | null) => all[all.findIndex(({ _id }) => _id === after) + 4]?._id ?? null,
    find: async ({ upTo }: { upTo?: string }, after: string | null, limit: number) => {
      clock += 1_000;
      return all
        .filter(({ _id }) => (after === null || _id > after) && (upTo === undefined || _id <= upTo))
        .filter(({ _id }) => _id.endsWith('9'))
        .slice(0, limit);
    },
  };
  const limits = { limit: 5, withinMs: 500, now: () => clock };
  const first = await searchLinks(store, { text: '9' }, limits);
  expect(first).toEqual({ links: [], more: true, stoppedAt: all[3]?._id });
  const rest = await searchLinks(
    store,
    { text: '9' },
    { ...limits, after: first.stoppedAt, withinMs: 60_000 },
  );
  expect(rest).toEqual({ links: [all[9]], more: false, stoppedAt: null });
});

test.each(['abc', '0', '-1', '1e3'])('O2: no ticket of Zendesk is called "%s"', (id) => {
  expect(() => recordNamed(mapping, `zendesk:ticket:${id}`)).toThrow(BadInput);
});

test('O2: a comment is named by its ticket and itself', () => {
  expect(recordNamed(mapping, 'zendesk:comment:12-345')).toBe('zendesk:comment:12-345');
  for (const id of ['345', '12-', '12-0', 'a-b', '12-345-6'])
    expect(() => recordNamed(mapping, `zendesk:comment:${id}`)).toThrow(
      /expected the ids of ticket and comment/,
    );
});

test('O8: a code that no pair can have is refused', () => {
  expect(codeNamed('closed_ticket')).toBe('closed_ticket');
  expect(() => codeNamed('TYPO')).toThrow(/--code: found "TYPO", expected one of .*closed_ticket/);
});
