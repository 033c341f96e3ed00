import { createHash } from 'node:crypto';
import { canonicalKey, parseRef, type CanonicalKey } from '../../src/sync/canonicalKey';
import { abandonIntent, withOverruled } from '../../src/sync/abandonedIntent';
import { entryOf, type JournalEntry } from '../../src/sync/journal';
import type { Cause } from '../../src/sync/journalCauses';
import { undoOf, type Fate, type PairUndo, type Undone, type UndoFilter } from '../../src/sync/undo';
import type { Holds } from '../../src/sync/holds';
import { agreed, newLink, seenVersion, type Intent, type Link, type PlannedWrite } from '../../src/sync/link';
import { commit, withAnswer, type LinkAtWork } from '../../src/sync/commit';
import { parseMapping } from '../../src/sync/mappingFile';
import type { Mapping } from '../../src/sync/mapping';
import { compareAnswer, planPair, type Candidates, type Plan } from '../../src/sync/planner';
import { SIDES, type RefKey, type Side, type SyncRecord, type Values } from '../../src/sync/record';
import { NO_DECISIONS, type Decisions } from '../../src/sync/resolution';
import { refusedRows } from '../../src/sync/rules/taken';
import {
  hasRowsApart,
  offeredAgain,
  withRowsApart,
  withNotTaken,
  withRowsTogether,
} from '../../src/sync/refusedWrite';
import { NO_REFERENCES } from '../../src/sync/values';

/** One pair of records in memory, planned and written by the pure core alone: no server, no clock. */

export const NOW = '2024-05-01T00:00:00.000Z';
export { NO_REFERENCES };

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
    // The visibility is always compared, whatever the mapping says about the PMS.
    values: side === 'zendesk' ? { public: true, ...values } : values,
    complete: true,
    backRef: null,
    foreignBackRef: false,
    skip: null,
    ...over,
  };
}

/** Every property that a mapping names on a side, with an empty value: the properties that a side offers. */
function emptyOn(mapping: Mapping, side: Side): Values {
  const { rows } = mapping.entities.TicketToProject;
  return Object.fromEntries(rows.flatMap((row) => (row[side] === null ? [] : [[row[side], null]])));
}

export class World {
  link: Link | null = null;
  records: Partial<Record<Side, SyncRecord>> = {};
  /** Writes done so far, by side. */
  writes: { side: Side; op: string; values: Values }[] = [];
  /** A person's pending decision. */
  decisions: Decisions = NO_DECISIONS;
  /** What the brake holds. */
  holds: Holds = [];
  /** Writes with their causes. */
  readonly journal: JournalEntry[] = [];
  causes: Cause[] = [];
  /** The pending request of an undo, and its outcome. */
  undoing: PairUndo | null = null;
  undone: Undone[] = [];
  /** How a system changes the values that it gets. */
  onWrite: (side: Side, values: Values) => Values = (_, values) => values;
  /** Values that an adapter drops from a write because the system refuses them: the system's message, by property. */
  leavesOut: Record<string, string> | null = null;
  /** A system's refusal: the properties that it names, or an empty list; null if it accepts the write. */
  refuses: (side: Side, values: Values) => readonly string[] | null = () => null;
  /** A write was refused as a whole, and the pair waits for a person. */
  waits = false;
  private candidates: Candidates | undefined;
  private tick = 100;

