import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { BrakeHold, HeldKind } from '../../src/sync/holds';
import {
  blankWrite,
  emptyAgreement,
  newLink,
  type Intent,
  type Link,
  type PlannedWrite,
} from '../../src/sync/link';
import type { PropertyRow } from '../../src/sync/mapping';
import type { NotTaken } from '../../src/sync/notTaken';
import { planPair, type Observation, type PairState, type Plan } from '../../src/sync/planner';
import { mergeOf } from '../../src/sync/planner/mergePlan';
import { linkedPair, pairOf } from '../../src/sync/planner/plannedPair';
import { phaseOf } from '../../src/sync/planner/phaseOf';
import { PHASE_PLANS } from '../../src/sync/planner/phasePlans';
import type { Phase } from '../../src/sync/planner/phases';
import { EFFECT_ASKS } from '../../src/sync/planner/rowAsks';
import { rowEffect, type RowEffect } from '../../src/sync/planner/rowEffect';
import type { Json, Side, SyncRecord, Values } from '../../src/sync/record';
import { bindingsOf } from '../../src/sync/rules/sameFields';
import { decisionsOf, type Decision } from '../../src/sync/resolution';
import { NOW, NO_REFERENCES, record, testMapping } from '../support/world';

/** docs/planner.md as examples: one state for each phase of a pair, and one property for each effect of a row. */

const ORGANIZATION = {
  id: 'parent',
  zendesk: 'organization_id',
  pms: 'customerId',
  type: 'reference',
  direction: 'both',
  transform: 'reference',
  entity: 'OrgToCustomer',
  required: true,
  write: 'create',
};
const mapping = testMapping(
  [
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'zendesk' },
    { zendesk: 'note', pms: 'note', type: 'text', direction: 'both', winner: 'manual' },
    {
      zendesk: 'description',
      pms: 'text',
      type: 'text',
      direction: 'both',
      winner: 'zendesk',
      fixedOn: 'zendesk',
      onEdit: 'followUp',
    },
    { zendesk: 'count', pms: 'amount', type: 'integer', direction: 'both', winner: 'pms' },
    { zendesk: 'tags', pms: 'labels', type: 'string[]', direction: 'both', transform: 'tags' },
    {
      id: 'customer',
      zendesk: 'customer_id',
      pms: 'clientId',
      type: 'reference',
      direction: 'both',
      transform: 'reference',
      entity: 'OrgToCustomer',
    },
    ORGANIZATION,
    {
      id: 'seen',
      zendesk: 'public',
      pms: 'visibility',
      type: 'enum',
      direction: 'toPms',
      transform: 'enum',
      table: { true: 'public', false: 'internal' },
    },
  ],
  {
    match: [{ zendesk: 'subject', pms: 'title' }],
    filter: { zendesk: { brand: ['ours', null] } },
    onDelete: 'archive',
  },
);
for (const row of mapping.entities.TicketToProject.rows)
  if (row.id === 'note') row.listed = { zendesk: { options: ['a', 'b', 'c', 'x', 'y', 'z'] } };
const ZENDESK = 'zendesk:ticket:1';
const PMS = 'pms:project:P-1';
const KEY = `TicketToProject/${ZENDESK}`;

const seen = (what: SyncRecord): Observation => ({ record: what, fresh: true });
const exported = (what: SyncRecord): Observation => ({ record: what, fresh: false });
const gone = { record: null, fresh: true } satisfies Observation;
const ticket = (values: Values = {}, over: Partial<SyncRecord> = {}) => record('zendesk', values, 5, over);
const project = (values: Values = {}, over: Partial<SyncRecord> = {}) =>
  record('pms', { visibility: 'public', ...values }, 5, over);

const state = (over: Partial<PairState>): PairState => ({
  key: KEY,
  link: null,
  observed: {},
  references: NO_REFERENCES,
  hops: 0,
  linksSince: NOW,
  now: NOW,
  ...over,
});
const decided = (...decisions: Decision[]) => ({ decisions: decisionsOf(decisions) });
/** A pair of which only the ticket is known. */
const alone = (over: Partial<SyncRecord> = {}, more: Partial<PairState> = {}) =>
  state({ observed: { zendesk: seen(ticket({ subject: 'a' }, over)) }, ...more });
