import type { BrakeMark } from './holds';
import type { NotTaken } from './notTaken';
import type { Reason, ReasonCode } from './reasons';
import type { RefKey, Side } from './record';

const SIDE_NAMES: Record<Side, string> = { zendesk: 'Zendesk', pms: 'the PMS' };

/** What an agreement leaves open. */
interface OpenParts {
  waitsFor: readonly RefKey[];
  conflicts: readonly { row: string }[];
  notTaken?: readonly NotTaken[];
  braked?: readonly BrakeMark[];
}

/** The reason of a link whose agreement leaves something open, for a person. */
export function openReason(
  { waitsFor, conflicts, notTaken = [], braked = [] }: OpenParts,
  failedFiles: string | null,
  since: string,
) {
  const because = (code: ReasonCode, text: string): Reason => ({ code, text, since, nextAttempt: null });
  if (waitsFor.length > 0) return because('waiting', `waits for ${waitsFor.join(', ')}`);
  if (conflicts.length > 0)
    return because('conflict', `both sides changed ${conflicts.map(({ row }) => row).join(', ')}`);
  if (braked.length > 0) return because('brake', brakeText(braked));
  if (failedFiles !== null) return because('attachment', failedFiles);
  if (notTaken.length === 0) return null;
  const words = notTaken.map((each) => `${SIDE_NAMES[each.side]} did not take ${each.row}: ${each.words}`);
  return because('not_taken', words.join('; '));
}

/** What the brake holds of a pair, for a person. */
export function brakeText(braked: readonly BrakeMark[]): string {
  const what = braked.map(({ row, gone = '' }) => row ?? `the end of ${gone}`);
  const ids = [...new Set(braked.map(({ hold }) => hold))];
  return `the brake holds ${what.join(', ')}: ${ids.join(', ')}`;
}
