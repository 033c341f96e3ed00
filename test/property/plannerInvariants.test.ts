import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { namesSameFields } from '../../src/sync/rules/sameFields';
import { parseCanonicalKey, parseRef } from '../../src/sync/canonicalKey';
import { attemptsOf } from '../../src/sync/abandonedIntent';
import { changeOf } from '../../src/sync/holds';
import { meantOn, type Intent, type PlannedWrite } from '../../src/sync/link';
import { comparedRows, type PropertyRow } from '../../src/sync/mapping';
import { notTakenOf } from '../../src/sync/notTaken';
import { planPair, type Plan } from '../../src/sync/planner';
import { phaseOf } from '../../src/sync/planner/phaseOf';
import type { Phase } from '../../src/sync/planner/phases';
import { SIDES, type Side, type SyncRecord } from '../../src/sync/record';
import { sideWithoutProperty } from '../../src/sync/rules/absence';
import { isRebound } from '../../src/sync/rules/binding';
import { isNarrowed } from '../../src/sync/rules/visibility';
import { referenceKinds, sameValue, toCanonical } from '../../src/sync/values';
import type { Asked } from '../support/plannerStates/asked';
import { askedStates } from '../support/plannerStates/generated';
import { dehydrate } from '../support/plannerStates/recorded';

/** The invariants of docs/planner.md, by number, over generated states. */

const RUNS = 3_000;
/** The minimum number of tries of each invariant. */
const LEAST = 10;

interface Case extends Asked {
  phase: Phase;
  plan: Plan;
}

const intentOf = (plan: Plan): Intent | null =>
  plan.do === 'write' || plan.do === 'bury' ? plan.intent : null;
/** Writes that this plan made; resumed writes were planned before. */
const planned = ({ phase, plan }: Case): PlannedWrite[] =>
  phase === 'resuming' ? [] : (intentOf(plan)?.writes ?? []);
const isText = ({ op }: PlannedWrite) => op !== 'attach' && op !== 'detach';

/** @returns whether the invariant applies to the state */
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
    '4: a detached pair plans nothing until a person decides',
    ({ state, plan }) => {
      if (!state.link?.unlinked || state.decisions?.counterpart != null) return false;
      expect(plan).toEqual({ do: 'rest' });
      return true;
    },
  ],
  [
    '5: a resumed intent is sent as it was stored, after a look-up',
    ({ state, phase, plan }) => {
      if (phase !== 'resuming') return false;
      const { intent = null } = state.link ?? {};
      // An addition may have become internal meanwhile; nothing else changes.
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
    '6: a plan has at most one update for each side, with a version and the value that each row replaces',
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
    '7: each addition has its own key',
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
    '9: updates precede follow-ups if they hide content, and otherwise follow them',
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
    '10: after a merge each row is agreed on, or waits, or rests, or is held, or was not taken',
    ({ state, mapping, phase, plan }) => {
      if (phase !== 'merging' || plan.do === 'quarantine') return false;
      const next = plan.do === 'settled' ? plan.agreement : intentOf(plan)?.next;
      const rows = comparedRows(mapping.entities[parseCanonicalKey(state.key).entity]);
      const seen = Object.fromEntries(
        SIDES.flatMap((side) => (state.observed[side]?.record ? [[side, state.observed[side].record]] : [])),
      ) as Partial<Record<Side, SyncRecord>>;
      const open = rows.filter(
        (row) =>
          !(row.id in (next?.snapshot ?? {})) &&
          sideWithoutProperty(row, seen) === null &&
          !notTakenOf(next ?? {}, row.id) &&
          !next?.braked?.some((mark) => mark.row === row.id),
      );
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
    '20: a row that now names other fields clears no value',
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
  [
    '21: a value that was not taken is neither written nor overwritten until a row or cause changes',
    ({ state, mapping, phase, plan }) => {
      const { link } = state;
      if (phase !== 'merging' || plan.do === 'quarantine' || !link) return false;
      const next = plan.do === 'settled' ? plan.agreement : intentOf(plan)?.next;
      const table = mapping.entities[parseCanonicalKey(state.key).entity];
      const kept = (link.notTaken ?? []).filter((each) => {
        const row = table.rows.find(({ id }) => id === each.row) as PropertyRow;
        const isStill = SIDES.every((side) => {
          const record = state.observed[side]?.record;
          if (!record) return true;
          const shown = side === each.side ? each.shown : each.offered;
          const property = row[side];
          const seen =
            property !== null && property in record.values
              ? toCanonical(
                  row,
                  side,
                  record.values[property],
                  state.references,
                  referenceKinds(mapping, table),
                )
              : null;
          return (
            record.version === link.sides[side]?.version && seen?.ok === true && sameValue(seen.value, shown)
          );
        });
        const isTried = SIDES.some((side) => attemptsOf(link)[side]?.[each.row] !== undefined);
        const differs = !sameValue(each.offered, each.shown);
        return (
          isStill &&
          differs &&
          !isTried &&
          !each.due &&
          !each.byElement &&
          each.why !== 'apart' &&
          // No one knows the fields that it was offered to; with other fields, the row has a first meeting.
          (link.bound?.[row.id] === undefined || namesSameFields(table, row, link)) &&
          link.mappingVersion === mapping.version
        );
      });
      for (const { row } of kept) {
        expect(notTakenOf(next ?? {}, row)).toEqual(notTakenOf(link, row));
        for (const write of intentOf(plan)?.writes ?? []) expect(write.rows).not.toContain(row);
      }
      return kept.length > 0;
    },
  ],
  [
    '23: a change that the brake holds is neither written nor agreed on',
    ({ state, phase, plan }) => {
      const { holds = [], link, decisions } = state;
      // A pair's own first meeting is not held.
      if (phase !== 'merging' || plan.do === 'quarantine' || !link?.snapshot) return false;
      const next = plan.do === 'settled' ? plan.agreement : intentOf(plan)?.next;
      const isHeld = (row: string, side: Side, kind: string | null) =>
        holds.some(
          (hold) => hold.row === row && hold.kind === kind && (hold.side === null || hold.side === side),
        );
      for (const write of intentOf(plan)?.writes ?? [])
        for (const row of write.rows.filter(
          (each) => write.op === 'update' && !decisions?.rows.has(each) && !next?.redacted?.includes(each),
        )) {
          const after = next && meantOn(next, write.side, row);
          expect(isHeld(row, write.side, changeOf(write.expects[row] ?? null, after ?? null))).toBe(false);
        }
      const held = next?.braked?.flatMap(({ row }) => row ?? []) ?? [];
      for (const row of held) expect(next?.snapshot[row]).toEqual(link.snapshot[row]);
      return held.length > 0;
    },
  ],
  [
    '24: the end of a pair that the brake holds changes neither record nor link',
    ({ state, phase, plan }) => {
      if (phase !== 'ended' || state.link?.status === 'tombstone' || !state.holds) return false;
      // A redacted record ends, whatever the brake holds.
      if (plan.do === 'bury' && plan.intent && !plan.reason.includes('was redacted'))
        expect(plan.intent.writes.map(({ op, side }) => op === 'archive' && side === 'pms')).not.toContain(
          true,
        );
      if (plan.do !== 'brake') return false;
      expect(state.holds.some(({ id, state: now }) => id === plan.mark.hold && now === 'held')).toBe(true);
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
