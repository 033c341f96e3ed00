import type { Logger } from 'pino';
import type { LinkStore } from '../links/linkStore';
import type { JoinedPair } from '../links/links';
import { parseCanonicalKey, parseRef, refKey, type CanonicalKey } from '../sync/canonicalKey';
import type { Link, Reason } from '../sync/link';
import {
  ENTITY_TYPES,
  SIDES,
  type EntityType,
  type RefKey,
  type Side,
  type SyncRecord,
} from '../sync/record';
import { wordsOf } from '../sync/reasons';
import type { EntityMapping, Mapping } from '../sync/mapping';
import { referencesOf } from '../sync/planner';
import type { References, ResolvedReference } from '../sync/values';
import type { SystemPort } from '../systems/port';
import type { Brake } from './brake';
import type { SyncMetrics } from './metrics';
import type { Inbox, PairSummary, ListedPair } from './types';

/** The lists of fields that the mapping in use was compared with. */
export interface FieldsInUse {
  /** Whether both lists were read since a pair first asked; where not, they soon are. */
  wereReadSinceAskedBy(asking: CanonicalKey): boolean;
}

/** What activities work with; one per worker process. */
export interface ActivityContext {
  store: LinkStore;
  /** Replaced when its file changes. An activity takes a copy of the context, which keeps to one mapping. */
  readonly mapping: Mapping;
  systems: Record<Side, SystemPort>;
  /** Keeps the mapping to the fields that both systems have now; absent where nothing does. */
  readonly fields?: FieldsInUse;
  /** Counts what plans would destroy; absent where nothing is ever held. */
  readonly brake?: Brake;
  /**
   * Signals a pair: adds to the inbox of its running workflow, or starts one. `listed`: the search attributes of the
   * pair, if they are known.
   */
  hint: (key: CanonicalKey, inbox: Inbox, listed?: ListedPair) => Promise<void>;
  log: Logger;
  metrics: SyncMetrics;
  now: () => Date;
}

/** The entity that a record reference belongs to when nothing but its kind is known: a parent before a child. */
export function entityOfRef(mapping: Mapping, ref: RefKey): EntityType | null {
  const { side, kind } = parseRef(ref);
  return ENTITY_TYPES.find((type) => mapping.entities[type].kind[side] === kind) ?? null;
}

/** A record with what is known of its pair, whose references are to be looked up. */
export interface Referring {
  table: EntityMapping;
  records: SyncRecord[];
  link: Link | null;
}

/**
 * Looks up the pairs that records, and what is already agreed on, point to. What it has read it does not read again:
 * one serves one activity.
 */
export class ReferenceReader {
  private readonly owners = new Map<RefKey, CanonicalKey | null>();
  private readonly pairs = new Map<CanonicalKey, JoinedPair | null>();

  constructor(private readonly context: Pick<ActivityContext, 'store' | 'mapping'>) {}

  /** Two reads of the store at most; one where the records point to what was agreed on. */
  async read(items: readonly Referring[]): Promise<References> {
    const { mapping } = this.context;
    const refs = new Set<RefKey>();
    const keys = new Set<CanonicalKey>();
    for (const { table, records, link } of items) {
      for (const record of records) for (const ref of referencesOf(mapping, table, record)) refs.add(ref);
      for (const row of table.rows) {
        if (row.transform.kind !== 'reference') continue;
        const key = link?.snapshot?.[row.id];
        if (typeof key === 'string') keys.add(key);
      }
    }
    await this.readPairs(keys);
    await this.readOwners(refs);
    for (const ref of refs) {
      const owner = this.owners.get(ref);
      if (owner) keys.add(owner);
    }
    await this.readPairs(keys);
    const byKey = new Map<CanonicalKey, ResolvedReference>();
    for (const key of keys) {
      const resolved = resolve(key, this.pairs.get(key) ?? null);
      if (resolved) byKey.set(key, resolved);
    }
    const byRef = new Map<RefKey, ResolvedReference>();
    for (const ref of refs) {
      const resolved = byKey.get(this.owners.get(ref) ?? '');
      if (resolved) byRef.set(ref, resolved);
    }
    return { byRef, byKey };
  }

