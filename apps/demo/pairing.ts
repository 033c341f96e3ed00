import {
  KINDS,
  blankProblem,
  type EntityName,
  type Pair,
  type Participant,
  type Problem,
  type StoredLink,
} from './agreementReport';

/** Pairs the records of one entity by back-references and stored links, and collects the problems. */
export class Pairing<Z, P> {
  readonly pairs: Pair<Z, P>[] = [];
  readonly unpaired: { zendesk: Participant<Z>[]; pms: Participant<P>[] } = { zendesk: [], pms: [] };
  readonly duplicates: Problem[] = [];
  readonly problems: Problem[] = [];
  private readonly edges = new Map<string, Set<string>>();

  constructor(
    private readonly entity: EntityName,
    private readonly zendesk: Participant<Z>[],
    private readonly pms: Participant<P>[],
    links: readonly StoredLink[],
    /** Records that exist but must have no counterpart, with the reason. */
    private readonly excluded: ReadonlyMap<string, string>,
  ) {
    const zendeskKeys = new Map(zendesk.map((each) => [each.key, each]));
    const pmsKeys = new Map(pms.map((each) => [each.key, each]));
    for (const { key, backRef } of zendesk) this.follow(key, backRef, pmsKeys, 'pms');
    for (const { key, backRef } of pms) this.follow(key, backRef, zendeskKeys, 'zendesk');
    for (const link of links) {
      if (!link.zendesk.startsWith(`zendesk:${KINDS[entity].zendesk}:`)) continue;
      if (zendeskKeys.has(link.zendesk) && pmsKeys.has(link.pms)) this.join(link.zendesk, link.pms);
      else
        this.add('brokenLink', link.zendesk, link.pms, 'the stored link names a record that does not exist');
    }
    this.reportSharedReferences(zendesk);
    this.reportSharedReferences(pms);

    for (const each of zendesk) {
      const others = [...(this.edges.get(each.key) ?? [])];
      const other = pmsKeys.get(others[0] ?? '');
      if (others.length === 0 || !other) this.unpaired.zendesk.push(each);
      else if (others.length > 1) this.duplicate(each.key, others);
      else if (this.edges.get(other.key)?.size === 1) this.pairs.push({ zendesk: each, pms: other });
    }
    for (const each of pms) {
      const others = [...(this.edges.get(each.key) ?? [])];
      if (others.length === 0) this.unpaired.pms.push(each);
      else if (others.length > 1) this.duplicate(each.key, others);
    }
  }

  private join(zendesk: string, pms: string): void {
    for (const [from, to] of [
      [zendesk, pms],
      [pms, zendesk],
    ] as const) {
      const known = this.edges.get(from) ?? new Set<string>();
      this.edges.set(from, known.add(to));
    }
  }

  private follow(
    key: string,
    backRef: string | null,
    others: ReadonlyMap<string, unknown>,
    side: 'zendesk' | 'pms',
  ): void {
    if (!backRef?.startsWith(`${side}:`)) return; // A value of another application.
    const [zendesk, pms] = side === 'pms' ? [key, backRef] : [backRef, key];
    if (others.has(backRef)) this.join(zendesk, pms);
    else {
      const why = this.excluded.get(backRef) ?? 'which does not exist';
      this.add('wrongReference', zendesk, pms, `${key} refers to ${backRef}, ${why}`);
    }
  }

  private reportSharedReferences(records: readonly { key: string; backRef: string | null }[]): void {
    const claims = new Map<string, string>();
    for (const { key, backRef } of records) {
      if (!backRef || !/^(zendesk|pms):/.test(backRef)) continue;
      const earlier = claims.get(backRef);
      // If the claimed record exists, it is reported as having two counterparts.
      if (earlier && !this.edges.has(backRef)) this.duplicate(backRef, [earlier, key]);
      claims.set(backRef, key);
    }
  }

  private duplicate(key: string, others: readonly string[]): void {
    const [zendesk, pms] = key.startsWith('zendesk:') ? [key, null] : [null, key];
    this.duplicates.push({
      ...blankProblem(this.entity, 'duplicate', zendesk, pms),
      text: `${key} has ${others.length} counterparts: ${others.join(', ')}`,
    });
  }

  private add(kind: Problem['kind'], zendesk: string, pms: string, why: string): void {
    this.problems.push({ ...blankProblem(this.entity, kind, zendesk, pms), text: why });
  }

  /** The other side's key, if there is exactly one. */
  counterpart(key: string): string | null {
    const [only, second] = this.edges.get(key) ?? [];
    return second === undefined ? (only ?? null) : null;
  }

  get counts(): { zendesk: number; pms: number } {
    return { zendesk: this.zendesk.length, pms: this.pms.length };
  }
}
