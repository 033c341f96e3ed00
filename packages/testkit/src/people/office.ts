import { z } from 'zod';
import { readComments } from '../comments';
import { ApiError, listPms, listZendesk, pmsApi, zendeskApi, type JsonApi } from '../jsonApi';
import { controlsOf } from '../sandboxControls';

export interface PeopleOptions {
  /** `bearer`: returns an agent's token; `admin`: the address of an administrator, who may write organizations. */
  zendesk: { url: string; bearer: (email: string) => string; admin: string };
  pms: { url: string; token: string };
  /** People who work in both systems. At least two. */
  agents: { email: string; name: string }[];
  /** Whether the PMS reports edits of notes. If not, the script does not wait for such an edit. */
  reportsNoteEdits: boolean;
}

const MAX_PRECONDITION_TRIES = 8;
export const CREATED = z.looseObject({});

const nullableText = z.string().nullable();
export const ticketShape = z.looseObject({
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
export const organizationShape = z.looseObject({
  id: z.number(),
  name: z.string(),
  details: nullableText,
  external_id: nullableText,
});
export const userShape = z.looseObject({ id: z.number(), email: nullableText, name: z.string() });
export const projectShape = z.looseObject({
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
export const customerShape = z.looseObject({
  id: z.string(),
  name: z.string(),
  description: nullableText,
  externalRef: nullableText,
});
export const noteShape = z.looseObject({
  id: z.string(),
  projectId: z.string(),
  body: z.string(),
  visibility: z.string(),
  externalRef: nullableText,
});
export const personShape = z.looseObject({ id: z.string(), email: nullableText });

export type Ticket = z.infer<typeof ticketShape>;
export type Project = z.infer<typeof projectShape>;
export type User = z.infer<typeof userShape>;
export type Note = z.infer<typeof noteShape>;
export type Person = z.infer<typeof personShape>;

/** The calls of the script's people to the public APIs. */
export class Office {
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
    const { url } = this.options.pms;
    const made = controlsOf({ url: url.replace(/\/+$/, '') })
      .tokenOf({ email, name })
      .then((token) => pmsApi({ url, token }));
    this.pmsTokens.set(email, made);
    return made;
  }

  async ticket(id: number): Promise<Ticket> {
    return (await this.reader.call('GET', `/tickets/${id}.json`, z.object({ ticket: ticketShape }))).ticket;
  }

  async editTicket(n: number, id: number, change: Record<string, unknown>): Promise<void> {
    await this.zendesk(n).call('PUT', `/tickets/${id}.json`, CREATED, { ticket: change });
  }

  /** Makes a person a member of an organization, because a ticket's organization must be one of the requester's. */
  async join(userId: number | null, organizationId: number): Promise<void> {
    const path = `/users/${userId}/organization_memberships.json`;
    const shape = z.looseObject({
      organization_memberships: z.array(z.looseObject({ organization_id: z.number() })),
    });
    const { organization_memberships: own } = await this.zendeskAdmin().call('GET', path, shape);
    if (own.some((each) => each.organization_id === organizationId)) return;
    const membership = { user_id: userId, organization_id: organizationId };
    await this.zendeskAdmin().call('POST', '/organization_memberships.json', CREATED, {
      organization_membership: membership,
    });
  }

  async project(id: string): Promise<Project> {
    return this.pmsReader.call('GET', `/projects/${id}`, projectShape);
  }

  /** Changes the present version of a PMS record, and repeats the change if another edit was faster. */
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

  /** Finds a PMS record by its Zendesk counterpart. */
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
