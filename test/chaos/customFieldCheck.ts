import {
  CUSTOM_FIELDS,
  CUSTOM_FIELD_NAMES,
  SIDES,
  activeField,
  customValue,
  type Administrators,
  type CustomField,
  type Side,
} from 'testkit';
import { TICKET_FIELDS } from 'zendesk-sandbox';
import { SYNC_USERS } from './syncUsers';
import type { LinkDocument } from './linkDocument';
import type { World } from './world';

/**
 * Checks custom fields, which administrators deactivate, delete and create again: if both sides have the field, both
 * have the same value, and the sync cleared a value only if a person cleared it on the other side.
 */

interface PairOfRecords {
  link: LinkDocument;
  refs: Record<Side, string>;
}

/** Changes of Zendesk's fields by administrators. */
type FieldChanges = Pick<Administrators, 'removedFields' | 'renamedOptions'>;

/**
 * @param isExcused whether the link states why the two sides differ
 * @returns one line for each violation
 */
export function checkCustomFields(
  world: World,
  changes: FieldChanges,
  pairs: readonly PairOfRecords[],
  isExcused: (link: LinkDocument, row: string) => boolean,
): string[] {
  return pairs.flatMap((pair) =>
    CUSTOM_FIELD_NAMES.flatMap((field) => {
      const excused = isExcused(pair.link, `customFields_${CUSTOM_FIELDS[field].key}`);
      return [...(excused ? [] : differences(world, pair, field)), ...erasures(world, changes, pair, field)];
    }),
  );
}

function differences(world: World, { refs }: PairOfRecords, field: CustomField): string[] {
  // The row rests while the field is missing.
  if (activeField(world, field) === undefined) return [];
  const ticket = world.zendesk.store.tickets.get(Number(refs.zendesk.split(':')[2]));
  const project = world.pms.store.find('project', refs.pms.split(':')[2] ?? '');
  if (!ticket || !project) return [];
  const shown = world.zendesk.tickets.shown(ticket);
  const zendesk = customValue(world, 'zendesk', shown, field);
  const pms = customValue(world, 'pms', project, field);
  if (canonical(zendesk) === canonical(pms)) return [];
  // A renamed option is no value of either side.
  if (field === 'severity' && pms === 's1' && !isOption(world, 's1')) return [];
  return [
    `custom field: ${refs.zendesk} ↔ ${refs.pms}: ${field} is ${canonical(zendesk)} in Zendesk, ${canonical(pms)} in the PMS`,
  ];
}

function isOption(world: World, value: string): boolean {
  const id = activeField(world, 'severity');
  const options = id === undefined ? [] : world.zendesk.store.ticketFields.get(id).options;
  return options.some((option) => option.value === value);
}

/** Whether a ticket has none of the tags of these options. */
function lacksTags(record: object | null | undefined, options: unknown): boolean {
  const { tags } = (record ?? {}) as { tags?: unknown };
  const all = Array.isArray(options) ? options : [options];
  return Array.isArray(tags) && !all.some((each) => tags.includes(each));
}

/** The tags of a field's value: a ticked box has the field's own, a text has none. */
function tagsOf(field: CustomField, raw: unknown): unknown[] {
  const { title } = CUSTOM_FIELDS[field];
  const { type, tag } = TICKET_FIELDS.find((each) => each.title === title) ?? {};
  if (type === 'text') return [];
  return [raw === true ? tag : raw].flat();
}

/** Finds writes of the sync that cleared the field, although no person had cleared it on the other side. */
function erasures(
  world: World,
  { removedFields, renamedOptions }: FieldChanges,
  { link, refs }: PairOfRecords,
  field: CustomField,
): string[] {
  const found: string[] = [];
  const held: Record<Side, Value | null> = { zendesk: null, pms: null };
  const ids = idsOf(world, removedFields, field);
  /** The time when the side last became empty, and its value before that. */
  const emptied = { zendesk: { at: '', value: EMPTY }, pms: { at: '', value: EMPTY } };
  const sideOf = new Map(SIDES.map((side) => [refs[side], side]));
  for (const { at, ref, by, record } of world.trace) {
    const side = sideOf.get(ref);
    // A deleted record may be in a backup that is restored.
    if (side === undefined || record === null) continue;
    const now =
      side === 'zendesk'
        ? heldIn(record, ids)
        : { id: null, raw: customValue(world, side, record as Record<string, unknown>, field) };
    const isOurs = SYNC_USERS.includes(by);
    if (!now) {
      // Zendesk's record lacks the field: it was deleted. Its tag stays, and a person cleared it with the tag.
      const former = held[side];
      const tags = former ? tagsOf(field, former.raw) : [];
      if (!former || isOurs || tags.length === 0 || !lacksTags(record, tags)) continue;
      emptied[side] = { at, value: former.value };
      held[side] = null;
      continue;
    }
    const value = canonical(now.raw);
    // No person cleared a field that was created again, unless its options' tags were removed.
    const isSame = held[side]?.id === now.id || (!isOurs && lacksTags(record, held[side]?.raw));
    const before = isSame ? held[side] : null;
    if (value === EMPTY) held[side] = null;
    else if (before?.value !== value) held[side] = { ...now, value, since: at, isOurs };
    if (value !== EMPTY || !before) continue;
    emptied[side] = { at, value: before.value };
    const other = side === 'zendesk' ? 'pms' : 'zendesk';
    if (!isOurs || emptied[other].at >= before.since) continue;
    // The value was cleared on the other side while the sync was still writing it.
    if (before.isOurs && !held[other] && emptied[other].value === before.value) continue;
    if (link.history.some(({ lost }) => canonical(lost) === before.value)) continue;
    // Its option was renamed meanwhile. Zendesk drops such a value with the next change of the ticket's tags.
    const isNoOption = (each: { value: string; at: string }) =>
      canonical(each.value) === before.value && each.at >= before.since && each.at <= at;
    if (side === 'zendesk' && renamedOptions.some(isNoOption)) continue;
    found.push(
      `cleared without a person's edit: ${ref} ${field} was ${before.value} from ${before.since} until ${at}`,
    );
  }
  return found;
}

/** What a record holds of a custom field. */
interface Held {
  /** Zendesk's id of the field; null in the PMS. */
  id: number | null;
  raw: unknown;
}

interface Value extends Held {
  value: string;
  /** When it came, and whether the sync brought it. */
  since: string;
  isOurs: boolean;
}

/** All ids that a field of Zendesk had, those of deleted ones included. */
function idsOf(
  { zendesk }: World,
  removed: ReadonlyMap<number, CustomField>,
  field: CustomField,
): Set<number> {
  const { title } = CUSTOM_FIELDS[field];
  const present = zendesk.store.ticketFields.list().filter((each) => each.title === title);
  const former = [...removed].filter(([, each]) => each === field);
  return new Set([...present.map(({ id }) => id), ...former.map(([id]) => id)]);
}

/** @returns null where the ticket lacks the field */
function heldIn(ticket: unknown, ids: ReadonlySet<number>): Held | null {
  const { custom_fields: values = [] } = ticket as { custom_fields?: { id: number; value: unknown }[] };
  const found = values.find(({ id }) => ids.has(id));
  return found ? { id: found.id, raw: found.value } : null;
}

const EMPTY = '—';

/** An unticked box counts as empty, like a missing value in a PMS. */
function canonical(value: unknown): string {
  if (value === null || value === undefined || value === '' || value === false) return EMPTY;
  if (Array.isArray(value)) return value.length === 0 ? EMPTY : [...(value as string[])].sort().join(' ');
  return JSON.stringify(value);
}
