import { fileWork, mergeFiles, type LinkedFile } from '../pairFiles';
import { blankWrite, type Agreement, type PlannedWrite } from '../link';
import { isComment, redactionReaches, type EntityMapping } from '../mapping';
import { SIDES, otherSide, type Attachment, type Side, type SyncRecord } from '../record';
import { shownToCustomers } from '../rules/visibility';
import type { LinkedPair } from './plannedPair';

/** A pair's files after a look at its records. Files go with comments only. @returns nothing where there is none */
export function filesAfter(
  table: EntityMapping,
  known: readonly LinkedFile[],
  seen: Partial<Record<Side, SyncRecord>>,
): { files?: LinkedFile[] } {
  if (!isComment(table)) return {};
  const lists: Partial<Record<Side, readonly Attachment[]>> = {};
  for (const side of SIDES) lists[side] = seen[side]?.attachments ?? [];
  const files = mergeFiles(known, lists, (side) => redactionReaches(table, side));
  return files.length > 0 ? { files } : {};
}

/** What carries files across, or removes them. */
export function fileWrites({ state, table, sides }: LinkedPair, agreement: Agreement): PlannedWrite[] {
  return fileWork(agreement.files ?? []).map(({ op, side, source, place }) => ({
    ...blankWrite(side, op),
    ref: sides[side].ref,
    values: { public: shownToCustomers(table, agreement) },
    backRef: sides[otherSide(side)].ref,
    idempotencyKey: `${state.key}/file/${sides[otherSide(side)].ref}/${source}`,
    file: { place, source },
  }));
}
