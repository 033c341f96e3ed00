import { refKey, parseRef } from '../../../sync/canonicalKey';
import type { RefKey, SyncRecord } from '../../../sync/record';
import type { Probe } from '../probe';
import { isNotOffered } from '../conformRecorder';
import type { Subject } from '../subjects';
import type { Evidence } from '../verdict';
import type { Tools } from './tools';

const PAGES_AT_MOST = 500;
const AT_ONCE = 100;
/** Made in any case, so that there is something of ours on the pages. */
const AT_LEAST = 20;
/** Gaps between pages in which something is done; a large account has many. */
const DISTURBED = 5;
/** Of records that did not come, looked at one by one. */
const MISSING_AT_MOST = 100;

/** That a list leaves nothing out, whatever happens between its pages. */
export async function checkLists({ probe, recorder, records }: Tools, subject: Subject): Promise<void> {
  await recorder.try('walk', subject.name, async () => {
    await fill(probe, subject, records);
    return walk(probe, subject);
  });
}

/** Makes records until a list of them takes two pages. */
async function fill(probe: Probe, subject: Subject, most: number): Promise<void> {
  let made = Math.min(AT_LEAST, most);
  await probe.createMany(subject, made);
  while (made < most && (await page(probe, subject, null)).cursor === null) {
    const more = Math.min(AT_ONCE, most - made);
    await probe.createMany(subject, more);
    made += more;
  }
}

/** Reads the list twice, once in quiet: what it showed then, and what is still so, must come again. */
async function walk(probe: Probe, subject: Subject): Promise<Evidence['walk']> {
  const quiet = new Map<RefKey, string>();
  const { pages: quietPages, ended } = await readAll(probe, subject, async (records) => {
    for (const record of records) quiet.set(refKey(record.ref), record.version);
  });
  if (!ended) return { pages: quietPages, records: quiet.size, missing: [], ended };
  const parents = new Set(Object.values(subject.parents));
  const seen = new Set<RefKey>();
  const touched = new Set<RefKey>();
  const { pages } = await readAll(probe, subject, async (records, gap) => {
    for (const { ref } of records) seen.add(refKey(ref));
    if (gap > DISTURBED) return;
    const ours = records.filter(
      ({ ref, state }) => probe.made.has(refKey(ref)) && state === 'live' && !parents.has(ref.id),
    );
    const [edited, ended] = ours.filter(({ ref }) => !touched.has(refKey(ref)));
    for (const each of [edited, ended]) if (each) touched.add(refKey(each.ref));
    await disturb(probe, subject, edited, ended);
  });
  const untouched = [...quiet.keys()].filter((key) => !touched.has(key));
  const absent = untouched.filter((key) => !seen.has(key)).slice(0, MISSING_AT_MOST);
  // Others may work in the account, too.
  const now = await probe.call(() => probe.port.read(absent.map(parseRef)));
  const missing = now.flatMap(({ ref, record }) =>
    record && record.version === quiet.get(refKey(ref)) ? [refKey(ref)] : [],
  );
  return { pages, records: untouched.length, missing, ended: true };
}

/** @param onPage receives each page and its number */
async function readAll(
  probe: Probe,
  subject: Subject,
  onPage: (records: SyncRecord[], number: number) => Promise<void>,
): Promise<{ pages: number; ended: boolean }> {
  let cursor: string | null = null;
  let pages = 0;
  do {
    const { records, cursor: next }: Awaited<ReturnType<typeof page>> = await page(probe, subject, cursor);
    pages += 1;
    for (const record of records) if (probe.isOurs(record)) probe.keep(record);
    await onPage(records, pages);
    cursor = next;
  } while (cursor !== null && pages < PAGES_AT_MOST);
  return { pages, ended: cursor === null };
}

/** What people do while a list is read: they make a record, edit one that was read, and end another. */
async function disturb(
  probe: Probe,
  subject: Subject,
  edited: SyncRecord | undefined,
  ended: SyncRecord | undefined,
): Promise<void> {
  await probe.create(subject);
  try {
    const { editable } = subject;
    if (edited && editable) await probe.update(edited, { [editable.name]: probe.words() });
    if (ended) await probe.archive(ended);
  } catch (error) {
    if (!isNotOffered(error)) throw error;
  }
}

function page(probe: Probe, subject: Subject, cursor: string | null) {
  return probe.call(() => probe.port.walk(subject.kind, cursor, null));
}
