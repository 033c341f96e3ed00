import { canonicalKey } from '../../sync/canonicalKey';
import type { EntityMapping, PropertyRow } from '../../sync/mapping';
import { otherSide, type Json, type Side, type Values } from '../../sync/record';
import { fillTemplate, sameValue, textOf } from '../../sync/values';
import { NeedsHuman } from '../../systems/errors';
import type { PublicApi, Seen } from './publicApi';
import { NAMES, isFollowedUp } from './checklist';
import { factOf } from './facts';
import type { Outcome, Status } from './checklistLine';
import { missingWords, type LinkReasons } from './linkReasons';
import type { Translator } from './samples';
import { watch, type Arrival, type Look, type Patience } from './watch';

/** A pair of records on which rows are tested: write on one side, read on the other, compare. */

export interface Ends {
  from: Side;
  kind: Record<Side, string>;
  ids: Record<Side, string>;
}

/** A new record, and when its create was answered, in milliseconds since the epoch. */
export interface Created {
  seen: Seen;
  at: number;
}

/** The result of one test value of one row. */
export interface Attempt {
  status: Status;
  reason: string | null;
  written: Json | undefined;
  found: Json | undefined;
  seconds: number | null;
}

/** No value of a common write arrived, so the faulty row is unknown. */
export class Stuck extends Error {
  override readonly name = 'Stuck';
}

/** Shared by all pairs. */
export interface PairTools {
  apis: Record<Side, PublicApi>;
  patience: Patience;
  /** Null if the link store is not accessible. */
  reasons: LinkReasons | null;
}

export class Pair {
  private readonly apis: PairTools['apis'];
  private readonly patience: Patience;

  constructor(
    private readonly tools: PairTools,
    private readonly table: EntityMapping,
    private readonly translator: Translator,
    readonly ends: Ends,
  ) {
    this.apis = tools.apis;
    this.patience = tools.patience;
  }

  /** Checks that a new record's values arrive on its counterpart. */
  async created(rows: readonly PropertyRow[], { seen, at }: Created): Promise<Map<PropertyRow, Attempt>> {
    const { from } = this.ends;
    const wanted = new Map(rows.map((row) => [row, this.brought(row, seen.values)]));
    return this.arrive(from, { wanted, stale: new Set() }, () => this.lookAt(otherSide(from), wanted), at);
  }

  /**
   * Writes values on one side in one call, and waits until they arrive on the other.
   * @param values samples by row; null empties
   * @throws Stuck if several values were written and none arrived
   */
  async edit(writer: Side, values: ReadonlyMap<PropertyRow, Json>): Promise<Map<PropertyRow, Attempt>> {
    const reader = otherSide(writer);
    const before = { [writer]: await this.read(writer), [reader]: await this.read(reader) } as Record<
      Side,
      Seen
    >;
    const followUpsBefore = await this.followUps(reader, values.keys(), writer);
    const body = this.bodyOf(writer, values);
    const { kind, ids } = this.ends;
    let taken: Seen;
    try {
      taken = await this.apis[writer].edit(kind[writer], ids[writer], body);
    } catch (error) {
      // If the record's own system refuses an empty value, this says nothing about the sync.
      const empties = [...values.values()].every((sample) => sample === null) && error instanceof NeedsHuman;
      return this.refused([...values.keys()], error, empties ? 'not checked' : 'failed');
    }
    const at = Date.now();
    const wanted = new Map<PropertyRow, Json | undefined>();
    const attempts = new Map<PropertyRow, Attempt>();
    const stale = new Set<PropertyRow>();
    for (const [row, sample] of values) {
      const holds = this.canonical(row, writer, taken);
      if (same(holds, this.canonical(row, writer, before[writer])) && !same(holds, sample)) {
        const reason = `${NAMES[writer]} did not take it`;
        attempts.set(row, { status: 'not checked', reason, written: sample, found: holds, seconds: null });
        continue;
      }
      wanted.set(row, holds);
      // A value that the other side held before the write does not prove that the write arrived.
      if (!isFollowedUp(row, writer) && same(holds, this.canonical(row, reader, before[reader])))
        stale.add(row);
    }
    const look = async () => {
      const looks = await this.lookAt(reader, wanted);
      const followUps = await this.followUps(reader, wanted.keys(), writer);
      const added = [...followUps].filter(([id]) => !followUpsBefore.has(id));
      for (const row of wanted.keys()) {
        if (!isFollowedUp(row, writer)) continue;
        const words = textOf(values.get(row) ?? '').split('\n')[0] ?? '';
        const [id, body] = added.find(([, text]) => text.includes(words)) ?? [];
        looks.set(row, { arrived: id !== undefined, found: body });
      }
      return looks;
    };
    for (const [row, attempt] of await this.arrive(writer, { wanted, stale }, look, at))
      attempts.set(row, attempt);
    return attempts;
  }

