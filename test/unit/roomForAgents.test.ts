import fc from 'fast-check';
import {
  MINUTE_MS,
  allowance,
  expectedNext,
  freshWindow,
  isOver,
  marked,
  marksAt,
  mayCall,
  untoldEnd,
  usedByOthers,
  wantedMore,
  type BudgetWindow,
  type WindowRules,
} from '../../src/systems/budget/budgetWindow';

/**
 * Agents who edit tickets, and a sync that always has a change to write, against an API that refuses calls above its
 * limit.
 */

const RULES: WindowRules = { windowMs: MINUTE_MS, ceiling: null, share: 0.7 };
const STEP_MS = 100;
/** The delay of an answer after the API counted the call. */
const LATENCY_MS = 100;
const IN_FLIGHT = 5;
/** The agents' share of the limit, in each minute; a phase begins where it changes. */
const PHASES = [0, 0, 0.4, 0.4, 0.4, 0.4, 0.8, 0.8, 0.8, 0.8, 0, 0, 0, 0];
const BEGINNINGS = [2, 6];

interface Window {
  from: number;
  to: number;
  ours: number;
  others: number;
}

/** The API's count: fixed windows, each of which begins with the first call after the end of the former one. */
class Api {
  private start = -Infinity;
  used = 0;

  constructor(private readonly limit: number) {}

  call(at: number): boolean {
    if (at - this.start >= MINUTE_MS) [this.start, this.used] = [at, 0];
    if (this.used >= this.limit) return false;
    this.used += 1;
    return true;
  }

  resets = (at: number) => Math.max(1, Math.ceil((this.start + MINUTE_MS - at) / 1000)) * 1000;
}

/** A number between 0 and 1, the same for the same seed. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Times of the agents' edits: as many per minute as in the phase, one at random in each equal part of the minute. */
function editsOf(limit: number, seed: number, offset: number): number[] {
  const next = random(seed);
  return PHASES.flatMap((part, minute) => {
    const count = Math.round(part * limit);
    return Array.from({ length: count }, (_, n) => offset + (minute + (n + next()) / count) * MINUTE_MS);
  });
}

function simulate(limit: number, seed: number, offset: number) {
  const api = new Api(limit);
  const edits = editsOf(limit, seed, offset);
  const answers: { at: number; used: number; endsAt: number; window: number }[] = [];
  const refusedAgents: number[] = [];
  const windows: Window[] = [];
  let refusedUs = 0;
  let state: BudgetWindow = freshWindow(limit, RULES, 0);
  let current: Window = { from: 0, to: 0, ours: 0, others: 0 };
  for (let now = 0; now < offset + PHASES.length * MINUTE_MS; now += STEP_MS) {
    for (; (edits[0] ?? Infinity) <= now; edits.shift()) {
      if (api.call(edits[0] ?? now)) current.others += 1;
      else refusedAgents.push(((edits[0] ?? now) - offset) / MINUTE_MS);
    }
    for (; (answers[0]?.at ?? Infinity) <= now; answers.shift()) {
      const [answer] = answers;
      if (answer?.window === state.window) state = answered(state, answer, now);
    }
    if (isOver(state, now)) {
      windows.push({ ...current, to: now });
      current = { from: now, to: 0, ours: 0, others: 0 };
      state = rolled(state, now);
    }
    const free = allowance(state, 'interactive', RULES, now) > state.used;
    if (!free || !mayCall(state, RULES, now) || answers.length >= IN_FLIGHT) continue;
    state = { ...state, used: state.used + 1, ours: state.ours + 1, askedAt: now };
    if (api.call(now)) current.ours += 1;
    else refusedUs += 1;
    const answer = { at: now + LATENCY_MS, used: api.used, endsAt: now + api.resets(now) + LATENCY_MS };
    answers.push({ ...answer, window: state.window });
  }
  return { windows, refusedAgents, refusedUs };
}

function answered(
  state: BudgetWindow,
  { used, endsAt }: { used: number; endsAt: number },
  now: number,
): BudgetWindow {
  const known = {
    ...state,
    used: Math.max(state.used, used),
    endsAt: Math.min(state.endsAt, endsAt),
    readAt: now,
  };
  return {
    ...known,
    marks: marked(known, RULES),
    ...(wantedMore(known, RULES, now) && { expected: known.limit }),
  };
}

function rolled(state: BudgetWindow, now: number): BudgetWindow {
  return {
    ...state,
    window: state.window + 1,
    used: 0,
    ours: 0,
    expected: expectedNext(state, RULES),
    endsAt: untoldEnd(RULES, now),
    readAt: now,
    askedAt: 0,
    marks: marksAt(now),
  };
}

const phaseOf = (at: number, offset: number): number =>
  PHASES.slice(0, Math.max(0, Math.floor((at - offset) / MINUTE_MS)) + 1).filter(
    (part, minute, all) => minute > 0 && part !== all[minute - 1],
  ).length;
/** Windows that lie within one phase and are not its first. */
const settled = (windows: Window[], offset: number): Window[] =>
  windows.filter(
    ({ from, to }) =>
      phaseOf(from - MINUTE_MS - 5_000, offset) === phaseOf(to - 1, offset) &&
      to - offset < PHASES.length * MINUTE_MS,
  );

