import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { parseCanonicalKey, parseRef } from '../../src/sync/canonicalKey';
import type { Intent, PlannedWrite } from '../../src/sync/link';
import { comparedRows } from '../../src/sync/mapping';
import { planPair, type Plan } from '../../src/sync/planner';
import { phaseOf } from '../../src/sync/planner/phaseOf';
import type { Phase } from '../../src/sync/planner/phases';
import { SIDES, type Side, type SyncRecord } from '../../src/sync/record';
import { restsOn } from '../../src/sync/rules/absence';
import { isRebound } from '../../src/sync/rules/binding';
import { isNarrowed } from '../../src/sync/rules/visibility';
import type { Asked } from '../support/plannerStates/asked';
import { askedStates } from '../support/plannerStates/generated';
import { dehydrate } from '../support/plannerStates/recorded';

/** The invariants of docs/planner.md, by number, over generated states. */

const RUNS = 3_000;
/** So often an invariant has to have been tried. */
const LEAST = 10;

interface Case extends Asked {
  phase: Phase;
  plan: Plan;
}

const intentOf = (plan: Plan): Intent | null =>
  plan.do === 'write' || plan.do === 'bury' ? plan.intent : null;
/** Writes that this plan made; what is resumed was planned before. */
const planned = ({ phase, plan }: Case): PlannedWrite[] =>
  phase === 'resuming' ? [] : (intentOf(plan)?.writes ?? []);
const isText = ({ op }: PlannedWrite) => op !== 'attach' && op !== 'detach';

/** @returns whether the state was a case of the invariant at all */
type Invariant = (met: Case) => boolean;

