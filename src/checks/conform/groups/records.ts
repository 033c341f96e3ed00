import type { SyncRecord } from '../../../sync/record';
import type { Subject } from '../subjects';
import { changeable, differences, type Tools } from './tools';

/** @returns a record of the kind, to be the parent of other records; null if none can be made */
export async function checkRecords({ probe, recorder }: Tools, subject: Subject): Promise<SyncRecord | null> {
  let base: SyncRecord | null = null;
  await recorder.try('properties', subject.name, async () => subject.faults);
  await recorder.try('create', subject.name, async () => {
    const values = subject.values(probe.words());
    const backRef = probe.backRef(subject);
    base = await probe.create(subject, { values, backRef });
    const faults: string[] = [];
    for (const [where, record] of [
      ['answered', base],
      ['read', await probe.read(base)],
    ] as const) {
      faults.push(...differences(subject, values, record).map((each) => `${where}: ${each}`));
      if (record && record.backRef !== backRef)
        faults.push(`${where}: back-reference ${record.backRef ?? 'missing'}, expected ${backRef}`);
      if (record && record.state !== 'live') faults.push(`${where}: ${record.state}, expected live`);
    }
    return { did: `read as written: ${Object.keys(values).join(', ')}`, faults };
  });
  await recorder.try('update', subject.name, async () => {
    const { name } = changeable(subject);
    const values = subject.values(probe.words());
    const made = await probe.create(subject, { values });
    const changed = { ...values, [name]: probe.words() };
    const answer = await probe.update(made, { [name]: changed[name] ?? null });
    const faults = [
      ...differences(subject, changed, answer),
      ...differences(subject, changed, await probe.read(made)),
    ];
    return { did: `"${name}" changed alone`, faults: [...new Set(faults)] };
  });
  return base;
}
