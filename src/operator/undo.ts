import type { JournalFilter } from '../links/journalStore';
import type { LinkStore } from '../links/linkStore';
import type { UndoItem } from '../links/undoStore';
import { parseCanonicalKey, type CanonicalKey } from '../sync/canonicalKey';
import { bindingsOf, type Bindings } from '../sync/rules/sameFields';
import type { Mapping } from '../sync/mapping';
import type { EntityType, Json, RefKey, Side } from '../sync/record';
import {
  CURES,
  FATE_WORDS,
  standing,
  undoOf,
  type Cannot,
  type Fate,
  type Restore,
  type UndoFilter,
} from '../sync/undo';
import { BadInput, Problem } from './operatorErrors';

/** The plan and the outcome of an undo, in the same words for the command line and for the console. */

const PAGE = 200;
const EXAMPLES = 3;

/** All values of one property that can be put back. */
export interface PlannedUndo {
  entity: EntityType;
  row: string;
  side: Side;
  property: string;
  pairs: number;
  /** The number of these values that the sync has written again since. An undo leaves those alone that differ now. */
  overwritten: number;
  examples: { key: CanonicalKey; ref: RefKey; now: Json; former: Json }[];
}

export interface UndoPlan {
  pairs: number;
  values: PlannedUndo[];
  cannot: { what: Cannot['what']; cure: string; count: number; examples: string[] }[];
  /** Rows that still name the fields to which the mistake was written. */
  standing: { entity: EntityType; row: string }[];
}

type Stores = Pick<LinkStore, 'journal' | 'mappings'>;

/** Reads the journal only. The present value of a record is compared later, when its pair is undone. */
export async function planUndo(store: Stores, mapping: Mapping, filter: UndoFilter): Promise<UndoPlan> {
  const bindings = await presentBindings(store, mapping);
  const values = new Map<string, PlannedUndo>();
  const cannot = new Map<Cannot['what'], UndoPlan['cannot'][number]>();
  const still = new Map<string, UndoPlan['standing'][number]>();
  let pairs = 0;
  for (let after: CanonicalKey | null = null; ;) {
    const keys: CanonicalKey[] = await store.journal.keysAfter(filter, after, PAGE);
    const entries = await store.journal.ofPairs(keys);
    for (const key of keys) {
      const { entity } = parseCanonicalKey(key);
      const found = undoOf(entries.get(key) ?? [], filter);
      if (found.restores.length > 0) pairs += 1;
      for (const restore of found.restores) addValue(values, key, entity, restore);
      for (const each of found.cannot) addCannot(cannot, each);
      for (const row of standing(found.restores, bindings(entity)))
        still.set(`${entity} ${row}`, { entity, row });
    }
    after = keys.at(-1) ?? null;
    if (keys.length < PAGE) break;
  }
  return { pairs, values: [...values.values()], cannot: [...cannot.values()], standing: [...still.values()] };
}

/** The fields of the mapping's rows as the workers resolved them: the file may name properties by their titles. */
async function presentBindings(
  { mappings }: Stores,
  mapping: Mapping,
): Promise<(entity: EntityType) => Bindings> {
  const recorded = await mappings.bindingsOf(mapping.version);
  return (entity) => recorded?.[entity] ?? bindingsOf(mapping.entities[entity]);
}

/** @param names the names of the criteria, for the message @throws BadInput if no criterion says what to undo */
export function expectSelecting({ key, since, cause, row }: JournalFilter, names: string): void {
  if ([key, since, cause, row].every((each) => each === undefined))
    throw new BadInput(`found nothing that says what to undo, expected ${names}`);
}

/**
 * @throws Problem if the plan cannot be carried out: the mapping still has the mistake, or there is nothing to put
 * back
 */
export function expectCanBeDone(plan: UndoPlan, hold: boolean): void {
  if (plan.standing.length > 0 && !hold) throw new Problem(standingWords(plan));
  if (plan.pairs === 0)
    throw new Problem('there is nothing that can be put back; the plan of the undo says why');
}

