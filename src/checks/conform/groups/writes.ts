import { refKey } from '../../../sync/canonicalKey';
import type { SyncRecord } from '../../../sync/record';
import { AlreadyExists, PreconditionFailed } from '../../../systems/errors';
import type { Probe } from '../probe';
import { isNotOffered } from '../conformRecorder';
import type { Subject } from '../subjects';
import type { Evidence } from '../evidence';
import { changeable, type Tools } from './tools';

const RACERS = 5;

/** Checks that a write on an old version is refused, and that a repeated create makes no second record. */
export async function checkWrites({ probe, recorder }: Tools, subject: Subject): Promise<void> {
  const { bulk } = probe.port;
  await recorder.try('precondition', subject.name, () => precondition(probe, subject));
  await recorder.try('repeat', subject.name, () =>
    repeat(probe, subject, probe.port.hasIdempotencyKeys(subject.kind), (item) =>
      probe.create(subject, item),
    ),
  );
  if (!bulk?.canCreate(subject.kind)) return;
  await recorder.try('repeat', `${subject.name}, in bulk`, () =>
    // The sync does not rely on idempotency keys in bulk: it looks records up first unless back-references are unique.
    repeat(probe, subject, false, async ({ values, key, backRef }) => {
      const item = { values, idempotencyKey: key, backRef };
      const [answer] = await probe.call(() => bulk.create(subject.kind, [item]));
      if (!answer || 'error' in answer) throw answer?.error ?? new Error('a bulk create was not answered');
      return probe.keep(answer.record);
    }),
  );
}

async function precondition(probe: Probe, subject: Subject): Promise<Evidence['precondition']> {
  const { port } = probe;
  const claimed = port.hasPrecondition(subject.kind);
  if (!claimed) return { claimed, accepted: [], racers: 0, winners: 0 };
  const { name } = changeable(subject);
  const change = () => ({ [name]: probe.words() });
  const made = await probe.create(subject);
  // If versions are times, two edits within one tick of the clock have the same version.
  const ticked = await probe.until(async () => (await probe.update(made, change())).version !== made.version);
  const faults: string[] = ticked === null ? ['an edit, which leaves the version as it was,'] : [];
  const { version } = made;
  if (!(await isRefused(() => probe.update(made, change(), { version })))) faults.push('an edit');
  if (port.bulk?.canUpdate(subject.kind)) {
    const item = { ref: made.ref, values: change(), version, backRef: null };
    const bulkUpdate = async () => {
      const [answer] = await probe.call(async () => port.bulk?.update(subject.kind, [item]) ?? []);
      if (answer && 'error' in answer) throw answer.error;
    };
    if (!(await isRefused(bulkUpdate))) faults.push('an edit in bulk');
  }
  const { racers, winners } = port.exactOrder ? await race(probe, made, change) : { racers: 0, winners: 0 };
  if (!(await isRefused(() => probe.archive(made, version)))) faults.push('an archiving');
  return { claimed, accepted: faults, racers, winners };
}

/** Sends several concurrent edits based on the same version: only one may succeed. */
async function race(
  probe: Probe,
  made: SyncRecord,
  change: () => Record<string, string>,
): Promise<{ racers: number; winners: number }> {
  const { version } = (await probe.read(made)) ?? probe.latest(made.ref);
  const refused = await Promise.all(
    Array.from({ length: RACERS }, () => isRefused(() => probe.update(made, change(), { version }))),
  );
  return { racers: RACERS, winners: refused.filter((each) => !each).length };
}

/** Whether a write is refused because of its version, or because the system does not support it. */
async function isRefused(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return false;
  } catch (error) {
    if (error instanceof PreconditionFailed || isNotOffered(error)) return true;
    throw error;
  }
}

interface Item {
  values: ReturnType<Subject['values']>;
  key: string;
  backRef: string;
}

async function repeat(
  probe: Probe,
  subject: Subject,
  claimed: boolean,
  create: (item: Item) => Promise<SyncRecord>,
): Promise<Evidence['repeat']> {
  const item = (): Item => {
    const backRef = probe.backRef(subject);
    return { values: subject.values(probe.words()), backRef, key: `key ${backRef}` };
  };
  /** @returns null if the system refuses the create because the record exists already */
  const attempt = async (some: Item): Promise<string | null> => {
    try {
      return refKey((await create(some)).ref);
    } catch (error) {
      if (error instanceof AlreadyExists) return null;
      throw error;
    }
  };
  const one = item();
  const first = await attempt(one);
  const second = await attempt(one);
  const other = item();
  const both = await Promise.all([attempt(other), attempt(other)]);
  return {
    claimed,
    again: second === null ? 'refused' : second === first ? 'same' : 'second',
    together: new Set(both.filter((ref) => ref !== null)).size,
  };
}
