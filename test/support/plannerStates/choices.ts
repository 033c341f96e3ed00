import fc from 'fast-check';
import type { HoldState } from '../../../src/sync/holds';
import type { LinkedFile } from '../../../src/sync/pairFiles';
import type { Link } from '../../../src/sync/link';
import type { EntityType, Side, SyncRecord } from '../../../src/sync/record';
import { MAPPINGS } from './mappings';

/** The parts of a pair's state, drawn at random. */

const side = fc.constantFrom<Side>('zendesk', 'pms');
type Chosen<A> = A extends fc.Arbitrary<infer T> ? T : never;

/** `often` in the given number of tenths, else one of the others. */
function mostly<T>(often: number, value: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: often * others.length, arbitrary: fc.constant(value) },
    ...others.map((other) => ({ weight: 10 - often, arbitrary: fc.constant(other) })),
  );
}

function rarely(one: number): fc.Arbitrary<boolean> {
  return fc.nat(one).map((drawn) => drawn === one);
}

/** A value of a row: the agreed value, another of its spellings, one that does not fit, or a missing property. */
const value = fc.record({
  like: fc.oneof(
    { weight: 58, arbitrary: fc.constant('agreed' as const) },
    { weight: 37, arbitrary: fc.constant('other' as const) },
    { weight: 4, arbitrary: fc.constant('misfit' as const) },
    { weight: 2, arbitrary: fc.constant('absent' as const) },
  ),
  spelling: fc.nat(4),
});
export type ValueChoice = { like: 'agreed' | 'other' | 'misfit' | 'absent'; spelling: number };

const rowChoice = fc.record({
  agreed: fc.nat(4),
  unknown: rarely(30),
  /** The row was agreed on for other fields. */
  rebound: rarely(40),
  restsOn: fc.nat(60).map((drawn): Side | null => (drawn === 0 ? 'zendesk' : drawn === 1 ? 'pms' : null)),
  zendesk: value,
  pms: value,
  residue: fc.record({ zendesk: mostly(8, null, 0, 1, 2), pms: mostly(8, null, 0, 1, 2) }),
  parked: mostly(8, false, true),
  notTaken: fc.oneof(
    { weight: 8, arbitrary: fc.constant(null) },
    {
      weight: 2,
      arbitrary: fc.record({
        side,
        offered: fc.nat(4),
        shown: fc.nat(4),
        why: fc.constantFrom('refused' as const, 'ignored' as const, 'emptied' as const, 'apart' as const),
        due: mostly(8, false, true),
        tried: fc.constantFrom(null, 'v5', 'v6'),
      }),
    },
  ),
  attempted: fc.record({ zendesk: mostly(7, null, 0, 1, 2), pms: mostly(7, null, 0, 1, 2) }),
  unconfirmed: mostly<Side | null>(7, null, 'zendesk', 'pms'),
  decided: mostly<Side | 'merged' | null>(7, null, 'zendesk', 'pms', 'merged'),
});
export type RowChoice = Chosen<typeof rowChoice>;

const seenChoice = fc.record({
  how: fc.oneof(
    { weight: 2, arbitrary: fc.constant('not' as const) },
    { weight: 6, arbitrary: fc.constant('fresh' as const) },
    { weight: 4, arbitrary: fc.constant('export' as const) },
    { weight: 1, arbitrary: fc.constant('gone' as const) },
    { weight: 1, arbitrary: fc.constant('not found' as const) },
  ),
  order: fc.constantFrom(4, 5, 5, 6),
  state: mostly<SyncRecord['state']>(8, 'live', 'archived', 'deleted', 'redacted'),
  skip: mostly<string | null>(9, null, 'a merge’s note'),
  backRef: mostly<'none' | 'counterpart' | 'another' | 'own side'>(
    5,
    'none',
    'counterpart',
    'another',
    'own side',
  ),
  foreign: mostly(9, false, true),
  old: fc.boolean(),
  files: fc.uniqueArray(fc.constantFrom('f1', 'f2', 'f3'), { maxLength: 2 }),
  redactedFile: mostly(8, false, true),
});
export type SeenChoice = Chosen<typeof seenChoice>;

const linkChoice = fc.record({
  status: mostly<Link['status']>(6, 'linked', 'pending', 'conflict', 'quarantined', 'tombstone'),
  unlinked: rarely(10),
  never: mostly(8, false, true),
  intent: fc.oneof(
    { weight: 24, arbitrary: fc.constant(null) },
    { weight: 4, arbitrary: fc.constant('update' as const) },
    { weight: 1, arbitrary: fc.constant('done' as const) },
    { weight: 1, arbitrary: fc.constant('followUp' as const) },
    { weight: 1, arbitrary: fc.constant('attach' as const) },
  ),
  held: fc.boolean(),
  backRef: fc.record({ zendesk: fc.boolean(), pms: fc.boolean() }),
  ended: mostly<'archived' | null>(9, null, 'archived'),
  // A file has one entry in a link.
  files: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('f1', 'f2', 'f3'),
      from: side,
      state: fc.constantFrom<LinkedFile['state']>('pending', 'copied', 'redacting', 'failed', 'ended'),
    }),
    { maxLength: 2, selector: ({ name }) => name },
  ),
});

const foundChoice = fc.record({
  looked: mostly(6, true, false),
  free: fc.constantFrom(0, 0, 1, 1, 2),
  taken: fc.constantFrom<boolean | null>(null, null, true, false),
  rivals: mostly(8, 0, 1),
  returning: mostly(8, false, true),
});

export const choices = fc.record({
  mapping: fc.nat(MAPPINGS.length - 1),
  entity: fc.constantFrom<EntityType>('TicketToProject', 'CommentToProject'),
  origin: side,
  records: fc.constantFrom<'one' | 'both'>('one', 'both', 'both'),
  link: linkChoice,
  one: fc.record({
    linked: mostly(7, false, true),
    claimed: mostly(9, false, true),
    queued: mostly(9, false, true),
  }),
  seen: fc.record({ zendesk: seenChoice, pms: seenChoice }),
  rows: fc.array(rowChoice, { minLength: 13, maxLength: 13 }),
  counterpart: fc.oneof(
    { weight: 15, arbitrary: fc.constant('nothing' as const) },
    { weight: 4, arbitrary: fc.constant('this' as const) },
    { weight: 2, arbitrary: fc.constant('another' as const) },
    { weight: 1, arbitrary: fc.constant('create' as const) },
    { weight: 1, arbitrary: fc.constant('none' as const) },
  ),
  found: foundChoice,
  hops: fc.nat(2),
  /** The state of every possible hold of the brake. */
  brake: mostly<HoldState | null>(4, null, 'held', 'discarding'),
  parents: mostly<'linked' | 'unknown' | 'ended' | 'one-sided'>(8, 'linked', 'unknown', 'ended', 'one-sided'),
});
export type Choices = Chosen<typeof choices>;
