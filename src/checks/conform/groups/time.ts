import type { SyncRecord } from '../../../sync/record';
import type { Probe } from '../probe';
import type { Subject } from '../subjects';
import type { Evidence } from '../evidence';
import { changeable, type Tools } from './tools';

const EDITS = 4;
/** Corrects a `Date` header on average, as it has no fraction of a second. */
const HALF_A_SECOND_MS = 500;

/** Checks that edits have ascending versions. */
export async function checkVersions({ probe, recorder }: Tools, subject: Subject): Promise<void> {
  await recorder.try('version', subject.name, async () => {
    const { name } = changeable(subject);
    const made = await probe.create(subject);
    const states: SyncRecord[] = [made];
    for (let n = 0; n < EDITS; n += 1) states.push(await probe.update(made, { [name]: probe.words() }));
    return {
      exact: probe.port.exactOrder,
      orders: states.map(({ order }) => order),
      versions: states.map(({ version }) => version),
    };
  });
}

export async function checkClock({ probe, recorder, serverTime }: Tools, subject: Subject): Promise<void> {
  await recorder.try('clock', '', () => clock(probe, subject, serverTime));
}

async function clock(
  probe: Probe,
  subject: Subject,
  serverTime: () => Promise<Date | null>,
): Promise<Evidence['clock']> {
  const date = await serverTime();
  const dateSkewMs = date && date.getTime() + HALF_A_SECOND_MS - Date.now();
  const before = Date.now();
  const { updatedAt } = await probe.create(subject);
  const between = (before + Date.now()) / 2;
  return {
    dateSkewSeconds: dateSkewMs === null ? null : dateSkewMs / 1000,
    stampSkewSeconds: (Date.parse(updatedAt) - between) / 1000,
  };
}
