import type { RestoredRecord } from 'pms-sandbox';
import { CUSTOM_FIELDS, comparable, type EditEntry, type Property } from 'testkit';
import { SYNC_USERS } from './syncUsers';
import type { LinkDocument, World } from './world';

/** A poll that began before a restore may go on this long. */
const POLLS_TAKE_MS = 5_000;

type History = LinkDocument['history'];

/**
 * What the accidents of a world took with them. The checker excuses this and nothing else: values that a restored
 * backup replaced, records that it does not have, and histories that were lost with the link store.
 */
export class Afterwards {
  /** A backup replaces values as a person does who edits them in the PMS. */
  readonly putBack: EditEntry[] = [];
  /** Records of the PMS that a restored backup does not have. */
  readonly vanished = new Set<string>();
  /** Nightly reconciles that are still to come before the systems are compared. */
  nightsToCome = 0;
  /** When every pair had met again after the link store was lost; empty if it never was. */
  linksBackAt = '';
  /** From a restore of the PMS until the cursor of its feed was rewound: the feed may not know the cursor. */
  private readonly unknownCursor: { from: number; to: number }[] = [];
  /** The records of each pair that a lost link store knew. That such a pair ended may be known to neither system. */
  readonly lostPairs: (readonly string[])[] = [];
  private readonly histories = new Map<string, History>();

  /** When a side began to show nothing; empty if it never did. */
  blankAt = '';

  /** @param last what a record was before it was deleted; null where nobody knows */
  pmsRestored(records: readonly RestoredRecord[], last: (ref: string) => object | null): void {
    const at = new Date().toISOString();
    for (const { kind, id, before, after } of records) {
      const ref = `pms:${kind}:${id}`;
      if (!after) this.vanished.add(ref);
      const former = before ?? last(ref);
      if (after && former) this.putBack.push(...replacements(ref, former, after, at));
    }
  }

  /** @param restoredAt when the PMS went back */
  cursorRewound(restoredAt: number): void {
    this.unknownCursor.push({ from: restoredAt - POLLS_TAKE_MS, to: Date.now() });
  }

  /** A poll of the PMS that the feed refused, because nobody had rewound the cursor yet. */
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

  /** Whether a lost link knew the record. */
  isForgotten(ref: string): boolean {
    return this.lostPairs.some((refs) => refs.includes(ref));
  }

  /**
   * A record waits for a person because it matches a pair whose counterpart the sync made while this record was not shown:
   * nobody could know then that the company is on both sides.
   */
  isUnseenMatch({ reason }: LinkDocument, trace: World['trace']): boolean {
    if (this.blankAt === '' || reason?.code !== 'ambiguous_match') return false;
    const named: string[] = reason.text.match(/(zendesk|pms):[a-z]+:[\w-]+/g) ?? [];
    return trace.some(
      ({ ref, by, what, at }) =>
        named.includes(ref) && SYNC_USERS.includes(by) && /created$/.test(what) && at >= this.blankAt,
    );
  }

  /** The link with what it knew of values that were not kept, before the link store was lost. */
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
    // Of a set, the elements have edits of their own.
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

/** Values that the writes in progress overrule. */
function overruledByIntent({ intent }: LinkDocument): History {
  return intent === null ? [] : (JSON.parse(intent) as { next: { overruled: History } }).next.overruled;
}

function refsOf({ _id, sides }: Pick<LinkDocument, '_id' | 'sides'>): string[] {
  const origin = _id.slice(_id.indexOf('/') + 1);
  return [...new Set([origin, ...Object.values(sides).map(({ ref }) => ref)])];
}
