import { controlsOf } from 'testkit';

/** The sync's API calls, as both systems counted them. */

export interface Spending {
  /** All calls. */
  calls: number;
  /** Calls that read changes: exports and the feed. */
  polls: number;
  /** Reads other than polls. */
  reads: number;
  /** Calls that create people in the other system. */
  people: number;
  /** Other successful writes. */
  writes: number;
  /** The writes that created a record, including comments. */
  creates: number;
  /** Calls that were refused or failed. */
  refused: number;
}

export class Meter {
  constructor(private readonly systems: readonly { url: string; user: string }[]) {}

  async read(): Promise<Spending> {
    const total: Spending = { calls: 0, polls: 0, reads: 0, people: 0, writes: 0, creates: 0, refused: 0 };
    for (const { url, user } of this.systems) {
      const calls = await controlsOf({ url }).calls();
      for (const { method, route, status, count } of calls.filter((call) => call.user === user)) {
        const sort = sortOf(method, route, status);
        total.calls += count;
        total[sort] += count;
        if (sort === 'writes' && method === 'POST') total.creates += count;
      }
    }
    return total;
  }
}

function sortOf(method: string, route: string, status: number): Exclude<keyof Spending, 'calls' | 'creates'> {
  if (status >= 400 || status === 0) return 'refused';
  if (method !== 'GET') return route.endsWith('/people') ? 'people' : 'writes';
  return route.includes('/incremental/') || route.endsWith('/changes') ? 'polls' : 'reads';
}

export function difference(after: Spending, before: Spending): Spending {
  return {
    calls: after.calls - before.calls,
    polls: after.polls - before.polls,
    reads: after.reads - before.reads,
    people: after.people - before.people,
    writes: after.writes - before.writes,
    creates: after.creates - before.creates,
    refused: after.refused - before.refused,
  };
}
