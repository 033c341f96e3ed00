import { refKey } from '../canonicalKey';
import { blankWrite, emptyAgreement, type PlannedWrite } from '../link';
import { comparedRows, writesTo, type PropertyRow } from '../mapping';
import { otherSide, type Json, type RefKey, type Side, type SyncRecord, type Values } from '../record';
import { elementsOf } from '../heldSets';
import { orAbsent, notTakenOf, type NotTaken } from '../notTaken';
import { rests } from '../rules/absence';
import { bindingsAfter } from '../rules/binding';
import { reservedIn, reservedOn } from '../rules/reserved';
import { canHold } from '../rules/sets';
import { notTakenOfRow, isOfferedAgain } from '../rules/taken';
import { fillTemplate, fromCanonical, type Canonical } from '../values';
import { filesAfter } from './fileWrites';
import { namesOf, versionsOf, type Pair } from './plannedPair';
import type { Plan } from './state';
import { waitFor } from './waitFor';

/** Plans to create the counterpart of a record. @param canonical the record's values by row id */
export function createPlan(pair: Pair, origin: SyncRecord, canonical: Values): Plan {
  const { state, table, decisions } = pair;
  const to = otherSide(origin.ref.side);
  const content = contentFor(pair, to, origin, canonical);
  if ('problem' in content) return { do: 'quarantine', code: 'unmapped_value', reason: content.problem };
  if (content.waitsFor.length > 0) return waitFor(content.waitsFor);
  const { values, rows } = content;
  const left = refusedBefore(pair, origin);
  const write: PlannedWrite = {
    ...blankWrite(to, 'create'),
    values,
    backRef: refKey(origin.ref),
    idempotencyKey:
      decisions.counterpart === 'create' ? insistedKey(pair, origin) : `${state.key}@${origin.version}`,
    rows,
    ...namesOf(table, to, values, origin),
    lookFirst: origin.createdAt < state.linksSince,
    insisted: decisions.counterpart === 'create',
  };
  const seen = { [origin.ref.side]: origin };
  const snapshot: Values = {};
  const rested: string[] = [];
  for (const row of comparedRows(table))
    if (!hasValue(row, origin, canonical)) rested.push(row.id);
    else if (!notTakenOf({ notTaken: left }, row.id)) snapshot[row.id] = canonical[row.id] ?? null;
  return {
    do: 'write',
    intent: {
      id: write.idempotencyKey,
      writes: [write],
      next: {
        ...emptyAgreement(),
        snapshot,
        bound: bindingsAfter(table, {}, snapshot, []),
        ...(rested.length > 0 && { rested }),
        ...reservedIn(table, (row, side) => (side === to ? [] : reservedOn(row, side, origin, null))),
        ...orAbsent(left),
        ...filesAfter(table, [], seen),
      },
      then: 'linked',
      seen: versionsOf(seen),
    },
  };
}

/** The system may answer a repeated key with an earlier record that no longer exists. */
function insistedKey({ state: { key, link } }: Pair, { version }: SyncRecord): string {
  return link && link.rev > 0 ? `${key}@${version}/${link.rev}` : `${key}@${version}`;
}

/** What the new record is to contain. */
interface Content {
  /** The side's own property names and values. */
  values: Values;
  rows: string[];
  waitsFor: RefKey[];
}

/** Values that the other side refused and that have not changed since: the counterpart is created without them. */
function refusedBefore({ state: { link }, mapping, table }: Pair, origin: SyncRecord): NotTaken[] {
  if (!link) return [];
  const occasion = { link, current: { [origin.ref.side]: origin }, mappingVersion: mapping.version };
  const entries = table.rows.flatMap((row) => notTakenOfRow(table, row, link));
  return entries.filter((each) => !isOfferedAgain(each, occasion));
}

function contentFor(
  pair: Pair,
  to: Side,
  origin: SyncRecord,
  canonical: Values,
): Content | { problem: string } {
  const { state, table } = pair;
  const content: Content = { values: {}, rows: [], waitsFor: [] };
  const left = new Set(refusedBefore(pair, origin).map(({ row }) => row));
  for (const row of table.rows) {
    const target = row[to];
    const isLeft = left.has(row.id) || !hasValue(row, origin, canonical);
    if (!target || !writesTo(row, to) || isLeft) continue;
    const value =
      generatedValue(row, origin) ?? fromCanonical(row, to, canonical[row.id] ?? null, state.references);
    if (!value.ok) {
      if ('problem' in value) return value;
      content.waitsFor.push(value.waitsFor);
    } else {
      const held = Array.isArray(value.value)
        ? elementsOf(value.value).filter((each) => canHold(row, to, each))
        : value.value;
      if (!isNoValue(held)) content.values[target] = held;
    }
    content.rows.push(row.id);
  }
  return content;
}

/** Whether the row has a value: the origin has its property, or a rule gives one (`untilShown`). */
function hasValue(row: PropertyRow, origin: SyncRecord, canonical: Values): boolean {
  return row.id in canonical || !rests(row, { [origin.ref.side]: origin });
}

/** The value of a row that the mapping generates: a constant or a template. @returns null for other rows */
function generatedValue({ transform }: PropertyRow, origin: SyncRecord): Canonical | null {
  if (transform.kind === 'constant') return { ok: true, value: transform.value };
  if (transform.kind === 'template')
    return { ok: true, value: fillTemplate(transform.template, origin.values) };
  return null;
}

/** Whether the value need not be sent, because a new record has none anyway. An empty text is sent. */
function isNoValue(value: Json): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}