const SNAPSHOT: Values = {
  ...{ title: 'a', note: null, text: null, amount: null, labels: [], customer: null },
  seen: 'public',
};
const linkWith = (over: Partial<Link> = {}): Link => ({
  ...newLink(KEY, 'TicketToProject', mapping.version, NOW),
  status: 'linked',
  sides: { zendesk: sideOf(ZENDESK), pms: sideOf(PMS) },
  snapshot: SNAPSHOT,
  ...over,
});
const sideOf = (ref: string) => ({
  ref,
  version: '5',
  order: 5,
  state: 'live' as const,
  updatedAt: NOW,
  residue: {},
  backRef: true,
});
/** A linked pair whose records were both read, in the agreed state. */
const both = (over: Partial<PairState> = {}) =>
  state({
    link: linkWith(),
    observed: { zendesk: seen(ticket({ subject: 'a' })), pms: seen(project({ title: 'a' })) },
    ...over,
  });
const heldBy = (kind: HeldKind, row: string | null, side: Side): BrakeHold => ({
  ...{ entity: 'TicketToProject', kind, row, side, id: `TicketToProject/${kind}/${row ?? '*'}/${side}` },
  ...{ state: 'held', by: 'brake', cause: 'many changes', since: NOW, examples: [] },
  counts: { pairs: 20, linked: 50, allowed: 10 },
});
const intentOf = (write: Partial<PlannedWrite>): Intent => ({
  id: 'i',
  writes: [{ ...blankWrite('pms', 'update'), ...write }],
  next: emptyAgreement(),
  then: 'linked',
  seen: {},
});
const candidates = { free: [], taken: [], rivals: [] };
const other = project({ title: 'a' }, { ref: { side: 'pms', kind: 'project', id: 'P-2' } });

type Example = [when: string, state: PairState, plan: Record<string, unknown> & { do: Plan['do'] }];

