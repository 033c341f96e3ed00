import { otherSide } from '../../../src/sync/record';
import { UNFIXED } from './mappings';
import type { Choices, RowChoice, SeenChoice } from './choices';

/** Rare states: the random choices for a state are changed so that it becomes one of them. */

type Bend = (choice: Choices) => Choices;

const seenWell: Partial<SeenChoice> = { how: 'fresh', state: 'live', skip: null };
const bent = (choice: Choices, zendesk: Partial<SeenChoice>, pms: Partial<SeenChoice>): Choices => ({
  ...choice,
  seen: { zendesk: { ...choice.seen.zendesk, ...zendesk }, pms: { ...choice.seen.pms, ...pms } },
});
/** One record that exists, without any circumstance that precedes its values. */
const alone: Bend = (choice) => ({
  ...bent(choice, seenWell, seenWell),
  records: 'one',
  one: { linked: false, claimed: false, queued: false },
  counterpart: 'nothing',
  hops: 2,
});
/** Two records that were just read and can be merged. */
const together: Bend = (choice) => ({
  ...bent(choice, seenWell, seenWell),
  records: 'both',
  counterpart: 'nothing',
  parents: 'linked',
  link: { ...choice.link, status: 'linked', unlinked: false, intent: null },
});
const rowsOf = (choice: Choices, change: (row: RowChoice) => Partial<RowChoice>): Choices => ({
  ...choice,
  rows: choice.rows.map((row) => ({ ...row, ...change(row) })),
});

export const SPOTLIGHTS = {
  none: (choice) => choice,
  chosenEnded: (choice) => {
    const ended: Partial<SeenChoice> = { how: 'fresh', state: 'archived' };
    const there = alone(choice);
    const bentTo = choice.origin === 'zendesk' ? bent(there, {}, ended) : bent(there, ended, {});
    return { ...bentTo, counterpart: 'this' };
  },
  misfit: (choice) =>
    rowsOf(alone(choice), (row) => ({ [choice.origin]: { ...row[choice.origin], like: 'misfit' } })),
  /** The other side still has the value of a write whose answer was lost, and this side was edited since. */
  editedAfterAttempt: (choice) => {
    const { origin } = choice;
    const there = rowsOf(together(choice), (row) => ({
      unknown: true,
      parked: false,
      [otherSide(origin)]: { like: 'agreed', spelling: 0 },
      [origin]: { like: 'other', spelling: row.agreed + 2 },
      attempted: { zendesk: null, pms: null, [origin]: row.agreed },
      unconfirmed: origin,
    }));
    return { ...there, link: { ...there.link, never: false } };
  },
  /** Both records show the values that were not taken, without a later change. */
  setAside: (choice) => {
    const there = rowsOf(together(choice), (row) => ({
      unknown: false,
      parked: false,
      attempted: { zendesk: null, pms: null },
      unconfirmed: null,
      decided: null,
      zendesk: { like: 'agreed', spelling: 0 },
      pms: { like: 'other', spelling: row.agreed + 1 },
      notTaken: {
        side: 'zendesk',
        offered: row.agreed + 1,
        shown: row.agreed,
        why: 'refused',
        due: false,
        tried: null,
      },
    }));
    return {
      ...bent(there, { order: 5 }, { order: 5 }),
      link: { ...there.link, never: false, ended: null },
    };
  },
  detached: (choice) => {
    const there = rowsOf(together(choice), () => ({
      unknown: false,
      parked: false,
      residue: { zendesk: null, pms: null },
      zendesk: { like: 'agreed', spelling: 0 },
      pms: { like: 'agreed', spelling: 0 },
    }));
    return {
      ...there,
      entity: 'CommentToProject',
      link: {
        ...there.link,
        never: false,
        backRef: { zendesk: true, pms: true },
        files: [{ name: 'f1', from: choice.origin, state: 'redacting' }],
      },
    };
  },
  /** The value was lost with its option. */
  lapsed: (choice) => ({
    ...rowsOf(together({ ...choice, entity: 'TicketToProject' }), () => ({
      agreed: 1,
      rebound: false,
      restsOn: null,
      unknown: false,
      parked: false,
      residue: { zendesk: null, pms: null },
      attempted: { zendesk: null, pms: null },
      unconfirmed: null,
      zendesk: { like: 'other', spelling: 3 },
      pms: { like: 'agreed', spelling: 0 },
    })),
  }),
  /** Two visibilities have a first meeting, and the more visible side is unknown. */
  narrower: (choice) => {
    const there = together({ ...choice, entity: 'CommentToProject', mapping: UNFIXED });
    const met = rowsOf(there, () => ({
      restsOn: null,
      parked: false,
      zendesk: { like: 'other', spelling: 0 },
      pms: { like: 'other', spelling: 1 },
    }));
    return { ...met, link: { ...met.link, never: true } };
  },
  /** Rows that now name other fields, and whose source is empty. */
  rebound: (choice) =>
    rowsOf(together({ ...choice, entity: 'TicketToProject' }), () => ({
      rebound: true,
      restsOn: null,
      unknown: false,
      parked: false,
      attempted: { zendesk: null, pms: null },
      unconfirmed: null,
      zendesk: { like: 'other', spelling: 2 },
      pms: { like: 'other', spelling: 0 },
    })),
  merged: (choice) => rowsOf(together(choice), () => ({ parked: true, decided: 'merged', unknown: false })),
} satisfies Record<string, Bend>;

export type Spotlight = keyof typeof SPOTLIGHTS;
