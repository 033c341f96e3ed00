import { refKey, type CanonicalKey } from '../sync/canonicalKey';
import { entryOf, outcomeShown, type Outcome, type Written } from '../sync/journal';
import type { Intent, Link, PlannedWrite } from '../sync/link';
import type { Plan } from '../sync/planner';
import type { RefKey, SyncRecord } from '../sync/record';
import type { References } from '../sync/values';
import { loadReferences, type ActivityContext, type Referring } from './activityContext';

/** Keeps in the journal what became of writes. Each call comes before the save of the link that ends their intent. */

type Context = Pick<ActivityContext, 'store' | 'mapping' | 'now'>;

export async function noteWritten(
  { store, mapping, now }: Context,
  written: readonly Written[],
  references: References,
): Promise<void> {
  const scene = { mapping, references, now: now().toISOString() };
  await store.journal.note(written.map((each) => entryOf(each, scene)));
}

/** What was redacted is forgotten by the journal, too. */
export async function forgetRedacted(
  { store }: Pick<ActivityContext, 'store'>,
  key: CanonicalKey,
  { redacted = [] }: { redacted?: readonly string[] },
): Promise<void> {
  if (redacted.length > 0) await store.journal.redact(key, redacted);
}

/** What is to be looked up so that the values from before a write can be said in the side's own form. */
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
 * Notes writes whose intent ends without their answers: by what their records show, where these were read.
 * @param of the writes that are not done; `refused` and `words`: of the one that a side said no to
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

/** Plans that leave the intent of the link as it is. */
const KEEPING: ReadonlySet<Plan['do']> = new Set(['read', 'look', 'wait', 'redirect', 'absent', 'rest']);

/** Whether a plan ends the intent that its link holds, rather than goes on with it. */
export function endsIntent(plan: Plan, intent: Intent): boolean {
  if (KEEPING.has(plan.do)) return false;
  const next = plan.do === 'write' || plan.do === 'bury' ? plan.intent : null;
  return next?.id !== intent.id;
}
