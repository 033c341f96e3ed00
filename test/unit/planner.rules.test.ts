import type { BrakeHold } from '../../src/sync/holds';
import { blankWrite, emptyAgreement, newLink, type Link } from '../../src/sync/link';
import type * as Planner from '../../src/sync/planner';
import type { PairState } from '../../src/sync/planner';
import type { SyncRecord, Values } from '../../src/sync/record';
import { bindingsOf } from '../../src/sync/rules/sameFields';
import { NOW, NO_REFERENCES, record, testMapping } from '../support/world';

/**
 * Switches off each rule of src/sync/rules in turn, like a mutation, by replacing an export. The planner's result for
 * a state is then wrong, so the planner does use the rule.
 */

const mapping = testMapping(
  [
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'zendesk' },
    {
      zendesk: 'description',
      pms: 'text',
      type: 'text',
      direction: 'both',
      winner: 'zendesk',
      fixedOn: 'zendesk',
      onEdit: 'followUp',
    },
    {
      id: 'public',
      zendesk: 'public',
      pms: 'public',
      type: 'enum',
      direction: 'both',
      transform: 'enum',
      table: { true: 'public', false: 'internal' },
    },
  ],
  { filter: { zendesk: { brand: ['ours', null] } } },
);
const table = mapping.entities.TicketToProject;
const KEY = 'TicketToProject/zendesk:ticket:1';
const ticket = (values: Values, order = 5): SyncRecord =>
  record('zendesk', { subject: 'a', description: null, public: false, ...values }, order);
const project = (values: Values, order = 5): SyncRecord =>
  record('pms', { title: 'a', text: null, public: 'internal', ...values }, order);
const sideOf = (ref: string) => ({
  ref,
  version: '5',
  order: 5,
  state: 'live' as const,
  updatedAt: NOW,
  residue: {},
  backRef: true,
});
const linkWith = (over: Partial<Link> = {}): Link => ({
  ...newLink(KEY, 'TicketToProject', mapping.version, NOW),
  status: 'linked',
  sides: { zendesk: sideOf('zendesk:ticket:1'), pms: sideOf('pms:project:P-1') },
  snapshot: { title: 'a', text: null, public: 'internal' },
  ...over,
});
/** A pair of which one row was agreed on for other fields than it names now. */
const bound = (row: string) => linkWith({ bound: { ...bindingsOf(table), [row]: 'former' } });
/** A pair that agreed on an option which the ticket's field no longer has. */
const lapsed = linkWith({ snapshot: { title: 'a', text: 'b', public: 'internal' } });
for (const row of table.rows) if (row.id === 'text') row.listed = { zendesk: { options: ['a'] } };
const wasPublic = () => linkWith({ snapshot: { title: 'a', text: null, public: 'public' } });
const stateOf = (records: SyncRecord[], link: Link | null = linkWith(), fresh = true): PairState => ({
  key: KEY,
  link,
  observed: Object.fromEntries(records.map((each) => [each.ref.side, { record: each, fresh }])),
  references: NO_REFERENCES,
  hops: 0,
  linksSince: NOW,
  now: NOW,
});

/** The planner's result for a state, in short form. */
function does(planner: typeof Planner, state: PairState): unknown {
  const plan = planner.planPair(state, mapping);
  if (plan.do === 'write') return plan.intent.writes.map(({ side, op, values }) => ({ side, op, values }));
  return plan.do === 'settled' ? plan.agreement.overruled.map(({ lost }) => lost) : plan.do;
}

interface Rule {
  file: string;
  name: string;
  /** The replacement of the export. */
  off: (...given: never[]) => unknown;
  ask: (planner: typeof Planner) => unknown;
  right: unknown;
  wrong: unknown;
}

/** The record of a side that no longer offers a property. */
const without = (property: string, shown: SyncRecord): SyncRecord => {
  const values = { ...shown.values };
  delete values[property];
  return { ...shown, values };
};

const titlesEmptied: BrakeHold = {
  ...{ id: 'TicketToProject/emptied/title/pms', entity: 'TicketToProject', kind: 'emptied', row: 'title' },
  ...{ side: 'pms', state: 'held', by: 'brake', cause: 'many changes', since: NOW, examples: [] },
  counts: { pairs: 20, linked: 50, allowed: 10 },
};

