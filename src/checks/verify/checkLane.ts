import { writesTo, type EntityMapping, type Mapping, type PropertyRow } from '../../sync/mapping';
import { otherSide, type Json, type Side, type Values } from '../../sync/record';
import { refKey } from '../../sync/canonicalKey';
import { sameValue } from '../../sync/values';
import type { Seen } from './publicApi';
import { NAMES } from './checklist';
import { factOf } from './facts';
import type { Check } from './checklistLine';
import type { Made } from './made';
import { Pair, Stuck, outcomeOf, type Attempt, type Created, type Ends, type PairTools } from './triedPair';
import type { Recorder } from './verifyRecorder';
import { Translator, bareValues, samplesOf, type Samples, type World } from './samples';
import { together } from './settleAll';
import { watch } from './watch';

/** Shared by all checks. */
export interface Tools extends PairTools {
  mapping: Mapping;
  world: World;
  made: Made;
  recorder: Recorder;
}

/** A new record whose counterpart was found. */
export interface Met extends Created {
  pair: Pair;
}

/** The pair that other pairs belong to: a comment's ticket and project. */
export interface Parent {
  key: string;
  ids: Record<Side, string>;
}

/**
 * Tests several rows together, on one pair that begins on one side. If no value of a common write arrives, each row is
 * tested again on its own pair, so that one broken row does not fail the others.
 */
export class Lane {
  private readonly to: Side;
  private readonly world: World;
  private readonly translator: Translator;
  private readonly samples: Map<PropertyRow, Samples>;
  private readonly attempts = new Map<PropertyRow, Map<Check, Attempt[]>>();

  constructor(
    private readonly tools: Tools,
    private readonly table: EntityMapping,
    private readonly from: Side,
    private readonly rows: readonly PropertyRow[],
    private readonly parent: Parent | null = null,
  ) {
    this.to = otherSide(from);
    const { world, mapping } = tools;
    const parents = { ...world.parents };
    if (parent) parents.TicketToProject = [parent.key];
    this.world = { ...world, parents };
    this.translator = new Translator(mapping, table, this.world);
    this.samples = new Map(rows.map((row) => [row, samplesOf(table, row, from, this.world)]));
  }

  async run(): Promise<void> {
    try {
      await this.steps();
    } catch (error) {
      if (!(error instanceof Stuck)) throw error;
      const { tools, table, from, parent } = this;
      await together(this.rows.map((row) => new Lane(tools, table, from, [row], parent).run()));
    }
  }

  private async steps(): Promise<void> {
    const pair = await this.begin();
    if (!pair) return;
    await this.createMore();
    const rounds = Math.max(0, ...[...this.samples.values()].map(({ edits }) => edits.length));
    for (let n = 0; n < rounds; n += 1) await this.edit(pair, 'edit', ({ edits }) => edits[n]);
    await this.putBack(pair);
    await this.edit(pair, 'clear', () => null);
    const ends = Math.max(0, ...[...this.samples.values()].map(({ last }) => last.length));
    for (let n = 0; n < ends; n += 1) await this.edit(pair, 'edit', ({ last }) => last[n]);
    for (const row of this.rows) this.untried(row);
  }

  /** Makes the pair with a value of each row. @returns null if no pair could be made */
  private async begin(): Promise<Pair | null> {
    const rows = this.rows.filter((row) => this.line(row, 'create'));
    const values: Values = {};
    for (const row of rows) {
      const sample = this.samples.get(row)?.create;
      if (sample !== undefined && this.isSet(row)) values[row[this.from] ?? ''] = this.own(row, sample);
    }
    const made = await this.make({ ...this.translator.needed(this.rows, this.from), ...values });
    if ('pair' in made) {
      this.keep('create', await made.pair.created(rows, made), made.pair.ends);
      return made.pair;
    }
    if (this.rows.length > 1) throw new Stuck(made.reason);
    for (const row of rows)
      this.keep('create', new Map([[row, failed(made.reason, this.samples.get(row)?.create)]]), null);
    // A value that prevents a new record may still arrive by an edit.
    const bare = await this.make({});
    if ('pair' in bare) return bare.pair;
    for (const row of this.rows)
      for (const check of ['edit', 'clear', 'putBack'] as const)
        this.keep(check, new Map([[row, failed(bare.reason)]]), null);
    return null;
  }

  /** Tests further values for new records, each on its own record. */
  private async createMore(): Promise<void> {
    const wanted = this.rows.flatMap((row) =>
      this.line(row, 'create') ? (this.samples.get(row)?.more ?? []).map((sample) => ({ row, sample })) : [],
    );
    await together(
      wanted.map(async ({ row, sample }) => {
        const made = await this.make({ [row[this.from] ?? '']: this.own(row, sample) });
        const attempts =
          'pair' in made
            ? await made.pair.created([row], made)
            : new Map([[row, failed(made.reason, sample)]]);
        this.keep('create', attempts, 'pair' in made ? made.pair.ends : null);
      }),
    );
  }

  private async edit(pair: Pair, check: 'edit' | 'clear', pick: (samples: Samples) => Json | undefined) {
    const values = new Map<PropertyRow, Json>();
    for (const row of this.rows) {
      const samples = this.samples.get(row);
      const sample = samples && pick(samples);
      if (sample !== undefined && this.line(row, check)) values.set(row, sample);
    }
    if (values.size > 0) this.keep(check, await pair.edit(this.from, values), pair.ends);
  }