const PHASES: Record<Phase, Example[]> = {
  detaching: [
    [
      'a person wants the record without a counterpart',
      alone({}, decided({ counterpart: 'none' })),
      { do: 'unlink' },
    ],
  ],
  detached: [['a person unlinked the pair', both({ link: linkWith({ unlinked: true }) }), { do: 'rest' }]],
  switching: [
    [
      'a person gave it another counterpart',
      both({ link: linkWith({ unlinked: true }), ...decided({ counterpart: 'pms:project:P-2' }) }),
      { do: 'part', from: 'pms' },
    ],
    [
      'a person wants a new record in place of a deleted one',
      both({
        link: linkWith(),
        observed: { ...both({}).observed, pms: { record: null, fresh: true, unproven: true } },
        ...decided({ counterpart: 'create' }),
      }),
      { do: 'part', from: 'pms' },
    ],
  ],
  claimed: [
    [
      'another pair claimed its record',
      alone({}, { claimedBy: 'TicketToProject/pms:project:P-1' }),
      { do: 'redirect', to: 'TicketToProject/pms:project:P-1' },
    ],
  ],
  resuming: [
    [
      'a create was begun',
      alone({}, { link: linkWith({ sides: {}, intent: intentOf({ op: 'create' }) }) }),
      { do: 'write', intent: { writes: [{ op: 'create', lookFirst: true }] } },
    ],
    [
      'one of its writes is done',
      both({ link: linkWith({ intent: intentOf({ done: true }) }) }),
      { do: 'write', intent: { writes: [{ op: 'update', done: true, lookFirst: true }] } },
    ],
    [
      'a follow-up was begun',
      both({ link: linkWith({ intent: intentOf({ op: 'followUp' }) }) }),
      { do: 'write', intent: { writes: [{ op: 'followUp', lookFirst: true }] } },
    ],
  ],
  unseen: [['the record was never seen', state({}), { do: 'read', refs: [ZENDESK] }]],
  maybeEnded: [
    [
      'an export shows it archived',
      state({ observed: { zendesk: exported(ticket({}, { state: 'archived' })) } }),
      { do: 'read', refs: [ZENDESK] },
    ],
  ],
  endedAlone: [
    ['it does not exist', state({ observed: { zendesk: gone } }), { do: 'bury', intent: null }],
    [
      'an export shows it deleted',
      state({ observed: { zendesk: exported(ticket({}, { state: 'deleted' })) } }),
      { do: 'bury', intent: null },
    ],
  ],
  outside: [
    [
      'the adapter excludes the record',
      alone({ skip: 'a description' }),
      { do: 'ignore', reason: 'a description' },
    ],
    ['the filter excludes the record', alone({ values: { brand: 'theirs' } }), { do: 'ignore' }],
  ],
  chosenUnread: [
    [
      'a person chose a counterpart that was not read',
      alone({}, decided({ counterpart: PMS })),
      { do: 'read', refs: [PMS] },
    ],
  ],
  chosenEnded: [
    [
      'a person chose a counterpart that ended',
      state({
        observed: { zendesk: seen(ticket()), pms: seen(project({}, { state: 'deleted' })) },
        ...decided({ counterpart: PMS }),
      }),
      { do: 'conflict', code: 'ambiguous_match' },
    ],
  ],
  madeElsewhere: [
    [
      'its back-reference names its origin',
      alone({ backRef: PMS }),
      { do: 'redirect', to: `TicketToProject/${PMS}` },
    ],
  ],
  queued: [
    [
      'an older sibling is not written yet',
      alone({}, { olderSibling: 'zendesk:ticket:9' }),
      { do: 'wait', waitsFor: ['zendesk:ticket:9'] },
    ],
  ],
  unmapped: [
    [
      'a value does not fit',
      alone({ values: { count: 'many' } }),
      { do: 'quarantine', code: 'unmapped_value' },
    ],
  ],
  waiting: [
    [
      'its parent is not linked',
      alone({ values: { organization_id: 3 } }),
      { do: 'wait', waitsFor: ['zendesk:organization:3'] },
    ],
  ],
  looking: [['no look-up was made yet', alone(), { do: 'look' }]],
  contested: [
    [
      'another pair is about to take the match',
      alone({}, { candidates: { ...candidates, taken: [{ ref: PMS, key: `x/${PMS}`, settled: false }] } }),
      { do: 'wait', waitsFor: [PMS] },
    ],
  ],
  ambiguous: [
    [
      'several records match',
      alone({}, { candidates: { ...candidates, free: [project(), other] } }),
      { do: 'conflict', candidates: [PMS, 'pms:project:P-2'] },
    ],
    [
      'another record wants the same match',
      alone({}, { candidates: { ...candidates, free: [project()], rivals: ['zendesk:ticket:2'] } }),
      { do: 'conflict', candidates: [PMS] },
    ],
  ],
  joining: [
    [
      'one record matches',
      alone({}, { candidates: { ...candidates, free: [project()] } }),
      { do: 'join', counterpart: project() },
    ],
    [
      'one of several matches has its back-reference',
      alone({}, { candidates: { ...candidates, free: [other, project({}, { backRef: ZENDESK })] } }),
      { do: 'join', counterpart: project({}, { backRef: ZENDESK }) },
    ],
    [
      'a person chose a living counterpart',
      state({
        observed: { zendesk: seen(ticket()), pms: seen(project()) },
        ...decided({ counterpart: PMS }),
      }),
      { do: 'join', counterpart: project() },
    ],
  ],
  creating: [
    [
      'nothing matches',
      alone({}, { candidates }),
      {
        do: 'write',
        intent: { writes: [{ op: 'create', side: 'pms', values: { title: 'a' }, backRef: ZENDESK }] },
      },
    ],
    [
      'a person wants a new record',
      alone({ backRef: PMS }, decided({ counterpart: 'create' })),
      { do: 'write', intent: { writes: [{ op: 'create', insisted: true }] } },
    ],
  ],
  absent: [
    [
      'A5: a record was not found, which does not prove its end',
      both({ observed: { zendesk: { ...gone, unproven: true } } }),
      { do: 'absent' },
    ],
  ],
  ended: [
    [
      'A5: a pair that ended stays so while its record is not found',
      both({
        link: linkWith({ status: 'tombstone' }),
        observed: { zendesk: { ...gone, unproven: true } },
      }),
      { do: 'bury', intent: null, ended: { side: 'zendesk', seen: { state: 'deleted' } } },
    ],
    [
      'one record is gone',
      both({ observed: { zendesk: gone } }),
      { do: 'bury', intent: { writes: [{ op: 'archive', side: 'pms' }] } },
    ],
    ['both records are gone', both({ observed: { zendesk: gone, pms: gone } }), { do: 'bury', intent: null }],
    [
      'one record is gone, and the brake holds that',
      both({ observed: { zendesk: gone, pms: seen(project()) }, holds: [heldBy('archives', null, 'pms')] }),
      { do: 'brake', mark: { hold: 'TicketToProject/archives/*/pms', gone: ZENDESK } },
    ],
    [
      'the hold is over, and the end of the record was proved before',
      both({
        link: linkWith({ braked: [{ hold: 'TicketToProject/archives/*/pms', gone: ZENDESK }] }),
        observed: { zendesk: { ...gone, unproven: true }, pms: seen(project()) },
      }),
      { do: 'bury', intent: { writes: [{ op: 'archive', side: 'pms' }] } },
    ],
  ],
  unread: [
    [
      'the brake holds a row, and one side was not read',
      both({
        link: linkWith({ braked: [{ hold: 'TicketToProject/emptied/title/zendesk', row: 'title' }] }),
        observed: { zendesk: seen(ticket({ subject: 'b' })) },
      }),
      { do: 'read', refs: [PMS] },
    ],
    [
      'a row was never agreed on, and one side was not read',
      both({ link: linkWith({ snapshot: null }), observed: { pms: seen(project()) } }),
      { do: 'read', refs: [ZENDESK] },
    ],
  ],
  returned: [
    [
      'the pair ended, and a record was seen again',
      both({ link: linkWith({ status: 'tombstone' }), observed: { pms: exported(project()) } }),
      { do: 'read', refs: [ZENDESK, PMS] },
    ],
  ],
  doubtful: [
    [
      'an export shows other values at the same order',
      both({ observed: { zendesk: exported(ticket({ subject: 'b' })) } }),
      { do: 'read', refs: [ZENDESK] },
    ],
    [
      'A4: an export shows other values at a smaller order: only a read shows whether the record was restored',
      both({ observed: { pms: exported({ ...project({ title: 'restored' }), order: 4 }) } }),
      { do: 'read', refs: [PMS] },
    ],
    [
      'A4: an export shows at a smaller order that a record ended',
      both({ observed: { pms: exported({ ...project(), order: 4, state: 'archived' }) } }),
      { do: 'read', refs: [PMS] },
    ],
  ],
  orphaned: [
    [
      'a parent is not linked any more',
      both({ observed: { zendesk: seen(ticket({ organization_id: 3 })) } }),
      { do: 'wait', waitsFor: ['zendesk:organization:3'] },
    ],
  ],
  merging: [
    ['nothing changed', both(), { do: 'settled' }],
    [
      'A4: an old page of an export',
      both({ observed: { pms: exported({ ...project(), order: 4 }) } }),
      { do: 'settled', seen: {} },
    ],
    [
      'A4: a read shows a restored record: its content and its smaller order count',
      both({ observed: { pms: seen({ ...project({ title: 'restored' }), version: '4', order: 4 }) } }),
      { do: 'write', intent: { seen: { pms: { order: 4 } }, writes: [{ side: 'zendesk' }] } },
    ],
    [
      'something changed',
      both({ observed: { zendesk: seen(ticket({ subject: 'b' })) } }),
      { do: 'write', intent: { writes: [{ op: 'update', side: 'pms', values: { title: 'b' } }] } },
    ],
  ],
};

