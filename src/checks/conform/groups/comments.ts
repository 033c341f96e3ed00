import { refKey } from '../../../sync/canonicalKey';
import { sameValue, textOf } from '../../../sync/values';
import type { SyncRecord } from '../../../sync/record';
import type { Subject } from '../subjects';
import type { Evidence } from '../evidence';
import type { Tools } from './tools';

/** Checks of comments only. @param parent the record that they belong to */
export async function checkComments(tools: Tools, subject: Subject, parent: SyncRecord): Promise<void> {
  const { probe, recorder } = tools;
  await recorder.try('parent', subject.name, async () => {
    const record = await probe.read(await probe.create(subject));
    const expected = refKey(parent.ref);
    const found = record?.parent ?? 'nothing';
    return {
      did: 'named',
      faults: found === expected ? [] : [`written on ${expected}, read as on ${found}`],
    };
  });
  const { visibility } = subject;
  if (visibility)
    await recorder.try('visibility', subject.name, async () => {
      const faults: string[] = [];
      for (const value of visibility.values) {
        const values = { ...subject.values(probe.words()), [visibility.name]: value };
        const record = await probe.read(await probe.create(subject, { values }));
        const found = record?.values[visibility.name];
        if (!sameValue(value, found)) faults.push(`wrote ${textOf(value)}, found ${textOf(found ?? null)}`);
      }
      return { did: visibility.values.map(textOf).join(', '), faults };
    });
  await recorder.try('followUp', subject.name, () => followUp(tools, subject));
}

/** The system decides where it stores a follow-up, so the check looks for it in the change feed. */
async function followUp({ probe, feed }: Tools, subject: Subject): Promise<Evidence['followUp']> {
  const { ref } = await probe.create(subject);
  const text = `follow-up ${probe.words()}.`;
  const backRef = probe.backRef(subject);
  const sendFollowUp = () =>
    probe.call(() =>
      probe.port.followUp(ref, { text, public: false }, { idempotencyKey: `key ${backRef}`, backRef }),
    );
  await sendFollowUp();
  await sendFollowUp();
  const claimed = probe.port.hasIdempotencyKeys(subject.kind);
  if (!feed.isOffered) return { claimed, shown: false, copies: 0 };
  const seen = await probe.until(async () => {
    await feed.readOn();
    return feed.containing(text).length > 0;
  });
  return { claimed, shown: seen !== null, copies: feed.containing(text).length };
}
