/** Writes generated data into both systems over their public APIs, like tools of their users. */
import { z } from 'zod';
import { type JsonApi, listZendesk, pmsApi, sleep, zendeskApi, type Access } from 'testkit';
import type { DemoComment, DemoData, DemoOrganization, DemoPerson, DemoTicket } from './demoRecords';

export interface SeedAccess {
  /** Access of an administrator. */
  zendesk: Access;
  pms: Access;
}

/** Ids of the written records, by the keys of the data. */
export interface Seeded {
  zendesk: {
    organizations: Map<string, string>;
    users: Map<string, string>;
    tickets: Map<string, string>;
    comments: number;
  };
  pms: {
    people: Map<string, string>;
    customers: Map<string, string>;
    projects: Map<string, string>;
    notes: string[];
  };
}

export type SeedProgress = (step: string, done: number, total: number) => void;

const BATCH = 100;
const POLL_MS = 200;
const JOB_TIMEOUT_MS = 10 * 60_000;

const jobShape = z.looseObject({
  job_status: z.looseObject({
    id: z.string(),
    status: z.string(),
    message: z.string().nullish(),
    results: z.unknown().optional(),
  }),
});
const jobResultsShape = z.array(
  z.looseObject({
    id: z.number().optional(),
    index: z.number().optional(),
    success: z.boolean().optional(),
    error: z.string().nullish(),
    details: z.unknown().optional(),
  }),
);

type JobResults = z.infer<typeof jobResultsShape>;

function* batches<T>(items: readonly T[]): Generator<T[]> {
  for (let n = 0; n < items.length; n += BATCH) yield items.slice(n, n + BATCH);
}

/** Starts a bulk job and waits for its end. @throws Error that names the first refused item */
async function runJob(
  api: JsonApi,
  method: 'POST' | 'PUT',
  path: string,
  body: unknown,
): Promise<JobResults> {
  const deadline = Date.now() + JOB_TIMEOUT_MS;
  let { job_status: job } = await api.call(method, path, jobShape, body);
  while (job.status === 'queued' || job.status === 'working') {
    if (Date.now() > deadline) throw new Error(`Job ${job.id} (${path}) is still ${job.status}`);
    await sleep(POLL_MS);
    ({ job_status: job } = await api.call('GET', `/job_statuses/${job.id}.json`, jobShape));
  }
  if (job.status !== 'completed') {
    throw new Error(`Job ${job.id} (${path}) ended as ${job.status}: ${job.message ?? 'no message'}`);
  }
  const results = jobResultsShape.parse(job.results ?? []);
  const refused = results.find(({ success, error }) => success === false || Boolean(error));
  if (refused) throw new Error(`${path} refused an item: ${JSON.stringify(refused).slice(0, 300)}`);
  return results;
}

/**
 * Writes the data into both systems at the same time. The systems must be empty, because a second call would create
 * duplicates.
 */
export async function seedBoth(
  access: SeedAccess,
  data: DemoData,
  onProgress: SeedProgress = () => {},
): Promise<Seeded> {
  const [zendesk, pms] = await Promise.all([
    seedZendesk(access.zendesk, data, onProgress),
    seedPms(access.pms, data, onProgress),
  ]);
  return { zendesk, pms };
}

const named = z.looseObject({ id: z.number(), name: z.string() });
const mailed = z.looseObject({ id: z.number(), email: z.string().nullable() });

