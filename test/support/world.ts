import { createHash } from 'node:crypto';
import { canonicalKey, parseRef, type CanonicalKey } from '../../src/sync/canonicalKey';
import { agreed, newLink, seenVersion, type Intent, type Link } from '../../src/sync/link';
import { withFormer } from '../../src/sync/commit';
import { parseMapping } from '../../src/sync/mappingFile';
import type { Mapping } from '../../src/sync/mapping';
import { compareAnswer, planPair, type Candidates, type Plan } from '../../src/sync/planner';
import { SIDES, type RefKey, type Side, type SyncRecord, type Values } from '../../src/sync/record';
import { NO_DECISIONS, type Decisions } from '../../src/sync/resolution';
import type { References } from '../../src/sync/values';

/** One pair of records in memory, planned and written by the pure core alone: no server, no clock. */

export const NOW = '2024-05-01T00:00:00.000Z';
export const NO_REFERENCES: References = { byRef: new Map(), byKey: new Map() };

export function testMapping(rows: unknown[], extra: Record<string, unknown> = {}): Mapping {
  const table = { zendesk: 'ticket', pms: 'project', properties: rows, ...extra };
  const filler = [{ zendesk: 'x', pms: 'x', type: 'string', direction: 'both' }];
  return parseMapping(
    {
      version: 1,
      entities: {
        OrgToCustomer: { zendesk: 'organization', pms: 'customer', properties: filler },
        TicketToProject: table,
        CommentToProject: {
          mode: 'note',
          note: { zendesk: 'comment', pms: 'note', properties: filler },
          project: { zendesk: 'comment', pms: 'project', properties: filler },
        },
      },
    },
    'test.yaml',
    (text) => createHash('sha256').update(text).digest('hex').slice(0, 8),
  );
}

export function record(side: Side, values: Values, order = 1, over: Partial<SyncRecord> = {}): SyncRecord {
  const kind = side === 'zendesk' ? 'ticket' : 'project';
  return {
    ref: { side, kind, id: side === 'zendesk' ? '1' : 'P-1' },
    version: String(order),
    order,
    createdAt: NOW,
    updatedAt: new Date(Date.parse(NOW) + order * 1000).toISOString(),
    state: 'live',
    values,
    complete: true,
    backRef: null,
    foreignBackRef: false,
    skip: null,
    ...over,
  };
}

/** Every property that a mapping names on a side, empty: what a side offers. */
function emptyOn(mapping: Mapping, side: Side): Values {
  const { rows } = mapping.entities.TicketToProject;
  return Object.fromEntries(rows.flatMap((row) => (row[side] === null ? [] : [[row[side], null]])));
}

export class World {
  link: Link | null = null;
  records: Partial<Record<Side, SyncRecord>> = {};
  /** Writes done so far, by side. */
  writes: { side: Side; op: string; values: Values }[] = [];
  /** What a person decided and nobody has acted on. */
  decisions: Decisions = NO_DECISIONS;
  /** What a system makes of the values that it is sent. */
  onWrite: (side: Side, values: Values) => Values = (_, values) => values;
  private candidates: Candidates | undefined;
  private tick = 100;

  constructor(
    readonly mapping: Mapping,
    readonly key: CanonicalKey,
  ) {}

  static of(mapping: Mapping, side: Side, values: Values): World {
    const origin = record(side, { ...emptyOn(mapping, side), ...values });
    const world = new World(mapping, canonicalKey('TicketToProject', origin.ref));
    world.records[side] = origin;
    return world;
  }

  /** A person's edit. */
  edit(side: Side, values: Values): void {
    const before = this.records[side];
    if (!before) throw new Error(`no record on ${side}`);
    const order = (this.tick += 1);
    this.records[side] = {
      ...before,
      values: { ...before.values, ...values },
      order,
      version: String(order),
      updatedAt: new Date(Date.parse(NOW) + order * 1000).toISOString(),
    };
  }

  plan(observed: readonly Side[], fresh = false, link = this.link): Plan {
    const seen = Object.fromEntries(
      observed.flatMap((side) => (this.records[side] ? [[side, { record: this.records[side], fresh }]] : [])),
    );
    return planPair(
      {
        key: this.key,
        link,
        observed: seen,
        ...(this.candidates && { candidates: this.candidates }),
        decisions: this.decisions,
        references: NO_REFERENCES,
        hops: 0,
        linksSince: NOW,
        now: NOW,
      },
      this.mapping,
    );
  }

  /** Plans and carries out until the pair rests. @returns the last plan */
  settle(observed: readonly Side[] = SIDES): Plan {
    let sides = observed;
    let fresh = false;
    for (let steps = 0; steps < 10; steps += 1) {
      const plan = this.plan(sides, fresh);
      switch (plan.do) {
        case 'write':
          this.apply(plan.intent);
          if (this.writes.length > 30) throw new Error('does not settle');
          return this.plan([], false);
        case 'read':
          sides = SIDES;
          fresh = true;
          break;
        case 'look':
          this.candidates = {
            free: SIDES.flatMap((side) => this.counterpartOn(side)),
            taken: [],
            rivals: [],
          };
          break;
        case 'join': {
          const link = newLink(this.key, 'TicketToProject', this.mapping.version, NOW);
          for (const joined of [plan.origin, plan.counterpart]) {
            link.sides[joined.ref.side] = { ...seenVersion(joined), residue: {}, backRef: false };
          }
          this.link = link;
          break;
        }
        case 'settled': {
          if (!this.link) throw new Error('settled without a link');
          const next = agreed(this.link, plan.agreement, this.mapping.version, NOW);
          for (const side of SIDES) {
            const known = next.sides[side];
            if (known && plan.seen[side]) next.sides[side] = { ...known, ...seenVersion(plan.seen[side]) };
          }
          this.link = next;
          return plan;
        }
        default:
          return plan;
      }
    }
    throw new Error('does not settle');
  }

  private counterpartOn(side: Side): SyncRecord[] {
    return side !== parseRef(this.key.slice(this.key.indexOf('/') + 1)).side && this.records[side]
      ? [this.records[side]]
      : [];
  }

  private apply(intent: Intent): void {
    const link = this.link ?? newLink(this.key, 'TicketToProject', this.mapping.version, NOW);
    const next = { ...intent.next, residue: { ...intent.next.residue } };
    const seen = { ...intent.seen };
    const table = this.mapping.entities.TicketToProject;
    for (const write of intent.writes) {
      this.writes.push({ side: write.side, op: write.op, values: write.values });
      if (write.op === 'create')
        this.records[write.side] = record(write.side, emptyOn(this.mapping, write.side), 1, {
          backRef: write.backRef as RefKey,
        });
      if (write.op === 'followUp') continue;
      this.edit(write.side, this.onWrite(write.side, write.values));
      const answer = this.records[write.side];
      if (!answer) throw new Error('nothing was written');
      seen[write.side] = seenVersion(answer);
      const compared = compareAnswer(this.mapping, table, write, answer, next, NO_REFERENCES);
      next.residue[write.side] = compared.residue;
      next.snapshot = withFormer(next.snapshot, link.snapshot, compared.restingRows);
      if (next.bound) next.bound = withFormer(next.bound, link.bound, compared.restingRows);
    }
    const committed = agreed(link, next, this.mapping.version, NOW);
    for (const side of SIDES) {
      const version = seen[side];
      if (version) committed.sides[side] = { residue: next.residue[side], backRef: true, ...version };
    }
    this.link = committed;
  }
}
