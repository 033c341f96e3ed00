/**
 * What people do on both sides while the sync runs: each edit goes through the public API of the system in
 * which it is made, as that person, and says how to see on the other side that it arrived.
 */
import { z } from 'zod';
import { ApiError, JsonApi, listPms, listZendesk, pmsApi, readComments, zendeskApi } from './checker';

export interface Edit {
  title: string;
  where: 'zendesk' | 'pms' | 'both';
  /** Makes the edit. */
  act(): Promise<void>;
  /** Looks once at the other side. @returns what shows that the edit is there, or null if it is not yet. */
  arrived(): Promise<string | null>;
}

export interface PeopleOptions {
  /** `bearer`: an agent's own token; `admin`: who may write organizations, which agents may not. */
  zendesk: { url: string; bearer: (email: string) => string; admin: string };
  pms: { url: string; token: string };
  /** People who work in both systems. At least two. */
  agents: { email: string; name: string }[];
  /** Whether the PMS tells that a note was edited; where it does not, nobody waits for that. */
  tellsNoteEdits: boolean;
}

const MAX_PRECONDITION_TRIES = 8;
const CREATED = z.looseObject({});

const nullableText = z.string().nullable();
const ticketShape = z.looseObject({
  id: z.number(),
  subject: nullableText,
  status: z.string(),
  priority: nullableText,
  type: nullableText,
  due_at: nullableText,
  tags: z.array(z.string()),
  organization_id: z.number().nullable(),
  requester_id: z.number().nullable(),
  assignee_id: z.number().nullable(),
  external_id: nullableText,
});
const organizationShape = z.looseObject({
  id: z.number(),
  name: z.string(),
  details: nullableText,
  external_id: nullableText,
});
const userShape = z.looseObject({ id: z.number(), email: nullableText, name: z.string() });
const projectShape = z.looseObject({
  id: z.string(),
  title: z.string(),
  status: z.string(),
  priority: nullableText,
  customerId: nullableText,
  assigneeId: nullableText,
  dueDate: nullableText,
  tags: z.array(z.string()),
  externalRef: nullableText,
});
const customerShape = z.looseObject({
  id: z.string(),
  name: z.string(),
  description: nullableText,
  externalRef: nullableText,
});
const noteShape = z.looseObject({
  id: z.string(),
  projectId: z.string(),
  body: z.string(),
  visibility: z.string(),
  externalRef: nullableText,
});
const personShape = z.looseObject({ id: z.string(), email: nullableText });

type Ticket = z.infer<typeof ticketShape>;
type Project = z.infer<typeof projectShape>;

interface Pair {
  ticket: Ticket;
  project: Project;
}

interface CompanyPair {
  organizationId: number;
  customerId: string;
}

/** The public APIs as the people of the script use them. */
class Office {
  private readonly pmsTokens = new Map<string, Promise<JsonApi>>();
  private readonly reader: JsonApi;
  private readonly pmsReader: JsonApi;

  constructor(readonly options: PeopleOptions) {
    this.reader = this.zendesk(0);
    this.pmsReader = pmsApi(options.pms);
  }

  agent(n: number): { email: string; name: string } {
    const { agents } = this.options;
    const agent = agents[n % agents.length];
    if (!agent) throw new Error('The script needs people: give it agents');
    return agent;
  }

  zendesk(n: number): JsonApi {
    return this.zendeskAs(this.agent(n).email);
  }

  zendeskAdmin(): JsonApi {
    return this.zendeskAs(this.options.zendesk.admin);
  }

  private zendeskAs(email: string): JsonApi {
    const { url, bearer } = this.options.zendesk;
    return zendeskApi({ url, token: bearer(email) });
  }

  pms(n: number): Promise<JsonApi> {
    const { email, name } = this.agent(n);
    const known = this.pmsTokens.get(email);
    if (known) return known;
    const { url, token } = this.options.pms;
    const made = new JsonApi(url.replace(/\/+$/, ''), `Bearer ${token}`)
      .call('POST', '/_sandbox/tokens', z.looseObject({ token: z.string() }), { email, name })
      .then((answer) => pmsApi({ url, token: answer.token }));
    this.pmsTokens.set(email, made);
    return made;
  }

