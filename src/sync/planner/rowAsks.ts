import type { HoldId } from '../holds';
import type { OverruledValue, ParkedConflict } from '../link';
import type { PropertyRow } from '../mapping';
import type { NotTaken } from '../notTaken';
import { SIDES, otherSide, type Json, type RefKey, type Side } from '../record';
import { sameValue } from '../values';
import type { Delivery, RowEffect } from './rowEffect';

/** What one row asks of the pair's plan. */
export interface RowAsks {
  /** For a person: the row stops the pair. */
  problem: string | null;
  /** The row stays as it was until its property is offered again. */
  rests: boolean;
  /** Parents without which the row stays as it is. */
  waitsFor: RefKey[];
  /** What both sides agree on from now on, and where a side rightly differs; null: as it was. */
  agreement: { value: Json; differing: Partial<Record<Side, Json>> } | null;
  /** What one side did not take, and is not offered again now. */
  notTaken: NotTaken[];
  /** The hold of the brake that the row waits for; null: it waits for none. */
  braked: HoldId | null;
  conflicts: ParkedConflict[];
  overruled: OverruledValue[];
  /** The row's former values are to be forgotten. */
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

type Asking<K extends RowEffect['kind']> = (
  effect: Extract<RowEffect, { kind: K }>,
  row: PropertyRow,
  now: string,
) => RowAsks;

/** What each effect asks for. */
export const EFFECT_ASKS: { readonly [K in RowEffect['kind']]: Asking<K> } = {
  unmapped: ({ problem }) => ({ ...NOTHING, problem }),
  waits: ({ waitsFor }) => ({ ...NOTHING, waitsFor }),
  unchanged: () => NOTHING,
  rests: () => ({ ...NOTHING, rests: true }),
  lapse: ({ value, shown }) => ({
    ...NOTHING,
    agreement: agreementOn(value, shown),
  }),
  aside: ({ notTaken }) => ({ ...NOTHING, notTaken: [notTaken] }),
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
  carry: spread,
  overrule: spread,
  replace: spread,
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

/** What both agree on, where each side may go on showing something else. */
function agreementOn(value: Json, shown: Record<Side, Json>): RowAsks['agreement'] {
  const differing = SIDES.filter((side) => !sameValue(shown[side], value));
  return { value, differing: Object.fromEntries(differing.map((side) => [side, shown[side]])) };
}

export function asksOf(effect: RowEffect, row: PropertyRow, now: string): RowAsks {
  return asked(effect.kind, effect, row, now);
}

function asked<K extends RowEffect['kind']>(
  kind: K,
  effect: RowEffect,
  row: PropertyRow,
  now: string,
): RowAsks {
  return EFFECT_ASKS[kind](effect as Extract<RowEffect, { kind: K }>, row, now);
}

function spread(
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
