import { parseCanonicalKey, refKey, type CanonicalKey } from './canonicalKey';
import { newLink, type Intent, type Link, type Reason } from './link';
import type { Mapping } from './mapping';
import { isEcho, planPair, type Candidates } from './planner';
import { ENTITY_TYPES, otherSide, type EntityType, type RefKey, type Side, type SyncRecord } from './record';
import type { References } from './values';

/**
 * What a backfill does with a record: what is plain it does itself, many at once; all else is left to the pair's own
 * workflow. Pure; the decisions are the planner's.
 */

export interface BackfillItem {
  record: SyncRecord;
  /** The pair that the record belongs to, by its claim, its back-reference, or itself. */
  key: CanonicalKey;
  /** The pair that claimed the record; undefined where none did. */
  owner: CanonicalKey | undefined;
  /** The pair's link. */
  link: Link | null;
}

export interface BackfillKnowledge {
  mapping: Mapping;
  references: References;
  /** Names who asks; see `Hold.by`. */
  by: string;
  /** What a look for counterparts found; absent until it was made. */
  candidates?: Candidates;
  linksSince: string;
  now: string;
}

export type BackfillVerdict =
  /** Both sides agree, or the record takes no part. */
  | { do: 'nothing'; because: 'agreed' | 'ignored' | 'ended' }
  /** Another page is at work on it. */
  | { do: 'later' }
  /** An earlier attempt at this very page stored this intent; whether it was sent is unknown. */
  | { do: 'resume'; link: Link }
  /** A link that needs no write. */
  | { do: 'keep'; link: Link }
  /** One write towards the other side; `link` is the one to store, without the intent. */
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
    return { do: 'leave' };
  }
  const ref = refKey(record.ref);
  // It says itself that it was made for another, of which no link is known: its pair looks closer.
  if ((owner !== undefined && owner !== key) || refKey(origin) !== ref) return { do: 'leave' };
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

/** One pass over a kind of records. */
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
 * The order of a backfill. The second side is read as a whole before anything is written to it, or what is made there
 * would be read again. So is what match rules look for, on both sides: that there is no match is known only once all
 * was read. Parents come before children, so that these seldom have to wait; but comments are read before their tickets
 * are, as they say who may see these.
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
