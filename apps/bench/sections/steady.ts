import { byRoute, callsOf, isIntake, resetCalls, log, total, type Sandboxes } from '../bed';
import { changes } from 'testkit';

export interface ChangeCost {
  change: string;
  changes: number;
  /** Calls per change, without reads of exports and feeds. */
  calls: number;
  /** The minimum that the two APIs allow. */
  bound: number;
  byRoute: Record<string, number>;
}

export interface Steady {
  /** Calls per change over all kinds of changes, without reads of exports and feeds. */
  calls: number;
  /** Reads of exports and feeds, per change. */
  intake: number;
  costs: ChangeCost[];
}

/**
 * One write carries a change. An organization, whose update has no precondition, has to be read before it. The values
 * of a new ticket that Zendesk sets (address, channel) go back to its project.
 */
const BOUND: Record<string, number> = { 'customer edited': 2, 'project made': 2 };

/**
 * Makes changes of each kind, one kind after the other, and counts the calls that carry them.
 * @param settled resolves after the sync has nothing left to do
 */
export async function steady(
  sandboxes: Sandboxes,
  each: number,
  until: (what: string, holds: () => boolean) => Promise<void>,
  settled: () => Promise<void>,
): Promise<Steady> {
  const costs: ChangeCost[] = [];
  let made = 0;
  let intake = 0;
  for (const { name, make } of changes(sandboxes)) {
    await resetCalls(sandboxes);
    const arrived = Array.from({ length: each }, (_, n) => make(n));
    await until(`${name}: all arrived`, () => arrived.every((has) => has()));
    await settled();
    const calls = await callsOf(sandboxes);
    const carrying = calls.filter((call) => !isIntake(call));
    intake += total(calls) - total(carrying);
    made += total(carrying);
    costs.push({
      change: name,
      changes: each,
      calls: total(carrying) / each,
      bound: BOUND[name] ?? 1,
      byRoute: byRoute(carrying),
    });
    log(`${name}: ${(total(carrying) / each).toFixed(3)} calls`);
  }
  const all = each * costs.length;
  return { calls: made / all, intake: intake / all, costs };
}
