import type { LinkReasons } from '../../src/checks/verify/linkReasons';
import type { PublicApi, Seen } from '../../src/checks/verify/publicApi';
import { Translator, type World } from '../../src/checks/verify/samples';
import { Pair, type Ends } from '../../src/checks/verify/triedPair';
import type { CanonicalKey } from '../../src/sync/canonicalKey';
import type { Side, Values } from '../../src/sync/record';
import { NO_REFERENCES, testMapping } from '../support/world';

/** Issue 21: `verify` reports a value that the brake holds as held, and not as late. */

const mapping = testMapping([
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
]);
const table = mapping.entities.TicketToProject;
const [row] = table.rows;
const ends: Ends = {
  from: 'pms',
  kind: { zendesk: 'ticket', pms: 'project' },
  ids: { zendesk: '1', pms: 'P-1' },
};
const world = { references: NO_REFERENCES } as World;
const HOLD = 'TicketToProject/replaced/title/pms';

/** One record of each side, without a sync between them. */
function apart(values: Record<Side, Values>): Record<Side, PublicApi> {
  const of = (side: Side) => {
    const seen = (): Seen => ({ id: ends.ids[side], values: { ...values[side] }, files: [] });
    return {
      side,
      read: async () => seen(),
      edit: async (_kind: string, _id: string, change: Values) => {
        Object.assign(values[side], change);
        return seen();
      },
    } as unknown as PublicApi;
  };
  return { zendesk: of('zendesk'), pms: of('pms') };
}

async function reasonOfAnEdit(reasons: LinkReasons | null): Promise<string | null | undefined> {
  const apis = apart({ zendesk: { subject: 'a' }, pms: { title: 'a' } });
  const patience = { timeoutMs: 1, lookMs: 1, signal: new AbortController().signal };
  const pair = new Pair({ apis, patience, reasons }, table, new Translator(mapping, table, world), ends);
  if (!row) throw new Error('the mapping has no row');
  const attempt = (await pair.edit('zendesk', new Map([[row, 'b']]))).get(row);
  expect(attempt).toMatchObject({ status: 'failed', written: 'b', found: 'a', seconds: null });
  return attempt?.reason;
}

test('a held value is reported with its hold and the fix', async () => {
  const asked: [CanonicalKey, string][] = [];
  const reasons: LinkReasons = {
    notTaken: async () => null,
    async held(...given) {
      asked.push(given);
      return HOLD;
    },
  };
  expect(await reasonOfAnEdit(reasons)).toBe(
    `the brake holds it (${HOLD}); see "npx zendesk-pms-sync brake show"`,
  );
  // The pair has the name of the record that it began with.
  expect(asked).toEqual([['TicketToProject/pms:project:P-1', 'title']]);
});

test.each<[string, LinkReasons | null]>([
  ['is not held', { notTaken: async () => null, held: async () => null }],
  ['cannot be looked up in the link store', null],
])('a value that %s is late', async (_, reasons) => {
  expect(await reasonOfAnEdit(reasons)).toMatch(/^not there after \d+ s$/);
});