  async ticket(id: number): Promise<Ticket> {
    return (await this.reader.call('GET', `/tickets/${id}.json`, z.object({ ticket: ticketShape }))).ticket;
  }

  async editTicket(n: number, id: number, change: Record<string, unknown>): Promise<void> {
    await this.zendesk(n).call('PUT', `/tickets/${id}.json`, CREATED, { ticket: change });
  }

  async project(id: string): Promise<Project> {
    return this.pmsReader.call('GET', `/projects/${id}`, projectShape);
  }

  /** Changes a PMS record as a person at a form would: on what is shown now, again if somebody was faster. */
  async editPms(n: number, path: string, change: Record<string, unknown>): Promise<void> {
    const api = await this.pms(n);
    for (let attempt = 1; ; attempt++) {
      const { etag } = await api.exchange('GET', path, CREATED);
      try {
        await api.exchange('PATCH', path, CREATED, change, etag === null ? {} : { 'if-match': etag });
        return;
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 412 || attempt >= MAX_PRECONDITION_TRIES)
          throw error;
      }
    }
  }

  comments(ticketId: number): ReturnType<typeof readComments> {
    return readComments(this.reader, String(ticketId));
  }

  notes(projectId: string): Promise<z.infer<typeof noteShape>[]> {
    return listPms(this.pmsReader, `/notes?projectId=${projectId}`, noteShape);
  }

  async customer(id: string): Promise<z.infer<typeof customerShape>> {
    return this.pmsReader.call('GET', `/customers/${id}`, customerShape);
  }

  async organization(id: number): Promise<z.infer<typeof organizationShape>> {
    const shape = z.object({ organization: organizationShape });
    return (await this.reader.call('GET', `/organizations/${id}.json`, shape)).organization;
  }

  async user(id: number | null): Promise<z.infer<typeof userShape> | null> {
    if (id === null) return null;
    return (await this.reader.call('GET', `/users/${id}.json`, z.object({ user: userShape }))).user;
  }

  tickets(): Promise<Ticket[]> {
    return listZendesk(this.reader, '/tickets.json', 'tickets', ticketShape);
  }

  organizations(): Promise<z.infer<typeof organizationShape>[]> {
    return listZendesk(this.reader, '/organizations.json', 'organizations', organizationShape);
  }

  users(): Promise<z.infer<typeof userShape>[]> {
    return listZendesk(this.reader, '/users.json', 'users', userShape);
  }

  projects(): Promise<Project[]> {
    return listPms(this.pmsReader, '/projects', projectShape);
  }

  customers(): Promise<z.infer<typeof customerShape>[]> {
    return listPms(this.pmsReader, '/customers', customerShape);
  }

  people(): Promise<z.infer<typeof personShape>[]> {
    return listPms(this.pmsReader, '/people', personShape);
  }

  allNotes(): Promise<z.infer<typeof noteShape>[]> {
    return listPms(this.pmsReader, '/notes', noteShape);
  }

  /** A PMS record by the Zendesk record that it stands for. */
  async byExternalRef<T>(collection: string, ref: string, shape: z.ZodType<T>): Promise<T | null> {
    const [found] = await listPms(
      this.pmsReader,
      `/${collection}?externalRef=${encodeURIComponent(ref)}`,
      shape,
    );
    return found ?? null;
  }

  async ticketByExternalId(ref: string): Promise<Ticket | null> {
    const shape = z.looseObject({ tickets: z.array(ticketShape) });
    const path = `/tickets.json?external_id=${encodeURIComponent(ref)}`;
    return (await this.reader.call('GET', path, shape)).tickets[0] ?? null;
  }

  async organizationByExternalId(ref: string): Promise<z.infer<typeof organizationShape> | null> {
    const shape = z.looseObject({ organizations: z.array(organizationShape) });
    const path = `/organizations/search.json?external_id=${encodeURIComponent(ref)}`;
    return (await this.reader.call('GET', path, shape)).organizations[0] ?? null;
  }
}

/** Hands out pairs, each to one edit only, so that edits do not get in each other's way. */
class Choice {
  private readonly used = new Set<number>();

  constructor(private readonly pairs: Pair[]) {}

