import type { Lane } from '../sync/lane';

/**
 * Arithmetic of one limit: so many calls in a window of a minute. Pure.
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
  endsAt: number;
  /** Nobody calls before this: the API said so. */
  blockedUntil: number;
}

export const WINDOW_MS = 60_000;
/** Where a new window is taken to end until an answer says it: rather late, as answers only ever bring it nearer. */
export const UNTOLD_WINDOW_MS = 65_000;
/** Of each window, kept for interactive calls. It melts away with the window, so that it is not lost with it. */
const RESERVED = 0.2;
/** Left unused, for calls that arrive at the API in another window than that of their permit. */
const MARGIN = 0.01;
/** A call sent later than this before the end might count in the next window. */
const LAST_CALL_MS = 300;
/** Between the end of a window and the first call of the next. */
const GAP_MS = 50;
const LARGEST_LOT = 20;

/** How many permits in all may have been handed out by now to let this lane have one more. */
export function allowance(state: BudgetWindow, lane: Lane, ceiling: number | null, now: number): number {
  const limit = Math.min(state.limit, ceiling ?? Infinity);
  const usable = limit - Math.floor(limit * MARGIN);
  if (lane === 'interactive') return usable;
  const left = Math.min(1, Math.max(0, (state.endsAt - now) / WINDOW_MS));
  return Math.floor(usable - limit * RESERVED * left);
}

export function isOver(state: BudgetWindow, now: number): boolean {
  return now >= state.endsAt + GAP_MS;
}

export function mayCall(state: BudgetWindow, now: number): boolean {
  return now >= state.blockedUntil && now < state.endsAt - LAST_CALL_MS;
}

/** Milliseconds until calls are possible again for certain. */
export function waitMs(state: BudgetWindow, now: number): number {
  return Math.max(state.endsAt + GAP_MS, state.blockedUntil) - now;
}

/** Permits to ask for at once: few where few are left, so that none lie idle with one worker while others wait. */
export function lotSize(left: number, wanted: number): number {
  return Math.max(0, Math.min(wanted, LARGEST_LOT, Math.ceil(left / LARGEST_LOT), left));
}