const INVARIANTS: [name: string, holds: Invariant][] = [
  [
    '1: the same state gives the same plan, and planning changes nothing in it',
    ({ state, mapping, plan }) => {
      const before = dehydrate(state);
      expect(isDeepStrictEqual(planPair(state, mapping), plan)).toBe(true);
      expect(dehydrate(state)).toBe(before);
      return true;
    },
  ],
  [
    '2: a plan to read names only records that were not just read',
    ({ state, plan }) => {
      if (plan.do !== 'read') return false;
      expect(plan.refs.length).toBeGreaterThan(0);
      expect(plan.refs.filter((ref) => state.observed[parseRef(ref).side]?.fresh)).toEqual([]);
      return true;
    },
  ],
  [
    '3: a plan to wait names records, each once, in order',
    ({ plan }) => {
      if (plan.do !== 'wait') return false;
      expect(plan.waitsFor.length).toBeGreaterThan(0);
      expect(plan.waitsFor).toEqual([...new Set(plan.waitsFor)].sort());
      return true;
    },
  ],
  [
    '4: a detached pair plans nothing while a person says nothing',
    ({ state, plan }) => {
      if (!state.link?.unlinked || state.decisions?.counterpart != null) return false;
      expect(plan).toEqual({ do: 'rest' });
      return true;
    },
  ],
  [
    '5: a resumed intent is sent as it was stored, but for looking first',
    ({ state, phase, plan }) => {
      if (phase !== 'resuming') return false;
      const { intent = null } = state.link ?? {};
      // An addition may have become internal meanwhile, and nothing else changes.
      const asShown = (writes: readonly PlannedWrite[] = []) =>
        writes.map((write) => ({ ...write, values: { ...write.values, public: false } }));
      const looking = asShown(intent?.writes).map((write) => ({ ...write, lookFirst: true }));
      const resumed = intentOf(plan);
      expect({ ...resumed, writes: asShown(resumed?.writes) }).toEqual({
        ...intent,
        hold: undefined,
        writes: looking,
      });
      const opened = resumed?.writes.filter(
        (write, n) => write.values['public'] === true && intent?.writes[n]?.values['public'] !== true,
      );
      expect(opened).toEqual([]);
      return true;
    },
  ],
  [
    '6: at most one update for each side, with a version and what each row is to replace',
    (met) => {
      const updates = planned(met).filter(({ op }) => op === 'update');
      for (const side of SIDES)
        expect(updates.filter((write) => write.side === side).length).toBeLessThanOrEqual(1);
      for (const { version, ref, rows, expects } of updates) {
        expect([version, ref]).not.toContain(null);
        expect(Object.keys(expects)).toEqual(rows);
      }
      return updates.length > 0;
    },
  ],
  [
    '7: each addition has a key of its own',
    (met) => {
      const writes = planned(met);
      const additions = writes.filter(({ op }) => op === 'followUp' || op === 'attach' || op === 'detach');
      for (const { idempotencyKey: key } of additions)
        expect(writes.filter(({ idempotencyKey }) => idempotencyKey === key)).toHaveLength(1);
      return additions.length > 0;
    },
  ],
  [
    '8: a plan writes texts or files, never both',
    (met) => {
      const texts = planned(met).filter(isText).length;
      const files = planned(met).length - texts;
      expect(Math.min(texts, files)).toBe(0);
      return files > 0;
    },
  ],
  [
    '9: what hides goes before what is said, and otherwise nothing is written before it is said',
    (met) => {
      const ops = planned(met)
        .filter(isText)
        .map(({ op }) => op);
      if (met.phase !== 'merging' || !ops.includes('followUp')) return false;
      const { entity } = parseCanonicalKey(met.state.key);
      const next = intentOf(met.plan)?.next;
      const hides =
        next?.redacted !== undefined ||
        (next && isNarrowed(met.mapping.entities[entity], met.state.link?.snapshot ?? null, next));
      expect(ops).toEqual(hides ? ops.toSorted().toReversed() : ops.toSorted());
      return true;
    },
  ],
  [
    '10: after a merge each row is agreed on, or waits, or rests',
    ({ state, mapping, phase, plan }) => {
      if (phase !== 'merging' || plan.do === 'quarantine') return false;
      const next = plan.do === 'settled' ? plan.agreement : intentOf(plan)?.next;
      const rows = comparedRows(mapping.entities[parseCanonicalKey(state.key).entity]);
      const seen = Object.fromEntries(
        SIDES.flatMap((side) => (state.observed[side]?.record ? [[side, state.observed[side].record]] : [])),
      ) as Partial<Record<Side, SyncRecord>>;
      const open = rows.filter((row) => !(row.id in (next?.snapshot ?? {})) && restsOn(row, seen) === null);
      if (open.length > 0) expect(next?.waitsFor).not.toEqual([]);
      return true;
    },
  ],
  [
    '19: a row that rests is not written',
    (met) => {
      const { rows } = met.mapping.entities[parseCanonicalKey(met.state.key).entity];
      const resting = rows.filter((row) => row.restsOn !== undefined).map(({ id }) => id);
      const written = met.phase === 'resuming' ? [] : planned(met).flatMap((write) => write.rows);
      expect(written.filter((row) => resting.includes(row))).toEqual([]);
      return resting.length > 0 && written.length > 0;
    },
  ],
  [
    '20: a row that is bound to other fields than before empties nothing',
    (met) => {
      const { link } = met.state;
      const table = met.mapping.entities[parseCanonicalKey(met.state.key).entity];
      const rebound = table.rows.filter((row) => link && isRebound(table, row, link));
      if (met.phase !== 'merging' || rebound.length === 0) return false;
      for (const { op, side, values } of planned(met))
        for (const row of rebound) {
          const property = row[side] ?? '';
          const isDecided = met.state.decisions?.rows.has(row.id) ?? false;
          if (op === 'update' && property in values && !isDecided) expect(values[property]).not.toBeNull();
        }
      return true;
    },
  ],
];

test('the invariants hold over generated states', () => {
  const met = new Map(INVARIANTS.map(([name]) => [name, 0]));
  fc.assert(
    fc.property(askedStates, ({ state, mapping }) => {
      const plan = planPair(state, mapping);
      const phase = phaseOf(state, mapping);
      for (const [name, holds] of INVARIANTS) {
        try {
          if (holds({ state, mapping, plan, phase })) met.set(name, (met.get(name) ?? 0) + 1);
        } catch (error) {
          throw new Error(`invariant ${name}`, { cause: error });
        }
      }
    }),
    { numRuns: RUNS },
  );
  expect([...met].filter(([, count]) => count < LEAST)).toEqual([]);
});
