import { refKey, type CanonicalKey } from '../sync/canonicalKey';
import { entryOf, outcomeShown, type Outcome, type Written } from '../sync/journal';
import type { Intent, Link, PlannedWrite } from '../sync/link';
import type { Plan } from '../sync/planner';
import type { RefKey, SyncRecord } from '../sync/record';
import type { References } from '../sync/values';
import { loadReferences, type ActivityContext, type Referring } from './activityContext';

/** Adds the outcome of writes to the journal. Call this before the save of the link that ends their intent. */

type Context = Pick<ActivityContext, 'store' | 'mapping' | 'now'>;

export async function noteWritten(
  { store, mapping, now }: Context,
  written: readonly Written[],
  references: References,
): Promise<void> {
  const scene = { mapping, references, now: now().toISOString() };
  await store.journal.note(written.map((each) => entryOf(each, scene)));
}

/** Removes the values of redacted rows from the journal. */
export async function forgetRedacted(
  { store }: Pick<ActivityContext, 'store'>,
  key: CanonicalKey,
  { redacted = [] }: { redacted?: readonly string[] },
): Promise<void> {
  if (redacted.length > 0) await store.journal.redact(key, redacted);
}

/** The references to look up before the former values of writes can be converted into the side's own form. */
export function formerReferences(
  { mapping }: Pick<ActivityContext, 'mapping'>,
  link: Link,
  writes: readonly PlannedWrite[],
): Referring[] {
  const table = mapping.entities[link.entity];
  const isReference = table.rows.some(
    ({ id, transform }) => transform.kind === 'reference' && writes.some(({ rows }) => rows.includes(id)),
  );
  return isReference ? [{ table, records: [], link }] : [];
}

/**
 * Adds the writes of an intent that ends without their answers. Their outcome is what their records show, if these were
 * read.
 *
 * @param ended `records`: the records that were read; `refused` and `words`: the write that a side refused, and its
 * words
 */
export async function noteEnded(
  context: Context,
  link: Link,
  {
    records,
    refused = null,
    words,
  }: { records: readonly SyncRecord[]; refused?: PlannedWrite | null; words?: string },
): Promise<void> {
  const { intent } = link;
  if (!intent) return;
  const { mapping } = context;
  const place = refused ? intent.writes.indexOf(refused) : -1;
  // Writes are sent in their order: those after the refused one were not.
  const sent = intent.writes.filter(({ done }, n) => !done && (place === -1 || n <= place));
  if (sent.length === 0) return;
  const table = mapping.entities[link.entity];
  const next = { ...link, snapshot: { ...link.snapshot, ...intent.next.snapshot } };
  const references = await loadReferences(context, [
    { table, records: [...records], link: next },
    ...formerReferences(context, link, sent),
  ]);
  const byRef = new Map<RefKey, SyncRecord>(records.map((record) => [refKey(record.ref), record]));
  const outcomeOf = (write: PlannedWrite): Outcome =>
    write === refused
      ? 'refused'
      : outcomeShown({ intent, write }, link._id, byRef.get(write.ref ?? ''), { mapping, references });
  await noteWritten(
    context,
    sent.map((write) => ({
      link,
      intent,
      write,
      outcome: outcomeOf(write),
      ...(write === refused && words !== undefined && { words }),
    })),
    references,
  );
}

/** Plans that do not end the link's intent. */
const KEEPING: ReadonlySet<Plan['do']> = new Set(['read', 'look', 'wait', 'redirect', 'absent', 'rest']);

/** Whether a plan ends the link's intent, and does not continue it. */
export function endsIntent(plan: Plan, intent: Intent): boolean {
  if (KEEPING.has(plan.do)) return false;
  const next = plan.do === 'write' || plan.do === 'bury' ? plan.intent : null;
  return next?.id !== intent.id;
}
