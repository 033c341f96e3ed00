import type { PairSummary } from '../activities/types';
import type { LinkStore } from '../links/linkStore';
import { isAbsent } from '../sync/absentRecord';
import { canonicalKey, parseRef, type CanonicalKey } from '../sync/canonicalKey';
import type { Link } from '../sync/link';
import { ENTITY_TYPES, SIDES, otherSide, type EntityType, type RefKey, type Side } from '../sync/record';
import { missesRecord } from '../sync/resolution';
import { answerOf } from './answer';
import { linksThat } from './findPairs';
import type { OperatorContext } from './operatorContext';
import { Problem } from './operatorErrors';

/** Creates lost records again from their counterparts, e.g. after a side was restored from a backup. */

/** A pair one of whose records was lost. */
export interface MissingRecord {
  link: Link;
  side: Side;
  gone: RefKey;
  left: RefKey;
}

/** All pairs that wait because a record was not found. */
export async function missingRecords(store: LinkStore, entity?: EntityType): Promise<MissingRecord[]> {
  const found: MissingRecord[] = [];
  for await (const link of linksThat(store, { code: 'absent', ...(entity && { entity }) })) {
    const missing = missingOf(link);
    if (missing) found.push(missing);
  }
  return inOrder(found);
}

/** @returns null if neither record of the pair is known to be lost */
export function missingOf(link: Link): MissingRecord | null {
  const { zendesk, pms } = link.sides;
  if (!missesRecord(link) || !zendesk || !pms) return null;
  const sides = { zendesk, pms };
  const side = SIDES.find((each) => isAbsent(link, sides[each].ref) || sides[each].state === 'deleted');
  if (side === undefined) return null;
  return { link, side, gone: sides[side].ref, left: sides[otherSide(side)].ref };
}

/** Parents before children, and comments in the order in which they were written: ids grow with time. */
export function inOrder(found: readonly MissingRecord[]): MissingRecord[] {
  const place = ({ link }: MissingRecord) => ENTITY_TYPES.indexOf(link.entity);
  const byId = new Intl.Collator('en', { numeric: true });
  return [...found].sort((a, b) => place(a) - place(b) || byId.compare(a.left, b.left));
}

export type Recreated = PairSummary | { key: CanonicalKey; status: 'failed'; reason: string };

/**
 * Asks one pair after the other for a new record, so that comments keep their order. Each pair reads both records
 * first, and refuses if the lost record exists.
 *
 * @param wait seconds, for each pair
 */
export async function recreate(
  { client, commands }: Pick<OperatorContext, 'client' | 'commands'>,
  missing: readonly MissingRecord[],
  wait: number,
  onProgress: (done: number) => void = () => undefined,
): Promise<Recreated[]> {
  const answers: Recreated[] = [];
  for (const { link, left } of missing) {
    answers.push(await recreateOne(link, left));
    onProgress(answers.length);
  }
  return answers;

  async function recreateOne({ _id: key, entity }: Link, left: RefKey): Promise<Recreated> {
    const successor = canonicalKey(entity, parseRef(left));
    try {
      const answer = await answerOf(client, wait, () => commands.resolve(key, { counterpart: 'create' }));
      // A pair that began with the lost record hands over to the pair of the other record.
      const isHandedOver = successor !== key && answer.status === 'handed over';
      return isHandedOver ? await answerOf(client, wait, () => commands.resync(successor)) : answer;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { key, status: 'failed', reason: error.message };
    }
  }
}

/** The number of records of each kind, e.g. `3 projects, 5 notes`. */
export function countsOf(missing: readonly MissingRecord[]): string {
  const counts = new Map<string, number>();
  for (const { gone } of missing) {
    const { kind } = parseRef(gone);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => `${count} ${kind}${count === 1 ? '' : 's'}`).join(', ');
}
