import { fileWork, mergeFiles, type LinkedFile } from '../pairFiles';
import { blankWrite, type Agreement, type PlannedWrite } from '../link';
import { isComment, redactionReaches, type EntityMapping } from '../mapping';
import { SIDES, otherSide, type Attachment, type Side, type SyncRecord } from '../record';
import { shownToCustomers } from '../rules/visibility';
import type { LinkedPair } from './plannedPair';

/** The `files` of a pair's link after its records were read. Only comments have files. @returns {} if there are none */
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

/** The writes that copy files to a side, or remove them there. */
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