describe.each(Object.entries(PHASES))('phase %s', (phase, examples) => {
  test.each(examples)('%s', (_, given, plan) => {
    expect(phaseOf(given, mapping)).toBe(phase);
    expect(planPair(given, mapping)).toMatchObject(plan);
  });
});

/** Instead of a value: the record does not name the property. */
const ABSENT: Json = '(absent)';

interface RowExample {
  row: string;
  /** The agreed value; absent if there is none. */
  agreed?: Json;
  zendesk: Json;
  pms: Json;
  link?: Partial<Link>;
  decision?: Decision;
  effect: object;
  holds?: BrakeHold[];
  /** Values of updates, by side; `says` has the texts of follow-ups. */
  writes?: Partial<Record<Side, Values>>;
  says?: Partial<Record<Side, string>>;
}

const parked = [{ row: 'note', zendesk: 'x', pms: 'y', since: '2024-01-01T00:00:00.000Z' }];

const refusedNote: NotTaken = {
  row: 'note',
  side: 'zendesk',
  offered: 'b',
  shown: 'a',
  why: 'refused',
  words: 'no',
  since: NOW,
};

const EFFECTS: Record<RowEffect['kind'], RowExample> = {
  unmapped: { row: 'amount', agreed: 1, zendesk: 'many', pms: 1, effect: {} },
  waits: {
    row: 'customer',
    agreed: null,
    zendesk: 3,
    pms: null,
    effect: { waitsFor: ['zendesk:organization:3'] },
  },
  unchanged: { row: 'title', agreed: 'a', zendesk: 'a', pms: 'a', effect: {} },
  rests: { row: 'title', agreed: 'a', zendesk: ABSENT, pms: 'b', effect: { side: 'zendesk' } },
  lapse: {
    row: 'note',
    agreed: 'former',
    zendesk: null,
    pms: 'former',
    effect: { value: 'former', shown: { zendesk: null, pms: 'former' } },
  },
  keep: {
    row: 'text',
    agreed: 'x',
    zendesk: null,
    pms: 'b',
    link: { bound: { ...bindingsOf(mapping.entities.TicketToProject), text: 'former' } },
    effect: { values: { zendesk: null, pms: 'b' } },
  },
  agree: { row: 'title', agreed: 'a', zendesk: 'b', pms: 'b', effect: { value: 'b' } },
  recover: {
    row: 'title',
    agreed: 'a',
    zendesk: 'b',
    pms: 'b',
    link: { attempted: { pms: { title: ['b'] } } },
    effect: { value: 'b' },
  },
  park: { row: 'note', agreed: 'a', zendesk: 'b', pms: 'c', effect: { since: NOW, agreed: 'a' } },
  followUp: {
    row: 'text',
    agreed: 'a',
    zendesk: 'a',
    pms: 'b',
    effect: { to: 'zendesk', value: 'b', kept: 'a' },
    says: { zendesk: 'b' },
  },
  redact: {
    row: 'text',
    agreed: 'pin 12',
    zendesk: 'pin ▇▇',
    pms: 'pin 12!',
    effect: { from: 'zendesk', text: 'pin ▇▇!', edited: true },
    writes: { pms: { text: 'pin ▇▇!' } },
    says: { zendesk: 'pin ▇▇!' },
  },
  carry: {
    row: 'title',
    agreed: 'a',
    zendesk: 'a',
    pms: 'b',
    effect: { value: 'b', rule: 'changed', lost: {} },
    writes: { zendesk: { subject: 'b' } },
  },
  overrule: {
    row: 'title',
    agreed: 'a',
    zendesk: 'b',
    pms: 'c',
    effect: { value: 'b', rule: 'winner zendesk', lost: { pms: 'c' } },
    writes: { pms: { title: 'b' } },
  },
  replace: {
    row: 'note',
    agreed: 'a',
    zendesk: 'x',
    pms: 'y',
    link: { conflicts: parked },
    decision: { row: 'note', choice: 'merged', value: 'z', by: 'Ann' },
    effect: { value: 'z', rule: 'Ann chose merged', lost: { zendesk: 'x', pms: 'y' } },
    writes: { zendesk: { note: 'z' }, pms: { note: 'z' } },
  },
  differ: {
    row: 'seen',
    zendesk: true,
    pms: 'internal',
    effect: { agreed: 'internal', values: { zendesk: 'public', pms: 'internal' } },
  },
  combine: {
    row: 'labels',
    agreed: ['a', 'b'],
    zendesk: ['a', 'b', 'c'],
    pms: ['B', 'D e'],
    effect: { value: ['b', 'c', 'd_e'] },
    writes: { zendesk: { tags: ['b', 'c', 'd_e'] }, pms: { labels: ['B', 'c', 'D e'] } },
  },
  keepOffer: {
    row: 'note',
    agreed: 'a',
    zendesk: 'a',
    pms: 'b',
    link: { notTaken: [refusedNote] },
    effect: { notTaken: refusedNote },
  },
  brake: {
    row: 'title',
    agreed: 'a',
    zendesk: 'a',
    pms: null,
    holds: [heldBy('emptied', 'title', 'zendesk')],
    effect: { hold: 'TicketToProject/emptied/title/zendesk' },
  },
};

