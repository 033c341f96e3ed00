import type { RefKey, SyncRecord, Values } from '../../../sync/record';
import { AlreadyExists } from '../../../systems/errors';
import type { Probe } from '../probe';
import type { Subject } from '../subjects';
import type { Evidence } from '../evidence';
import { name, type Tools } from './tools';

/** Checks that a record is found by its back-reference and by the properties of match rules. */
export async function checkReferences({ probe, recorder }: Tools, subject: Subject): Promise<void> {
  await recorder.try('lookUp', subject.name, () => lookUp(probe, subject));
  await recorder.try('unique', subject.name, () => unique(probe, subject));
  for (const property of subject.matchProperties)
    await recorder.try('match', subject.name, () => match(probe, subject, property));
}

async function lookUp(probe: Probe, subject: Subject): Promise<Evidence['lookUp']> {
  const values = subject.values(probe.words());
  const backRef = probe.backRef(subject);
  const find = (by: RefKey) => probe.call(() => probe.port.findByBackRef(subject.kind, by, values));
  const made = await probe.create(subject, { values, backRef });
  // A substring search would wrongly find this record, too.
  await probe.create(subject, { backRef: `${backRef}-0` });
  const faults: string[] = [];
  const seconds = await probe.until(async () => includes(await find(backRef), made));
  if (seconds === null) faults.push(`did not find ${name(made)} by its back-reference`);
  const foreign = (await find(backRef)).filter((record) => name(record) !== name(made));
  if (foreign.length > 0) faults.push(`found ${foreign.length} records that do not carry it`);
  const none = await find(probe.backRef(subject));
  if (none.length > 0) faults.push(`found ${none.length} records by a back-reference that no record has`);
  if (faults.length === 0 && subject.editable) {
    const moved = probe.backRef(subject);
    await probe.update(made, { [subject.editable.name]: probe.words() }, { backRef: moved });
    if ((await probe.until(async () => includes(await find(moved), made))) === null)
      faults.push('did not find it by a back-reference that it was given later');
    if ((await probe.until(async () => !includes(await find(backRef), made))) === null)
      faults.push('still found it by a back-reference that it no longer has');
  }
  return { did: 'found, and nothing else', faults, seconds: seconds ?? 0 };
}

async function unique(probe: Probe, subject: Subject): Promise<Evidence['unique']> {
  const claimed = probe.port.uniqueBackRef(subject.kind);
  const backRef = probe.backRef(subject);
  await probe.create(subject, { backRef, key: `${backRef}, first` });
  try {
    await probe.create(subject, { backRef, key: `${backRef}, second` });
    return { claimed, second: 'made' };
  } catch (error) {
    if (error instanceof AlreadyExists) return { claimed, second: 'refused' };
    throw error;
  }
}

async function match(probe: Probe, subject: Subject, property: string): Promise<Evidence['match']> {
  const offered = probe.port.canFind(subject.kind, property);
  if (!offered) return { property, offered, did: '', faults: [] };
  const { values, sought } = sample(probe, subject, property);
  const made = await probe.create(subject, { values });
  const find = (value: string) => probe.call(() => probe.port.findByProperty(subject.kind, property, value));
  const faults: string[] = [];
  if ((await probe.until(async () => includes(await find(sought), made))) === null)
    faults.push(`did not find ${name(made)} by its ${property}`);
  if ((await find(sought)).some((record) => name(record) !== name(made)))
    faults.push(`found several records by a ${property} that only one has`);
  if ((await find(`nobody ${sought}`)).length > 0)
    faults.push(`found records by a ${property} that no record has`);
  return { property, offered, did: `found by "${property}"`, faults };
}

/** Values of a new record whose `property` has a unique value. */
function sample(probe: Probe, subject: Subject, property: string): { values: Values; sought: string } {
  const words = probe.words();
  const values = subject.values(words);
  if (values[property] === words) return { values, sought: words };
  const domain = `${words.replace(/\W+/g, '-')}.example`;
  return { values: { ...values, [property]: [domain] }, sought: domain };
}

function includes(records: readonly SyncRecord[], wanted: SyncRecord): boolean {
  return records.some((record) => name(record) === name(wanted));
}
