import type { LinkStore } from '../links/linkStore';
import { isWaiting, type BrakeHold } from '../sync/holds';

/** A hold of the brake, for people. */
export interface HoldShown extends BrakeHold {
  /** Pairs that are marked: they wait for the hold's end. */
  waiting: number;
}

/** All holds, the oldest first, with how many pairs wait for each. */
export async function holdsIn(store: Pick<LinkStore, 'holds' | 'countHeldBy'>): Promise<HoldShown[]> {
  const holds = await store.holds.all();
  return Promise.all(holds.map(async (hold) => ({ ...hold, waiting: await store.countHeldBy(hold.id) })));
}

/** Those that a person has to say something about. */
export function openHolds(holds: readonly HoldShown[]): HoldShown[] {
  return holds.filter(({ by, state }) => by === 'brake' && isWaiting(state));
}

const KINDS: Record<BrakeHold['kind'], string> = {
  ends: 'ends of pairs',
  archives: 'archiving of records whose counterpart ended',
  emptied: 'emptying',
  replaced: 'replacing',
  written: 'writing',
};
const SIDE_NAMES = { zendesk: 'Zendesk', pms: 'the PMS' };
const EXAMPLES = 3;

/** What is held, how many pairs, and why; without since when. */
export function holdWords(hold: HoldShown): string {
  const { entity, kind, row, side, state, cause, waiting, counts, examples } = hold;
  const where = side === null || row === null ? '' : ` in ${SIDE_NAMES[side]}`;
  const what = `${KINDS[kind]} of ${row === null ? entity : `${entity} ${row}`}${where}`;
  const wait = `${waiting} pairs wait`;
  if (hold.by === 'undo') return `An undo of ${counts.pairs} pairs holds ${what}; ${wait}`;
  if (state === 'released')
    return `No longer held: ${what}, as long as the row names these fields: ${cause} (${counts.pairs} of ${counts.linked} pairs)`;
  const many =
    state === 'counting'
      ? `up to ${counts.pairs} of ${counts.linked} pairs, which "remap" counts`
      : `${counts.pairs} of ${counts.linked} pairs, ${counts.allowed} allowed`;
  const some = examples.length > 0 ? `, e.g. ${examples.slice(0, EXAMPLES).join(', ')}` : '';
  return `The brake holds ${what}: ${cause} (${many}); ${wait}${some}`;
}