const shown = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ABSENT));

describe.each(Object.entries(EFFECTS))('effect %s', (kind, example) => {
  const table = mapping.entities.TicketToProject;
  const row = table.rows.find(({ id }) => id === example.row) as PropertyRow;
  const values = { subject: 'a', title: 'a' };
  const given = both({
    link: linkWith({
      snapshot: {
        ...Object.fromEntries(Object.entries(SNAPSHOT).filter(([id]) => id !== row.id)),
        ...('agreed' in example && { [row.id]: example.agreed }),
      },
      ...example.link,
    }),
    observed: {
      zendesk: seen(ticket(shown({ ...values, [row.zendesk ?? '']: example.zendesk }))),
      pms: seen(project(shown({ ...values, [row.pms ?? '']: example.pms }))),
    },
    ...decided(...(example.decision ? [example.decision] : [])),
    ...(example.holds && { holds: example.holds }),
  });

  test('is the effect of the row', () => {
    const linked = linkedPair(pairOf(given, mapping));
    if (!linked) throw new Error('not linked');
    expect(rowEffect(mergeOf(linked), row)).toMatchObject({ kind, ...example.effect });
  });

  test('makes the plan', () => {
    const plan = planPair(given, mapping);
    const writes = plan.do === 'write' ? plan.intent.writes : [];
    const of = (op: PlannedWrite['op'], pick: (write: PlannedWrite) => unknown) =>
      Object.fromEntries(writes.filter((write) => write.op === op).map((write) => [write.side, pick(write)]));
    expect(of('update', (write) => write.values)).toEqual(example.writes ?? {});
    expect(of('followUp', (write) => write.values['text'])).toEqual(example.says ?? {});
    expect(plan.do === 'quarantine').toBe(kind === 'unmapped');
  });
});

