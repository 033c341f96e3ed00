import { z } from 'zod';
import { datetime, type Kind } from './model';

/** A custom field, which an administrator added to customers or projects. */
export interface FieldDefinition {
  kind: 'customer' | 'project';
  key: string;
  title: string;
  type: 'string' | 'text' | 'integer' | 'decimal' | 'boolean' | 'date' | 'datetime' | 'enum' | 'string[]';
  options?: string[];
}

export const FIELDS: readonly FieldDefinition[] = [
  { kind: 'customer', key: 'region', title: 'Region', type: 'enum', options: ['emea', 'amer', 'apac'] },
  { kind: 'customer', key: 'contractEnd', title: 'Contract end', type: 'date' },
  { kind: 'customer', key: 'plan', title: 'Plan', type: 'string' },
  { kind: 'customer', key: 'vip', title: 'VIP', type: 'boolean' },
  { kind: 'customer', key: 'annualRevenue', title: 'Annual revenue', type: 'decimal' },
  { kind: 'project', key: 'severity', title: 'Severity', type: 'enum', options: ['s1', 's2', 's3', 's4'] },
  { kind: 'project', key: 'product', title: 'Product', type: 'string' },
  { kind: 'project', key: 'effortHours', title: 'Effort (hours)', type: 'decimal' },
  { kind: 'project', key: 'escalated', title: 'Escalated', type: 'boolean' },
  { kind: 'project', key: 'releaseDate', title: 'Release date', type: 'date' },
  { kind: 'project', key: 'affectedUsers', title: 'Affected users', type: 'integer' },
  { kind: 'project', key: 'components', title: 'Components', type: 'string[]' },
  { kind: 'project', key: 'satisfaction', title: 'Satisfaction', type: 'string' },
];

const TYPES: Record<FieldDefinition['type'], z.ZodType> = {
  string: z.string(),
  text: z.string(),
  integer: z.int(),
  decimal: z.number(),
  boolean: z.boolean(),
  date: z.iso.date(),
  datetime,
  enum: z.string(),
  'string[]': z.array(z.string()),
};

/** @returns the fault of a custom field's value; null if it is valid. A null value removes the field. */
export function customFieldFault(
  fields: readonly FieldDefinition[],
  kind: Kind,
  key: string,
  value: unknown,
): string | null {
  const field = fields.find((each) => each.kind === kind && each.key === key);
  if (!field) return 'unknown field';
  if (value === null) return null;
  const fits =
    TYPES[field.type].safeParse(value).success &&
    (field.options === undefined || field.options.includes(value as string));
  const expected = field.options?.join(', ') ?? field.type;
  return fits ? null : `found ${JSON.stringify(value)}, expected ${expected}`;
}
