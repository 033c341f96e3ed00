import { CHECKS, GROUPS, type Group } from './checks';
import type { Conformance } from './runConform';
import type { Judged, Verdict } from './verdict';

/** The data of a report, and its summary. */

export interface Report extends Conformance {
  /** The system's address. */
  system: string;
  /** The name of the account that the credential belongs to. */
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

/** Whether the run was complete, no check failed, and every claim of the adapter holds. */
export function isSound({ results, stopped }: Conformance): boolean {
  return !stopped && results.every(({ verdict }) => verdict !== 'lies' && verdict !== 'failed');
}

export function countsOf(results: readonly Judged[]): Record<Verdict, number> {
  const counts = { holds: 0, window: 0, off: 0, untried: 0, failed: 0, lies: 0 };
  for (const { verdict } of results) counts[verdict] += 1;
  return counts;
}

/** The results by group, in the order of the checks. */
export function groupsOf(results: readonly Judged[]): [string, Judged[]][] {
  const order = Object.keys(CHECKS);
  return (Object.keys(GROUPS) as Group[]).flatMap((group): [string, Judged[]][] => {
    const those = results
      .filter(({ check }) => CHECKS[check].group === group)
      .sort((a, b) => order.indexOf(a.check) - order.indexOf(b.check));
    return those.length > 0 ? [[GROUPS[group], those]] : [];
  });
}

/** Each consequence of a verdict once, with the subjects and checks that it applies to. */
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
