import type { UndoItem } from '../links/undoStore';
import type { CanonicalKey } from '../sync/canonicalKey';
import type { LinkAtWork } from '../sync/commit';
import type { Cause } from '../sync/journalCauses';
import type { Link, PlannedWrite } from '../sync/link';
import type { Plan } from '../sync/planner';
import type { SyncRecord } from '../sync/record';
import { alike, undoOf, type PairUndo, type Undone } from '../sync/undo';
import type { ActivityContext } from './activityContext';

/** The part of a pair in an undo: the values that it puts back, and their outcome. */

const PREFIX = 'undo:';

type Store = Pick<ActivityContext, 'store'>;

/** The undo that the turn's causes name, with the values that this pair has not put back yet; null if there is none. */
export async function undoFor(
  { store }: Store,
  key: CanonicalKey,
  causes: readonly Cause[] = [],
): Promise<PairUndo | null> {
  for (const cause of causes) {
    if (!cause.startsWith(PREFIX)) continue;
    const id = cause.slice(PREFIX.length);
    const [undo, item] = [await store.undos.get(id), await store.undos.item(id, key)];
    if (!undo || !item || item.state === 'done') continue;
    const entries = (await store.journal.ofPairs([key])).get(key) ?? [];
    const { restores } = undoOf(entries, undo.filter);
    return { id, restores, hold: undo.hold, refused: item.refused };
  }
  return null;
}

/** Stores what a plan does with the values of an undo, before the plan itself is stored. */
export async function noteUndone(
  { store }: Store,
  key: CanonicalKey,
  plan: Plan,
  undo: PairUndo,
): Promise<void> {
  const { id } = undo;
  if (plan.do === 'read' || plan.do === 'look') return;
  const undone = plan.do === 'settled' || plan.do === 'write' ? plan.undone : undefined;
  if (undone) {
    const rows = withEarlier(undone, await store.undos.item(id, key));
    await store.undos.note(id, key, { rows, state: plan.do === 'settled' ? 'done' : 'planned' });
  } else if (plan.do !== 'write') await store.undos.note(id, key, { state: 'done', why: whyNot(plan) });
}

/** A value that an earlier attempt has put back shows as `already`; it counts as `restored`. */
function withEarlier(undone: readonly Undone[], before: UndoItem | null): Undone[] {
  const wasRestored = ({ side, property }: Undone) =>
    before?.rows.some(
      (each) => each.side === side && each.property === property && each.fate === 'restored',
    ) === true;
  return undone.map((each) =>
    each.fate === 'already' && wasRestored(each) ? { ...each, fate: 'restored' } : each,
  );
}

function whyNot(plan: Plan): string {
  if ('reason' in plan) return plan.reason;
  return plan.do === 'settled' || plan.do === 'rest' ? 'the pair rests' : `the pair is to ${plan.do}`;
}

/** Stores the outcome of a write of an undo. Values that the side did not take after all count as `refused`. */
export async function finishUndo(
  { store }: Store,
  { _id, intent: { undo, next, writes } }: LinkAtWork,
  { side, restores = [], rows: mapped, values }: PlannedWrite,
  answer: SyncRecord | null,
): Promise<void> {
  if (undo === undefined) return;
  const refused = (next.notTaken ?? []).filter((each) => each.side === side).map(({ row }) => row);
  const isLeft = ({ row, property }: Undone) => {
    if (mapped.includes(row)) return refused.includes(row);
    const isRestored = restores.some((each) => each.property === property);
    return isRestored && answer !== null && !alike(answer.values[property], values[property]);
  };
  const item = await store.undos.item(undo, _id);
  const rows = (item?.rows ?? []).map((each) =>
    each.side === side && isLeft(each) ? { ...each, fate: 'refused' as const } : each,
  );
  const isDone = writes.every(({ done }) => done);
  await store.undos.note(undo, _id, { rows, ...(isDone && { state: 'done', why: null }) });
}

/**
 * Stores that a side refused former values: the pair is planned again without them. @returns false if it is no undo's
 */
export async function noteRefusedUndo(
  { store }: Store,
  { _id, intent }: Link,
  { side }: PlannedWrite,
  words: string,
): Promise<boolean> {
  if (intent?.undo === undefined) return false;
  const item = await store.undos.item(intent.undo, _id);
  await store.undos.note(intent.undo, _id, { refused: { ...item?.refused, [side]: words } });
  return true;
}
