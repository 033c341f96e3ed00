import { commandLine } from '../platform/commandLine';
import type { Link } from '../sync/link';
import { SIDES } from '../sync/record';
import { wordsOf } from '../sync/reasons';
import type { Offers } from './offers';
import { recordOf } from './pairNames';

/** The fix for a pair's reason; null without a reason, or if this release does not know its code. */
export function fixOf({ reason }: Link): string | null {
  return reason ? (wordsOf(reason.code)?.fix ?? null) : null;
}

/** The reason for which a row of a list leaves elements alone; see src/sync/rules/reserved.ts. */
export const RESERVED_WORDS = 'values of another field, which this row does not sync';

/** Says when the pair is processed next: invariant 9 of docs/architecture.md, every wait has a visible reason. */
export function nextAttempt(link: Link): string {
  const { reason } = link;
  if (reason?.nextAttempt) return reason.nextAttempt;
  const [held] = link.braked ?? [];
  if (held)
    return `when a person ends the hold: ${commandLine(`brake release ${held.hold}`)}, or: ${commandLine(`brake discard ${held.hold}`)}`;
  if (link.unlinked) return `only by: ${commandLine(`links link ${recordsOf(link).join(' ')}`)}`;
  switch (link.status) {
    case 'linked':
      if (link.waitsFor.length > 0) return `when ${link.waitsFor.join(', ')} is linked`;
      return reason
        ? `on the next change of either record, or: ${commandLine(`resync ${recordOf(link)}`)}`
        : 'nothing to do';
    case 'pending':
      return link.waitsFor.length > 0
        ? `when ${link.waitsFor.join(', ')} is linked`
        : `with the next turn of its workflow, or: ${commandLine(`resync ${recordOf(link)}`)}`;
    case 'conflict':
      return 'when a person decides';
    case 'quarantined':
      return `on the next change of either record, or: ${commandLine(`quarantine retry ${recordOf(link)}`)}`;
    case 'tombstone':
      return 'when the record is restored';
  }
}

/** The commands that end a conflict, ready to be pasted, with notes that help to choose. */
export function decideBy(link: Link, offers: Offers): { commands: string[]; notes: string[] } {
  const by = (choice: string) => commandLine(`conflicts resolve ${recordOf(link)} ${choice}`);
  const [parked] = link.conflicts;
  if (parked) {
    const choices = [...SIDES.map((side) => `--choose ${side}`), "--value '…'"];
    return { commands: choices.map((choice) => by(`--row ${parked.row} ${choice}`)), notes: [] };
  }
  const { free, create } = offers;
  const choices = [...free.map((ref) => `--link ${ref}`), ...(create ? ['--create'] : []), '--unlink'];
  return { commands: choices.map(by), notes: notesOn(offers) };
}

/** Notes that help to choose a counterpart. */
export function notesOn({ taken, create }: Offers): string[] {
  const gone = taken.map(({ ref, by }) =>
    by === null ? `${ref} is kept without a counterpart.` : `${ref} is linked to ${by} now.`,
  );
  if (create) return gone;
  return [
    ...gone,
    'A new counterpart is not possible under the same name; if the record is renamed, it gets one automatically.',
  ];
}

function recordsOf(link: Link): string[] {
  const refs = [link.sides.zendesk?.ref, link.sides.pms?.ref].filter((ref) => ref !== undefined);
  return refs.length === 2 ? refs : [recordOf(link), '…'];
}
