import { ApplicationFailure } from '@temporalio/common';
import type { Undo } from '../links/undoStore';
import { parseCanonicalKey, type CanonicalKey } from '../sync/canonicalKey';
import { EXAMPLES_KEPT, holdId, type BrakeHold, type HoldId } from '../sync/holds';
import { bindingsOf } from '../sync/rules/sameFields';
import { standing, undoOf, type Restore } from '../sync/undo';
import { inParallel } from '../systems/inParallel';
import type { ActivityContext } from './activityContext';
import { guardedBy } from './guarded';
import { signalHeldPairs } from './heldPairSignals';
import type { UndoActivities } from './types';

const PAGE = 200;
const SIGNALS_AT_ONCE = 10;

/** Activities of an undo. They touch no API: the pairs' own workflows write. */
export function undoActivities(live: ActivityContext): UndoActivities {
  const guarded = guardedBy(live, 'background');
  return {
    beginUndo: ({ id }) =>
      guarded(null, async (context) => {
        const undo = await known(context, id);
        if (undo.state === 'done') return;
        const holds = await new Gathering(context, undo).toTheEnd();
        await context.store.undos.set(id, { holds: holds.map((hold) => hold.id) });
        for (const hold of holds) await context.store.holds.begin(hold);
        if (holds.length > 0) await context.store.holds.waitUntilCachesExpire();
      }),

    tellUndo: ({ id, after, limit }) =>
      guarded(null, async ({ store, signalPair }) => {
        const items = await store.undos.page(id, after, limit, true);
        const keys: CanonicalKey[] = [];
        for (const { key } of items) {
          const { entity } = parseCanonicalKey(key);
          if (!(await store.control.isPaused(entity))) keys.push(key);
          else await store.undos.note(id, key, { state: 'done', why: `${entity} is paused` });
        }
        await inParallel(keys, SIGNALS_AT_ONCE, (key) =>
          signalPair(key, { hints: [], force: true, hops: 0, lane: 'background', causes: [`undo:${id}`] }),
        );
        return { keys, after: items.at(-1)?.key ?? null };
      }),

    countUndo: ({ id, keys }) => guarded(null, ({ store }) => store.undos.countOpen(id, keys)),

    leaveUndo: ({ id, keys }) =>
      guarded(null, async ({ store }) => {
        const links = await store.getMany(keys);
        for (const key of keys) {
          if ((await store.undos.item(id, key))?.state === 'done') continue;
          const why = links.get(key)?.reason?.text ?? 'the pair did not answer in time';
          await store.undos.note(id, key, { state: 'done', why });
        }
      }),

    endUndo: ({ id }) =>
      guarded(null, async (context) => {
        const { store } = context;
        const undo = await known(context, id);
        for (const hold of undo.hold ? [] : undo.holds) {
          await store.holds.end(hold);
          // Changes of these pairs may have been held meanwhile.
          await signalHeldPairs(context, hold, 'resume');
        }
        await store.undos.set(id, { state: 'done' });
      }),
  };
}

async function known({ store }: ActivityContext, id: string): Promise<Undo> {
  const undo = await store.undos.get(id);
  if (!undo) throw ApplicationFailure.nonRetryable(`there is no undo ${id}`, 'Refused');
  return undo;
}

/** Finds the pairs of an undo, and the holds of its rows. */
class Gathering {
  private readonly holds = new Map<HoldId, BrakeHold>();

  constructor(
    private readonly context: ActivityContext,
    private readonly undo: Undo,
  ) {}

  /** @throws ApplicationFailure `Refused` if the mapping still binds a row as it did at the mistake */
  async toTheEnd(): Promise<BrakeHold[]> {
    const { store } = this.context;
    const { id, filter } = this.undo;
    for (let after: CanonicalKey | null = null; ;) {
      const keys: CanonicalKey[] = await store.journal.keysAfter(filter, after, PAGE);
      const entries = await store.journal.ofPairs(keys);
      const wanted = keys.filter((key) => this.take(key, undoOf(entries.get(key) ?? [], filter).restores));
      await store.undos.add(id, wanted);
      after = keys.at(-1) ?? null;
      if (keys.length < PAGE) return [...this.holds.values()];
    }
  }

  private take(key: CanonicalKey, restores: readonly Restore[]): boolean {
    const { entity } = parseCanonicalKey(key);
    const bindings = bindingsOf(this.context.mapping.entities[entity]);
    const rows = standing(restores, bindings);
    if (rows.length > 0 && !this.undo.hold)
      throw ApplicationFailure.nonRetryable(stillBoundText(rows), 'Refused');
    for (const { row } of restores) {
      const change = { entity, kind: 'written', row, side: null } as const;
      const bound = rows.includes(row) ? bindings[row] : undefined;
      const hold = this.holds.get(holdId(change, bound)) ?? this.holdOn(change, bound);
      hold.counts.pairs += 1;
      if (hold.examples.length < EXAMPLES_KEPT) hold.examples.push(key);
      this.holds.set(hold.id, hold);
    }
    return restores.length > 0;
  }

  private holdOn(
    change: Pick<BrakeHold, 'entity' | 'kind' | 'row' | 'side'>,
    bound: string | undefined,
  ): BrakeHold {
    return {
      ...change,
      id: holdId(change, bound),
      ...(bound !== undefined && { bound }),
      state: 'held',
      by: 'undo',
      cause: 'undo',
      since: this.context.now().toISOString(),
      counts: { pairs: 0, linked: 0, allowed: 0 },
      examples: [],
    };
  }
}

export function stillBoundText(rows: readonly string[]): string {
  return (
    `the mapping still binds ${rows.map((row) => `"${row}"`).join(', ')} as it did when this was written, and would ` +
    'write it again; correct the mapping file first, or undo with --hold and correct it afterwards'
  );
}
