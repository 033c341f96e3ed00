import editDistance from 'damerau-levenshtein';
import { z } from 'zod';

/** What a schema found wrong with a file, in words: what was expected, and the name that was probably meant. */

/** Of the values' types, as people who write YAML know them. */
const TYPES: Record<string, string> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'fields, as in "name: value"',
  record: 'fields, as in "name: value"',
  string: 'text',
};

/** A slip of the fingers changes one or two characters; more than a third of a word is another word. */
const MOST_SLIPS = 2;
const SLIPS_PER_LENGTH = 1 / 3;

/**
 * `expected a list`: what the schema wanted where it found something else.
 * @param found the value there @param schema of the whole file, to name the fields of what is missing
 */
export function expectedBy(issue: z.core.$ZodIssue, found: unknown, schema: z.ZodType): string {
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'invalid_union' && issue.message === 'Invalid input') {
    const each = issue.errors.flatMap(([first]) => (first ? [expectedBy(first, found, schema)] : []));
    return each.length === 0 ? 'expected another value' : [...new Set(each)].join(', or ');
  }
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input: ')) {
    const fields = issue.expected === 'object' ? fieldsAt(schema, issue.path, isNeeded) : [];
    if (fields.length > 0) return `expected fields such as ${fields.join(', ')}`;
    const quote = issue.expected === 'string' && ['number', 'boolean'].includes(typeof found);
    return `expected ${TYPES[issue.expected] ?? issue.expected}${quote ? `; quote it: "${String(found)}"` : ''}`;
  }
  if (issue.code === 'too_small' && issue.message.startsWith('Too small: ')) {
    const least = Number(issue.minimum);
    if (issue.origin === 'string')
      return `expected text of at least ${least} character${least === 1 ? '' : 's'}`;
    if (issue.origin === 'array') return `expected a list of at least ${least}`;
  }
  return issue.message;
}

/** The names of the fields that a schema has at a place; none where a choice decides them. */
export function fieldsAt(
  schema: z.ZodType,
  path: readonly PropertyKey[],
  which: (field: unknown) => boolean = () => true,
): string[] {
  let at = bare(schema);
  for (const step of path) {
    if (at instanceof z.ZodObject) at = bare(at.shape[String(step)]);
    else if (at instanceof z.ZodArray) at = bare(at.element);
    else if (at instanceof z.ZodRecord) at = bare(at.valueType);
    else return [];
  }
  if (!(at instanceof z.ZodObject)) return [];
  return Object.entries(at.shape).flatMap(([name, field]) => (which(field) ? [name] : []));
}

const isNeeded = (field: unknown) => !(field instanceof z.ZodOptional || field instanceof z.ZodDefault);

function bare(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable)
    return bare(schema.unwrap());
  if (schema instanceof z.ZodPipe) return bare(schema.out instanceof z.ZodTransform ? schema.in : schema.out);
  return schema;
}

/** `; did you mean "direction"?`, or nothing where no name is near. */
export function meant(word: string, names: readonly string[]): string {
  const near = nearest(word, names);
  return near === null ? '' : `; did you mean "${near}"?`;
}

/** The name that differs from a word by one or two slips, or by its case alone; null where none does. */
export function nearest(word: string, names: readonly string[]): string | null {
  const most = Math.min(MOST_SLIPS, Math.floor(word.length * SLIPS_PER_LENGTH));
  const ranked = names
    .map((name) => ({ name, slips: slipsBetween(word.toLowerCase(), name.toLowerCase()) }))
    .filter((each) => each.slips <= most)
    .sort((a, b) => a.slips - b.slips);
  return ranked[0]?.name ?? null;
}

/** Characters added, left out, changed, or swapped with their neighbour. */
function slipsBetween(a: string, b: string): number {
  return editDistance(a, b).steps;
}