  take(what: string, suits: (pair: Pair) => boolean = () => true): Pair {
    const found = this.pairs.find((pair) => !this.used.has(pair.ticket.id) && suits(pair));
    if (!found) throw new Error(`No linked ticket is left for "${what}": sync more data first`);
    this.used.add(found.ticket.id);
    return found;
  }
}

/**
 * Chooses linked records and writes the script for them. Call it when the first sync is through. A `marker`
 * makes the texts unlike those of an earlier run on the same data.
 */
export async function scriptEdits(options: PeopleOptions, marker = '1'): Promise<Edit[]> {
  const office = new Office(options);
  const [tickets, projects, organizations, customers, users, people, notes] = await Promise.all([
    office.tickets(),
    office.projects(),
    office.organizations(),
    office.customers(),
    office.users(),
    office.people(),
    office.allNotes(),
  ]);
  const pairs = join(tickets, projects, 'ticket', 'project').map(([ticket, project]) => ({
    ticket,
    project,
  }));
  const companies: CompanyPair[] = join(organizations, customers, 'organization', 'customer').map(
    ([organization, customer]) => ({ organizationId: organization.id, customerId: customer.id }),
  );
  const live = pairs.filter(({ ticket: { status } }) => ['open', 'pending', 'hold', 'new'].includes(status));
  const choice = new Choice(live);
  const pairOf = new Map(pairs.map((pair) => [pair.project.id, pair]));

  const company = (n: number): CompanyPair => {
    const found = companies[n];
    if (!found) throw new Error('Too few linked organizations for the script: sync more data first');
    return found;
  };
  const noteOnLivePair = notes
    .map((note) => ({ note, pair: pairOf.get(note.projectId) }))
    .find(
      ({ note, pair }) => note.externalRef?.startsWith('zendesk:comment:') && pair && live.includes(pair),
    );
  if (!noteOnLivePair?.pair) throw new Error('No linked comment for the script: sync more data first');
  const edited = { note: noteOnLivePair.note, pair: noteOnLivePair.pair };
  choice.take('edited note', (pair) => pair === edited.pair);

  // The pickiest choices first.
  const dated = choice.take('due date removed', ({ ticket }) => ticket.due_at !== null);
  const moved = choice.take('ticket moved', ({ ticket }) => ticket.organization_id !== null);
  const target = companies.find(({ organizationId }) => organizationId !== moved.ticket.organization_id);
  const started = choice.take(
    'status',
    ({ ticket }) => ticket.status === 'open' && ticket.assignee_id !== null,
  );
  const assigned = choice.take(
    'assignee',
    ({ ticket }) => ticket.status !== 'new' && ticket.assignee_id !== null,
  );
  const [retitled, shared, disputed, answered, noted] = [
    'subject and priority',
    'different properties',
    'conflict',
    'public comment',
    'internal note',
  ].map((what) => choice.take(what)) as [Pair, Pair, Pair, Pair, Pair];
  const renamed = company(0);
  const described = company(1);
  if (!target) throw new Error('The script needs a second linked organization: sync more data first');

  return [
    subjectAndPriority(office, retitled, marker),
    assignee(office, assigned, users, people),
    status(office, started),
    differentProperties(office, shared, marker),
    publicComment(office, answered, marker),
    internalNote(office, noted, marker),
    organizationRenamed(office, renamed, marker),
    customerDescribed(office, described, marker),
    newOrganizationWithTicket(office, marker),
    newCustomerWithProject(office, marker, people),
    dueDateRemoved(office, dated),
    conflictingTitles(office, disputed, marker),
    ...(options.tellsNoteEdits ? [editedNote(office, edited.note, edited.pair, marker)] : []),
    ticketMoved(office, moved, target),
  ];
}

