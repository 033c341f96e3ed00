import type { Link } from '../sync/link';
import { SIDES } from '../sync/record';
import { wordsOf } from '../sync/reasons';
import { recordOf } from './pairNames';

/** What to do about a pair's reason; null without a reason, or for a code that this release does not know. */
export function fixOf({ reason }: Link): string | null {
  return reason ? (wordsOf(reason.code)?.fix ?? null) : null;
}

/** Why a row of a list leaves some elements alone; see src/sync/rules/reserved.ts. */
export const RESERVED_WORDS = 'values of another field, which this row does not sync';

/** When a pair moves on, in words: nothing waits without a reason that a person can see. */
export function nextAttempt(link: Link): string {
  const { reason } = link;
  if (reason?.nextAttempt) return reason.nextAttempt;
  const [held] = link.braked ?? [];
  if (held) return `when a person ends the hold: brake release ${held.hold}, or brake discard`;
  if (link.unlinked) return `only by: links link ${recordsOf(link).join(' ')}`;
  switch (link.status) {
    case 'linked':
      if (link.waitsFor.length > 0) return `when ${link.waitsFor.join(', ')} is linked`;
      return reason ? `on the next change of either record, or: resync ${link._id}` : 'nothing to do';
    case 'pending':
      return link.waitsFor.length > 0
        ? `when ${link.waitsFor.join(', ')} is linked`
        : `with the next turn of its workflow, or: resync ${link._id}`;
    case 'conflict':
      return `when a person decides: ${decideBy(link).join(', or: ')}`;
    case 'quarantined':
      return `on the next change of either record, or: quarantine retry ${link._id}`;
    case 'tombstone':
      return 'when the record is restored';
  }
}

/** The commands that end a conflict, each as it can be typed. */
export function decideBy(link: Link): string[] {
  const resolve = `conflicts resolve ${recordOf(link)}`;
  const [parked] = link.conflicts;
  if (parked)
    return [...SIDES.map((side) => `--choose ${side}`), "--value '…'"].map(
      (choice) => `${resolve} --row ${parked.row} ${choice}`,
    );
  return [...link.candidates.map((candidate) => `--link ${candidate}`), '--create', '--unlink'].map(
    (choice) => `${resolve} ${choice}`,
  );
}

function recordsOf(link: Link): string[] {
  const origin = link._id.slice(link._id.indexOf('/') + 1);
  const refs = [link.sides.zendesk?.ref, link.sides.pms?.ref].filter((ref) => ref !== undefined);
  return refs.length === 2 ? refs : [origin, '…'];
}
