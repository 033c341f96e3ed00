import type { BrakeMark } from './holds';

/** What the brake holds of a pair, for a person. */
export function brakeText(braked: readonly BrakeMark[]): string {
  const what = braked.map(({ row, gone = '' }) => row ?? `the end of ${gone}`);
  const ids = [...new Set(braked.map(({ hold }) => hold))];
  return `the brake holds ${what.join(', ')}: ${ids.join(', ')}`;
}
