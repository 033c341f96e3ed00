import { otherSide, SIDES, type Attachment, type Side } from './record';

/** Files of a pair: what belongs together, what is still to be carried across, and what is to be removed. */

/** One file of a linked pair, as the link keeps it. Its content is nowhere but on the two sides. */
export interface LinkedFile {
  from: Side;
  fileName: string;
  contentType: string;
  size: number;
  ids: Partial<Record<Side, string>>;
  /**
   * `pending`: to be copied. `redacting`: gone on one side, to be removed from the other. `failed`: neither by itself;
   * tried again at the pair's next change. `ended`: removed; never copied again.
   */
  state: 'pending' | 'copied' | 'redacting' | 'failed' | 'ended';
  /** Why it failed, for a person; null otherwise. */
  reason: string | null;
}

/** One step for one file, towards one side. */
export interface FileWork {
  op: 'attach' | 'detach';
  side: Side;
  /** The file's id on the side where it is. */
  source: string;
  place: number;
}

/**
 * What is known of a pair's files after a look at either record. A file that is on both sides without anybody
 * knowing why (a lost answer, a lost link store) is recognised by name and size. One that is not listed any more
 * says nothing: a follow-up's files are not listed everywhere.
 *
 * @param repeats whether a removal on the other side is repeated on this one
 */
export function mergeFiles(
  known: readonly LinkedFile[],
  seen: Partial<Record<Side, readonly Attachment[]>>,
  repeats: (side: Side) => boolean,
): LinkedFile[] {
  const files = known.map((file) => ({ ...file, ids: { ...file.ids } }));
  for (const side of SIDES) {
    const other = otherSide(side);
    for (const attachment of seen[side] ?? []) {
      const file =
        files.find(({ ids }) => ids[side] === attachment.id) ??
        files.find((each) => each.ids[side] === undefined && isSame(each, attachment));
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
        file.state = file.ids[other] !== undefined && repeats(other) ? 'redacting' : 'ended';
        file.from = side;
        file.reason = null;
      }
    }
  }
  return files;
}

/** What is to be done for a pair's files now. */
export function fileWork(files: readonly LinkedFile[]): FileWork[] {
  return files.flatMap(({ state, from, ids }, place): FileWork[] => {
    const side = otherSide(from);
    const source = ids[state === 'redacting' ? side : from];
    if (source === undefined || (state !== 'pending' && state !== 'redacting')) return [];
    return [{ op: state === 'pending' ? 'attach' : 'detach', side, source, place }];
  });
}

/** Makes what failed pending again. @returns null where nothing failed */
export function retried(files: readonly LinkedFile[]): LinkedFile[] | null {
  if (!files.some(({ state }) => state === 'failed')) return null;
  return files.map((file) => {
    if (file.state !== 'failed') return file;
    const isRemoval = file.ids[otherSide(file.from)] !== undefined;
    return { ...file, state: isRemoval ? 'redacting' : 'pending', reason: null };
  });
}

/** Names what failed and why; null where all is well. */
export function filesReason(files: readonly LinkedFile[]): string | null {
  const failed = files.filter(({ state }) => state === 'failed');
  if (failed.length === 0) return null;
  return failed.map(({ fileName, reason }) => `attachment "${fileName}": ${reason ?? 'failed'}`).join('; ');
}

function newFile(from: Side, { id, fileName, contentType, size }: Attachment): LinkedFile {
  return { from, fileName, contentType, size, ids: { [from]: id }, state: 'pending', reason: null };
}

function isSame(file: LinkedFile, attachment: Attachment): boolean {
  return file.state !== 'ended' && file.fileName === attachment.fileName && file.size === attachment.size;
}
