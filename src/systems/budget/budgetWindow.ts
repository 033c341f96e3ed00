import type { Lane } from '../../sync/lane';

/**
 * Arithmetic of one limit: so many calls in a window of time. Pure.
 *
 * The API's own window begins with the first call after the one before it ended. Ours follows it by what the answers
 * say: never ahead of it, and behind it by milliseconds, once some answers came.
 */

/** Times are milliseconds since the epoch. */
export interface BudgetWindow {
  /** Counts up; permits of another window are void. */
  window: number;
  /** Calls that a window allows, as the API last said it. */
  limit: number;
  /** Permits that were handed out, or more where the API counts calls that are not ours. */
  used: number;
  /** Permits that were handed out. */
  ours: number;
  endsAt: number;
  windowMs: number;
  /** Nobody calls before this: the API said so. */
  blockedUntil: number;
  /** Calls of others that are expected in a whole window, from what the windows before showed. */
  expected: number;
  /** When an answer last told how much of this window was used; its beginning where none has. */
  readAt: number;
  /** When the latest permit was handed out; 0 for none in this window. */
  askedAt: number;
  /** Two earlier readings of this window, a while apart, to tell how fast others are just now. */
  marks: readonly [Mark, Mark];
  /** Calls that were told to come again in a window, by lane and the window's number, and that have not come yet. */
  promised: Record<Lane, Record<string, number>>;
}

/** A window as the database keeps it. */
export type BucketDocument = BudgetWindow & { _id: string };

/** What others had used at a time. */
export interface Mark {
  at: number;
  others: number;
}

/** What is the same for all windows of a limit. */
export interface WindowRules {
  windowMs: number;
  /** Calls of a window at most, whatever the API allows; null for no such bound. */
  ceiling: number | null;
  /** The part of a window's limit that may be used at once, where others draw on the limit, too; 1 for no others. */
  share: number;
}

export const MINUTE_MS = 60_000;
/** Of each window, kept for interactive calls. It melts away with the window, so that it is not lost with it. */
const RESERVED = 0.2;
/** Left unused, for calls that arrive at the API in another window than that of their permit. */
const MARGIN = 0.01;
/** A call sent later than this before the end might count in the next window. */
const LAST_CALL_MS = 300;
/** The last part of a window, in which we look once more what others do. */
const LAST_LOOK = 0.012;
/** Between the end of a window and the first call of the next. */
const GAP_MS = 50;
const LARGEST_LOT = 20;
/** Lots are at most this part of what is left. */
const LOT = 0.01;
/** A new window is taken to be so much longer, until an answer says it: answers only ever bring its end nearer. */
const UNTOLD = 13 / 12;
/** What others did in less than this part of a window says little of the rest: marks are so far apart. */
const SEEN_AT_LEAST = 0.1;
/** Others are taken to have gone on at this part of their rate since an answer told of them last, until we ask. */
const UNREAD = 0.5;
/** Of what others are expected to use, so many standard deviations are kept besides: at a window's end, and more before. */
const DEVIATIONS = 1;
const DEVIATIONS_BEFORE = 1.5;
/** Others who use more of a limit than this part count as at work; of the limit, so much is left to them at a window's end. */
const AT_WORK = 0.1;
const LEFT_AT_END = 0.02;
/** Others who appear where there were none are taken to use this part of the limit, until a window shows how much it is. */
const APPEARED = 0.5;
/** Where the API was used up with more than this part of a window to come, others wanted more than they got. */
const EARLY = 0.05;
/** A promise reaches so many windows ahead at most. */
const WINDOWS_AHEAD = 15;
/** How often it is looked whether there is more to be had. */
const LOOK_MS = 1_000;
const SOONEST_LOOK_MS = 50;
/** Times within a window that are looked at for when a call becomes possible. */
const LOOKS = 60;

const part = (ms: number, { windowMs }: WindowRules): number => Math.min(1, Math.max(0, ms / windowMs));
const lastCall = ({ endsAt }: BudgetWindow, { windowMs }: WindowRules): number =>
  endsAt - Math.min(LAST_CALL_MS, windowMs / 5);

/** A window that begins now, before any answer told of it. */
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

/** How many calls in all, ours and others', may have been made by now to let this lane make one more. */
export function allowance(state: BudgetWindow, lane: Lane, rules: WindowRules, now: number): number {
  const limit = Math.min(state.limit, rules.ceiling ?? Infinity);
  const margin = Math.floor(limit * MARGIN);
  const rest = part(lastCall(state, rules) - now, rules);
  const forPeople = lane === 'interactive' ? 0 : limit * RESERVED * rest;
  const kept = Math.max(margin + keptForTheEnd(state, rules, now), roomForOthers(state, rules, now));
  const most = Math.floor(limit - kept - forPeople);
  // A window's first call tells what others have used, and makes ours begin with the API's.
  return state.ours === 0 ? Math.max(most, Math.min(state.used + 1, limit - margin)) : most;
}

