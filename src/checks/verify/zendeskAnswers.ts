import { z } from 'zod';

/** Schemas of the parts of Zendesk's answers that the checks read. */

const raw = z.looseObject({ id: z.number() });
export type Raw = z.output<typeof raw>;
const user = z.looseObject({ id: z.number(), name: z.string(), email: z.string().nullish() });
export type User = z.output<typeof user>;
const file = z.looseObject({ id: z.number(), file_name: z.string(), size: z.number().nullish() });
const comment = z.looseObject({
  id: z.number(),
  body: z.string().nullish(),
  html_body: z.string().nullish(),
  public: z.boolean(),
  author_id: z.number().nullish(),
  created_at: z.string(),
  attachments: z.array(file).default([]),
});
export type Comment = z.output<typeof comment>;
const audit = z.looseObject({
  id: z.number(),
  metadata: z.looseObject({ custom: z.record(z.string(), z.unknown()).nullish() }).nullish(),
  events: z.array(z.looseObject({ id: z.number().nullish(), type: z.string().nullish() })),
});
export type Audit = z.output<typeof audit>;
const options = { custom_field_options: z.array(z.looseObject({ value: z.string() })).nullish() };
export const answers = {
  ticketFields: z.looseObject({ ticket_fields: z.array(z.looseObject({ id: z.number(), ...options })) }),
  organizationFields: z.looseObject({
    organization_fields: z.array(z.looseObject({ key: z.string(), ...options })),
  }),
  ticket: z.looseObject({ ticket: raw, audit: audit.nullish() }),
  tickets: z.looseObject({ tickets: z.array(raw) }),
  organization: z.looseObject({ organization: raw }),
  organizations: z.looseObject({ organizations: z.array(raw) }),
  users: z.looseObject({ users: z.array(user) }),
  user: z.looseObject({ user }),
  groups: z.looseObject({ groups: z.array(z.looseObject({ id: z.number(), name: z.string() })) }),
  comments: z.looseObject({ comments: z.array(comment) }),
  audits: z.looseObject({ audits: z.array(audit) }),
  upload: z.looseObject({ upload: z.looseObject({ token: z.string() }) }),
};
export type File = z.output<typeof file>;