  private async putBack(pair: Pair): Promise<void> {
    for (const writer of [this.from, this.to]) {
      const values = new Map<PropertyRow, Json>();
      for (const row of this.rows) {
        // A one-way row is edited on the side that the sync does not read. A two-way row with a fixed value is edited
        // on `from`, because the other side cannot apply the edit.
        const onFrom = row.direction === 'both';
        if ((writer === this.from) !== onFrom || !this.line(row, 'putBack')) continue;
        const sample = this.contrary(row, writer);
        if (sample !== undefined) values.set(row, sample);
      }
      if (values.size > 0) this.keep('putBack', await pair.putBack(writer, values), pair.ends);
    }
  }

  /** A value that differs from the row's present value. */
  private contrary(row: PropertyRow, writer: Side): Json | undefined {
    const { create, edits, more } = this.samples.get(row) ?? { edits: [], more: [] };
    const current = edits.at(-1) ?? create;
    const except = row.fixed?.except ?? [];
    const others = [
      ...edits,
      create,
      ...more,
      row.type === 'string' ? `${this.world.tag} contrary` : undefined,
    ];
    const property = factOf(writer, this.table.kind[writer], row[writer] ?? '');
    if (property.system !== undefined) return undefined;
    return others.find(
      (each) =>
        each !== undefined &&
        !sameValue(each, current) &&
        !(writer === this.from && except.some((value) => sameValue(value, each))),
    );
  }

  /** Makes a record and waits for its counterpart. */
  async make(values: Values): Promise<Met | { reason: string }> {
    const { tools, from, to, table } = this;
    const { kind } = table;
    const whole = { ...bareValues(table, from, this.world, this.parentValues()), ...values };
    let seen: Seen;
    try {
      seen = await tools.apis[from].create(kind[from], whole);
    } catch (error) {
      tools.patience.signal.throwIfAborted();
      return { reason: error instanceof Error ? error.message : String(error) };
    }
    return this.meet(seen, () =>
      tools.apis[to].find(
        kind[to],
        refKey({ side: from, kind: kind[from], id: seen.id }),
        this.parent?.ids[to] ?? null,
      ),
    );
  }

  /** Waits for the counterpart of a record that was just made. */
  async meet(seen: Seen, find: () => Promise<Seen[]>): Promise<Met | { reason: string }> {
    const { tools, from, to, table } = this;
    const { kind } = table;
    const own = { side: from, kind: kind[from], id: seen.id };
    const at = Date.now();
    tools.made.record(own, kind[to]);
    let other: Seen | undefined;
    const arrivals = await watch(
      { wanted: ['counterpart'] },
      async () => {
        [other] = await find();
        return new Map([['counterpart', { arrived: other !== undefined, found: other?.id }]]);
      },
      tools.patience,
    );
    if (!other) {
      const seconds = Math.round(arrivals.get('counterpart')?.seconds ?? 0);
      return {
        reason: `${refKey(own)}: no ${kind[to]} in ${to === 'pms' ? 'the PMS' : NAMES[to]} after ${seconds} s`,
      };
    }
    tools.made.met(own, { side: to, kind: kind[to], id: other.id });
    const ids = { [from]: seen.id, [to]: other.id } as Record<Side, string>;
    const ends: Ends = { from, kind, ids };
    return { pair: new Pair(tools, table, this.translator, ends), seen, at };
  }

  parentValues(): Values {
    const { parent, table, from } = this;
    const row = table.rows.find((each) => each.transform.kind === 'reference' && each.transform.required);
    const property = row?.[from];
    return parent && property ? { [property]: parent.ids[from] } : {};
  }

  private isSet(row: PropertyRow): boolean {
    const property = row[this.from];
    return property !== null && factOf(this.from, this.table.kind[this.from], property).system === undefined;
  }

  private own(row: PropertyRow, sample: Json): Json {
    return this.translator.own(row, this.from, sample);
  }

  private line(row: PropertyRow, check: Check) {
    if (!writesTo(row, this.to)) return undefined;
    return this.tools.recorder.line(this.table.entity, row.id, this.from, check);
  }

  private keep(check: Check, attempts: ReadonlyMap<PropertyRow, Attempt>, ends: Ends | null): void {
    for (const [row, attempt] of attempts) {
      const line = this.line(row, check);
      if (!line) continue;
      const checks = this.attempts.get(row) ?? new Map<Check, Attempt[]>();
      this.attempts.set(row, checks);
      const all = [...(checks.get(check) ?? []), attempt];
      checks.set(check, all);
      const note = check === 'edit' ? (this.samples.get(row)?.note ?? null) : null;
      this.tools.recorder.set(line, outcomeOf(ends, all, note));
    }
  }

  /** Reports the row's lines that had no value to test with. */
  private untried(row: PropertyRow): void {
    for (const check of ['edit', 'putBack'] as const) {
      if (!this.line(row, check) || this.attempts.get(row)?.get(check)) continue;
      const reason = this.samples.get(row)?.note ?? 'there is no other value to try';
      this.keep(check, new Map([[row, { ...failed(reason), status: 'not checked' }]]), null);
    }
  }
}

export function failed(reason: string, written?: Json): Attempt {
  return { status: 'failed', reason, written, found: undefined, seconds: null };
}