/** One small edit after another, on either side in turn: what a person's edit takes to arrive. */
export async function quickEdits(options: PeopleOptions, count: number, marker = '1'): Promise<Edit[]> {
  const office = new Office(options);
  const pairs = join(await office.tickets(), await office.projects(), 'ticket', 'project').filter(
    ([{ status }]) => status !== 'closed',
  );
  if (pairs.length === 0) throw new Error('No linked ticket for quick edits: sync more data first');
  return Array.from({ length: count }, (_, n): Edit => {
    const [ticket, project] = pairs[n % pairs.length] as [Ticket, Project];
    const text = `Retitled in passing, no. ${n + 1} (${marker})`;
    return n % 2 === 0
      ? {
          title: `ticket ${ticket.id} retitled`,
          where: 'zendesk',
          act: () => office.editTicket(n, ticket.id, { subject: text }),
          arrived: async () => ((await office.project(project.id)).title === text ? text : null),
        }
      : {
          title: `project ${project.id} retitled`,
          where: 'pms',
          act: () => office.editPms(n, `/projects/${project.id}`, { title: text }),
          arrived: async () => ((await office.ticket(ticket.id)).subject === text ? text : null),
        };
  });
}

/** Joins two lists by the back-reference that either record carries. */
function join<
  Z extends { id: number; external_id: string | null },
  P extends { id: string; externalRef: string | null },
>(zendesk: Z[], pms: P[], zendeskKind: string, pmsKind: string): [Z, P][] {
  const byId = new Map(pms.map((each) => [`pms:${pmsKind}:${each.id}`, each]));
  const byRef = new Map(pms.map((each) => [each.externalRef, each]));
  return zendesk.flatMap((each): [Z, P][] => {
    const other = byId.get(each.external_id ?? '') ?? byRef.get(`zendesk:${zendeskKind}:${each.id}`);
    return other ? [[each, other]] : [];
  });
}

function subjectAndPriority(office: Office, { ticket, project }: Pair, marker: string): Edit {
  const subject = `Printer on floor 3 is offline – please hurry (${marker})`;
  const [priority, expected] = ticket.priority === 'urgent' ? ['low', 'low'] : ['urgent', 'critical'];
  return {
    title: `ticket ${ticket.id}: new subject, priority ${priority}`,
    where: 'zendesk',
    act: () => office.editTicket(1, ticket.id, { subject, priority }),
    arrived: async () => {
      const now = await office.project(project.id);
      const there = now.title === subject && now.priority === expected;
      return there ? `${project.id}: "${now.title}", priority ${now.priority}` : null;
    },
  };
}

function assignee(
  office: Office,
  { ticket, project }: Pair,
  users: z.infer<typeof userShape>[],
  people: z.infer<typeof personShape>[],
): Edit {
  const now = users.find(({ id }) => id === ticket.assignee_id)?.email?.toLowerCase();
  const chosen = office.options.agents.find(({ email }) => email.toLowerCase() !== now) ?? office.agent(0);
  const same = (email: string | null | undefined): boolean =>
    email?.toLowerCase() === chosen.email.toLowerCase();
  return {
    title: `project ${project.id}: assigned to ${chosen.name}`,
    where: 'pms',
    act: async () => {
      const person = people.find(({ email }) => same(email));
      if (!person) throw new Error(`${chosen.email} is unknown in the PMS`);
      await office.editPms(2, `/projects/${project.id}`, { assigneeId: person.id });
    },
    arrived: async () => {
      const user = await office.user((await office.ticket(ticket.id)).assignee_id);
      return user && same(user.email) ? `ticket ${ticket.id} is assigned to ${user.name}` : null;
    },
  };
}

function status(office: Office, { ticket, project }: Pair): Edit {
  return {
    title: `project ${project.id}: status waiting`,
    where: 'pms',
    act: () => office.editPms(3, `/projects/${project.id}`, { status: 'waiting' }),
    arrived: async () => {
      const now = await office.ticket(ticket.id);
      return now.status === 'pending' ? `ticket ${ticket.id} is pending` : null;
    },
  };
}

function differentProperties(office: Office, { ticket, project }: Pair, marker: string): Edit {
  const tag = `escalated_${marker}`.toLowerCase();
  const [priority, expected] = project.priority === 'critical' ? ['low', 'low'] : ['critical', 'urgent'];
  return {
    title: `ticket ${ticket.id} gets a tag while ${project.id} becomes ${priority}: neither is lost`,
    where: 'both',
    act: async () => {
      await Promise.all([
        office.editTicket(1, ticket.id, { tags: [...ticket.tags, tag] }),
        office.editPms(4, `/projects/${project.id}`, { priority }),
      ]);
    },
    arrived: async () => {
      const [left, right] = await Promise.all([office.ticket(ticket.id), office.project(project.id)]);
      const tags = left.tags.includes(tag) && right.tags.includes(tag);
      const priorities = left.priority === expected && right.priority === priority;
      return tags && priorities ? `both sides: tag ${tag}, priority ${expected}/${priority}` : null;
    },
  };
}

