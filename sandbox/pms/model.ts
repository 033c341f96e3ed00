import { z } from 'zod';

/** The PMS's records, and what may be written to them. See docs/pms-openapi.yaml. */

export type Kind = 'customer' | 'project' | 'note';
export const KINDS = { customers: 'customer', projects: 'project', notes: 'note' } as const satisfies Record<
  string,
  Kind
>;
export type Collection = keyof typeof KINDS;

const text = z.string().nullable();
const time = z.iso.datetime({ offset: true }).nullable();
const strings = z.array(z.string());
const reference = z.string().max(200).nullable();
const customFields = z.record(z.string(), z.json());

export const bodies = {
  customer: z.strictObject({
    name: z.string().trim().min(1).max(255),
    domains: strings,
    description: text,
    notes: text,
    tags: strings,
    sharedProjects: z.boolean(),
    sharedNotes: z.boolean(),
    customFields,
    externalRef: reference,
  }),
  project: z.strictObject({
    title: z.string().trim().min(1).max(255),
    description: text,
    status: z.enum(['new', 'in_progress', 'waiting', 'on_hold', 'done', 'closed']),
    priority: z.enum(['low', 'medium', 'high', 'critical']).nullable(),
    type: z.enum(['question', 'incident', 'problem', 'task']).nullable(),
    customerId: text,
    parentId: text,
    requesterId: text,
    assigneeId: text,
    dueDate: time,
    tags: strings,
    visibility: z.enum(['public', 'internal']),
    channel: text,
    group: text,
    sourceUrl: text,
    customFields,
    externalRef: reference,
  }),
  note: z.strictObject({
    projectId: z.string(),
    body: z.string().max(131_072),
    visibility: z.enum(['public', 'internal']),
    authorId: text,
    authorName: text,
    occurredAt: time,
    externalRef: reference,
  }),
};

/** What a new record has where nothing is said. */
export const DEFAULTS = {
  customer: {
    domains: [],
    description: null,
    notes: null,
    tags: [],
    sharedProjects: false,
    sharedNotes: false,
    customFields: {},
    externalRef: null,
  },
  project: {
    description: null,
    status: 'new',
    priority: null,
    type: null,
    customerId: null,
    parentId: null,
    requesterId: null,
    assigneeId: null,
    dueDate: null,
    tags: [],
    visibility: 'public',
    channel: null,
    group: null,
    sourceUrl: null,
    customFields: {},
    externalRef: null,
  },
  note: { visibility: 'internal', authorId: null, authorName: null, occurredAt: null, externalRef: null },
} as const;

/** Fields that point to another record. */
export const REFERENCES: Record<Kind, Record<string, Kind | 'person'>> = {
  customer: {},
  project: { customerId: 'customer', parentId: 'project', requesterId: 'person', assigneeId: 'person' },
  note: { projectId: 'project', authorId: 'person' },
};

export type Fields = Record<string, unknown>;

export interface PmsRecord extends Fields {
  id: string;
  revision: number;
  createdAt: string;
  updatedAt: string;
  archivedAt: string | null;
  externalRef: string | null;
}

export const personBody = z.strictObject({
  email: z.email().toLowerCase(),
  name: z.string().min(1),
  role: z.enum(['member', 'client']).default('member'),
});

export interface Person extends z.output<typeof personBody> {
  id: string;
  active: boolean;
}

export type Operation = 'created' | 'updated' | 'archived' | 'unarchived' | 'deleted' | 'redacted';

export interface Change {
  seq: number;
  at: string;
  kind: Kind;
  id: string;
  op: Operation;
  revision: number;
  actorId: string;
  record: PmsRecord | null;
}

export interface FieldDefinition {
  kind: 'customer' | 'project';
  key: string;
  title: string;
  type: 'string' | 'text' | 'integer' | 'decimal' | 'boolean' | 'date' | 'datetime' | 'enum' | 'string[]';
  options?: string[];
}

export const FIELDS: FieldDefinition[] = [
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
];

/** @returns what is wrong with a custom field's value; null where nothing is. */
export function customFieldFault(kind: Kind, key: string, value: unknown): string | null {
  const field = FIELDS.find((each) => each.kind === kind && each.key === key);
  if (!field) return `unknown field "${key}"`;
  if (value === null) return null;
  const fits: Record<FieldDefinition['type'], boolean> = {
    string: typeof value === 'string',
    text: typeof value === 'string',
    integer: Number.isInteger(value),
    decimal: typeof value === 'number',
    boolean: typeof value === 'boolean',
    date: typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value),
    datetime: typeof value === 'string' && !Number.isNaN(Date.parse(value)),
    enum: typeof value === 'string' && (field.options ?? []).includes(value),
    'string[]': Array.isArray(value) && value.every((item) => typeof item === 'string'),
  };
  return fits[field.type]
    ? null
    : `found ${JSON.stringify(value)}, expected ${field.options?.join(', ') ?? field.type}`;
}