export function standingWords({ standing }: Pick<UndoPlan, 'standing'>): string {
  const rows = standing.map(({ entity, row }) => `${entity} "${row}"`).join(', ');
  return `the mapping still binds ${rows} as it did when this was written, and would write it again; correct the mapping file first, or undo with --hold and correct it afterwards`;
}

/** The first lines of a plan and of an outcome. */
export const UNDO_WORDS = {
  nothing: 'Nothing can be put back.',
  planned: (pairs: number) =>
    `Values of ${pairs} pairs would be put back, if the records still show what the sync wrote:`,
  cannot: 'This cannot be undone:',
  never: 'A value that customers do not see is never made public.',
  restored: (pairs: number) => `${pairs} pairs are as they were before.`,
  left: (pairs: number) => `${pairs} pairs were left as they are, in whole or in part:`,
} as const;

export const VALUE_COLUMNS = ['Row', 'On', 'Property', 'Pairs', 'Written again since'] as const;
export const EXAMPLE_COLUMNS = ['Record', 'Property', 'Now', 'Back to'] as const;
export const CANNOT_COLUMNS = ['How many', 'What, and its fix', 'For example'] as const;
export const LEFT_COLUMNS = ['Pair', 'On', 'Property', 'Why'] as const;

/** One line for each value that was left as it is, or for a pair that was left as a whole. */
export function leftLines({
  left,
}: UndoOutcome): { key: CanonicalKey; on: string; property: string; why: string }[] {
  return left.flatMap(({ key, rows, why }) =>
    why !== null || rows.length === 0
      ? [{ key, on: '', property: '', why: why ?? '' }]
      : rows.map((row) => ({ key, on: row.side, property: row.property, why: row.why })),
  );
}

function addValue(
  all: Map<string, PlannedUndo>,
  key: CanonicalKey,
  entity: EntityType,
  { row, side, property, ref, written, former, isOverwritten }: Restore,
): void {
  const name = [entity, row, side, property].join(' ');
  const known = all.get(name) ?? { entity, row, side, property, pairs: 0, overwritten: 0, examples: [] };
  known.pairs += 1;
  if (isOverwritten) known.overwritten += 1;
  if (known.examples.length < EXAMPLES) known.examples.push({ key, ref, now: written, former });
  all.set(name, known);
}

function addCannot(all: Map<Cannot['what'], UndoPlan['cannot'][number]>, { what, ref, key }: Cannot): void {
  const known = all.get(what) ?? { what, cure: CURES[what], count: 0, examples: [] };
  known.count += 1;
  if (known.examples.length < EXAMPLES) known.examples.push(ref ?? key);
  all.set(what, known);
}

/** The outcome of an undo. */
export interface UndoOutcome {
  id: string;
  state: 'working' | 'done';
  /** Pairs whose values are all as before. */
  restored: number;
  values: Record<Fate, number>;
  /** The other pairs, each with the values that were left and why. */
  left: { key: CanonicalKey; rows: { property: string; side: Side; why: string }[]; why: string | null }[];
}

export async function outcomeOf(
  { undos }: Pick<LinkStore, 'undos'>,
  id: string,
): Promise<UndoOutcome | null> {
  const undo = await undos.get(id);
  if (!undo) return null;
  const values = Object.fromEntries(
    Object.keys(FATE_WORDS).map((fate) => [fate, 0]),
  ) as UndoOutcome['values'];
  const outcome: UndoOutcome = { id, state: undo.state, restored: 0, values, left: [] };
  for await (const item of undos.all(id)) {
    for (const { fate } of item.rows) values[fate] += 1;
    const left = leftOf(item);
    if (item.state === 'done' && item.why === null && left.length === 0) outcome.restored += 1;
    else
      outcome.left.push({
        key: item.key,
        rows: left,
        why: item.state === 'done' ? item.why : 'not done yet',
      });
  }
  return outcome;
}

function leftOf({ rows, refused }: UndoItem): UndoOutcome['left'][number]['rows'] {
  return rows
    .filter(({ fate }) => fate !== 'restored' && fate !== 'already')
    .map(({ property, side, fate }) => ({
      property,
      side,
      why:
        fate === 'refused'
          ? `${FATE_WORDS.refused}: ${refused[side] ?? 'it did not take the value'}`
          : FATE_WORDS[fate],
    }));
}
