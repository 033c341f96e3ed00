import { attemptsOf, unconfirmedOf } from '../../../src/sync/abandonedIntent';
import { type PlannedWrite } from '../../../src/sync/link';
import { comparedRows } from '../../../src/sync/mapping';
import type { Plan } from '../../../src/sync/planner';
import { mergeOf } from '../../../src/sync/planner/mergePlan';
import { linkedPair, pairOf } from '../../../src/sync/planner/plannedPair';
import { phaseOf } from '../../../src/sync/planner/phaseOf';
import { PHASE_PLANS } from '../../../src/sync/planner/phasePlans';
import { EFFECT_ASKS } from '../../../src/sync/planner/rowAsks';
import { rowEffect } from '../../../src/sync/planner/rowEffect';
import { SIDES } from '../../../src/sync/record';
import type { Asked } from './asked';

/**
 * Counts the kinds of states in a comparison: phases, effects of rows, and other circumstances that the planner
 * checks.
 */

const PLANS: Record<Plan['do'], true> = {
  settled: true,
  read: true,
  look: true,
  join: true,
  write: true,
  wait: true,
  redirect: true,
  ignore: true,
  conflict: true,
  unlink: true,
  part: true,
  rest: true,
  quarantine: true,
  absent: true,
  brake: true,
  bury: true,
};
const OPS: Record<PlannedWrite['op'], true> = {
  create: true,
  update: true,
  followUp: true,
  archive: true,
  redact: true,
  attach: true,
  detach: true,
};

/** Circumstances of a pair that is merged or ends. */
const MET = {
  parked: ({ state }: Asked) => (state.link?.conflicts.length ?? 0) > 0,
  attempted: ({ state }: Asked) => state.link !== null && Object.keys(attemptsOf(state.link)).length > 0,
  unconfirmed: ({ state }: Asked) => state.link !== null && unconfirmedOf(state.link).length > 0,
  decided: ({ state }: Asked) =>
    state.link?.conflicts.some(({ row }) => state.decisions?.rows.has(row)) ?? false,
  files: ({ state }: Asked) => (state.link?.files?.length ?? 0) > 0,
  notTaken: ({ state }: Asked) => (state.link?.notTaken?.length ?? 0) > 0,
  residue: ({ state }: Asked) =>
    SIDES.some((side) => Object.keys(state.link?.sides[side]?.residue ?? {}).length > 0),
  firstMeeting: ({ state }: Asked) => state.link?.snapshot === null,
  rebound: ({ state }: Asked) => state.link?.bound !== undefined,
  oneSideSeen: ({ state }: Asked) => SIDES.filter((side) => state.observed[side]).length === 1,
  redactedRecord: ({ state }: Asked) =>
    SIDES.some((side) => state.observed[side]?.record?.state === 'redacted'),
  intentDropped: ({ state }: Asked) => state.link?.intent !== null,
};

export class Counts {
  private readonly counts = new Map<string, number>([
    ...Object.keys(PHASE_PLANS).map((name) => [`phase ${name}`, 0] as const),
    ...Object.keys(EFFECT_ASKS).map((name) => [`effect ${name}`, 0] as const),
    ...Object.keys(PLANS).map((name) => [`plan ${name}`, 0] as const),
    ...Object.keys(OPS).map((name) => [`write ${name}`, 0] as const),
    ...Object.keys(MET).map((name) => [`met ${name}`, 0] as const),
  ]);

  add(asked: Asked, plan: Plan): void {
    for (const name of kindsOf(asked, plan)) this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  /** Kinds that occurred less often than a limit. */
  below(least: number, except: readonly string[] = []): string[] {
    return [...this.counts]
      .filter(([name, count]) => count < least && !except.includes(name))
      .map(([name, count]) => `${name}: ${count}`);
  }

  toString(): string {
    const groups = new Map<string, string[]>();
    for (const [name, count] of this.counts) {
      const [group = '', kind = ''] = name.split(' ');
      groups.set(group, [...(groups.get(group) ?? []), `${kind} ${count}`]);
    }
    return [...groups].map(([group, kinds]) => `  ${group}: ${kinds.join(', ')}`).join('\n');
  }
}

/** The kinds that a state and its plan are examples of. An effect is listed once for each row that has it. */
export function kindsOf({ state, mapping }: Asked, plan: Plan): string[] {
  const phase = phaseOf(state, mapping);
  const kinds = [`phase ${phase}`, `plan ${plan.do}`];
  const intent = plan.do === 'write' || plan.do === 'bury' ? plan.intent : null;
  // Resumed writes were planned before.
  if (phase !== 'resuming') kinds.push(...(intent?.writes ?? []).map(({ op }) => `write ${op}`));
  if (phase !== 'merging' && phase !== 'ended') return kinds;
  for (const [name, met] of Object.entries(MET)) if (met({ state, mapping })) kinds.push(`met ${name}`);
  const linked = linkedPair(pairOf(state, mapping));
  if (phase === 'ended' || !linked) return kinds;
  const merge = mergeOf(linked);
  return [...kinds, ...comparedRows(linked.table).map((row) => `effect ${rowEffect(merge, row).kind}`)];
}
