import fc from 'fast-check';
import { elementsOf } from '../../../src/sync/heldSets';
import type { Link } from '../../../src/sync/link';
import { SIDES, type Side, type Values } from '../../../src/sync/record';
import { isSet } from '../../../src/sync/rules/sets';
import { LossyPair } from './lossyPair';
import { FATES, type Fate, type Moment, type PersonsEdit } from './moments';
import { ROWS, SET, valueFor } from './rows';
import { TwoSystems } from './twoSystems';

/** Random histories of one pair: edits, turns of the sync whose writes fail, and lost link stores. */

export type HistoryStep =
  | { do: 'edit'; edit: PersonsEdit }
  | { do: 'poll'; side: Side; lag: number }
  | { do: 'turn'; moments: Moment[] }
  | { do: 'resync' }
  | { do: 'decide'; row: string; choice: Side }
  | { do: 'loseLinks' }
  | { do: 'restoreLinks'; age: number };

export interface History {
  origin: Side;
  hasPrecondition: Record<Side, boolean>;
  steps: HistoryStep[];
}

const side = fc.constantFrom<Side>('zendesk', 'pms');
/** The rows that a history is about: few, so that edits meet. */
const editOf = (rows: readonly string[]): fc.Arbitrary<PersonsEdit> =>
  fc.record({
    side,
    row: fc.constantFrom(...rows),
    how: fc.constantFrom('new' as const, 'new' as const, 'new' as const, 'former' as const, 'clear' as const),
    n: fc.nat(7),
  });
const fate = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Fate>('answered') },
  { weight: 6, arbitrary: fc.constantFrom<Fate>('unanswered', 'unsent') },
  { weight: 3, arbitrary: fc.constantFrom<Fate>(...FATES) },
);

function stepOf(rows: readonly string[]): fc.Arbitrary<HistoryStep> {
  const edit = editOf(rows);
  const few = fc.oneof(
    { weight: 4, arbitrary: fc.constant<PersonsEdit[]>([]) },
    { weight: 3, arbitrary: fc.array(edit, { minLength: 1, maxLength: 2 }) },
  );
  const moment: fc.Arbitrary<Moment> = fc.record({ fate, before: few, after: few });
  return fc.oneof(
    { weight: 16, arbitrary: edit.map((each): HistoryStep => ({ do: 'edit', edit: each })) },
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constant('poll' as const),
        side,
        lag: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(2) }),
      }),
    },
    {
      weight: 14,
      arbitrary: fc.record({ do: fc.constant('turn' as const), moments: fc.array(moment, { maxLength: 5 }) }),
    },
    { weight: 2, arbitrary: fc.constant<HistoryStep>({ do: 'resync' }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('decide' as const),
        row: fc.constantFrom(...rows),
        choice: side,
      }),
    },
    { weight: 1, arbitrary: fc.constant<HistoryStep>({ do: 'loseLinks' }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restoreLinks' as const), age: fc.nat(6) }) },
  );
}

const IDS = ROWS.map(({ id }) => id);
/** Few rows in one history, so that edits meet; those with rules of their own more often than the others. */
const someRows = fc.oneof(
  { weight: 3, arbitrary: fc.subarray(IDS, { minLength: 1, maxLength: 2 }) },
  { weight: 1, arbitrary: fc.constantFrom([SET.id], [SET.id, 'title'], ['text', 'title']) },
);

export const histories: fc.Arbitrary<History> = someRows.chain((rows) =>
  fc.record({
    origin: side,
    hasPrecondition: fc.record({ zendesk: fc.boolean(), pms: fc.boolean() }),
    steps: fc.array(stepOf(rows), { minLength: 1, maxLength: 14, size: 'max' }),
  }),
);

/** A history while it is played. */
export class Play {
  readonly systems: TwoSystems;
  readonly pair: LossyPair;
  /** Rows that a person decided. */
  readonly decided = new Set<string>();
  private written = 0;

  constructor({ origin, hasPrecondition }: History) {
    const values: Values = {};
    for (const row of ROWS) {
      const value = this.newValue(row.id);
      if (row[origin] !== null) values[row[origin]] = isSet(row) ? [value] : value;
    }
    this.systems = new TwoSystems(hasPrecondition, origin, values);
    const { records } = this.systems;
    const record = records[origin];
    if (!record) throw new Error('no origin');
    this.pair = new LossyPair(this.systems, record, (edit) => this.edit(edit));
    this.pair.poll(origin);
  }

  private newValue(id: string): string | boolean | null {
    const row = ROWS.find((each) => each.id === id);
    this.written += 1;
    return row ? valueFor(row, this.written) : null;
  }

  step(step: HistoryStep): void {
    const { pair } = this;
    switch (step.do) {
      case 'edit':
        return this.edit(step.edit);
      case 'poll':
        return pair.poll(step.side, step.lag);
      case 'turn':
        return pair.turn(step.moments);
      case 'resync':
        return pair.resync();
      case 'decide':
        this.decided.add(step.row);
        return pair.decide(step.row, step.choice);
      case 'loseLinks':
        return pair.loseLinks();
      case 'restoreLinks':
        pair.restoreLinks(step.age);
    }
  }

  /** All is polled and answered from now on. @returns the number of turns that it took */
  settle(): number {
    // A turn that goes on with what was begun does not offer again what was not taken.
    return Math.max(this.settleOnce(), this.settleOnce());
  }

  private settleOnce(): number {
    const { pair } = this;
    pair.resync();
    for (let turns = 1; turns <= 10; turns += 1) {
      for (const each of SIDES) pair.poll(each);
      const { writes } = pair;
      if (pair.hasNews()) pair.turn();
      if (pair.writes === writes) return turns;
    }
    throw new Error('does not settle');
  }

  private edit({ side: on, row: id, how, n }: PersonsEdit): void {
    const row = ROWS.find((each) => each.id === id);
    const property = row?.[on];
    const record = this.systems.records[on];
    if (!row || property == null || !record) return;
    // Zendesk cannot change a description.
    if (row.fixed?.side === on) return;
    const former = this.systems.changes
      .filter((each) => each.row === id && each.by === 'person')
      .map(({ value }) => value);
    if (isSet(row)) {
      const now = elementsOf(this.systems.shown(on, SET.id));
      const known = [...new Set(former.flatMap((each) => elementsOf(each)))].filter(
        (each) => !now.includes(each),
      );
      const added =
        how === 'new'
          ? [String(this.newValue(id))]
          : how === 'former'
            ? known.slice(n % (known.length || 1)).slice(0, 1)
            : [];
      const gone = how === 'clear' ? now[n % (now.length || 1)] : undefined;
      this.systems.edit(on, { [property]: [...now, ...added].filter((each) => each !== gone) });
      return;
    }
    const value =
      how === 'new'
        ? this.newValue(id)
        : how === 'former'
          ? (former[n % (former.length || 1)] ?? null)
          : null;
    this.systems.edit(on, { [property]: value });
  }

  /** Links that know of overruled values: the present one, and those that were lost. */
  get links(): Link[] {
    return [...(this.pair.link ? [this.pair.link] : []), ...this.pair.lostLinks];
  }
}