  /** The samples under the side's property names, in the side's form. */
  private bodyOf(writer: Side, values: ReadonlyMap<PropertyRow, Json>): Values {
    const body: Values = {};
    for (const [row, sample] of values) body[row[writer] ?? ''] = this.written(row, writer, sample);
    return body;
  }

  /** Edits rows that the mapping resets, and waits for the reset. @param writer the side that is edited and reset */
  async putBack(writer: Side, values: ReadonlyMap<PropertyRow, Json>): Promise<Map<PropertyRow, Attempt>> {
    const before = await this.read(writer);
    const body = this.bodyOf(writer, values);
    const { kind, ids } = this.ends;
    let taken: Seen;
    try {
      taken = await this.apis[writer].edit(kind[writer], ids[writer], body);
    } catch (error) {
      return this.refused([...values.keys()], error);
    }
    const attempts = new Map<PropertyRow, Attempt>();
    const wanted = new Map<PropertyRow, Json | undefined>();
    for (const row of values.keys()) {
      const was = this.canonical(row, writer, before);
      const holds = this.canonical(row, writer, taken);
      if (same(was, holds)) {
        const reason = `${NAMES[writer]} did not take the change that the sync should revert`;
        attempts.set(row, {
          status: 'not checked',
          reason,
          written: values.get(row),
          found: holds,
          seconds: null,
        });
      } else wanted.set(row, was);
    }
    const look = () => this.lookAt(writer, wanted);
    const arrivals = await watch({ wanted: [...wanted.keys()] }, look, this.patience);
    for (const [row, arrival] of arrivals)
      attempts.set(row, await this.attempt(row, values.get(row), arrival, null));
    return attempts;
  }

  private async arrive(
    writer: Side,
    {
      wanted,
      stale,
    }: { wanted: ReadonlyMap<PropertyRow, Json | undefined>; stale: ReadonlySet<PropertyRow> },
    look: () => Promise<Map<PropertyRow, Look>>,
    at: number,
  ): Promise<Map<PropertyRow, Attempt>> {
    const rows = [...wanted.keys()];
    const arrivals = await watch({ wanted: rows, stale, at }, look, this.patience);
    const fresh = rows.filter((row) => !stale.has(row));
    if (fresh.length > 1 && fresh.every((row) => !arrivals.get(row)?.arrived))
      throw new Stuck('nothing arrived');
    // A value that arrived but was then reset on the writer's side counts as a failure.
    const source = await this.read(writer);
    const attempts = new Map<PropertyRow, Attempt>();
    for (const [row, arrival] of arrivals) {
      const value = wanted.get(row);
      const still = row[writer] === null || same(this.canonical(row, writer, source), value);
      const reason = stale.has(row)
        ? `${NAMES[otherSide(writer)]} held this value before it was written: the earlier one never arrived`
        : still
          ? null
          : `${NAMES[writer]} was changed back`;
      attempts.set(row, await this.attempt(row, value, arrival, reason));
    }
    return attempts;
  }

  private async attempt(
    row: PropertyRow,
    written: Json | undefined,
    { arrived, found, seconds }: Arrival,
    fault: string | null,
  ): Promise<Attempt> {
    const reason = fault ?? (arrived ? null : missingWords(await this.hold(row), seconds));
    const status = reason === null ? 'passed' : 'failed';
    return { status, reason, written, found, seconds: arrived ? seconds : null };
  }

  /** The brake's hold that a row of this pair waits for, from the link. */
  private async hold(row: PropertyRow): Promise<string | null> {
    const { from, kind, ids } = this.ends;
    const key = canonicalKey(this.table.entity, { side: from, kind: kind[from], id: ids[from] });
    return (await this.tools.reasons?.held(key, row.id)) ?? null;
  }

