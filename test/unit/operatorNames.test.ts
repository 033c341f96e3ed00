import { loadMapping } from '../../src/config/loadMapping';
import { BadInput } from '../../src/operator/operatorErrors';
import { recordNamed, searchLinks } from '../../src/operator/findPairs';
import { inWordsOf, titleOf, titleRows } from '../../src/operator/titles';
import { codeNamed } from '../../src/operator/cli/targets';
import { newLink, type Link } from '../../src/sync/link';
import { MAPPING_FILE } from '../support/sandboxes';

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
});

test('O5: each side’s value is in its own words', () => {
  const row = mapping.entities.TicketToProject.rows.find(({ pms }) => pms === 'priority');
  expect(inWordsOf(row, 'zendesk', 'medium')).toBe('normal');
  expect(inWordsOf(row, 'pms', 'medium')).toBe('medium');
  expect(inWordsOf(row, 'zendesk', 'unheard of')).toBe('unheard of');
  expect(inWordsOf(undefined, 'zendesk', 'as it is')).toBe('as it is');
});

test('O5: a search by text stops when its time is over, and says where it goes on', async () => {
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

test('O8: a code that no pair can have is refused', () => {
  expect(codeNamed('closed_ticket')).toBe('closed_ticket');
  expect(() => codeNamed('TYPO')).toThrow(/--code: found "TYPO", expected one of .*closed_ticket/);
});