/** Writes Zendesk's part only. */
export async function seedZendesk(
  access: Access,
  data: DemoData,
  onProgress: SeedProgress = () => {},
): Promise<Seeded['zendesk']> {
  const api = zendeskApi(access);
  const { organizations, endUsers, tickets } = data.zendesk;
  const createAll = creatorIn(api, onProgress);

  await createAll(
    'organizations',
    'organizations',
    '/organizations/create_many.json',
    organizations,
    zendeskOrganization,
  );
  const idByName = new Map(
    (await listZendesk(api, '/organizations.json', 'organizations', named)).map(({ id, name }) => [name, id]),
  );
  const organizationId = (key: string | null): number | null => {
    const organization = organizations.find((each) => each.key === key);
    return organization ? (idByName.get(organization.name) ?? null) : null;
  };

  await createAll(
    'people',
    'users',
    '/users/create_or_update_many.json',
    [...data.agents, ...endUsers],
    (person) => zendeskUser(person, organizationId(person.organization)),
  );
  const userByEmail = new Map(
    (await listZendesk(api, '/users.json', 'users', mailed)).map(({ id, email }) => [
      email?.toLowerCase(),
      id,
    ]),
  );
  const userId = (email: string | null): number | null =>
    email === null ? null : (userByEmail.get(email.toLowerCase()) ?? null);

  const created = await createAll('tickets', 'tickets', '/tickets/create_many.json', tickets, (ticket) =>
    zendeskTicket(ticket, userId, organizationId),
  );
  const ids = new Map(created.map(({ id, index }) => [index, id]));
  const ticketId = (n: number): number => {
    const id = ids.get(n);
    if (id === undefined) throw new Error(`Zendesk's answer does not name ticket ${n}`);
    return id;
  };

  const total = await addComments(api, tickets, { ticketId, userId, onProgress });

  return {
    organizations: new Map(organizations.map(({ key }) => [key, String(organizationId(key))])),
    users: new Map([...data.agents, ...endUsers].map(({ email }) => [email, String(userId(email))])),
    tickets: new Map(tickets.map(({ key }, n) => [key, String(ticketId(n))])),
    comments: total,
  };
}

/** Creates all items of a list in bulk jobs. @returns the jobs' results, in the order of the items */
function creatorIn(api: ReturnType<typeof zendeskApi>, onProgress: SeedProgress) {
  return async <T>(
    step: string,
    envelope: string,
    path: string,
    items: readonly T[],
    toBody: (item: T) => Record<string, unknown>,
  ): Promise<JobResults> => {
    const all: JobResults = [];
    for (const batch of batches(items)) {
      const results = await runJob(api, 'POST', path, { [envelope]: batch.map(toBody) });
      all.push(...results.map((result, n) => ({ ...result, index: all.length + (result.index ?? n) })));
      onProgress(`Zendesk: ${step}`, all.length, items.length);
    }
    return all;
  };
}

/** Writes comments, round by round, and closes tickets at the end. @returns the number of comments */
async function addComments(
  api: ReturnType<typeof zendeskApi>,
  tickets: readonly DemoTicket[],
  {
    ticketId,
    userId,
    onProgress,
  }: {
    ticketId: (n: number) => number;
    userId: (email: string | null) => number | null;
    onProgress: SeedProgress;
  },
): Promise<number> {
  let done = 0;
  const total = tickets.reduce((sum, { comments }) => sum + comments.length, 0);
  for (const round of commentRounds(tickets)) {
    for (const batch of batches(round)) {
      await runJob(api, 'PUT', '/tickets/update_many.json', {
        tickets: batch.map(({ n, comment, last }) => ({
          id: ticketId(n),
          comment: { body: comment.body, public: comment.public, author_id: userId(comment.author) },
          // A customer's answer may reopen a ticket, so its status is set again at the end.
          ...(last ? { status: openStatus(tickets[n]) } : {}),
        })),
      });
      done += batch.length;
      onProgress('Zendesk: comments', done, total);
    }
  }
  const closed = tickets.flatMap(({ status }, n) =>
    status === 'closed' ? [{ id: ticketId(n), status }] : [],
  );
  for (const batch of batches(closed))
    await runJob(api, 'PUT', '/tickets/update_many.json', { tickets: batch });
  return total;
}

function zendeskOrganization(each: DemoOrganization): Record<string, unknown> {
  return {
    name: each.name,
    domain_names: each.domains,
    details: each.details,
    notes: each.notes,
    tags: each.tags,
    shared_tickets: each.sharedTickets,
    shared_comments: each.sharedComments,
  };
}

function zendeskUser(
  { name, email, role }: DemoPerson,
  organizationId: number | null,
): Record<string, unknown> {
  return {
    name,
    email,
    role,
    verified: true,
    ...(organizationId === null ? {} : { organization_id: organizationId }),
  };
}