const RULES: Rule[] = [
  {
    file: 'echo',
    name: 'isEcho',
    off: () => false,
    ask: (planner) => planner.isEcho(mapping, table, linkWith(), ticket({}), NO_REFERENCES),
    right: true,
    wrong: false,
  },
  {
    file: 'echo',
    name: 'isKnownChange',
    off: () => false,
    ask: (planner) =>
      planner.isKnownChange(mapping, linkWith(), { ref: 'zendesk:ticket:1', order: 5, exact: true }),
    right: true,
    wrong: false,
  },
  {
    file: 'lostWrites',
    name: 'agreedByLostWrites',
    off: () => null,
    // The project has the value that we wrote, and the ticket was edited since: one person's edit, which overrules no
    // other.
    ask: (planner) => {
      const attempted = { pms: { title: ['b'] } };
      const records = [ticket({ subject: 'c' }), project({ title: 'b' })];
      const plan = planner.planPair(stateOf(records, linkWith({ attempted })), mapping);
      return plan.do === 'write' && plan.intent.next.overruled.map(({ lost }) => lost);
    },
    right: [],
    wrong: ['b'],
  },
  {
    file: 'fence',
    name: 'isBehind',
    off: () => false,
    // An old page of an export: its version is not taken for the record's.
    ask: (planner) => {
      const plan = planner.planPair(stateOf([ticket({}, 4)], linkWith(), false), mapping);
      return plan.do === 'settled' && Object.keys(plan.seen);
    },
    right: [],
    wrong: ['zendesk'],
  },
  {
    file: 'fence',
    name: 'isDoubtful',
    off: () => false,
    ask: (planner) => does(planner, stateOf([ticket({ subject: 'old' })], linkWith(), false)),
    right: 'read',
    wrong: [{ side: 'pms', op: 'update', values: { title: 'old' } }],
  },
  {
    file: 'firstMeeting',
    name: 'filledFrom',
    off: () => null,
    ask: (planner) =>
      does(
        planner,
        stateOf(
          [ticket({ subject: null }), project({})],
          linkWith({ snapshot: { text: null, public: 'internal' } }),
        ),
      ),
    right: [{ side: 'zendesk', op: 'update', values: { subject: 'a' } }],
    wrong: [{ side: 'pms', op: 'update', values: { title: null } }],
  },
  {
    file: 'visibility',
    name: 'shownToCustomers',
    off: () => true,
    ask: (planner) => does(planner, stateOf([ticket({}), project({ text: 'b' })])),
    right: [{ side: 'zendesk', op: 'followUp', values: { text: 'b', public: false } }],
    wrong: [{ side: 'zendesk', op: 'followUp', values: { text: 'b', public: true } }],
  },
  {
    file: 'visibility',
    name: 'isNarrowed',
    off: () => false,
    ask: (planner) =>
      does(
        planner,
        stateOf([ticket({ public: true }), project({ text: 'b', public: 'internal' })], wasPublic()),
      ),
    right: [
      { side: 'zendesk', op: 'update', values: { public: false } },
      { side: 'zendesk', op: 'followUp', values: { text: 'b', public: false } },
    ],
    wrong: [
      { side: 'zendesk', op: 'followUp', values: { text: 'b', public: false } },
      { side: 'zendesk', op: 'update', values: { public: false } },
    ],
  },
  {
    file: 'visibility',
    name: 'isInternalNow',
    off: () => false,
    ask: (planner) => {
      const write = {
        ...blankWrite('zendesk', 'followUp'),
        ref: 'zendesk:ticket:1',
        values: { text: 'b', public: true },
      };
      const next = { ...emptyAgreement(), snapshot: { title: 'a', text: 'b', public: 'public' } };
      const intent = { id: 'i', writes: [write], next, then: 'linked' as const, seen: {} };
      return does(planner, stateOf([ticket({}), project({})], { ...wasPublic(), intent }));
    },
    right: [{ side: 'zendesk', op: 'followUp', values: { text: 'b', public: false } }],
    wrong: [{ side: 'zendesk', op: 'followUp', values: { text: 'b', public: true } }],
  },
  {
    file: 'absence',
    name: 'sideWithoutProperty',
    off: () => null,
    ask: (planner) => does(planner, stateOf([without('subject', ticket({}))])),
    right: [],
    wrong: [{ side: 'pms', op: 'update', values: { title: null } }],
  },
  {
    file: 'absence',
    name: 'unreadValue',
    off: () => null,
    ask: (planner) => does(planner, stateOf([ticket({})])),
    right: [],
    wrong: [{ side: 'zendesk', op: 'update', values: { subject: null, public: null } }],
  },
  {
    file: 'binding',
    name: 'agreedBase',
    off: () => null,
    ask: (planner) => does(planner, stateOf([ticket({}), project({ title: 'b' })])),
    right: [{ side: 'zendesk', op: 'update', values: { subject: 'b' } }],
    wrong: [{ side: 'pms', op: 'update', values: { title: 'a' } }],
  },
  {
    file: 'absence',
    name: 'hasLostOption',
    off: () => false,
    ask: (planner) => does(planner, stateOf([ticket({ description: null }), project({ text: 'b' })], lapsed)),
    right: [],
    wrong: [{ side: 'pms', op: 'update', values: { text: null } }],
  },
  {
    file: 'taken',
    name: 'whyNotTaken',
    off: () => null,
    // The title was written, and the answer shows the former one.
    ask: (planner) => {
      const plan = planner.planPair(stateOf([ticket({ subject: 'b' }), project({})]), mapping);
      if (plan.do !== 'write') return plan.do;
      const [write] = plan.intent.writes;
      if (!write) return null;
      const answer = project({}, 6);
      const compared = planner.compareAnswer(mapping, table, write, answer, plan.intent.next, NO_REFERENCES);
      return [compared.notTaken.map(({ row, why }) => [row, why]), compared.residue];
    },
    right: [[['title', 'ignored']], {}],
    wrong: [[], { title: 'a' }],
  },
  {
    file: 'sameFields',
    name: 'namesSameFields',
    off: () => true,
    ask: (planner) => does(planner, stateOf([ticket({ subject: null }), project({})], bound('title'))),
    right: [{ side: 'zendesk', op: 'update', values: { subject: 'a' } }],
    wrong: [{ side: 'pms', op: 'update', values: { title: null } }],
  },
  {
    file: 'binding',
    name: 'keepsOwnValues',
    off: () => false,
    ask: (planner) => does(planner, stateOf([ticket({}), project({ text: 'b' })], bound('text'))),
    right: [],
    wrong: [{ side: 'pms', op: 'update', values: { text: null } }],
  },
  {
    file: 'brake',
    name: 'holdOn',
    off: () => null,
    ask: (planner) =>
      does(planner, { ...stateOf([ticket({ subject: null }), project({})]), holds: [titlesEmptied] }),
    right: [],
    wrong: [{ side: 'pms', op: 'update', values: { title: null } }],
  },
  {
    file: 'filter',
    name: 'filterReason',
    off: () => null,
    ask: (planner) => does(planner, stateOf([ticket({ brand: 'theirs' })], null)),
    right: 'ignore',
    wrong: [{ side: 'pms', op: 'create', values: { title: 'a', public: 'internal' } }],
  },
];

/** The planner with one export replaced, or unchanged. */
function plannerWith(replaced?: Rule): typeof Planner {
  let planner: typeof Planner | undefined;
  jest.isolateModules(() => {
    if (replaced) {
      const file = `../../src/sync/rules/${replaced.file}`;
      jest.doMock(file, () => ({
        ...jest.requireActual<object>(file),
        [replaced.name]: replaced.off,
      }));
    }
    planner = jest.requireActual<typeof Planner>('../../src/sync/planner');
    if (replaced) jest.dontMock(`../../src/sync/rules/${replaced.file}`);
  });
  if (!planner) throw new Error('no planner');
  return planner;
}

test.each(RULES.map((rule) => [rule.name, rule] as const))(
  '%s can be switched off, and matters',
  (_, rule) => {
    expect(rule.ask(plannerWith())).toEqual(rule.right);
    expect(rule.ask(plannerWith(rule))).toEqual(rule.wrong);
  },
);
