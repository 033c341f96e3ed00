import { decideBackfill, type BackfillItem, type BackfillKnowledge } from '../sync/backfillVerdict';
import { sortCandidates } from '../sync/candidates';
import { matchKey, parseCanonicalKey, parseRef, refKey } from '../sync/canonicalKey';
import { entityOf } from '../sync/mapping';
import { filterReason, type Candidates } from '../sync/planner';
import type { RefKey, Side, SyncRecord } from '../sync/record';
import type { ChunkWork, Decided } from './chunkWork';

/** Decides what to do with the records of a chunk, and finds the parents that must be written first. */
export class ChunkDecisions {
  /** Parents that this attempt has tried to write. It does not try them again. */
  private readonly tried = new Set<RefKey>();
  /** Parents that are out of scope: they are never written, so their children are left to their pairs. */
  readonly outOfScope = new Set<RefKey>();

  constructor(private readonly work: ChunkWork) {}

  async decide(records: SyncRecord[]): Promise<Decided[]> {
    const decided = await this.verdicts(records, false);
    const older = decided.filter(({ verdict }) => verdict.do === 'read');
    if (older.length === 0) return decided;
    const results = await this.work.context.systems[this.work.from].read(
      older.map(({ record }) => record.ref),
    );
    const read = results.flatMap(({ record }) => record ?? []);
    const found = new Set(read.map(({ ref }) => refKey(ref)));
    // The pair of a record that is gone learns of it by its own look-up.
    const gone = older.filter(({ record }) => !found.has(refKey(record.ref)));
    return [
      ...decided.filter(({ verdict }) => verdict.do !== 'read'),
      ...gone.map((item): Decided => ({ ...item, verdict: { do: 'leave' } })),
      ...(await this.verdicts(read, true)),
    ];
  }

  /** @param fresh whether the records were read just now */
  private async verdicts(records: SyncRecord[], fresh: boolean): Promise<Decided[]> {
    const { store, mapping, now } = this.work.context;
    // A page may contain a record twice; the newest counts.
    const latest = new Map<RefKey, SyncRecord>();
    for (const record of records) {
      const before = latest.get(refKey(record.ref));
      if (!before || before.order <= record.order) latest.set(refKey(record.ref), record);
    }
    const owners = await store.claims.owners(latest.keys());
    const keyed = [...latest].flatMap(([ref, record]) => {
      const owner = owners.get(ref);
      const key = owner ?? this.work.keyOf(record);
      return key === null ? [] : [{ record, owner, key }];
    });
    const links = await store.getMany(keyed.map(({ key }) => key));
    const items = keyed.map((item): BackfillItem => ({ ...item, link: links.get(item.key) ?? null, fresh }));
    const references = await this.work.references(
      items.map(({ record, key, link }) => ({ key, records: [record], link })),
    );
    const knowledge: BackfillKnowledge = {
      mapping,
      references,
      by: this.work.chunk.id,
      linksSince: store.since,
      now: now().toISOString(),
    };
    const decided = items.map((item): Decided => ({ ...item, verdict: decideBackfill(item, knowledge) }));
    const toLook = decided.filter(({ verdict }) => verdict.do === 'look');
    const matching = await this.matching(toLook);
    for (const item of toLook) {
      const candidates = matching.has(item) ? await this.look(item) : { free: [], taken: [], rivals: [] };
      item.verdict = decideBackfill(item, { ...knowledge, candidates });
    }
    return decided;
  }

  /** The items that have matches. Most records of a first sync have none, and one query for all of them shows that. */
  private async matching(items: Decided[]): Promise<Set<Decided>> {
    const { mapping } = this.work.context;
    const found = new Set<Decided>();
    for (const table of Object.values(mapping.entities)) {
      for (const rule of table.match) {
        const own = items.filter(({ key }) => parseCanonicalKey(key).entity === table.entity);
        const valuesOf = ({ record }: Decided) =>
          [record.values[rule[this.work.from]] ?? null]
            .flat()
            .filter((value) => value !== null && value !== '');
        const values = own.flatMap(valuesOf);
        const held = await this.work.shelf.held(
          this.work.to,
          table.kind[this.work.to],
          rule[this.work.to],
          values,
        );
        for (const item of own)
          if (valuesOf(item).some((value) => held.has(matchKey(value)))) found.add(item);
      }
    }
    return found;
  }

  /**
   * The look-up of counterparts. The pair's workflow asks the API; a backfill searches the records that it has read.
   */
  private async look({ record, key }: BackfillItem): Promise<Candidates> {
    const { store, mapping } = this.work.context;
    const { kind, match } = mapping.entities[parseCanonicalKey(key).entity];
    const holding = async (side: Side, of: SyncRecord[]): Promise<Map<RefKey, SyncRecord>> => {
      const found = new Map<RefKey, SyncRecord>();
      for (const each of of) {
        for (const rule of match) {
          for (const value of [each.values[rule[each.ref.side]] ?? null].flat()) {
            if (value === null || value === '') continue;
            for (const other of await this.work.shelf.holding(side, kind[side], rule[side], value))
              found.set(refKey(other.ref), other);
          }
        }
      }
      return found;
    };
    const matches = await holding(this.work.to, [record]);
    const owners = await store.claims.owners(matches.keys());
    const free = [...matches].filter(([ref]) => (owners.get(ref) ?? key) === key).map(([, each]) => each);
    const rivals =
      matches.size === 0 ? new Map<RefKey, SyncRecord>() : await holding(this.work.from, [record, ...free]);
    rivals.delete(refKey(record.ref));
    const links = await store.getMany(owners.values());
    const found = [...matches].map(([ref, each]) => ({ ref, record: each }));
    return sortCandidates(key, found, [...rivals.keys()], owners, links);
  }

  /** Parents to write first: those that no pair has begun yet, or that an earlier attempt at this chunk began. */
  async missingParents(decided: Decided[]): Promise<SyncRecord[]> {
    const { store, systems, mapping } = this.work.context;
    const awaited = decided.flatMap(({ verdict }) => (verdict.do === 'wait' ? verdict.waitsFor : []));
    const refs = [...new Set(awaited)].filter(
      (ref) => parseRef(ref).side === this.work.from && !this.tried.has(ref),
    );
    if (refs.length === 0) return [];
    const owners = await store.claims.owners(refs);
    const links = await store.getMany(owners.values());
    // A record with an observation was left to its pair.
    const observed = await store.observations.get(refs);
    const wanted = refs.filter((ref) => {
      const link = links.get(owners.get(ref) ?? '');
      const hold = link?.intent?.hold;
      // Nobody else can write a link that an earlier attempt at this chunk holds, until the hold expires.
      return hold ? hold.by === this.work.chunk.id : !link && !observed.has(ref);
    });
    if (wanted.length === 0) return [];
    for (const ref of wanted) this.tried.add(ref);
    const results = await systems[this.work.from].read(wanted.map(parseRef));
    return results.flatMap(({ record }) => {
      if (record === null) return [];
      const entity = entityOf(mapping, this.work.from, record.ref.kind, record.values);
      const isInScope =
        entity && record.skip === null && filterReason(mapping.entities[entity], record) === null;
      if (isInScope) return [record];
      this.outOfScope.add(refKey(record.ref));
      return [];
    });
  }
}
