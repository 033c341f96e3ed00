import type { Logger } from 'pino';
import type { LinkStore } from '../links/linkStore';
import type { JoinedPair } from '../links/links';
import { parseCanonicalKey, parseRef, refKey, type CanonicalKey } from '../sync/canonicalKey';
import type { Link } from '../sync/link';
import { type Reason, wordsOf } from '../sync/reasons';
import { SIDES, type EntityType, type RefKey, type Side, type SyncRecord } from '../sync/record';
import { entitiesOfKind, type EntityMapping, type Mapping } from '../sync/mapping';
import { referencesOf } from '../sync/planner';
import type { References, ResolvedReference } from '../sync/values';
import type { SystemPort } from '../systems/port';
import type { Brake } from './brake';
import type { SyncMetrics } from './metrics';
import type { Inbox, PairSummary, ListedPair } from './types';

/** The lists of fields that the mapping in use was compared with. */
export interface FieldsInUse {
  /** Whether both lists were read since the pair first asked. If not, they will be read within seconds. */
  wereReadSinceAskedBy(asking: CanonicalKey): boolean;
}

/** The services that activities use. Each connection has one context. */
export interface ActivityContext {
  store: LinkStore;
  /** Replaced when its file changes. Each activity copies the context, so that it uses one mapping throughout. */
  readonly mapping: Mapping;
  systems: Record<Side, SystemPort>;
  /** Compares the mapping with the fields that both systems have now; absent e.g. in a dry run. */
  readonly fields?: FieldsInUse;
  /** Counts the changes of plans that destroy something; absent if nothing is to be held. */
  readonly brake?: Brake;
  /**
   * Signals a pair: adds to the inbox of its running workflow, or starts one. `listed`: the search attributes of the
   * pair, if they are known.
   */
  signalPair: (key: CanonicalKey, inbox: Inbox, listed?: ListedPair) => Promise<void>;
  log: Logger;
  metrics: SyncMetrics;
  now: () => Date;
}

/** The entity of a record of which only the reference is known. If two entities share the kind, it is the parent. */
export function entityOfRef(mapping: Mapping, ref: RefKey): EntityType | null {
  const { side, kind } = parseRef(ref);
  return entitiesOfKind(mapping, side, kind)[0] ?? null;
}

/** Records and the link of a pair, whose references are to be looked up. */
export interface Referring {
  table: EntityMapping;
  records: SyncRecord[];
  link: Link | null;
}

/**
 * Looks up the pairs that records and agreed values point to. It caches what it has read, so each activity must use a
 * new one.
 */
export class ReferenceReader {
  private readonly owners = new Map<RefKey, CanonicalKey | null>();
  private readonly pairs = new Map<CanonicalKey, JoinedPair | null>();

  constructor(private readonly context: Pick<ActivityContext, 'store' | 'mapping'>) {}

  /** Costs at most two reads of the store, or one if the records point to the same pairs as the agreed values. */
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

  /** Forgets the pairs that did not have both records, so that the next read looks them up again. */
  forgetUnlinked(): void {
    for (const [key, pair] of this.pairs) if (!pair || !hasBothRecords(pair)) this.pairs.delete(key);
    for (const [ref, owner] of this.owners)
      if (owner === null || !this.pairs.has(owner)) this.owners.delete(ref);
  }

  private async readPairs(keys: Iterable<CanonicalKey>): Promise<void> {
    const unknown = [...keys].filter((key) => !this.pairs.has(key));
    const found = await this.context.store.joined(unknown);
    for (const key of unknown) {
      const pair = found.get(key) ?? null;
      this.pairs.set(key, pair);
      // A pair with both records has claimed them, so no claim has to be read.
      if (pair && !pair.unlinked && hasBothRecords(pair))
        for (const ref of Object.values(pair.refs)) this.owners.set(ref, key);
    }
  }

  private async readOwners(refs: Iterable<RefKey>): Promise<void> {
    const unknown = [...refs].filter((ref) => !this.owners.has(ref));
    const found = await this.context.store.claims.owners(unknown);
    for (const ref of unknown) this.owners.set(ref, found.get(ref) ?? null);
  }
}

function hasBothRecords({ refs }: JoinedPair): boolean {
  return SIDES.every((side) => refs[side] !== undefined);
}

/** The pair that a reference points to; null if it does not exist or was unlinked. A child of such a pair waits. */
function resolve(key: CanonicalKey, pair: JoinedPair | null): ResolvedReference | null {
  if (!pair || pair.unlinked) return null;
  const ids: ResolvedReference['ids'] = {};
  for (const side of SIDES) {
    const ref = pair.refs[side];
    if (ref !== undefined) ids[side] = parseRef(ref).id;
  }
  return { key, ids, ended: pair.status === 'tombstone' };
}

/** {@link ReferenceReader.read} for a single read. */
export function loadReferences(
  context: Pick<ActivityContext, 'store' | 'mapping'>,
  items: readonly Referring[],
): Promise<References> {
  return new ReferenceReader(context).read(items);
}

/** Signals the pairs that wait for any of these records: the record is linked now, or never will be. */
export async function signalWaitingPairs(
  { store, signalPair }: Pick<ActivityContext, 'store' | 'signalPair'>,
  refs: RefKey[],
): Promise<void> {
  for (const key of await store.waitingFor(refs))
    await signalPair(key, { hints: [], force: false, hops: 0, causes: ['pair'] });
}

/** The state of a pair for Temporal histories and people, without values of records. */
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

/** The part of a reason that a workflow's history may contain. The link has the whole reason. */
function withoutContent({ code, text }: Reason, key: CanonicalKey): string {
  return wordsOf(code)?.ownWords ? text : `${code}; "zendesk-pms-sync links show ${key}" says more`;
}

export function originRef(key: CanonicalKey): RefKey {
  return refKey(parseCanonicalKey(key).origin);
}

/** The records of a pair: its linked records and its origin. */
export function recordsOf(link: Link): RefKey[] {
  const refs = SIDES.flatMap((each) => link.sides[each]?.ref ?? []);
  const origin = originRef(link._id);
  return refs.includes(origin) ? refs : [origin, ...refs];
}
