import type { LinkStore } from '../links/linkStore';
import { awaitsDecision, type BrakeHold } from '../sync/holds';
import { titleOfRowId } from './titles';
import { commandLine } from '../platform/commandLine';

/** A hold of the brake, with what the command line and the console show of it. */
export interface HoldShown extends BrakeHold {
  /** The number of pairs that wait for the hold's end. */
  waiting: number;
  /** The title of the hold's row, if the row is a custom field. */
  rowTitle?: string;
}

/** All holds, the oldest first. */
export async function holdsIn(
  store: Pick<LinkStore, 'holds' | 'countHeldBy' | 'bindings'>,
): Promise<HoldShown[]> {
  const holds = await store.holds.all();
  if (holds.length === 0) return [];
  const bound = await store.bindings.bound();
  return Promise.all(
    holds.map(async (hold) => {
      const rowTitle = hold.row === null ? undefined : titleOfRowId(bound, hold.row);
      return {
        ...hold,
        waiting: await store.countHeldBy(hold.id),
        ...(rowTitle !== undefined && { rowTitle }),
      };
    }),
  );
}

/** The holds that a person must end. */
export function openHolds(holds: readonly HoldShown[]): HoldShown[] {
  return holds.filter(({ by, state }) => by === 'brake' && awaitsDecision(state));
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

/** Describes the changes that a hold holds, the number of pairs, and the cause. Does not say when the hold began. */
export function holdWords(hold: HoldShown): string {
  const { entity, kind, row, rowTitle, side, state, cause, waiting, counts, examples } = hold;
  const name = rowTitle === undefined ? row : `"${rowTitle}" (${row})`;
  const where = side === null || row === null ? '' : ` in ${SIDE_NAMES[side]}`;
  const what = `${KINDS[kind]} of ${name === null ? entity : `${entity} ${name}`}${where}`;
  const wait = waiting === 1 ? '1 pair waits' : `${waiting} pairs wait`;
  if (hold.by === 'undo') return `An undo of ${counts.pairs} pairs holds ${what}; ${wait}`;
  if (state === 'released')
    return `No longer held: ${what}, as long as the row names these fields: ${cause} (${counts.pairs} of ${counts.linked} pairs)`;
  const many =
    state === 'counting'
      ? `up to ${counts.pairs} of ${counts.linked} pairs, which "${commandLine('remap')}" counts`
      : `${counts.pairs} of ${counts.linked} pairs, ${counts.allowed} allowed`;
  const some = examples.length > 0 ? `, e.g. ${examples.slice(0, EXAMPLES).join(', ')}` : '';
  return `The brake holds ${what}: ${cause} (${many}); ${wait}${some}`;
}
