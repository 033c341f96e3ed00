import type { HoldId } from '../holds';
import type { OverruledValue, ParkedConflict } from '../link';
import type { PropertyRow } from '../mapping';
import type { NotTaken } from '../notTaken';
import { SIDES, otherSide, type Json, type RefKey, type Side } from '../record';
import { sameValue } from '../values';
import type { Delivery, RowEffect } from './rowEffect';

/** The requests of one row to the pair's plan. */
export interface RowAsks {
  /** Why the row stops the pair, in words for a person; null if it does not. */
  problem: string | null;
  /** The row rests, because a side does not have its property. */
  rests: boolean;
  /** Records that must be linked before the row can be merged; until then it stays as it is. */
  waitsFor: RefKey[];
  /** The new agreed value, and the values of sides that may differ from it; null: the agreement stays. */
  agreement: { value: Json; differing: Partial<Record<Side, Json>> } | null;
  /** Values that a side did not take, and that are not offered again now. */
  notTaken: NotTaken[];
  /** The hold of the brake that applies to the row; null if none does. */
  braked: HoldId | null;
  conflicts: ParkedConflict[];
  overruled: OverruledValue[];
  /** The row's former values are to be removed from the history. */
  redacted: boolean;
  updates: Delivery[];
  followUps: { to: Side; value: Json }[];
}

const NOTHING: RowAsks = {
  problem: null,
  rests: false,
  waitsFor: [],
  agreement: null,
  notTaken: [],
  braked: null,
  conflicts: [],
  overruled: [],
  redacted: false,
  updates: [],
  followUps: [],
};

type AsksOfEffect<K extends RowEffect['kind']> = (
  effect: Extract<RowEffect, { kind: K }>,
  row: PropertyRow,
  now: string,
) => RowAsks;

/** The requests of each effect. */
export const EFFECT_ASKS: { readonly [K in RowEffect['kind']]: AsksOfEffect<K> } = {
  unmapped: ({ problem }) => ({ ...NOTHING, problem }),
  waits: ({ waitsFor }) => ({ ...NOTHING, waitsFor }),
  unchanged: () => NOTHING,
  rests: () => ({ ...NOTHING, rests: true }),
  lapse: ({ value, shown }) => ({
    ...NOTHING,
    agreement: agreementOn(value, shown),
  }),
  keepOffer: ({ notTaken }) => ({ ...NOTHING, notTaken: [notTaken] }),
  keep: ({ values }) => ({ ...NOTHING, agreement: { value: null, differing: values } }),
  agree: ({ value }) => ({ ...NOTHING, agreement: { value, differing: {} } }),
  recover: ({ value }) => ({ ...NOTHING, agreement: { value, differing: {} } }),
  park: ({ values, agreed, since, by }, row) => ({
    ...NOTHING,
    agreement: { value: agreed, differing: values },
    conflicts: [{ row: row.id, ...values, since, ...(by !== undefined && { by }) }],
  }),
  followUp: ({ to, value, kept }) => ({
    ...NOTHING,
    agreement: { value, differing: { [to]: kept } },
    followUps: [{ to, value }],
  }),
  redact: ({ from, left, text, edited, other }) => {
    const to = otherSide(from);
    return {
      ...NOTHING,
      agreement: { value: text, differing: sameValue(text, left) ? {} : { [from]: left } },
      redacted: true,
      updates: sameValue(text, other) ? [] : [{ to, value: text, replaces: other }],
      followUps: edited ? [{ to: from, value: text }] : [],
    };
  },
  carry: asksOfPropagation,
  overrule: asksOfPropagation,
  replace: asksOfPropagation,
  differ: ({ agreed, values }) => ({
    ...NOTHING,
    agreement: agreementOn(agreed, values),
  }),
  combine: ({ value, shown, deliveries, notTaken }) => ({
    ...NOTHING,
    notTaken,
    agreement: agreementOn(value, shown),
    updates: deliveries,
  }),
  brake: ({ hold, parked }) => ({
    ...NOTHING,
    braked: hold,
    conflicts: parked ? [parked] : [],
  }),
};

/** An agreement on a value, from which each side may differ. @param shown what each side shows */
function agreementOn(value: Json, shown: Record<Side, Json>): RowAsks['agreement'] {
  const differing = SIDES.filter((side) => !sameValue(shown[side], value));
  return { value, differing: Object.fromEntries(differing.map((side) => [side, shown[side]])) };
}

/** @param now ISO time, for entries of the history */
export function asksOf(effect: RowEffect, row: PropertyRow, now: string): RowAsks {
  return asksOfKind(effect.kind, effect, row, now);
}

function asksOfKind<K extends RowEffect['kind']>(
  kind: K,
  effect: RowEffect,
  row: PropertyRow,
  now: string,
): RowAsks {
  return EFFECT_ASKS[kind](effect as Extract<RowEffect, { kind: K }>, row, now);
}

/** The value goes to other sides; the values that it overrules go to the history. */
function asksOfPropagation(
  { value, rule, lost, deliveries }: Extract<RowEffect, { kind: 'carry' | 'overrule' | 'replace' }>,
  row: PropertyRow,
  now: string,
): RowAsks {
  return {
    ...NOTHING,
    agreement: { value, differing: {} },
    overruled: SIDES.flatMap((side) => {
      const gone = lost[side];
      return gone === undefined ? [] : [{ at: now, row: row.id, side, lost: gone, kept: value, rule }];
    }),
    updates: deliveries,
  };
}
