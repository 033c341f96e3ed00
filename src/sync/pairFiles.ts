import { otherSide, SIDES, type Attachment, type Side } from './record';

/** The files of a pair: which files of the two records belong together, and which are to be copied or removed. */

/** One file of a linked pair, as the link keeps it. The sync stores no content of files. */
export interface LinkedFile {
  /** The side that the file was added on, or removed on last. */
  from: Side;
  fileName: string;
  contentType: string;
  size: number;
  /** The file's id on each side that has it. */
  ids: Partial<Record<Side, string>>;
  /**
   * `pending`: to be copied to the other side. `redacting`: removed on `from`, to be removed on the other side.
   * `failed`: copying or removing failed; it is tried again at the next change of the pair. `ended`: removed; it is
   * never copied again.
   */
  state: 'pending' | 'copied' | 'redacting' | 'failed' | 'ended';
  /** Why copying or removing failed, for a person; null otherwise. */
  reason: string | null;
}

/** One write of one file: to copy it to `side`, or to remove it there. */
export interface FileWork {
  op: 'attach' | 'detach';
  side: Side;
  /** The file's id: for `attach` on the other side, for `detach` on `side`. */
  source: string;
  /** The file's index in the link's `files`. */
  place: number;
}

/**
 * The files of a pair after one or both records were read. If both sides have a file and the link does not know why (an
 * answer or the link store was lost), name and size identify it. A file that a record no longer lists does not count as
 * removed: not every system lists the files of follow-ups.
 *
 * @param seen the files that each record lists; absent if the record was not read
 * @param repeatsRedaction whether a removal on one side is repeated on the given other side
 */
export function mergeFiles(
  known: readonly LinkedFile[],
  seen: Partial<Record<Side, readonly Attachment[]>>,
  repeatsRedaction: (side: Side) => boolean,
): LinkedFile[] {
  const files = known.map((file) => ({ ...file, ids: { ...file.ids } }));
  for (const side of SIDES) {
    const other = otherSide(side);
    for (const attachment of seen[side] ?? []) {
      const file =
        files.find(({ ids }) => ids[side] === attachment.id) ??
        files.find((each) => each.ids[side] === undefined && isSameFile(each, attachment));
      if (!file) {
        if (!attachment.redacted) files.push(newFile(side, attachment));
        continue;
      }
      if (file.ids[side] === undefined) {
        file.ids[side] = attachment.id;
        file.state = 'copied';
        file.reason = null;
      }
      if (attachment.redacted && file.state !== 'ended' && file.state !== 'redacting') {
        file.state = file.ids[other] !== undefined && repeatsRedaction(other) ? 'redacting' : 'ended';
        file.from = side;
        file.reason = null;
      }
    }
  }
  return files;
}

/** The files that are to be copied or removed now. */
export function fileWork(files: readonly LinkedFile[]): FileWork[] {
  return files.flatMap(({ state, from, ids }, place): FileWork[] => {
    const side = otherSide(from);
    const source = ids[state === 'redacting' ? side : from];
    if (source === undefined || (state !== 'pending' && state !== 'redacting')) return [];
    return [{ op: state === 'pending' ? 'attach' : 'detach', side, source, place }];
  });
}

/** Makes failed files due again. @returns null if none failed */
export function retryFailed(files: readonly LinkedFile[]): LinkedFile[] | null {
  if (!files.some(({ state }) => state === 'failed')) return null;
  return files.map((file) => {
    if (file.state !== 'failed') return file;
    const isRemoval = file.ids[otherSide(file.from)] !== undefined;
    return { ...file, state: isRemoval ? 'redacting' : 'pending', reason: null };
  });
}

/** A link's reason that names each failed file and why it failed; null if none failed. */
export function filesReason(files: readonly LinkedFile[]): string | null {
  const failed = files.filter(({ state }) => state === 'failed');
  if (failed.length === 0) return null;
  return failed.map(({ fileName, reason }) => `attachment "${fileName}": ${reason ?? 'failed'}`).join('; ');
}

function newFile(from: Side, { id, fileName, contentType, size }: Attachment): LinkedFile {
  return { from, fileName, contentType, size, ids: { [from]: id }, state: 'pending', reason: null };
}

function isSameFile(file: LinkedFile, attachment: Attachment): boolean {
  return file.state !== 'ended' && file.fileName === attachment.fileName && file.size === attachment.size;
}