/** One call, where others draw on the limit, too: the answer to it tells who has begun only just now. */
function keptForTheEnd(state: BudgetWindow, rules: WindowRules, now: number): number {
  return rules.share < 1 && now < lastCall(state, rules) - rules.windowMs * LAST_LOOK ? 1 : 0;
}

/** Calls of this window that were not ours, as far as answers told. */
export function usedByOthers({ used, ours }: Pick<BudgetWindow, 'used' | 'ours'>): number {
  return Math.max(0, used - ours);
}

/**
 * Calls that are left to others for the rest of the window: what they are expected to make, with a margin, and never
 * less than their share. All of it melts away with the window, so that at its end all that is left may be used; and
 * until then there is always something to be sent whose answer tells what others do.
 */
export function roomForOthers(state: BudgetWindow, rules: WindowRules, now: number): number {
  if (rules.share >= 1) return 0;
  const rest = part(state.endsAt - now, rules);
  const unread = Math.min(part(now - state.readAt, rules), 1 - rest);
  // One call may ask what others did meanwhile; the next one waits for its answer.
  const asking = state.askedAt > state.readAt;
  const likely = othersRate(state, rules) * (rest + (asking ? 1 : UNREAD) * unread);
  const share = (1 - rules.share) * state.limit * part(lastCall(state, rules) - now, rules);
  const deviations = DEVIATIONS + DEVIATIONS_BEFORE * rest;
  const atEnd = othersRate(state, rules) > AT_WORK * state.limit ? LEFT_AT_END * state.limit : 0;
  return Math.max(likely + deviations * Math.sqrt(likely), share, atEnd);
}

/** Calls of others in a whole window: as expected, or more where this window already shows more. */
function othersRate(state: BudgetWindow, rules: WindowRules): number {
  return Math.min(state.limit, Math.max(state.expected, seenRate(state, rules)));
}

/** Calls in a whole window as others make them just now, rather too many: of few it is said with a margin. */
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

/** The marks after an answer told of the window's use. */
export function marked(state: BudgetWindow, rules: WindowRules): readonly [Mark, Mark] {
  const [, later] = state.marks;
  if (state.readAt - later.at < SEEN_AT_LEAST * rules.windowMs) return state.marks;
  return [later, { at: state.readAt, others: usedByOthers(state) }];
}

/**
 * What others are expected to use of the next window. A rise is taken to go on, a fall is followed by halves; a window
 * in which nothing was asked says nothing.
 */
export function expectedNext(state: BudgetWindow, rules: WindowRules): number {
  if (rules.share >= 1) return 0;
  if (state.ours === 0) return state.expected;
  const estimate = Math.min(state.limit, seenRate(state, rules));
  const change = estimate - state.expected;
  // Of a rise, this window may have shown the beginning only.
  const appeared = state.expected === 0 && usedByOthers(state) > 0 ? APPEARED * state.limit : 0;
  const next =
    change > 0 ? Math.min(state.limit, Math.max(estimate + change, appeared)) : state.expected + change / 2;
  return next < 1 ? 0 : next;
}

/** Whether others have used up a window of which much is to come: how much more they wanted is not known. */
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

/** Milliseconds after which somebody who waits looks again: more and more often towards the window's end. */
export function lookMs(state: BudgetWindow, lane: Lane, rules: WindowRules, now: number): number {
  const last = lastCall(state, rules);
  if (now < state.blockedUntil || now >= last) return Math.min(LOOK_MS, Math.max(1, waitMs(state, now)));
  const next = Math.min(timeOf(state, lane, rules, 1, now) - now, (last - now) / 4);
  return Math.min(LOOK_MS, Math.max(SOONEST_LOOK_MS, next));
}

/** Milliseconds until a new window begins for certain. */
export function waitMs(state: BudgetWindow, now: number): number {
  return Math.max(state.endsAt + GAP_MS, state.blockedUntil) - now;
}

/** Permits to ask for at once: few where few are left, so that none lie idle with one worker while others wait. */
export function lotSize(left: number, wanted: number): number {
  return Math.max(0, Math.min(wanted, LARGEST_LOT, Math.ceil(left * LOT), left));
}

/** When a call that has to wait is expected to find a permit, and in which window. */
export interface Turn {
  at: number;
  window: number;
}

/**
 * When the next call of a lane that is told to come again is to come, if others do as they are expected to: behind all
 * that were told so before it, and in the background behind interactive ones, too.
 * @param ahead calls that wait in this process
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

/** Permits that are expected to be free at a time of the window, if nobody of ours took any until then. */
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
