import { type PropertyRow, writesTo } from './mapping';
import { redactAlike } from './redaction';
import { SIDES, otherSide, type Json, type Side } from './record';
import type { RowDecision } from './resolution';
import { filledFrom } from './rules/firstMeeting';
import { canBeHidden, narrowerSide } from './rules/visibility';
import { sameValue, textOf } from './values';

/** Three-way merge of one property. Symmetric: exchanging the sides exchanges the result. */

export interface MergeInput {
  /** What each side last agreed to or was last seen with; null where the row was never agreed on. */
  base: Record<Side, Json> | null;
  current: Record<Side, Json>;
  /** Milliseconds of each record's last change, for the winner `latest`. */
  changedAt: Record<Side, number>;
}

export type MergeResult =
  /** Both sides are as they were. */
  | { kind: 'unchanged' }
  /** Both sides hold the same value. */
  | { kind: 'agree'; value: Json }
  /** `value`, found on `from`, goes to the other side; `lost` is what it overrules there, if anything. */
  | { kind: 'copy'; from: Side; value: Json; lost: Json | undefined; rule: string }
  /** `from` changed, but the other side can take the value only as a follow-up. */
  | { kind: 'followUp'; from: Side; value: Json }
  /** A value that a person made of both goes to either side; `lost` is what it overrules. */
  | { kind: 'replace'; value: Json; lost: Partial<Record<Side, Json>>; rule: string }
  /**
   * What was said on `from`, which cannot be edited there, was redacted: `value` is what is left of it. `text` is what
   * the other side says without what was redacted; `edited` where that is an edit of which `from` has not heard.
   */
  | { kind: 'redact'; from: Side; value: Json; text: Json; edited: boolean }
  /** Both values stay, each on its side: neither can be written to the other. `value` is agreed on. */
  | { kind: 'differ'; value: Json }
  /** Only a person can decide. */
  | { kind: 'park' };

export function mergeRow(row: PropertyRow, input: MergeInput): MergeResult {
  const { base, current } = input;
  if (sameValue(current.zendesk, current.pms)) {
    return base && sameValue(base.zendesk, current.zendesk) && sameValue(base.pms, current.pms)
      ? { kind: 'unchanged' }
      : { kind: 'agree', value: current.zendesk };
  }
  const redacted = redaction(row, input);
  if (redacted) return redacted;
  const changed = {
    zendesk: !base || !sameValue(base.zendesk, current.zendesk),
    pms: !base || !sameValue(base.pms, current.pms),
  };
  if (!changed.zendesk && !changed.pms) return { kind: 'unchanged' };
  if (changed.zendesk !== changed.pms) return carry(row, changed.zendesk ? 'zendesk' : 'pms', input);
  return decide(row, input);
}

/**
 * A property that was parked. It ends by both sides becoming equal, by a person's decision, or because the
 * mapping now names a winner; until then neither value moves, whoever edits it again.
 */
export function mergeParked(row: PropertyRow, input: MergeInput, decision?: RowDecision): MergeResult {
  const { current } = input;
  if (sameValue(current.zendesk, current.pms)) return { kind: 'agree', value: current.zendesk };
  if (!decision) return decide(row, input);
  const rule = `${decision.by ?? 'a person'} chose ${decision.choice}`;
  if (decision.choice !== 'merged') {
    const from = decision.choice;
    return { kind: 'copy', from, value: current[from], lost: current[otherSide(from)], rule };
  }
  const lost: Partial<Record<Side, Json>> = {};
  for (const side of SIDES) if (!sameValue(current[side], decision.value)) lost[side] = current[side];
  return { kind: 'replace', value: decision.value, lost, rule };
}

/** A text that cannot be edited changed all the same. */
function redaction(row: PropertyRow, { base, current }: MergeInput): MergeResult | null {
  if (!base || row.fixed?.onEdit !== 'followUp') return null;
  const from = row.fixed.side;
  const to = otherSide(from);
  const before = base[from];
  const value = current[from];
  if (typeof before !== 'string' || sameValue(before, value) || !writesTo(row, to)) return null;
  if (sameValue(current[to], before)) return { kind: 'redact', from, value, text: value, edited: false };
  const text = redactAlike(before, textOf(value ?? ''), textOf(current[to] ?? ''));
  return { kind: 'redact', from, value, text, edited: !sameValue(base[to], current[to]) };
}

/** One side changed: its value goes across, unless the row's direction or a fixed side forbids it. */
export function carry(row: PropertyRow, from: Side, { current }: Pick<MergeInput, 'current'>): MergeResult {
  const to = otherSide(from);
  if (!writesTo(row, to)) {
    return {
      kind: 'copy',
      from: to,
      value: current[to],
      lost: current[from],
      rule: `direction ${row.direction}`,
    };
  }
  if (row.fixed?.side === to && !row.fixed.except.some((value) => sameValue(value, current[from]))) {
    return row.fixed.onEdit === 'followUp'
      ? { kind: 'followUp', from, value: current[from] }
      : { kind: 'copy', from: to, value: current[to], lost: current[from], rule: `fixed on ${to}` };
  }
  return { kind: 'copy', from, value: current[from], lost: undefined, rule: 'changed' };
}

/** Both sides changed, or met for the first time, with different values. */
function decide(row: PropertyRow, { base, current, changedAt }: MergeInput): MergeResult {
  const wins = (side: Side, rule: string): MergeResult => {
    const loser = otherSide(side);
    return { kind: 'copy', from: side, value: current[side], lost: current[loser], rule };
  };
  const narrower = base === null ? narrowerSide(row, current) : null;
  if (narrower)
    return canBeHidden(row, otherSide(narrower))
      ? wins(narrower, 'the narrower visibility')
      : { kind: 'differ', value: current[narrower] };
  for (const side of ['zendesk', 'pms'] as const) {
    if (!writesTo(row, side)) return wins(side, `direction ${row.direction}`);
  }
  if (row.fixed) return wins(row.fixed.side, `fixed on ${row.fixed.side}`);
  const from = filledFrom(base, current);
  if (from)
    return { kind: 'copy', from, value: current[from], lost: undefined, rule: 'fills an empty value' };
  switch (row.winner) {
    case 'manual':
      return { kind: 'park' };
    case 'latest':
      return wins(changedAt.pms > changedAt.zendesk ? 'pms' : 'zendesk', 'winner latest');
    case 'zendesk':
    case 'pms':
      return wins(row.winner, `winner ${row.winner}`);
  }
}