function publicComment(office: Office, { ticket, project }: Pair, marker: string): Edit {
  const body = `We have sent a technician, she arrives at 14:00 🚐 (${marker})`;
  return {
    title: `ticket ${ticket.id}: public comment`,
    where: 'zendesk',
    act: () => office.editTicket(5, ticket.id, { comment: { body, public: true } }),
    arrived: async () => {
      const note = (await office.notes(project.id)).find((each) => each.body === body);
      return note?.visibility === 'public' ? `${note.id} on ${project.id}, public` : null;
    },
  };
}

function internalNote(office: Office, { ticket, project }: Pair, marker: string): Edit {
  const body = `Spare part ordered, do not promise a date yet. (${marker})`;
  return {
    title: `project ${project.id}: internal note`,
    where: 'pms',
    act: async () => {
      const api = await office.pms(0);
      await api.call('POST', '/notes', CREATED, { projectId: project.id, body, visibility: 'internal' });
    },
    arrived: async () => {
      const comment = (await office.comments(ticket.id)).find((each) => each.body.trim() === body);
      return comment && !comment.public ? `comment ${comment.id} on ticket ${ticket.id}, internal` : null;
    },
  };
}

function organizationRenamed(
  office: Office,
  { organizationId, customerId }: CompanyPair,
  marker: string,
): Edit {
  const name = `Halcyon Freight Group ${marker}`;
  return {
    title: `organization ${organizationId} renamed "${name}"`,
    where: 'zendesk',
    act: async () => {
      await office
        .zendeskAdmin()
        .call('PUT', `/organizations/${organizationId}.json`, CREATED, { organization: { name } });
    },
    arrived: async () => {
      const customer = await office.customer(customerId);
      return customer.name === name ? `${customerId} is called "${customer.name}"` : null;
    },
  };
}

function customerDescribed(
  office: Office,
  { organizationId, customerId }: CompanyPair,
  marker: string,
): Edit {
  const description = `New contract signed.\nSteering committee every second Tuesday. (${marker})`;
  return {
    title: `customer ${customerId}: new description`,
    where: 'pms',
    act: () => office.editPms(2, `/customers/${customerId}`, { description }),
    arrived: async () => {
      const { details } = await office.organization(organizationId);
      const there = details?.replace(/\r\n/g, '\n').trimEnd() === description;
      return there ? `organization ${organizationId} shows it in its details` : null;
    },
  };
}

function newOrganizationWithTicket(office: Office, marker: string): Edit {
  const name = `Solstice Observatory ${marker}`;
  const domain = `solstice-${marker}.example`.toLowerCase();
  let made: { organization: number; ticket: number } | null = null;
  return {
    title: `new organization "${name}" with its first ticket`,
    where: 'zendesk',
    act: async () => {
      const api = office.zendeskAdmin();
      const { organization } = await api.call(
        'POST',
        '/organizations.json',
        z.object({ organization: organizationShape }),
        { organization: { name, domain_names: [domain], tags: ['new_customer'] } },
      );
      const { user } = await api.call('POST', '/users/create_or_update.json', z.object({ user: userShape }), {
        user: {
          name: 'Ida Nováková',
          email: `ida@${domain}`,
          role: 'end-user',
          organization_id: organization.id,
        },
      });
      const { ticket } = await api.call('POST', '/tickets.json', z.object({ ticket: ticketShape }), {
        ticket: {
          subject: `Dome control does not answer (${marker})`,
          comment: { body: 'Since the storm the dome control answers "offline".\nWe observe again tonight!' },
          requester_id: user.id,
          organization_id: organization.id,
          type: 'incident',
          priority: 'high',
        },
      });
      made = { organization: organization.id, ticket: ticket.id };
    },
    arrived: async () => {
      if (!made) return null;
      const project = await office.byExternalRef('projects', `zendesk:ticket:${made.ticket}`, projectShape);
      if (!project?.customerId) return null;
      const customer = await office.customer(project.customerId);
      const there =
        customer.name === name && customer.externalRef === `zendesk:organization:${made.organization}`;
      return there ? `${project.id} of ${customer.id} "${customer.name}"` : null;
    },
  };
}

