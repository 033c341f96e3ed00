import type { RestoredRecord } from 'pms-sandbox';
import { CUSTOM_FIELDS, comparable, type EditEntry, type Property } from 'testkit';
import { SYNC_USERS } from './syncUsers';
import type { LinkDocument } from './linkDocument';
import type { TraceEntry } from './traceEntry';

/** The longest duration of a poll that began before a restore. */
const POLLS_TAKE_MS = 5_000;

type History = LinkDocument['history'];

/**
 * The losses by accidents, which the checker accepts: values that a restored backup replaced, records that are
 * missing in it, and histories that were lost with the link store. The checker accepts no other losses.
 */
export class Afterwards {
  /** Values that a backup replaced, as edits by a person of the PMS. */
  readonly putBack: EditEntry[] = [];
  /** Records of the PMS that are missing in a restored backup. */
  readonly vanished = new Set<string>();
  /** Nightly reconciles to run before the systems are compared. */
  nightsToCome = 0;
  /** The time at which every pair was synced again after a loss of the link store; empty if there was none. */
  linksBackAt = '';
  /** Times from a restore of the PMS until its cursor was rewound. The feed may not know the cursor in that time. */
  private readonly unknownCursor: { from: number; to: number }[] = [];
  /** The records of each pair in a lost link store. If such a pair ended, no record may show it. */
  readonly lostPairs: (readonly string[])[] = [];
  private readonly histories = new Map<string, History>();

  /** The time at which a side's lists became empty; empty if they never did. */
  blankAt = '';

  /** @param last the record before its deletion; null if unknown */
  pmsRestored(records: readonly RestoredRecord[], last: (ref: string) => object | null): void {
    const at = new Date().toISOString();
    for (const { kind, id, before, after } of records) {
      const ref = `pms:${kind}:${id}`;
      if (!after) this.vanished.add(ref);
      const former = before ?? last(ref);
      if (after && former) this.putBack.push(...replacements(ref, former, after, at));
    }
  }

  /** @param restoredAt the time of the restore */
  cursorRewound(restoredAt: number): void {
    this.unknownCursor.push({ from: restoredAt - POLLS_TAKE_MS, to: Date.now() });
  }

  /** Whether the feed refused a poll of the PMS because the cursor was not rewound yet. */
  isRefusedPoll(workflowId: string): boolean {
    const [, begun = ''] = /-poll-pms-(\d{4}-.*Z)$/.exec(workflowId) ?? [];
    return this.unknownCursor.some(({ from, to }) => Date.parse(begun) >= from && Date.parse(begun) <= to);
  }

  linksLost(links: readonly LinkDocument[]): void {
    for (const link of links) {
      const refs = refsOf(link);
      this.lostPairs.push(refs);
      const lost = [...link.history, ...(link.unconfirmed ?? []), ...overruledByIntent(link)];
      if (lost.length > 0) for (const ref of refs) this.histories.set(ref, lost);
    }
  }

  /** Whether a lost link named the record. */
  isForgotten(ref: string): boolean {
    return this.lostPairs.some((refs) => refs.includes(ref));
  }

  /**
   * Whether a record waits for a person because it matches a pair whose counterpart the sync created while a side's
   * lists were empty. The sync could not know then that both sides have the company.
   */
  isUnseenMatch({ reason }: LinkDocument, trace: readonly TraceEntry[]): boolean {
    if (this.blankAt === '' || reason?.code !== 'ambiguous_match') return false;
    const named: string[] = reason.text.match(/(zendesk|pms):[a-z]+:[\w-]+/g) ?? [];
    return trace.some(
      ({ ref, by, what, at }) =>
        named.includes(ref) && SYNC_USERS.includes(by) && /created$/.test(what) && at >= this.blankAt,
    );
  }

  /** The link with the values in its history from before the loss of the link store. */
  withLostHistory(link: LinkDocument): LinkDocument {
    const lost = refsOf(link).flatMap((ref) => this.histories.get(ref) ?? []);
    const all = [...lost, ...link.history].map((entry) => [JSON.stringify(entry), entry] as const);
    return { ...link, history: [...new Map(all).values()] };
  }
}

const PROPERTIES: Record<string, readonly Property[]> = {
  customer: ['name', 'tags', 'description', 'notes'],
  project: ['title', 'tags', 'dueDate', 'description', 'order'],
  note: ['description'],
};

function replacements(ref: string, before: object, after: object, at: string): EditEntry[] {
  const kind = ref.split(':')[1] ?? '';
  return (PROPERTIES[kind] ?? []).flatMap((property) => {
    const [from, to] = [valueOf(kind, before, property), valueOf(kind, after, property)];
    if (from === to) return [];
    const kept = new Set(to.split(' '));
    const gone = from.split(' ').filter((element) => !kept.has(element));
    const replaced = property === 'tags' ? gone.join(' ') : from;
    // Elements of a set have separate edits.
    const value = property === 'tags' && to.includes(' ') ? '' : to;
    return [{ side: 'pms' as const, ref, property, value, replaced, at }];
  });
}

function valueOf(kind: string, record: object, property: Property): string {
  const { customFields, ...fields } = record as Record<string, unknown>;
  if (property === 'order')
    return comparable((customFields as Record<string, unknown>)[CUSTOM_FIELDS.order.key]);
  return comparable(fields[kind === 'note' ? 'body' : property]);
}

/** Values that the writes in progress would overrule. */
function overruledByIntent({ intent }: LinkDocument): History {
  return intent === null ? [] : (JSON.parse(intent) as { next: { overruled: History } }).next.overruled;
}

function refsOf({ _id, sides }: Pick<LinkDocument, '_id' | 'sides'>): string[] {
  const origin = _id.slice(_id.indexOf('/') + 1);
  return [...new Set([origin, ...Object.values(sides).map(({ ref }) => ref)])];
}
