import { type PropertyRow, writesTo } from './mapping';
import type { MergeInput, MergeResult } from './mergeResult';
import { redactAlike } from './redaction';
import { SIDES, otherSide, type Json, type Side } from './record';
import type { RowDecision } from './resolution';
import { filledFrom } from './rules/firstMeeting';
import { canBeHidden, narrowerSide } from './rules/visibility';
import { isEmpty, sameValue, textOf } from './values';

/** Three-way merge of one property. Symmetric: exchanging the sides exchanges the result. */

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
 * Merges a parked row. It stays parked until both sides are equal, a person decides, or the mapping names a winner.
 * Until then, neither value is written to the other side, even if it is edited again.
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

/** Detects a redaction: a text that cannot be edited has changed. */
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

/** One side changed: its value is copied, unless the row's direction or a fixed side forbids it. */
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

/**
 * The same result, with the value that a copy replaces as overruled: it may never have arrived, so that nobody replaced
 * it knowingly.
 */
export function withLoss(result: MergeResult, { current }: Pick<MergeInput, 'current'>): MergeResult {
  return result.kind === 'copy'
    ? { ...result, lost: result.lost ?? current[otherSide(result.from)] }
    : result;
}

/** Both sides changed, or met for the first time, with different values. */
function decide(row: PropertyRow, { base, current, changedAt }: MergeInput): MergeResult {
  const wins = (side: Side, rule: string): MergeResult => {
    const loser = otherSide(side);
    // At a first meeting, an empty value is not an edit that could be lost.
    const lost = base === null && isEmpty(current[loser]) ? undefined : current[loser];
    return { kind: 'copy', from: side, value: current[side], lost, rule };
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
