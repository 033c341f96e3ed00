import { tagsOf, type Field } from '../fields/fieldRegistry';
import { blankValue, withValues } from '../fields/fieldValues';
import type { Json } from '../model';

/**
 * Rule 13: an option of a drop-down or multi-select, and a ticked checkbox with a tag, *are* tags
 * (H:4408881943194, H:4408886624410).
 */
export interface Tagged {
  tags: string[];
  values: { id: number; value: Json }[];
}

const isTagged = (field: Field): boolean => tagsOf(field).length > 0;

/** Changes a ticket's fields by its tags: an added tag sets its field, a removed tag clears it. */
export function setTags(fields: readonly Field[], before: Tagged, tags: readonly string[]): Tagged {
  const added = tags.filter((tag) => !before.tags.includes(tag));
  return fields.filter(isTagged).reduce<Tagged>(
    (now, field) => {
      const current = now.values.find(({ id }) => id === field.id)?.value ?? blankValue(field);
      const value = valueOf(field, now.tags, added, current);
      const own = tagsOfValue(field, value);
      const others = tagsOf(field).filter((tag) => !own.includes(tag));
      return {
        tags: now.tags.filter((tag) => !others.includes(tag)),
        values: same(value, current) ? now.values : withValues(now.values, [{ id: field.id, value }]),
      };
    },
    { tags: [...new Set(tags)].sort(), values: before.values },
  );
}

/** Changes a ticket's tags by its fields. */
export function setFields(
  fields: readonly Field[],
  before: Tagged,
  given: readonly { id: number; value: Json }[],
): Tagged {
  const tags = given.reduce((now, { id, value }) => {
    const field = fields.find((each) => each.id === id);
    if (!field) return now;
    const others = now.filter((tag) => !tagsOf(field).includes(tag));
    return [...others, ...tagsOfValue(field, value)];
  }, before.tags);
  return { tags: [...new Set(tags)].sort(), values: withValues(before.values, [...given]) };
}

const same = (a: Json, b: Json): boolean => JSON.stringify(a) === JSON.stringify(b);

function valueOf(field: Field, tags: readonly string[], added: readonly string[], current: Json): Json {
  if (field.type === 'checkbox') return tags.includes(field.tag ?? '');
  const values = field.options.map(({ value }) => value);
  const present = values.filter((value) => tags.includes(value.toLowerCase()));
  if (field.type === 'multiselect') return present.length > 0 ? present : null;
  // The tag of another option moves the field to it.
  const moved = present.filter((value) => added.includes(value.toLowerCase()) && value !== current).at(-1);
  return moved ?? present.find((value) => value === current) ?? present[0] ?? null;
}

function tagsOfValue(field: Field, value: Json): string[] {
  if (field.type === 'checkbox') return value === true && field.tag !== null ? [field.tag] : [];
  const held = Array.isArray(value) ? value : [value];
  return tagsOf(field).filter((tag) =>
    held.some((each) => typeof each === 'string' && each.toLowerCase() === tag),
  );
}
