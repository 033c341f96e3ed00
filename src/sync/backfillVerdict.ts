import { parseCanonicalKey, refKey, type CanonicalKey } from './canonicalKey';
import { newLink, type Intent, type Link } from './link';
import type { Reason } from './reasons';
import type { Mapping } from './mapping';
import { isEcho, planPair, type Candidates } from './planner';
import { ENTITY_TYPES, otherSide, type EntityType, type RefKey, type Side, type SyncRecord } from './record';
import type { References } from './values';

/**
 * Decides what a backfill does with a record. It writes simple cases itself, in bulk, and leaves all others to the
 * pair's own workflow. Pure; the planner makes the decisions.
 */

export interface BackfillItem {
  record: SyncRecord;
  /** The key of the record's pair: by its claim, by its back-reference, or made from the record itself. */
  key: CanonicalKey;
  /** The pair that has claimed the record; undefined if none has. */
  owner: CanonicalKey | undefined;
  /** The pair's link. */
  link: Link | null;
  /** Whether the record was read after its link; otherwise it may be older. */
  fresh: boolean;
}

export interface BackfillKnowledge {
  mapping: Mapping;
  references: References;
  /** Names the page; see `Hold.by`. */
  by: string;
  /** The result of the look-up of counterparts; absent until it was made. */
  candidates?: Candidates;
  linksSince: string;
  now: string;
}

export type BackfillVerdict =
  /** Both sides agree, or the record is out of scope. */
  | { do: 'nothing'; because: 'agreed' | 'ignored' | 'ended' }
  /** Another page is writing the pair, or is about to. */
  | { do: 'later' }
  /** An earlier attempt at this page stored the link's intent. Whether it was sent is unknown. */
  | { do: 'resume'; link: Link }
  /** The link is stored, and needs no write. */
  | { do: 'keep'; link: Link }
  /** The record may be older than its link shows it: it is read before the decision. */
  | { do: 'read' }
  /** One write to the other side. `link`: the link to store, without the intent. */
  | { do: 'write'; link: Link; intent: Intent }
  | { do: 'look' }
  | { do: 'join'; counterpart: SyncRecord }
  | { do: 'wait'; waitsFor: RefKey[] }
  | { do: 'leave' };

export function decideBackfill(item: BackfillItem, knowledge: BackfillKnowledge): BackfillVerdict {
  const { record, key, owner, link } = item;
  const { mapping, references, by, candidates, linksSince, now } = knowledge;
  const { entity, origin } = parseCanonicalKey(key);
  const table = mapping.entities[entity];
  if (link) {
    const { hold } = link.intent ?? {};
    if (hold) return hold.by === by ? { do: 'resume', link } : { do: 'later' };
    if (link.unlinked || isEcho(mapping, table, link, record, references))
      return { do: 'nothing', because: 'agreed' };
    if (link.status === 'tombstone' && record.state !== 'live') return { do: 'nothing', because: 'ended' };
    return isMaybeOlder(item, link) ? { do: 'read' } : { do: 'leave' };
  }
  const ref = refKey(record.ref);
  // Claimed for another record's pair, whose link follows: another page is about to join or create it.
  if (owner !== undefined && refKey(origin) !== ref) return { do: 'later' };
  // Its back-reference names another record, and there is no link: the pair's workflow resolves this.
  if (refKey(origin) !== ref) return { do: 'leave' };
  const plan = planPair(
    {
      key,
      link: null,
      observed: { [record.ref.side]: { record, fresh: true } },
      ...(candidates && { candidates }),
      references,
      hops: 0,
      linksSince,
      now,
    },
    mapping,
  );
  const fresh = newLink(key, entity, mapping.version, now);
  switch (plan.do) {
    case 'ignore':
      return { do: 'nothing', because: 'ignored' };
    case 'bury': {
      const reason: Reason = { code: 'ended', text: plan.reason, since: now, nextAttempt: null };
      return plan.intent ? { do: 'leave' } : { do: 'keep', link: { ...fresh, status: 'tombstone', reason } };
    }
    case 'write':
      return { do: 'write', link: fresh, intent: plan.intent };
    case 'look':
      return { do: 'look' };
    case 'join':
      return { do: 'join', counterpart: plan.counterpart };
    case 'wait':
      return { do: 'wait', waitsFor: plan.waitsFor };
    default:
      return { do: 'leave' };
  }
}

/** Whether a page shows the record in a state that its link may have left behind, e.g. by a write of this backfill. */
function isMaybeOlder({ record, fresh }: BackfillItem, link: Link): boolean {
  const known = link.sides[record.ref.side];
  if (fresh || known?.ref !== refKey(record.ref)) return false;
  return record.order <= known.order && record.version !== known.version;
}

/** One pass over the records of a kind. */
export interface BackfillStep {
  side: Side;
  kind: string;
  /**
   * `store`: read all, before anything is written to that side. `write`: write what is stored. `both`: read and
   * write page by page.
   */
  do: 'store' | 'write' | 'both';
}

/**
 * The order of a backfill. The second side is read completely before the backfill writes to it: otherwise it would read
 * the records that it creates. Kinds with match rules are read completely on both sides, because only then is it known
 * that a record has no match. Parents come before children, so that children seldom have to wait. Comments are read
 * before their tickets, because they show who may see a ticket.
 */
export function backfillSteps(mapping: Mapping): BackfillStep[] {
  const kinds = (side: Side, wanted: (entity: EntityType) => boolean) => [
    ...new Set(ENTITY_TYPES.filter(wanted).map((entity) => mapping.entities[entity].kind[side])),
  ];
  const first: Side = 'zendesk';
  const second = otherSide(first);
  const matched = new Set(kinds(first, (entity) => mapping.entities[entity].match.length > 0));
  const ahead = new Set([...matched, mapping.entities.CommentToProject.kind[first]]);
  const all = () => true;
  return [
    ...kinds(second, all).map((kind) => ({ side: second, kind, do: 'store' as const })),
    ...[...ahead].map((kind) => ({ side: first, kind, do: 'store' as const })),
    ...kinds(first, all).map((kind) => ({
      side: first,
      kind,
      do: ahead.has(kind) ? ('write' as const) : ('both' as const),
    })),
    ...kinds(second, all).map((kind) => ({ side: second, kind, do: 'write' as const })),
  ];
}
