import { z } from 'zod';

/** The PMS's records, and their writable fields. See docs/pms-openapi.yaml. */

export type Kind = 'customer' | 'project' | 'note';
export const KINDS = { customers: 'customer', projects: 'project', notes: 'note' } as const satisfies Record<
  string,
  Kind
>;
export type Collection = keyof typeof KINDS;

export const NOTE_LIMIT_BYTES = 128 * 1024;

const text = z.string().nullable();
/** RFC 3339 requires seconds; zod does not. */
export const datetime = z.iso.datetime({ offset: true }).regex(/T\d\d:\d\d:\d\d/, 'expected seconds');
const time = datetime.nullable();
const strings = z.array(z.string());
const reference = z.string().min(1).max(200).nullable();
const title = z.string().trim().min(1).max(255);
const customFields = z.record(z.string(), z.json());

/** The writable fields; the PMS sets all others. */
export const bodies = {
  customer: z.strictObject({
    name: title,
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
    title,
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
    requestedBy: text,
    openedAt: time,
    customFields,
    externalRef: reference,
  }),
  note: z.strictObject({
    projectId: z.string(),
    body: z
      .string()
      .refine((body) => Buffer.byteLength(body) <= NOTE_LIMIT_BYTES, `longer than ${NOTE_LIMIT_BYTES} bytes`),
    visibility: z.enum(['public', 'internal']),
    authorId: text,
    authorName: text,
    occurredAt: time,
    externalRef: reference,
  }),
};

/** The default values of a new record. */
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
    requestedBy: null,
    openedAt: null,
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

export interface Attachment {
  id: string;
  fileName: string;
  contentType: string;
  size: number;
  url: string;
}

/** The kinds of records that can have files. */
export type FileHolder = 'note' | 'project';

export interface StoredFile {
  attachment: Attachment;
  content: Buffer;
  kind: FileHolder;
  holderId: string;
}

export const personBody = z.strictObject({
  email: z.email().toLowerCase(),
  name: z.string().trim().min(1).max(255),
  role: z.enum(['member', 'client']).optional(),
  active: z.boolean().optional(),
});

export interface Person {
  id: string;
  email: string;
  name: string;
  role: 'member' | 'client';
  active: boolean;
}

export const OPERATIONS = ['created', 'updated', 'archived', 'unarchived', 'deleted', 'redacted'] as const;
export type Operation = (typeof OPERATIONS)[number];

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

export function etag(record: PmsRecord): string {
  return `"r${record.revision}"`;
}

/** The number of a `P-1001`-like id; numbers are given in the order of creation. */
export function numberOf(id: string): number {
  return Number(id.slice(id.indexOf('-') + 1));
}

export function byId(a: { id: string }, b: { id: string }): number {
  return numberOf(a.id) - numberOf(b.id);
}