function zendeskTicket(
  ticket: DemoTicket,
  userId: (email: string | null) => number | null,
  organizationId: (key: string | null) => number | null,
): Record<string, unknown> {
  return {
    subject: ticket.subject,
    comment: { body: ticket.description, author_id: userId(ticket.requester) },
    requester_id: userId(ticket.requester),
    submitter_id: userId(ticket.requester),
    assignee_id: userId(ticket.assignee),
    organization_id: organizationId(ticket.organization),
    status: ticket.status === 'closed' ? 'solved' : ticket.status,
    priority: ticket.priority,
    type: ticket.type,
    due_at: ticket.dueAt,
    tags: ticket.tags,
  };
}

/** The status of a ticket before it is closed, because a closed ticket allows no other updates. */
function openStatus(ticket: DemoTicket | undefined): string | undefined {
  return ticket?.status === 'closed' ? 'solved' : ticket?.status;
}

interface RoundComment {
  /** Index of the ticket. */
  n: number;
  comment: DemoComment;
  last: boolean;
}

/** First comments of all tickets, then second ones and so on, so that each ticket's comments are in order. */
function commentRounds(tickets: readonly DemoTicket[]): RoundComment[][] {
  const rounds: RoundComment[][] = [];
  tickets.forEach(({ comments }, n) => {
    comments.forEach((comment, k) => {
      (rounds[k] ??= []).push({ n, comment, last: k === comments.length - 1 });
    });
  });
  return rounds;
}

const bulkShape = z.looseObject({
  results: z.array(
    z.looseObject({
      status: z.number(),
      body: z.looseObject({ id: z.string() }).optional(),
      error: z.unknown().optional(),
    }),
  ),
});

/** Writes the PMS's part only. */
export async function seedPms(
  access: Access,
  data: DemoData,
  onProgress: SeedProgress = () => {},
): Promise<Seeded['pms']> {
  const api = pmsApi(access);
  const { customers, projects, notes } = data.pms;
  const createAll = async (
    step: string,
    collection: string,
    bodies: readonly Record<string, unknown>[],
  ): Promise<string[]> => {
    const ids: string[] = [];
    for (const batch of batches(bodies)) {
      const operations = batch.map((body) => ({ op: 'create', body }));
      const { results } = await api.call('POST', `/${collection}/bulk`, bulkShape, { operations });
      for (const { body, error } of results) {
        if (!body)
          throw new Error(`/${collection}/bulk refused an item: ${JSON.stringify(error).slice(0, 300)}`);
        ids.push(body.id);
      }
      onProgress(`PMS: ${step}`, ids.length, bodies.length);
    }
    return ids;
  };

  const people = await addPeople(api, data);
  const personId = (email: string | null): string | null =>
    email === null ? null : (people.get(email) ?? null);

  const customerIds = await createAll(
    'customers',
    'customers',
    customers.map(({ key: _, ...body }) => body),
  );
  const customerId = new Map(customers.map(({ key }, n) => [key, customerIds[n] ?? '']));
  const projectIds = await createAll(
    'projects',
    'projects',
    projects.map(({ key: _, customer, requester, assignee, ...body }) => ({
      ...body,
      customerId: customer === null ? null : (customerId.get(customer) ?? null),
      requesterId: personId(requester),
      assigneeId: personId(assignee),
    })),
  );
  const projectId = new Map(projects.map(({ key }, n) => [key, projectIds[n] ?? '']));
  const noteIds = await createAll(
    'notes',
    'notes',
    notes.map(({ project, body, visibility, author }) => ({
      projectId: projectId.get(project) ?? '',
      body,
      visibility,
      authorId: personId(author),
    })),
  );
  return { people, customers: customerId, projects: projectId, notes: noteIds };
}

/** Creates all agents, and the people that projects and notes name. @returns their ids by e-mail address */
async function addPeople(api: ReturnType<typeof pmsApi>, data: DemoData): Promise<Map<string, string>> {
  const { projects, notes } = data.pms;
  const person = z.looseObject({ id: z.string(), email: z.string() });
  const people = new Map<string, string>();
  const known = [...data.agents, ...data.zendesk.endUsers].map(({ email, name, role }) => ({
    email,
    name,
    role: role === 'agent' ? 'member' : 'client',
  }));
  const named = new Set([
    ...projects.flatMap((each) => [each.requester, each.assignee]),
    ...notes.map((note) => note.author),
    ...data.agents.map((agent) => agent.email),
  ]);
  for (const each of known.filter(({ email }) => named.has(email)))
    people.set(each.email, (await api.call('POST', '/people', person, each)).id);
  return people;
}
