import { parseRef, type CanonicalKey } from '../sync/canonicalKey';
import type { Intent, PlannedWrite } from '../sync/link';
import type { LinkedFile } from '../sync/pairFiles';
import { otherSide, type Side, type SyncRecord } from '../sync/record';
import { AlreadyExists, NeedsHuman, RetryLater, publicMessage } from '../systems/errors';
import type { StagedFile } from '../systems/port';
import { originRef, type ActivityContext } from './activityContext';
import { attemptNumber } from './heartbeats';
import { activityLog } from './log';

/** How often one file is tried before the pair goes on without it. */
const FILE_ATTEMPTS = 5;

/** Copies the files of a pair's intent to one side, or removes them there. */
export class PlannedFiles {
  constructor(
    private readonly context: ActivityContext,
    private readonly side: Side,
    private readonly key: CanonicalKey,
  ) {}

  /**
   * Uploads files before their record is created, if the side requires this order. A file that fails stays pending: the
   * text is written without it, and the file is tried again on its own.
   */
  async stage(files: LinkedFile[]): Promise<{ staged: StagedFile[]; files: LinkedFile[] }> {
    const { systems, log } = this.context;
    const port = systems[this.side];
    const staged: StagedFile[] = [];
    const after: LinkedFile[] = [];
    for (const file of files) {
      const source = file.ids[otherSide(this.side)];
      if (!port.stage || file.state !== 'pending' || source === undefined) {
        after.push(file);
        continue;
      }
      try {
        const open = await systems[otherSide(this.side)].openFile(parseRef(originRef(this.key)), source);
        const one = await port.stage({ ...open, fileName: file.fileName, contentType: file.contentType });
        staged.push(one);
        after.push({ ...file, ids: { ...file.ids, [this.side]: one.id }, state: 'copied' });
      } catch (error) {
        if (!concernsFileOnly(error)) throw error;
        activityLog(log, this.key).warn(`a file is not copied yet: ${publicMessage(error)}`);
        after.push(file);
      }
    }
    return { staged, files: after };
  }

  /**
   * Copies or removes one file. If this fails for good, the file is marked `failed`. @returns the new intent, and the
   * answer
   */
  async carry(intent: Intent, write: PlannedWrite): Promise<{ intent: Intent; record: SyncRecord | null }> {
    const { context, side, key } = this;
    const port = context.systems[side];
    const { file, ref, backRef } = write;
    const known = file && intent.next.files?.[file.place];
    if (!known || ref === null || backRef === null) throw new Error(`${key}: a file without a place`);
    const target = parseRef(ref);
    let after: LinkedFile;
    let record: SyncRecord | null = null;
    try {
      if (write.op === 'attach') {
        const source = context.systems[otherSide(side)];
        const attached = await port.attach(target, () => source.openFile(parseRef(backRef), file.source), {
          idempotencyKey: write.idempotencyKey,
          backRef,
          isPublic: write.values['public'] === true,
        });
        record = attached.record;
        after = { ...known, ids: { ...known.ids, [side]: attached.id }, state: 'copied' };
      } else {
        record = await port.detach(target, file.source);
        after = { ...known, state: 'ended' };
      }
    } catch (error) {
      const again = error instanceof RetryLater && attemptNumber() < FILE_ATTEMPTS;
      if (again || !concernsFileOnly(error)) throw error;
      after = { ...known, state: 'failed', reason: error.message };
    }
    const files = (intent.next.files ?? []).map((each, place) => (place === file.place ? after : each));
    return { intent: withFiles(intent, files), record };
  }
}

export function withFiles(intent: Intent, files: LinkedFile[]): Intent {
  return files.length === 0 ? intent : { ...intent, next: { ...intent.next, files } };
}

/** Whether an error concerns a file, and not its record or the connection. */
function concernsFileOnly(error: unknown): error is NeedsHuman | RetryLater | AlreadyExists {
  if (error instanceof NeedsHuman) return error.code !== 'unauthorized';
  // A call that waited for the rate limit was not tried yet.
  if (error instanceof RetryLater) return error.options.queued !== true;
  return error instanceof AlreadyExists;
}
