import { z } from 'zod';
import { DATA_TYPES } from '../../sync/mapping';

/** The PMS's answers (docs/pms-openapi.yaml), as far as the sync reads them. */

const base = {
  id: z.string(),
  revision: z.number().int(),
  createdAt: z.string(),
  updatedAt: z.string(),
  archivedAt: z.string().nullable(),
  externalRef: z.string().nullable(),
};
const text = z.string().nullable();
const customFields = z.record(z.string(), z.json());

export const attachmentSchema = z.looseObject({
  id: z.string(),
  fileName: z.string(),
  contentType: z.string(),
  size: z.number().int(),
});
/** A PMS that keeps no files says nothing of them. */
const attachments = z.array(attachmentSchema).default([]);

export const customerSchema = z.looseObject({
  ...base,
  name: z.string(),
  domains: z.array(z.string()),
  description: text,
  notes: text,
  tags: z.array(z.string()),
  sharedProjects: z.boolean(),
  sharedNotes: z.boolean(),
  customFields,
});

export const projectSchema = z.looseObject({
  ...base,
  title: z.string(),
  description: text,
  status: z.string(),
  priority: text,
  type: text,
  customerId: text,
  parentId: text,
  requesterId: text,
  assigneeId: text,
  dueDate: text,
  tags: z.array(z.string()),
  visibility: z.string(),
  channel: text,
  group: text,
  sourceUrl: text,
  customFields,
  attachments,
});

export const noteSchema = z.looseObject({
  ...base,
  projectId: z.string(),
  body: z.string(),
  visibility: z.string(),
  authorId: text,
  authorName: text,
  occurredAt: text,
  redacted: z.boolean(),
  attachments,
});

export const RECORD_SCHEMAS = { customer: customerSchema, project: projectSchema, note: noteSchema };
export type PmsKind = keyof typeof RECORD_SCHEMAS;

export const personSchema = z.looseObject({ id: z.string(), email: z.string(), name: z.string() });
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.looseObject({ items: z.array(item), nextCursor: text });
export const fieldsSchema = z.looseObject({
  items: z.array(
    z.looseObject({
      kind: z.string(),
      key: z.string(),
      title: z.string(),
      // A newer PMS may have types that no mapping can carry yet.
      type: z.enum(DATA_TYPES).nullable().catch(null),
      options: z.array(z.string()).optional(),
    }),
  ),
});

export const changesSchema = z.looseObject({
  items: z.array(
    z.looseObject({
      seq: z.number(),
      at: z.string(),
      kind: z.enum(['customer', 'project', 'note']),
      id: z.string(),
      op: z.string(),
      record: z.unknown(),
    }),
  ),
  nextCursor: z.string(),
  hasMore: z.boolean(),
});

export const bulkSchema = z.looseObject({
  results: z.array(
    z.looseObject({ status: z.number().int(), body: z.unknown().optional(), error: z.unknown().optional() }),
  ),
});

export type ChangesPage = z.output<typeof changesSchema>;

export const errorSchema = z.looseObject({
  error: z.looseObject({ code: z.string(), message: z.string(), field: text.optional() }),
});