describe.each([
  [20, 2],
  [100, 1],
])('of %i ticket updates a minute', (limit, slack) => {
  test('agents are refused only in the minute in which they begin; the sync uses everything that they leave', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 0, max: 59 }), (seed, second) => {
        const offset = second * 1000;
        const { windows, refusedAgents, refusedUs } = simulate(limit, seed, offset);
        const late = refusedAgents.filter((minute) => !BEGINNINGS.includes(Math.floor(minute)));
        // The window that contains the beginning can end after that minute.
        expect(late.length).toBeLessThanOrEqual(1);
        expect(refusedUs).toBeLessThanOrEqual(2);
        for (const { ours, others } of settled(windows, offset)) {
          const aim = (limit - others) * (others === 0 ? 0.95 : 0.9);
          // If there are few calls, one call more or less matters much.
          expect(ours).toBeGreaterThanOrEqual(Math.floor(aim) - (others === 0 ? slack - 1 : slack));
        }
      }),
      { numRuns: 20, seed: 18 },
    );
  });
});

describe('how many updates are left to others', () => {
  const state = (over: Partial<BudgetWindow>): BudgetWindow => ({
    ...freshWindow(100, RULES, 0),
    endsAt: MINUTE_MS,
    ours: 1,
    used: 1,
    ...over,
  });
  const may = (over: Partial<BudgetWindow>, now: number) => allowance(state(over), 'interactive', RULES, now);

  test('a share at first, which shrinks to nothing at the end', () => {
    expect(may({}, 0)).toBe(70);
    expect(may({}, MINUTE_MS / 2)).toBe(85);
    expect(may({}, MINUTE_MS - 300)).toBe(99);
  });

  test('one call is kept for the end, whose answer shows who has just begun', () => {
    const used = { ours: 98, used: 98 };
    expect(may(used, MINUTE_MS - 2_000)).toBe(98);
    expect(may(used, MINUTE_MS - 400)).toBe(99);
  });

  test('their expected use with a margin; at the end, what they have not used', () => {
    expect(may({ expected: 40 }, 0)).toBeLessThan(60);
    expect(may({ expected: 40 }, 0)).toBeGreaterThan(40);
    const seen = { expected: 40, ours: 40, used: 80, readAt: MINUTE_MS - 300 };
    expect(may(seen, MINUTE_MS - 300)).toBeGreaterThanOrEqual(97);
  });

  test('the first call of a window is always allowed: its answer shows what others do', () => {
    expect(may({ expected: 100, ours: 0, used: 0 }, 0)).toBe(1);
    expect(may({ expected: 100, ours: 0, used: 100 }, 0)).toBeLessThanOrEqual(100);
  });

  test('an increase is expected to continue, a decrease is halved, and without a call nothing changes', () => {
    const next = (over: Partial<BudgetWindow>) => expectedNext(state({ readAt: MINUTE_MS, ...over }), RULES);
    expect(next({ expected: 20, ours: 50, used: 90 })).toBeGreaterThan(60);
    expect(next({ expected: 0, ours: 98, used: 99 })).toBe(50);
    expect(next({ expected: 80, ours: 99, used: 99 })).toBe(40);
    expect(next({ expected: 1, ours: 99, used: 99 })).toBe(0);
    expect(next({ expected: 33, ours: 0, used: 0 })).toBe(33);
  });

  test('while the use by others is unknown, one call asks, and the next call waits for its answer', () => {
    const unread = { expected: 80, ours: 10, used: 50, readAt: MINUTE_MS * 0.5 };
    const now = MINUTE_MS * 0.7;
    const asked = may({ ...unread, askedAt: now - 100 }, now);
    expect(may(unread, now)).toBeGreaterThan(asked);
    expect(may({ ...unread, askedAt: now - 100, readAt: now }, now)).toBeGreaterThan(asked);
  });

  test('a program that writes little finds a permit at once, however much others are expected to use', () => {
    for (const expected of [0, 20, 50]) expect(may({ expected }, 0)).toBeGreaterThan(25);
  });

  test('if others use up the window early, it is unknown how much more they wanted', () => {
    const used = { ours: 60, used: 100 };
    expect(wantedMore(state(used), RULES, MINUTE_MS / 2)).toBe(true);
    expect(wantedMore(state(used), RULES, MINUTE_MS - 1_000)).toBe(false);
    expect(wantedMore(state({ ours: 100, used: 100 }), RULES, MINUTE_MS / 2)).toBe(false);
  });

  test('whatever was seen: never more than the limit, and never less as the window passes without news', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.double({ min: 0, max: 300, noNaN: true }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 0, max: 300 }),
        fc.tuple(fc.integer({ min: 0, max: MINUTE_MS }), fc.integer({ min: 0, max: MINUTE_MS })),
        (limit, expected, ours, others, times) => {
          const [early, late] = [Math.min(...times), Math.max(...times)];
          const over = { limit, expected, ours, used: ours + others };
          expect(may(over, early)).toBeLessThanOrEqual(limit);
          expect(may(over, late)).toBeGreaterThanOrEqual(may(over, early));
          expect(usedByOthers(state(over))).toBe(others);
        },
      ),
    );
  });
});
