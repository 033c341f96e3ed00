import {
  inParallel,
  listPms,
  listZendesk,
  pmsApi,
  readComments,
  zendeskApi,
  type Access,
  type CommentWithAudit,
  type JsonApi,
} from 'testkit';
import { z } from 'zod';

/** All records of both systems, as their public APIs return them, for the checker. */

const PARALLEL_READS = 6;
const IDS_PER_CALL = 100;

// The parts of the APIs' answers that the comparison needs. Unknown fields are allowed.

const zendeskId = z.union([z.number(), z.string()]).transform(String);
const zendeskIdOrNull = z
  .union([z.number(), z.string(), z.null()])
  .transform((id) => (id === null ? null : String(id)));
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const list = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const nullable = z
  .string()
  .nullish()
  .transform((value) => value ?? null);

const zendeskUser = z.object({ id: zendeskId, email: nullable, name: text, role: text });
const zendeskGroup = z.object({ id: zendeskId, name: text });
const zendeskField = z.object({
  tag: nullable,
  custom_field_options: z.array(z.object({ value: z.string() })).nullish(),
});
const zendeskOrganization = z.object({
  id: zendeskId,
  name: text,
  domain_names: list,
  details: text,
  notes: text,
  tags: list,
  shared_tickets: flag,
  shared_comments: flag,
  external_id: nullable,
});
const zendeskTicket = z.object({
  id: zendeskId,
  url: text,
  subject: text,
  description: text,
  status: text,
  priority: nullable,
  type: nullable,
  organization_id: zendeskIdOrNull.optional().transform((id) => id ?? null),
  requester_id: zendeskIdOrNull.optional().transform((id) => id ?? null),
  assignee_id: zendeskIdOrNull.optional().transform((id) => id ?? null),
  group_id: zendeskIdOrNull.optional().transform((id) => id ?? null),
  due_at: nullable,
  tags: list,
  created_at: nullable,
  via: z.object({ channel: z.unknown() }).nullish(),
  external_id: nullable,
});
const pmsPerson = z.object({ id: z.string(), email: nullable, name: text });
const pmsCustomer = z.object({
  id: z.string(),
  name: text,
  domains: list,
  description: text,
  notes: text,
  tags: list,
  sharedProjects: flag,
  sharedNotes: flag,
  externalRef: nullable,
});
const pmsProject = z.object({
  id: z.string(),
  title: text,
  description: text,
  status: text,
  priority: nullable,
  type: nullable,
  customerId: nullable,
  requesterId: nullable,
  assigneeId: nullable,
  dueDate: nullable,
  visibility: text,
  tags: list,
  channel: nullable,
  group: nullable,
  sourceUrl: nullable,
  requestedBy: nullable,
  openedAt: nullable,
  externalRef: nullable,
});
const pmsNote = z.object({
  id: z.string(),
  projectId: z.string(),
  body: text,
  visibility: text,
  authorId: nullable,
  authorName: nullable,
  occurredAt: nullable,
  createdAt: text,
  externalRef: nullable,
});

type ZendeskUser = z.infer<typeof zendeskUser>;
export type ZendeskTicket = z.infer<typeof zendeskTicket>;
type PmsPerson = z.infer<typeof pmsPerson>;
export type PmsProject = z.infer<typeof pmsProject>;
export type PmsNote = z.infer<typeof pmsNote>;

export interface ZendeskWorld {
  users: Map<string, ZendeskUser>;
  groups: Map<string, string>;
  organizations: z.infer<typeof zendeskOrganization>[];
  tickets: ZendeskTicket[];
  comments: CommentWithAudit[];
  /** Tags that belong to fields: the options of drop-downs and multi-selects, and those of checkboxes. */
  fieldTags: ReadonlySet<string>;
}

export interface PmsWorld {
  people: Map<string, PmsPerson>;
  customers: z.infer<typeof pmsCustomer>[];
  projects: z.infer<typeof pmsProject>[];
  notes: z.infer<typeof pmsNote>[];
}

/** https://support.zendesk.com/hc/en-us/articles/4408881943194 */
function tagsOfField({ tag, custom_field_options: options }: z.infer<typeof zendeskField>): string[] {
  return [...(options ?? []).map(({ value }) => value), ...(tag ? [tag] : [])];
}

export async function readZendesk(access: Access): Promise<ZendeskWorld> {
  const api = zendeskApi(access);
  const listed = await listZendesk(api, '/users.json', 'users', zendeskUser);
  const groups = await listZendesk(api, '/groups.json', 'groups', zendeskGroup);
  const organizations = await listZendesk(api, '/organizations.json', 'organizations', zendeskOrganization);
  const fields = await listZendesk(api, '/ticket_fields.json', 'ticket_fields', zendeskField);
  const all = await listZendesk(api, '/tickets.json', 'tickets', zendeskTicket);
  const tickets = all.filter(({ status }) => status !== 'deleted');
  const comments = await inParallel(tickets, PARALLEL_READS, ({ id }) => readComments(api, id));
  const users = new Map(listed.map((user) => [user.id, user]));
  // The list has active people only; deactivated people stay on their records.
  const named = [
    ...tickets.flatMap(({ requester_id: requester, assignee_id: assignee }) => [requester, assignee]),
    ...comments.flat().map(({ author_id: author }) => author),
  ];
  for (const user of await usersOf(api, named, users)) users.set(user.id, user);
  return {
    users,
    groups: new Map(groups.map(({ id, name }) => [id, name])),
    organizations,
    tickets,
    comments: comments.flat(),
    fieldTags: new Set(fields.flatMap(tagsOfField)),
  };
}

/** https://developer.zendesk.com/api-reference/ticketing/users/users/#show-many-users */
async function usersOf(
  api: JsonApi,
  named: readonly (string | null)[],
  known: ReadonlyMap<string, ZendeskUser>,
): Promise<ZendeskUser[]> {
  const unknown = [...new Set(named)].filter((id) => id !== null && Number(id) > 0 && !known.has(id));
  const found: ZendeskUser[] = [];
  for (let n = 0; n < unknown.length; n += IDS_PER_CALL) {
    const path = `/users/show_many.json?ids=${unknown.slice(n, n + IDS_PER_CALL).join(',')}`;
    found.push(...(await api.call('GET', path, z.looseObject({ users: z.array(zendeskUser) }))).users);
  }
  return found;
}

export async function readPms(access: Access): Promise<PmsWorld> {
  const api = pmsApi(access);
  const people = await listPms(api, '/people', pmsPerson);
  return {
    people: new Map(people.map((person) => [person.id, person])),
    customers: await listPms(api, '/customers', pmsCustomer),
    projects: await listPms(api, '/projects', pmsProject),
    notes: await listPms(api, '/notes', pmsNote),
  };
}