function newCustomerWithProject(office: Office, marker: string, people: z.infer<typeof personShape>[]): Edit {
  const name = `Aurora Ferries ${marker}`;
  let made: { customer: string; project: string } | null = null;
  return {
    title: `new customer "${name}" with its first project`,
    where: 'pms',
    act: async () => {
      const api = await office.pms(4);
      const requester = people.find(
        ({ email }) => email?.toLowerCase() === office.agent(4).email.toLowerCase(),
      );
      const customer = await api.call('POST', '/customers', customerShape, {
        name,
        domains: [`aurora-${marker}.example`.toLowerCase()],
        description: 'Won at the fair.',
      });
      const project = await api.call('POST', '/projects', projectShape, {
        title: `Equip the ferry terminal (${marker})`,
        description: 'Twelve counters, two of them outdoors.',
        customerId: customer.id,
        status: 'in_progress',
        priority: 'medium',
        requesterId: requester?.id ?? null,
      });
      made = { customer: customer.id, project: project.id };
    },
    arrived: async () => {
      if (!made) return null;
      const ticket = await office.ticketByExternalId(`pms:project:${made.project}`);
      const organization = await office.organizationByExternalId(`pms:customer:${made.customer}`);
      const there = ticket && organization?.name === name && ticket.organization_id === organization.id;
      return there ? `ticket ${ticket.id} of organization ${organization.id} "${organization.name}"` : null;
    },
  };
}

function dueDateRemoved(office: Office, { ticket, project }: Pair): Edit {
  return {
    title: `ticket ${ticket.id}: due date removed`,
    where: 'zendesk',
    act: () => office.editTicket(2, ticket.id, { due_at: null }),
    arrived: async () => {
      const now = await office.project(project.id);
      return now.dueDate === null ? `${project.id} has no due date any more` : null;
    },
  };
}

function conflictingTitles(office: Office, { ticket, project }: Pair, marker: string): Edit {
  const titles = [
    `Scanner drops every tenth parcel (${marker})`,
    `Scanner: replace firmware first (${marker})`,
  ] as const;
  return {
    title: `ticket ${ticket.id} and ${project.id} get different titles at once: one wins on both sides`,
    where: 'both',
    act: async () => {
      await Promise.all([
        office.editTicket(3, ticket.id, { subject: titles[0] }),
        office.editPms(5, `/projects/${project.id}`, { title: titles[1] }),
      ]);
    },
    arrived: async () => {
      const [left, right] = await Promise.all([office.ticket(ticket.id), office.project(project.id)]);
      const agreed = left.subject === right.title && titles.some((title) => title === right.title);
      return agreed ? `both say "${right.title}"` : null;
    },
  };
}

function editedNote(
  office: Office,
  note: z.infer<typeof noteShape>,
  { ticket, project }: Pair,
  marker: string,
): Edit {
  const body = `Corrected: the meter reads 4711, not 4117. (${marker})`;
  return {
    title: `note ${note.id} on ${project.id} edited: Zendesk gets a follow-up`,
    where: 'pms',
    act: () => office.editPms(1, `/notes/${note.id}`, { body }),
    arrived: async () => {
      const comment = (await office.comments(ticket.id)).find(
        (each) => each.followUp && each.body.includes(body),
      );
      return comment ? `follow-up ${comment.id} on ticket ${ticket.id}` : null;
    },
  };
}

function ticketMoved(office: Office, { ticket, project }: Pair, target: CompanyPair): Edit {
  return {
    title: `ticket ${ticket.id} moved to organization ${target.organizationId}`,
    where: 'zendesk',
    act: () => office.editTicket(4, ticket.id, { organization_id: target.organizationId }),
    arrived: async () => {
      const now = await office.project(project.id);
      return now.customerId === target.customerId ? `${project.id} belongs to ${target.customerId}` : null;
    },
  };
}