  /** What has not both its records yet is looked up again from now on. */
  again(): void {
    for (const [key, pair] of this.pairs) if (!pair || !isWhole(pair)) this.pairs.delete(key);
    for (const [ref, owner] of this.owners)
      if (owner === null || !this.pairs.has(owner)) this.owners.delete(ref);
  }

  private async readPairs(keys: Iterable<CanonicalKey>): Promise<void> {
    const unknown = [...keys].filter((key) => !this.pairs.has(key));
    const found = await this.context.store.joined(unknown);
    for (const key of unknown) {
      const pair = found.get(key) ?? null;
      this.pairs.set(key, pair);
      // A pair that has both its records has claimed them: nobody needs to be asked whose they are.
      if (pair && !pair.unlinked && isWhole(pair))
        for (const ref of Object.values(pair.refs)) this.owners.set(ref, key);
    }
  }

  private async readOwners(refs: Iterable<RefKey>): Promise<void> {
    const unknown = [...refs].filter((ref) => !this.owners.has(ref));
    const found = await this.context.store.claims.owners(unknown);
    for (const ref of unknown) this.owners.set(ref, found.get(ref) ?? null);
  }
}

function isWhole({ refs }: JoinedPair): boolean {
  return SIDES.every((side) => refs[side] !== undefined);
}

/** What a reference to a pair comes to. What a person took apart is no parent: a child that points to it waits. */
function resolve(key: CanonicalKey, pair: JoinedPair | null): ResolvedReference | null {
  if (!pair || pair.unlinked) return null;
  const ids: ResolvedReference['ids'] = {};
  for (const side of SIDES) {
    const ref = pair.refs[side];
    if (ref !== undefined) ids[side] = parseRef(ref).id;
  }
  return { key, ids, ended: pair.status === 'tombstone' };
}

/** {@link ReferenceReader.read} for those who ask once. */
export function loadReferences(
  context: Pick<ActivityContext, 'store' | 'mapping'>,
  items: readonly Referring[],
): Promise<References> {
  return new ReferenceReader(context).read(items);
}

/** Calls the pairs that wait for any of these records: it is there now, or will never be. */
export async function signalWaitingPairs(
  { store, hint }: Pick<ActivityContext, 'store' | 'hint'>,
  refs: RefKey[],
): Promise<void> {
  for (const key of await store.waitingFor(refs))
    await hint(key, { hints: [], force: false, hops: 0, causes: ['pair'] });
}

/** How a pair stands, for histories and people: ids and words, no values. */
export function summarise(
  key: CanonicalKey,
  link: Link | null,
  status?: PairSummary['status'],
  reason?: string,
): PairSummary {
  const { origin } = parseCanonicalKey(key);
  const id = (side: Side): string | null => {
    const ref = link?.sides[side]?.ref;
    if (ref) return parseRef(ref).id;
    return origin.side === side ? origin.id : null;
  };
  return {
    key,
    status: status ?? link?.status ?? 'pending',
    zendesk: id('zendesk'),
    pms: id('pms'),
    reason: reason ?? (link?.reason ? withoutContent(link.reason, key) : null),
  };
}

/** What a workflow's history may say of a reason; the whole of it is on the link. */
function withoutContent({ code, text }: Reason, key: CanonicalKey): string {
  return wordsOf(code)?.ownWords ? text : `${code}; "zendesk-pms-sync links show ${key}" says more`;
}

export function originRef(key: CanonicalKey): RefKey {
  return refKey(parseCanonicalKey(key).origin);
}

/** The records of a pair: those that are linked, and its origin. */
export function recordsOf(link: Link): RefKey[] {
  const refs = SIDES.flatMap((each) => link.sides[each]?.ref ?? []);
  const origin = originRef(link._id);
  return refs.includes(origin) ? refs : [origin, ...refs];
}
