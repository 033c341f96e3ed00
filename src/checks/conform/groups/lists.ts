import { refKey, parseRef } from '../../../sync/canonicalKey';
import type { RefKey, SyncRecord } from '../../../sync/record';
import type { Probe } from '../probe';
import { isNotOffered } from '../conformRecorder';
import type { Subject } from '../subjects';
import type { Evidence } from '../evidence';
import type { Tools } from './tools';

const PAGES_AT_MOST = 500;
const AT_ONCE = 100;
/** The fewest records that are made, so that the pages contain some of the checks' own. */
const AT_LEAST = 20;
/**
 * The number of page breaks at which records are changed. A large account has too many pages to change records at
 * each.
 */
const DISTURBED = 5;
/** The most missing records that are read one by one. */
const MISSING_AT_MOST = 100;

/** Checks that a list is complete although records change while it is read. */
export async function checkLists({ probe, recorder, records }: Tools, subject: Subject): Promise<void> {
  await recorder.try('walk', subject.name, async () => {
    await fill(probe, subject, records);
    return walk(probe, subject);
  });
}

/**
 * Makes records until their list has two pages. For a kind that is listed inside other records, the pages do not show
 * how long the inner lists are, so the maximum number is made inside one record.
 */
async function fill(probe: Probe, subject: Subject, most: number): Promise<void> {
  let made = isInside(probe, subject) ? most : Math.min(AT_LEAST, most);
  await probe.createMany(subject, made);
  while (made < most && !(await hasSecondPage(probe, subject))) {
    const more = Math.min(AT_ONCE, most - made);
    await probe.createMany(subject, more);
    made += more;
  }
}

function isInside({ port }: Probe, { kind }: Subject): boolean {
  return port.histories.includes(kind);
}

/** Counts only pages with records, because the last page may be empty. */
async function hasSecondPage(probe: Probe, subject: Subject): Promise<boolean> {
  let withRecords = 0;
  await readAll(probe, subject, async (records) => {
    if (records.length > 0) withRecords += 1;
    return withRecords < 2;
  });
  return withRecords > 1;
}

/**
 * Reads the list twice. The first reading, without concurrent changes, must contain all records that the checks made.
 * The second reading, while other records are made, edited and archived, must contain every record that did not change
 * since the first.
 */
async function walk(probe: Probe, subject: Subject): Promise<Evidence['walk']> {
  const quiet = new Map<RefKey, string>();
  let pages = 0;
  let ended = true;
  let unlisted: RefKey[] = [];
  const inside = isInside(probe, subject);
  const ours = await stillThere(probe, subject);
  await probe.until(async () => {
    pages = 0;
    ({ ended } = await readAll(probe, subject, async (records) => {
      if (records.length > 0) pages += 1;
      for (const record of records) quiet.set(refKey(record.ref), record.version);
      return true;
    }));
    unlisted = ended ? ours.filter((key) => !quiet.has(key)) : [];
    return unlisted.length === 0;
  });
  const seen = { pages, made: ours.length, inside };
  if (!ended || unlisted.length > 0) return { ...seen, records: quiet.size, missing: [], unlisted, ended };
  const { missing, records } = await walkAmongOthers(probe, subject, quiet);
  return { ...seen, records, missing, unlisted, ended };
}

/** The records that the checks made and that are live, each read by id. */
async function stillThere(probe: Probe, { kind }: Subject): Promise<RefKey[]> {
  const refs = [...probe.made.values()].flatMap(({ ref, state }) =>
    ref.kind === kind && state === 'live' ? [ref] : [],
  );
  const found = await probe.call(() => probe.port.read(refs));
  return found.flatMap(({ ref, record }) => (record?.state === 'live' ? [refKey(ref)] : []));
}

/** @param quiet the records of the first reading, with their versions */
async function walkAmongOthers(
  probe: Probe,
  subject: Subject,
  quiet: ReadonlyMap<RefKey, string>,
): Promise<{ records: number; missing: RefKey[] }> {
  const parents = new Set(Object.values(subject.parents));
  const seen = new Set<RefKey>();
  const touched = new Set<RefKey>();
  await readAll(probe, subject, async (records, gap) => {
    for (const { ref } of records) seen.add(refKey(ref));
    if (gap > DISTURBED) return true;
    const ours = records.filter(
      ({ ref, state }) => probe.made.has(refKey(ref)) && state === 'live' && !parents.has(ref.id),
    );
    const [edited, ended] = ours.filter(({ ref }) => !touched.has(refKey(ref)));
    for (const each of [edited, ended]) if (each) touched.add(refKey(each.ref));
    await disturb(probe, subject, edited, ended);
    return true;
  });
  const untouched = [...quiet.keys()].filter((key) => !touched.has(key));
  const absent = untouched.filter((key) => !seen.has(key)).slice(0, MISSING_AT_MOST);
  // Other users may change records of the account meanwhile; such records do not count as missing.
  const now = await probe.call(() => probe.port.read(absent.map(parseRef)));
  const missing = now.flatMap(({ ref, record }) =>
    record && record.version === quiet.get(refKey(ref)) ? [refKey(ref)] : [],
  );
  return { records: untouched.length, missing };
}

/** @param onPage receives each page and its number; returns false to stop */
async function readAll(
  probe: Probe,
  subject: Subject,
  onPage: (records: SyncRecord[], number: number) => Promise<boolean>,
): Promise<{ pages: number; ended: boolean }> {
  let cursor: string | null = null;
  let pages = 0;
  do {
    const { records, cursor: next }: Awaited<ReturnType<typeof page>> = await page(probe, subject, cursor);
    pages += 1;
    for (const record of records) if (probe.isOurs(record)) probe.keep(record);
    if (!(await onPage(records, pages))) break;
    cursor = next;
  } while (cursor !== null && pages < PAGES_AT_MOST);
  return { pages, ended: cursor === null };
}

/** Changes records like people do while a list is read: makes one, edits one and archives another. */
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
