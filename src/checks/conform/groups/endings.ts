import { refKey } from '../../../sync/canonicalKey';
import type { Subject } from '../subjects';
import { name, type Tools } from './tools';

/** Checks archiving and redaction. The port has no deletion, so none is tested. */
export async function checkEndings({ probe, recorder }: Tools, subject: Subject): Promise<void> {
  await recorder.try('archive', subject.name, async () => {
    const made = await probe.create(subject);
    const faults: string[] = [];
    const answer = await probe.archive(made);
    if (answer.state === 'live') faults.push(`answered that ${name(made)} is live`);
    // A record that can no longer be read has ended, too.
    if ((await probe.read(made))?.state === 'live') faults.push(`${name(made)} is read as live`);
    return { did: `${answer.state}, and read so`, faults };
  });
  if (subject.entity !== 'CommentToProject') return;
  await recorder.try('redact', subject.name, async () => {
    const secret = `secret ${probe.words()}`;
    const text = subject.body && { [subject.body.name]: secret };
    const made = await probe.create(subject, { values: { ...subject.values(probe.words()), ...text } });
    const hasSecret = (record: unknown) => JSON.stringify(record ?? null).includes(secret);
    const redact = async () => {
      const { ref, version } = probe.latest(made.ref);
      return probe.keep(await probe.call(() => probe.port.redact(ref, { version })));
    };
    const faults: string[] = [];
    if (hasSecret((await redact()).values))
      faults.push(`the answer still contains the text of ${refKey(made.ref)}`);
    if (hasSecret((await probe.read(made))?.values))
      faults.push(`still contains the text of ${refKey(made.ref)}`);
    await redact();
    return { did: 'removed; a repeat changes nothing', faults };
  });
}
