import type { PlannedWrite } from '../../../src/sync/link';
import {
  SIDES,
  type Json,
  type RefKey,
  type Side,
  type SyncRecord,
  type Values,
} from '../../../src/sync/record';
import { unexpectedValues } from '../../../src/sync/planner';
import { NO_REFERENCES } from '../../../src/sync/values';
import { NOW, record } from '../world';
import { MAPPING, ROWS, canonicalValue } from './rows';

/** Two systems with one record each, and what was changed in them, when and by what kind of user. */

const table = MAPPING.entities.TicketToProject;

export interface Change {
  at: number;
  by: 'person' | 'sync';
  side: Side;
  row: string;
  /** Canonical, like `value`; null for a new record. */
  before: Json;
  value: Json;
}

export class TwoSystems {
  records: Partial<Record<Side, SyncRecord>> = {};
  readonly changes: Change[] = [];
  /** Texts of follow-ups, by idempotency key. */
  readonly said = new Map<string, Json>();
  /** A system without preconditions is read and compared before it is written to. */
  private readonly versions: Record<Side, SyncRecord[]> = { zendesk: [], pms: [] };
  private tick = 0;

  constructor(
    readonly hasPrecondition: Record<Side, boolean>,
    origin: Side,
    values: Values,
  ) {
    this.create(origin, 'person', values, null);
  }

  now(): string {
    return new Date(Date.parse(NOW) + this.tick * 1000).toISOString();
  }

  get at(): number {
    return this.tick;
  }

  asShown(side: Side, lag: number): SyncRecord | undefined {
    const versions = this.versions[side];
    return versions[Math.max(0, versions.length - 1 - lag)];
  }

  findByBackRef(side: Side, backRef: RefKey | null): SyncRecord | null {
    const found = this.records[side];
    return found && backRef !== null && found.backRef === backRef ? found : null;
  }

  edit(side: Side, values: Values, by: Change['by'] = 'person', backRef: RefKey | null = null): void {
    const before = this.records[side];
    if (!before) return;
    this.put({ ...before, values: { ...before.values, ...values }, backRef: backRef ?? before.backRef }, by);
  }

  /** @returns the answer; null for a follow-up; `moved` if the precondition failed */
  write(write: PlannedWrite, isRepeated: boolean): SyncRecord | null | 'moved' {
    const { side, op, values, backRef } = write;
    if (op === 'create') return this.create(side, 'sync', values, backRef);
    const shown = this.records[side];
    if (!shown) throw new Error('a write to no record');
    if (op === 'followUp') {
      if (this.said.has(write.idempotencyKey)) return null;
      this.said.set(write.idempotencyKey, values['text'] ?? null);
      this.edit(side, {}, 'sync');
      return null;
    }
    const hasPrecondition = this.hasPrecondition[side] || isRepeated;
    const isMoved = hasPrecondition
      ? shown.version !== write.version
      : Object.keys(unexpectedValues(MAPPING, table, write, shown.values, NO_REFERENCES)).length > 0;
    if (isMoved) return 'moved';
    this.edit(side, values, 'sync', backRef);
    return this.records[side] ?? null;
  }

  private create(side: Side, by: Change['by'], values: Values, backRef: RefKey | null): SyncRecord {
    const empty = Object.fromEntries(ROWS.flatMap((row) => (row[side] === null ? [] : [[row[side], null]])));
    return this.put(record(side, { ...empty, ...values }, 0, { backRef }), by);
  }

  private put(changed: SyncRecord, by: Change['by']): SyncRecord {
    const { side } = changed.ref;
    const before = this.records[side];
    this.tick += 1;
    const next = { ...changed, order: this.tick, version: String(this.tick), updatedAt: this.now() };
    this.records[side] = next;
    this.versions[side].push(next);
    for (const row of ROWS) {
      const [old, value] = [
        before ? canonicalValue(row, side, before) : null,
        canonicalValue(row, side, next),
      ];
      if (!before || JSON.stringify(old) !== JSON.stringify(value))
        this.changes.push({ at: this.tick, by, side, row: row.id, before: old, value });
    }
    return next;
  }

  shown(side: Side, rowId: string): Json {
    const row = ROWS.find(({ id }) => id === rowId);
    const shown = this.records[side];
    return row && shown ? canonicalValue(row, side, shown) : null;
  }

  /** Whether both sides showed the same value of a row at a time, and had it from the sync. */
  agreedAt(row: string, at: number): boolean {
    const on = (side: Side) =>
      this.changes.findLast((each) => each.side === side && each.row === row && each.at <= at);
    const [zendesk, pms] = SIDES.map(on);
    if (zendesk?.by === 'person' && pms?.by === 'person') return false;
    return (
      zendesk !== undefined &&
      pms !== undefined &&
      JSON.stringify(zendesk.value) === JSON.stringify(pms.value)
    );
  }
}
