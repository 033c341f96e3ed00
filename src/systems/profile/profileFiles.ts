import { refKey } from '../../sync/canonicalKey';
import type { RecordRef, SyncRecord } from '../../sync/record';
import { textOf } from '../../sync/values';
import { NeedsHuman, RecordGone } from '../errors';
import { checkFileStatus, checkSize, openFile } from '../fileRules';
import type { AttachOptions, OpenFile } from '../port';
import type { ProfileReads } from './profileReads';
import type { ProfileWrites } from './profileWrites';

/** Reads, adds and removes the files of records. */
export class ProfileFiles {
  constructor(
    private readonly reads: ProfileReads,
    private readonly writes: ProfileWrites,
    private readonly limitBytes: number,
  ) {}

  async open(ref: RecordRef, id: string): Promise<OpenFile> {
    const records = this.reads.recordsOf(ref.kind);
    const [found] = await this.reads.read([ref]);
    const file = found?.record?.attachments?.find((each) => each.id === id);
    const { files } = records.kind;
    if (!file || !files)
      throw new NeedsHuman('attachment_unavailable', `${refKey(ref)} has no file ${id} any more`);
    checkSize(file, this.limitBytes);
    const request = this.reads.api.request(files.read, { ...records.scopeOf(ref), file: id });
    const { status, content } = await this.reads.api.http.download(request);
    if (status !== 200) content.destroy();
    checkFileStatus(status, this.reads.api.callOf(request));
    return openFile(file, content);
  }

  async attach(
    ref: RecordRef,
    open: () => Promise<OpenFile>,
    { idempotencyKey }: AttachOptions,
  ): Promise<{ id: string; record: SyncRecord }> {
    const records = this.reads.recordsOf(ref.kind);
    const { files } = records.kind;
    const refused = () => new NeedsHuman('attachment_refused', `the PMS keeps no files on a ${ref.kind}`);
    if (!files) throw refused();
    const file = await open();
    const scope = { ...records.scopeOf(ref), fileName: file.fileName, key: idempotencyKey };
    const request = this.writes.keyed(
      records.kind,
      { ...this.reads.api.request(files.add, scope), file },
      idempotencyKey,
    );
    try {
      const answer = await this.reads.api.write(request);
      const id = this.reads.api.valueOf(files.added, answer.body, answer.call);
      if (id === null) throw this.reads.api.unexpected(answer.call, files.added.text, id, 'an id');
      return { id: textOf(id), record: await this.reads.mustRead(ref) };
    } catch (error) {
      if (!(error instanceof RecordGone)) throw error;
      await this.reads.mustRead(ref);
      throw refused();
    }
  }

  async detach(ref: RecordRef, id: string): Promise<SyncRecord> {
    const records = this.reads.recordsOf(ref.kind);
    const { files } = records.kind;
    if (!files?.remove)
      throw new NeedsHuman('cannot_detach', `no file of a ${ref.kind} can be removed in the PMS`);
    // `ask` accepts a missing file: the file may be removed already.
    await this.reads.api.ask(files.remove, { ...records.scopeOf(ref), file: id });
    return this.reads.mustRead(ref);
  }
}
