import { CHECKS, GROUPS, type Group } from './checks';
import type { Conformance } from './runConform';
import type { Judged, Verdict } from './verdict';

/** What the report says besides its lines. */

export interface Report extends Conformance {
  /** Address of the system, and whom the credential belongs to. */
  system: string;
  as: string;
  /** ISO time. */
  startedAt: string;
  seconds: number;
}

export const MARKS: Record<Verdict, string> = {
  holds: '✓',
  window: '~',
  off: '–',
  untried: '?',
  failed: '!',
  lies: '✗',
};

/** Nothing is claimed that is not so, and everything could be tried that was to be. */
export function isSound({ results, stopped }: Conformance): boolean {
  return !stopped && results.every(({ verdict }) => verdict !== 'lies' && verdict !== 'failed');
}

export function countsOf(results: readonly Judged[]): Record<Verdict, number> {
  const counts = { holds: 0, window: 0, off: 0, untried: 0, failed: 0, lies: 0 };
  for (const { verdict } of results) counts[verdict] += 1;
  return counts;
}

/** In the order of the checks; those of a group by kind. */
export function groupsOf(results: readonly Judged[]): [string, Judged[]][] {
  const order = Object.keys(CHECKS);
  return (Object.keys(GROUPS) as Group[]).flatMap((group): [string, Judged[]][] => {
    const those = results
      .filter(({ check }) => CHECKS[check].group === group)
      .sort((a, b) => order.indexOf(a.check) - order.indexOf(b.check));
    return those.length > 0 ? [[GROUPS[group], those]] : [];
  });
}

/** Each thing that a verdict means for the sync, once, with what it is true of. */
export function meaningsOf(results: readonly Judged[], verdict: Verdict): [string, string[]][] {
  const found = new Map<string, string[]>();
  for (const { subject, check, means, ...each } of results) {
    if (each.verdict !== verdict || means === null) continue;
    const of = subject === '' ? check : `${subject} (${check})`;
    found.set(means, [...(found.get(means) ?? []), of]);
  }
  return [...found];
}

export function summaryOf({ results, seconds }: Report): string {
  const { holds, window, off, untried, failed, lies } = countsOf(results);
  return `${results.length} checks: ${holds} hold, ${window} with a window, ${off} off, ${untried} not tried, ${failed} failed, ${lies} lies; ${Math.round(seconds)} s`;
}
