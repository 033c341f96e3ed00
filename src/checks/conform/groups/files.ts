import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Attachment, SyncRecord } from '../../../sync/record';
import { NeedsHuman, RetryLater } from '../../../systems/errors';
import type { OpenFile } from '../../../systems/port';
import type { Probe } from '../probe';
import type { Subject } from '../subjects';
import type { Tools } from './tools';

const BYTES = 100_000;
const SHORT_BYTES = 1_000;
const FILE_NAME = 'conform – 漢字 (1).bin';

/** Checks that files are stored and removed correctly. */
export async function checkFiles({ probe, recorder }: Tools, subject: Subject): Promise<void> {
  await recorder.try('file', subject.name, async () => {
    const made = await holder(probe, subject);
    const content = randomBytes(BYTES);
    const id = await attach(probe, subject, made, content, probe.words());
    const faults: string[] = [];
    const kept = await find(probe, made, id);
    if (!kept) faults.push(`the record does not list the file ${id}`);
    else {
      if (kept.fileName !== FILE_NAME) faults.push(`name: sent "${FILE_NAME}", found "${kept.fileName}"`);
      if (kept.size !== BYTES) faults.push(`size: sent ${BYTES} bytes, found ${kept.size}`);
      const found = await download(probe, made, id);
      if (typeof found === 'string') faults.push(`cannot be read: ${found}`);
      else if (!found.equals(content)) faults.push('its content differs from the content that was sent');
    }
    return { did: `${BYTES} bytes, with its name`, faults };
  });
  await recorder.try('detach', subject.name, async () => {
    const made = await holder(probe, subject);
    const id = await attach(probe, subject, made, randomBytes(SHORT_BYTES), probe.words());
    const detach = () => probe.call(() => probe.port.detach(made.ref, id));
    await detach();
    const faults: string[] = [];
    const after = await find(probe, made, id);
    if (after && !after.redacted) faults.push('it is still listed');
    if (typeof (await download(probe, made, id)) !== 'string') faults.push('it can still be read');
    await detach();
    return { did: 'neither listed nor readable; a repeat changes nothing', faults };
  });
  await recorder.try('fileRepeat', subject.name, async () => {
    const made = await holder(probe, subject);
    const content = randomBytes(SHORT_BYTES);
    const key = probe.words();
    const ids = [];
    for (let n = 0; n < 2; n += 1) ids.push(await attach(probe, subject, made, content, key));
    const files = (await probe.read(made))?.attachments ?? [];
    const claimed = probe.port.hasIdempotencyKeys(subject.kind);
    return { claimed, copies: Math.max(files.length, new Set(ids).size) };
  });
}

/** @throws NeedsHuman if records of the kind have no files */
async function holder(probe: Probe, subject: Subject): Promise<SyncRecord> {
  const made = await probe.create(subject);
  if (made.attachments) return made;
  throw new NeedsHuman('attachment_refused', `"${subject.kind}" has no files`);
}

async function attach(
  probe: Probe,
  subject: Subject,
  { ref }: SyncRecord,
  content: Buffer,
  key: string,
): Promise<string> {
  const open = async (): Promise<OpenFile> => ({
    fileName: FILE_NAME,
    contentType: 'application/octet-stream',
    size: content.length,
    content: Readable.from([content]),
  });
  const options = { idempotencyKey: key, backRef: probe.backRef(subject), isPublic: false };
  const { id, record } = await probe.call(() => probe.port.attach(ref, open, options));
  if (record) probe.keep(record);
  return id;
}

async function find(probe: Probe, made: SyncRecord, id: string): Promise<Attachment | undefined> {
  const record = await probe.read(made);
  if (record) probe.keep(record);
  return record?.attachments?.find((each) => each.id === id);
}

/** @returns the content, or the reason why it cannot be read */
async function download(probe: Probe, { ref }: SyncRecord, id: string): Promise<Buffer | string> {
  try {
    const { content } = await probe.call(() => probe.port.openFile(ref, id));
    return await buffer(content);
  } catch (error) {
    if (error instanceof NeedsHuman || error instanceof RetryLater) return error.message;
    throw error;
  }
}