test('A6: a follow-up has another key for another text, even if the link counts its revisions from the start', () => {
  const keyOf = (text: string) => {
    const link = linkWith({ snapshot: { ...SNAPSHOT, text: 'said' } });
    const edited = {
      zendesk: seen(ticket({ subject: 'a', description: 'said' })),
      pms: seen(project({ title: 'a', text })),
    };
    const plan = planPair(both({ link, observed: edited }), mapping);
    const write = plan.do === 'write' ? plan.intent.writes.find(({ op }) => op === 'followUp') : undefined;
    return write?.idempotencyKey;
  };
  const keys = ['one', 'two', 'one'].map(keyOf);
  expect(keys[0]).toMatch(/@\d+\/.+\/[0-9a-f]{16}$/);
  expect(keys[1]).not.toBe(keys[0]);
  expect(keys[2]).toBe(keys[0]);
});

describe('docs/planner.md', () => {
  const page = readFileSync(path.resolve(__dirname, '../../docs/planner.md'), 'utf8');
  const namesUnder = (heading: string) => {
    const [, section = ''] = page.split(`\n## ${heading}\n`);
    const [text = ''] = section.split('\n## ');
    return [...text.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name);
  };

  test('has the phases in the order of the table', () => {
    expect(namesUnder('The phases of a pair')).toEqual(Object.keys(PHASE_PLANS));
  });

  test('has the effects in the order of the table', () => {
    expect(namesUnder('The effects of a row')).toEqual(Object.keys(EFFECT_ASKS));
  });
});