  constructor(
    /** Replaced when a person changes the mapping file. */
    public mapping: Mapping,
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

  /** A person's resync, or a reconcile. */
  resync(): Plan {
    const notTaken = this.link && offeredAgain(this.link, this.mapping.entities.TicketToProject);
    if (this.link && notTaken) this.link = { ...this.link, notTaken };
    return this.settle();
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
        holds: this.undoing ? this.holds.filter(({ by }) => by !== 'undo') : this.holds,
        ...(this.undoing && { undo: this.undoing }),
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
      if ((plan.do === 'settled' || plan.do === 'write') && plan.undone) {
        this.undone = plan.undone;
        this.undoing = null;
      }
      if (this.link && 'overruling' in plan && plan.overruling)
        this.link = withOverruled(this.link, plan.overruling);
      switch (plan.do) {
        case 'write': {
          const isDone = this.apply(plan.intent);
          if (this.writes.length > 200) throw new Error('does not settle');
          if (isDone || this.waits) return this.plan([], false);
          break;
        }
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

  /** Undoes the writes that a filter selects. @returns the outcome, by side and property */
  undo(filter: Omit<UndoFilter, 'until'>, over: Partial<PairUndo> = {}): Record<string, Fate> {
    const until = this.time();
    const id = `U${this.journal.length}`;
    const { restores } = undoOf(this.journal, { ...filter, until });
    this.undoing = { id, restores, hold: false, refused: {}, ...over };
    this.causes = [`undo:${id}`];
    this.settle();
    this.causes = [];
    return Object.fromEntries(this.undone.map(({ side, property, fate }) => [`${side} ${property}`, fate]));
  }

  private note(link: Link, intent: Intent, write: PlannedWrite, answer: SyncRecord): void {
    const scene = { mapping: this.mapping, references: NO_REFERENCES, now: this.time() };
    this.journal.push(entryOf({ link, intent, write, outcome: 'done', answer }, scene));
  }

  private time(): string {
    return new Date(Date.parse(NOW) + (this.tick += 1) * 1000).toISOString();
  }

  private counterpartOn(side: Side): SyncRecord[] {
    return side !== parseRef(this.key.slice(this.key.indexOf('/') + 1)).side && this.records[side]
      ? [this.records[side]]
      : [];
  }

  /** @returns whether all writes were done, and nothing is left to plan at once */
  private apply(intent: Intent): boolean {
    const table = this.mapping.entities.TicketToProject;
    const before = this.link ?? newLink(this.key, 'TicketToProject', this.mapping.version, NOW);
    let link: LinkAtWork = {
      ...before,
      mappingVersion: this.mapping.version,
      intent: { ...intent, causes: this.causes },
    };
    for (;;) {
      const write = link.intent.writes.find(({ done }) => !done);
      if (!write) break;
      this.writes.push({ side: write.side, op: write.op, values: write.values });
      const fields = this.refuses(write.side, write.values);
      if (fields) {
        this.link = this.refused(link, write, fields);
        return false;
      }
      if (write.op === 'create')
        this.records[write.side] = record(write.side, emptyOn(this.mapping, write.side), 1, {
          backRef: write.backRef as RefKey,
        });
      if (write.op !== 'followUp') this.edit(write.side, this.onWrite(write.side, write.values));
      const shown = this.records[write.side];
      if (!shown) throw new Error('nothing was written');
      const answer = { ...shown, ...(this.leavesOut && { leftOut: this.leavesOut }) };
      this.note(before, link.intent, write, answer);
      const compared = compareAnswer(this.mapping, table, write, answer, link.intent.next, NO_REFERENCES);
      link = withAnswer(link, link.intent, write, write.op === 'followUp' ? null : answer, compared, NOW);
    }
    this.link = commit(link, NOW);
    for (const side of SIDES) if (this.link.sides[side]) this.link.sides[side].backRef = true;
    return !hasRowsApart(this.link);
  }

  private refused(link: Link, write: PlannedWrite, fields: readonly string[]): Link {
    const refusal = { words: `refused ${fields.join(', ')}`, now: NOW, isCertain: true };
    const table = this.mapping.entities.TicketToProject;
    const rows = refusedRows(table, write, { code: 'invalid_field', fields }, link);
    const next =
      rows.length > 0
        ? withNotTaken(link, write, { ...refusal, rows })
        : withRowsApart(link, write, { ...refusal, rows: write.rows });
    if (next) return next;
    this.waits = true;
    return withRowsTogether(abandonIntent(link, write));
  }
}
