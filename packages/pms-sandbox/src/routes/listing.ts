import { z } from 'zod';
import { ignoresFilter } from '../lies';
import { byId, numberOf, type Kind, type PmsRecord } from '../model';
import { Refusal, parse } from '../refusal';
import type { PmsStore } from '../store';
import { hasValue } from '../table';

const MAX_IDS = 100;

/** `ids=a,b,c` */
export const idsParameter = z
  .string()
  .transform((ids) => [...new Set(ids.split(',').map((id) => id.trim()))].filter((id) => id !== ''))
  .refine((ids) => ids.length <= MAX_IDS, `more than ${MAX_IDS} ids`);

export const limitParameter = z.coerce.number().int().min(1).max(200).default(100);

const common = {
  cursor: z.string().optional(),
  limit: limitParameter,
  archived: z.enum(['true', 'false', 'all']).default('false'),
  ids: idsParameter.optional(),
  externalRef: z.string().optional(),
};
const filter = z.string().optional();
/** Filters by query parameter; each reads an indexed field. */
const QUERIES = {
  customer: z.strictObject({ ...common, name: filter, domain: filter }),
  project: z.strictObject({ ...common, customerId: filter, parentId: filter, title: filter }),
  note: z.strictObject({ ...common, projectId: filter }),
};
const FIELD_OF: Record<string, string> = { domain: 'domains' };

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

export function list(store: PmsStore, kind: Kind, query: unknown): Page<PmsRecord> {
  type Query = z.output<z.ZodObject<typeof common>> & Record<string, unknown>;
  const { cursor, limit, archived, ids, ...filters } = parse(QUERIES[kind] as z.ZodType<Query>, query);
  const given = Object.entries(filters)
    .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    .map(([name, value]) => ({ field: FIELD_OF[name] ?? name, value }))
    .filter(({ field }) => !ignoresFilter(store.lies, field));
  if (filters['externalRef'] !== undefined && store.lies.missReferences)
    return { items: [], nextCursor: null };
  const wanted = (record: PmsRecord) =>
    (archived === 'all' || (record.archivedAt !== null) === (archived === 'true')) &&
    given.every(({ field, value }) => hasValue(record, field, value));

  if (ids !== undefined) {
    const found = ids.flatMap((id) => store.find(kind, id) ?? []).sort(byId);
    return page(found.filter(wanted), limit, numericCursor(cursor));
  }
  if (kind === 'note' && given.some(({ field }) => field === 'projectId'))
    return notesOfProject(store, given, wanted, limit, cursor);
  const [first] = given;
  const [after, madeThen] = placeOf(store, kind, cursor);
  const candidates = first ? store.lookUp(kind, first.field, first.value) : store.all(kind, after);
  const found = filtered(candidates, wanted);
  if (!store.lies.skipAfterInserts) return page(found, limit, after);
  const made = store.everMade(kind);
  for (let n = madeThen; n < made; n += 1) found.next();
  const { items, nextCursor } = page(found, limit, after);
  return { items, nextCursor: nextCursor && `${nextCursor}.${made}` };
}

/** The number after which a page begins. For `skipAfterInserts`, also the number of records when the cursor was made. */
function placeOf(store: PmsStore, kind: Kind, cursor: string | undefined): [after: number, made: number] {
  if (!store.lies.skipAfterInserts || cursor === undefined)
    return [numericCursor(cursor), store.everMade(kind)];
  const [after, made] = cursor.split('.');
  return [numericCursor(after), numericCursor(made)];
}

/**
 * A project's notes are ordered by the time at which they were written. The cursor is the last note's place in that order,
 * so that a note which is added or removed between two pages neither hides nor repeats another.
 */
function notesOfProject(
  store: PmsStore,
  given: { field: string; value: string }[],
  wanted: (record: PmsRecord) => boolean,
  limit: number,
  cursor: string | undefined,
): Page<PmsRecord> {
  const projectId = given.find(({ field }) => field === 'projectId')?.value ?? '';
  const [, saidAfter, numberAfter] =
    cursor === undefined ? [] : (/^(-?\d{1,16})\.(\d{1,15})$/.exec(cursor) ?? refuseCursor());
  const place = { at: Number(saidAfter ?? -Infinity), number: Number(numberAfter ?? 0) };
  const notes = store
    .lookUp('note', 'projectId', projectId)
    .filter(wanted)
    .map((note) => ({ note, at: saidAt(note), number: numberOf(note.id) }))
    .filter(({ at, number }) => at > place.at || (at === place.at && number > place.number))
    .sort((a, b) => a.at - b.at || a.number - b.number);
  const items = notes.slice(0, limit);
  const last = items.at(-1);
  const more = notes.length > limit && last !== undefined;
  return { items: items.map(({ note }) => note), nextCursor: more ? `${last.at}.${last.number}` : null };
}

/** One page of items, which are in the order of their numbers. */
export function page<T extends { id: string }>(items: Iterable<T>, limit: number, after: number): Page<T> {
  const found: T[] = [];
  for (const item of items) {
    if (numberOf(item.id) <= after) continue;
    if (found.length === limit) {
      const last = found.at(-1);
      return { items: found, nextCursor: last ? String(numberOf(last.id)) : null };
    }
    found.push(item);
  }
  return { items: found, nextCursor: null };
}

export function numericCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  return /^\d{1,15}$/.test(cursor) ? Number(cursor) : refuseCursor();
}

function refuseCursor(): never {
  throw new Refusal(400, 'invalid', 'cursor: not one of this list', { field: 'cursor' });
}

function* filtered<T>(items: Iterable<T>, wanted: (item: T) => boolean): Generator<T> {
  for (const item of items) if (wanted(item)) yield item;
}

function saidAt(note: PmsRecord): number {
  return Date.parse((note['occurredAt'] as string | null) ?? note.createdAt);
}
