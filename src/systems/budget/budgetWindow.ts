import type { Lane } from '../../sync/lane';

/**
 * Arithmetic of a limit of calls in a window of time. Pure.
 *
 * The API's window begins with the first call after the end of the former window. Our window follows it by the answers:
 * it never begins earlier and, after some answers, only milliseconds later.
 */

/** The state of the present window. Times are milliseconds since the epoch. */
export interface BudgetWindow {
  /** The number of the window; permits of another window are invalid. */
  window: number;
  /** The calls that a window allows, by the latest answer. */
  limit: number;
  /** Leased permits, plus the calls of others that the API has counted. */
  used: number;
  /** Leased permits. */
  ours: number;
  endsAt: number;
  windowMs: number;
  /** No call is sent before this time, because the API asked for it. */
  blockedUntil: number;
  /** Expected calls of others in a whole window, by the former windows. */
  expected: number;
  /** When an answer last showed the use of this window; the beginning of the window if none has. */
  readAt: number;
  /** When the latest permit was leased; 0 if none was in this window. */
  askedAt: number;
  /** Two earlier readings of this window, at some distance, which show the present rate of others. */
  marks: readonly [Mark, Mark];
  /** Numbers of calls that are scheduled to come again and have not come yet, by lane and window. */
  promised: Record<Lane, Record<string, number>>;
}

/** A window as it is stored. */
export type BucketDocument = BudgetWindow & { _id: string };

/** A reading: the calls of others until a time. */
export interface Mark {
  at: number;
  others: number;
}

/** The settings of all windows of a limit. */
export interface WindowRules {
  windowMs: number;
  /** The most calls of a window, even if the API allows more; null if there is no such bound. */
  ceiling: number | null;
  /** The share of a window that may be used at its beginning, if others use the limit, too; 1 if no others do. */
  share: number;
}

export const MINUTE_MS = 60_000;
/** The share of each window that is reserved for interactive calls. It shrinks to zero until the end of the window. */
const RESERVED = 0.2;
/** The share that stays unused, because some calls arrive at the API in another window than that of their permit. */
const MARGIN = 0.01;
/** No call is sent within this time before the end of a window, because it might count in the next one. */
const LAST_CALL_MS = 300;
/** The last part of a window, for which one call is kept, to observe others once more. */
const LAST_LOOK = 0.012;
/** The pause between the end of a window and the first call of the next. */
const GAP_MS = 50;
const LARGEST_LOT = 20;
/** The largest lot, as a part of the permits that are left. */
const LOT = 0.01;
/** A new window is assumed to be longer by this factor, because answers can only bring its end nearer. */
const UNTOLD = 13 / 12;
/** The least distance of marks, as a part of the window: a shorter time shows too little of the rate of others. */
const SEEN_AT_LEAST = 0.1;
/** Since the last answer, others are assumed to have called at this part of their rate, until the next answer. */
const UNREAD = 0.5;
/**
 * The margin for the expected calls of others, in standard deviations: at the end of a window, and in addition before.
 */
const DEVIATIONS = 1;
const DEVIATIONS_BEFORE = 1.5;
/**
 * If others use more than this part of a limit, they count as active, and this part is left to them at a window's end.
 */
const AT_WORK = 0.1;
const LEFT_AT_END = 0.02;
/**
 * If others begin to call, they are assumed to use this part of the limit, until a whole window shows how much it is.
 */
const APPEARED = 0.5;
/** If a limit is exhausted more than this part of a window before its end, others wanted more calls than they got. */
const EARLY = 0.05;
/** A call is scheduled at most so many windows ahead. */
const WINDOWS_AHEAD = 15;
/** The longest interval at which waiting calls check for permits. */
const LOOK_MS = 1_000;
const SOONEST_LOOK_MS = 50;
/** The number of times in a window that are checked for when a call becomes possible. */
const LOOKS = 60;

const part = (ms: number, { windowMs }: WindowRules): number => Math.min(1, Math.max(0, ms / windowMs));
const lastCall = ({ endsAt }: BudgetWindow, { windowMs }: WindowRules): number =>
  endsAt - Math.min(LAST_CALL_MS, windowMs / 5);

/** A window that begins now, before its first answer. */
export function freshWindow(limit: number, rules: WindowRules, now: number): BudgetWindow {
  return {
    window: 1,
    limit,
    used: 0,
    ours: 0,
    endsAt: untoldEnd(rules, now),
    windowMs: rules.windowMs,
    blockedUntil: 0,
    expected: 0,
    readAt: now,
    askedAt: 0,
    marks: marksAt(now),
    promised: { interactive: {}, background: {} },
  };
}