  private refused(rows: PropertyRow[], error: unknown, status: Status = 'failed'): Map<PropertyRow, Attempt> {
    this.patience.signal.throwIfAborted();
    if (rows.length > 1) throw new Stuck('refused');
    const reason = error instanceof Error ? error.message : String(error);
    return new Map(
      rows.map((row) => [row, { status, reason, written: undefined, found: undefined, seconds: null }]),
    );
  }

  /** The expected value of a row on the counterpart: the new record's value, or the mapping's constant or template. */
  private brought(row: PropertyRow, values: Values): Json | undefined {
    const { from } = this.ends;
    const { transform } = row;
    if (transform.kind === 'constant') return this.asTarget(row, transform.value);
    if (transform.kind === 'template') return this.asTarget(row, fillTemplate(transform.template, values));
    return this.translator.canonical(row, from, values);
  }

  private asTarget(row: PropertyRow, value: Json): Json | undefined {
    const to = otherSide(this.ends.from);
    return this.translator.canonical(row, to, { [row[to] ?? '']: value });
  }

  private async lookAt(
    reader: Side,
    wanted: ReadonlyMap<PropertyRow, Json | undefined>,
  ): Promise<Map<PropertyRow, Look>> {
    const seen = await this.read(reader);
    return new Map(
      [...wanted].map(([row, value]) => {
        const found = this.canonical(row, reader, seen);
        return [row, { arrived: same(found, value), found }];
      }),
    );
  }

  /** The follow-ups on the reader's side; read only if one of the rows arrives as a follow-up. */
  private async followUps(
    reader: Side,
    rows: Iterable<PropertyRow>,
    writer: Side,
  ): Promise<Map<string, string>> {
    if (![...rows].some((row) => isFollowedUp(row, writer))) return new Map();
    return this.apis[reader].followUps(this.ends.kind[reader], this.ends.ids[reader]);
  }

  private written(row: PropertyRow, side: Side, sample: Json): Json {
    if (sample === null) {
      const { empty } = factOf(side, this.table.kind[side], row[side] ?? '');
      if (empty !== undefined) return empty;
    }
    return this.translator.own(row, side, sample);
  }

  private canonical(row: PropertyRow, side: Side, { values }: Seen): Json | undefined {
    return this.translator.canonical(row, side, values);
  }

  private async read(side: Side): Promise<Seen> {
    const { kind, ids } = this.ends;
    const seen = await this.apis[side].read(kind[side], ids[side]);
    return seen ?? { id: ids[side], values: {}, files: [] };
  }
}

/** Joins the attempts of one row into one line: the worst status and the longest time count. */
export function outcomeOf(ends: Ends | null, attempts: readonly Attempt[], note: string | null): Outcome {
  const worst =
    attempts.find(({ status }) => status === 'failed') ??
    attempts.find(({ status }) => status === 'not checked' && attempts.length === 1);
  const passed = attempts.filter(({ status }) => status === 'passed');
  const shown = worst ? [worst] : passed;
  const reasons = attempts.map(({ reason, written }) =>
    reason === null ? null : attempts.length > 1 ? `${JSON.stringify(written)}: ${reason}` : reason,
  );
  const all = [...reasons, note].filter((each) => each !== null);
  const values = (name: 'written' | 'found') =>
    shown.length === 1 ? shown[0]?.[name] : shown.map((each) => each[name] ?? null);
  return {
    status: worst?.status ?? (passed.length > 0 ? 'passed' : 'not checked'),
    reason: all.length > 0 ? all.join('; ') : null,
    zendesk: ends && `zendesk:${ends.kind.zendesk}:${ends.ids.zendesk}`,
    pms: ends && `pms:${ends.kind.pms}:${ends.ids.pms}`,
    written: shown.length === 0 ? undefined : values('written'),
    found: shown.length === 0 ? undefined : values('found'),
    seconds: worst ? worst.seconds : passed.reduce((most, each) => Math.max(most, each.seconds ?? 0), 0),
  };
}

function same(a: Json | undefined, b: Json | undefined): boolean {
  return a !== undefined && b !== undefined && sameValue(a, b);
}