export function marksAt(at: number): readonly [Mark, Mark] {
  return [
    { at, others: 0 },
    { at, others: 0 },
  ];
}

export const untoldEnd = ({ windowMs }: WindowRules, now: number): number =>
  now + Math.round(windowMs * UNTOLD);

/** If fewer calls than this were made so far, by us and others together, the lane may make another one. */
export function allowance(state: BudgetWindow, lane: Lane, rules: WindowRules, now: number): number {
  const limit = Math.min(state.limit, rules.ceiling ?? Infinity);
  const margin = Math.floor(limit * MARGIN);
  const rest = part(lastCall(state, rules) - now, rules);
  const forPeople = lane === 'interactive' ? 0 : limit * RESERVED * rest;
  const kept = Math.max(margin + keptForTheEnd(state, rules, now), roomForOthers(state, rules, now));
  const most = Math.floor(limit - kept - forPeople);
  // The first call of a window shows the use by others, and synchronizes our window with the API's.
  return state.ours === 0 ? Math.max(most, Math.min(state.used + 1, limit - margin)) : most;
}

/**
 * One call is kept for the end of the window if others use the limit: its answer shows whether others have just begun.
 */
function keptForTheEnd(state: BudgetWindow, rules: WindowRules, now: number): number {
  return rules.share < 1 && now < lastCall(state, rules) - rules.windowMs * LAST_LOOK ? 1 : 0;
}

/** The calls of others in this window, as far as answers showed. */
export function usedByOthers({ used, ours }: Pick<BudgetWindow, 'used' | 'ours'>): number {
  return Math.max(0, used - ours);
}

/**
 * The calls that are left to others for the rest of the window: their expected calls with a margin, and at least their
 * share. It shrinks during the window, so that at its end all remaining calls may be used. Until then, there are always
 * calls left whose answers show the use by others.
 */
export function roomForOthers(state: BudgetWindow, rules: WindowRules, now: number): number {
  if (rules.share >= 1) return 0;
  const rest = part(state.endsAt - now, rules);
  const unread = Math.min(part(now - state.readAt, rules), 1 - rest);
  // One call may be sent to observe others; the next one waits for its answer.
  const asking = state.askedAt > state.readAt;
  const likely = othersRate(state, rules) * (rest + (asking ? 1 : UNREAD) * unread);
  const share = (1 - rules.share) * state.limit * part(lastCall(state, rules) - now, rules);
  const deviations = DEVIATIONS + DEVIATIONS_BEFORE * rest;
  const atEnd = othersRate(state, rules) > AT_WORK * state.limit ? LEFT_AT_END * state.limit : 0;
  return Math.max(likely + deviations * Math.sqrt(likely), share, atEnd);
}

/** The calls of others in a whole window: the expected number, or more if this window already shows more. */
function othersRate(state: BudgetWindow, rules: WindowRules): number {
  return Math.min(state.limit, Math.max(state.expected, seenRate(state, rules)));
}

/**
 * The calls of others in a whole window at their present rate, with a margin, because few calls show the rate badly.
 */
function seenRate(state: BudgetWindow, rules: WindowRules): number {
  const seen = usedByOthers(state);
  const [{ at, others }] = state.marks;
  const rate = (calls: number, ms: number) =>
    (calls + Math.sqrt(calls)) / Math.max(SEEN_AT_LEAST, part(ms, rules));
  const begun = state.endsAt - rules.windowMs;
  return Math.max(
    rate(seen, state.readAt - begun),
    rate(Math.max(0, seen - others), state.readAt - Math.max(at, begun)),
  );
}

/** The marks after an answer showed the use of the window. */
export function marked(state: BudgetWindow, rules: WindowRules): readonly [Mark, Mark] {
  const [, later] = state.marks;
  if (state.readAt - later.at < SEEN_AT_LEAST * rules.windowMs) return state.marks;
  return [later, { at: state.readAt, others: usedByOthers(state) }];
}

/**
 * The expected calls of others in the next window. A rise is assumed to continue, a fall is followed by half. A window
 * without a call of ours changes nothing.
 */
export function expectedNext(state: BudgetWindow, rules: WindowRules): number {
  if (rules.share >= 1) return 0;
  if (state.ours === 0) return state.expected;
  const estimate = Math.min(state.limit, seenRate(state, rules));
  const change = estimate - state.expected;
  // If others have just begun, this window may show only a part of their rate.
  const appeared = state.expected === 0 && usedByOthers(state) > 0 ? APPEARED * state.limit : 0;
  const next =
    change > 0 ? Math.min(state.limit, Math.max(estimate + change, appeared)) : state.expected + change / 2;
  return next < 1 ? 0 : next;
}

/** Whether others have exhausted a window long before its end: they may have wanted more calls. */
export function wantedMore(state: BudgetWindow, rules: WindowRules, now: number): boolean {
  return (
    rules.share < 1 &&
    state.used >= state.limit &&
    usedByOthers(state) > 0 &&
    part(state.endsAt - now, rules) > EARLY
  );
}

export function isOver({ endsAt }: Pick<BudgetWindow, 'endsAt'>, now: number): boolean {
  return now >= endsAt + GAP_MS;
}

export function mayCall(state: BudgetWindow, rules: WindowRules, now: number): boolean {
  return now >= state.blockedUntil && now < lastCall(state, rules);
}

/**
 * Milliseconds until a waiting call checks for permits again: the interval becomes shorter towards the window's end.
 */
export function lookMs(state: BudgetWindow, lane: Lane, rules: WindowRules, now: number): number {
  const last = lastCall(state, rules);
  if (now < state.blockedUntil || now >= last) return Math.min(LOOK_MS, Math.max(1, waitMs(state, now)));
  const next = Math.min(timeOf(state, lane, rules, 1, now) - now, (last - now) / 4);
  return Math.min(LOOK_MS, Math.max(SOONEST_LOOK_MS, next));
}

/** Milliseconds until a new window has certainly begun. */
export function waitMs(state: BudgetWindow, now: number): number {
  return Math.max(state.endsAt + GAP_MS, state.blockedUntil) - now;
}

/** The size of a lot: small if few permits are left, so that none stay unused with one worker while others wait. */
export function lotSize(left: number, wanted: number): number {
  return Math.max(0, Math.min(wanted, LARGEST_LOT, Math.ceil(left * LOT), left));
}

/** When a call that has to wait is expected to find a permit, and in which window. */
export interface Turn {
  at: number;
  window: number;
}

/**
 * The time at which the next scheduled call of a lane should come, if others call as expected: after all calls that
 * were scheduled before it and, in the background lane, also after interactive ones.
 *
 * @param ahead the number of calls that wait in this process
 */
export function nextTurn(
  state: BudgetWindow,
  lane: Lane,
  rules: WindowRules,
  ahead: number,
  now: number,
): Turn {
  let window = state;
  let from = Math.max(now, state.blockedUntil);
  let before = ahead;
  for (let n = 0; n < WINDOWS_AHEAD; n += 1) {
    before += promisedIn(window, lane);
    if (from < lastCall(window, rules)) {
      const all = free(window, lane, rules, lastCall(window, rules));
      if (all > before) return { at: timeOf(window, lane, rules, before + 1, from), window: window.window };
      before = Math.max(0, before - Math.max(0, all));
    }
    window = following(window, rules);
    from = Math.max(from, window.readAt);
  }
  return { at: from, window: window.window };
}

function promisedIn({ window, promised }: BudgetWindow, lane: Lane): number {
  const interactive = promised.interactive[window] ?? 0;
  return lane === 'interactive' ? interactive : interactive + (promised.background[window] ?? 0);
}

/** The expected number of free permits at a time of the window, if we make no call until then. */
function free(state: BudgetWindow, lane: Lane, rules: WindowRules, at: number): number {
  const meanwhile = rules.share >= 1 ? 0 : othersRate(state, rules) * part(at - state.readAt, rules);
  return Math.floor(allowance({ ...state, readAt: at }, lane, rules, at) - state.used - meanwhile);
}

function timeOf(state: BudgetWindow, lane: Lane, rules: WindowRules, nth: number, from: number): number {
  const end = lastCall(state, rules);
  for (let look = 0; look < LOOKS; look += 1) {
    const at = from + ((end - from) * look) / LOOKS;
    if (free(state, lane, rules, at) >= nth) return Math.ceil(at);
  }
  return end;
}

function following(state: BudgetWindow, rules: WindowRules): BudgetWindow {
  const begins = Math.max(state.endsAt + GAP_MS, state.blockedUntil);
  return {
    ...state,
    window: state.window + 1,
    used: 0,
    ours: 0,
    expected: expectedNext(state, rules),
    readAt: begins,
    askedAt: 0,
    marks: marksAt(begins),
    endsAt: begins + rules.windowMs,
  };
}
