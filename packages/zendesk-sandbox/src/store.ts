import { ChangeLog } from './changeLog';
import { TICKET_FIELDS, ORGANIZATION_FIELDS, type CustomField } from './fields';
import type { Audit, Comment, Fields, Organization, Ticket, User } from './model';
import { isoSeconds, secondsOf } from './text';

export type { Audit, Comment, Fields, Organization, Ticket, User } from './model';

/** What happened, as webhooks are told it. */
export interface SandboxEvent {
  /** As in `zen:event-type:ticket.created`, without what stands before it. */
  type: string;
  kind: 'ticket' | 'organization' | 'user';
  record: Fields & { id: number };
  actorId: number | null;
  change: Fields;
}

/** Custom fields besides those that every sandbox account has. */
export interface MoreFields {
  ticket?: readonly CustomField[];
  organization?: readonly CustomField[];
}

/** Everything that the Zendesk sandbox knows, in memory, with the indexes over it. */
export class Store {
  readonly organizations = new Map<number, Organization>();
  readonly tickets = new Map<number, Ticket>();
  readonly comments = new Map<number, Comment[]>();
  readonly commentById = new Map<number, { ticketId: number; comment: Comment }>();
  readonly audits = new Map<number, Audit[]>();
  readonly users = new Map<number, User>();
  readonly userByEmail = new Map<string, User>();
  readonly organizationByName = new Map<string, number>();
  readonly externalIds = {
    organization: new Map<string, Set<number>>(),
    ticket: new Map<string, Set<number>>(),
    user: new Map<string, Set<number>>(),
  };
  readonly organizationLog = new ChangeLog<number>();
  readonly ticketLog = new ChangeLog<number>();
  readonly userLog = new ChangeLog<number>();
  readonly eventLog = new ChangeLog<Audit>();
  readonly groups = [
    { id: 360006965034, name: 'Support' },
    { id: 360006965035, name: 'Engineering' },
  ];
  readonly ticketFields: readonly CustomField[];
  readonly organizationFields: readonly CustomField[];
  /** Tickets that were deleted for good: the export still names them, their content is gone. */
  readonly purged = new Set<number>();
  /** Writes so far, by resource; those of loading included until somebody resets them. */
  readonly writes = new Map<string, number>();
  onEvent: (event: SandboxEvent) => void = () => undefined;
  /** Told of each change of a person who was known. */
  onUser: (user: User, before: User) => void = () => undefined;
  private nextId: number;
  private nextTicketId: number;

  constructor(
    private readonly clock: () => number = Date.now,
    readonly baseUrl: () => string = () => '',
    idsAfter = 0,
    fields: MoreFields = {},
  ) {
    this.ticketFields = [...TICKET_FIELDS, ...(fields.ticket ?? [])];
    this.organizationFields = [...ORGANIZATION_FIELDS, ...(fields.organization ?? [])];
    this.nextId = 360300000000 + idsAfter;
    this.nextTicketId = 1 + idsAfter;
  }

  newId(): number {
    do this.nextId += 1;
    while (
      this.organizations.has(this.nextId) ||
      this.users.has(this.nextId) ||
      this.commentById.has(this.nextId)
    );
    return this.nextId;
  }

  newTicketId(): number {
    return this.nextTicketId++;
  }

  /** New tickets get ids after this one: loaded comments may belong to a ticket that was not loaded. */
  reserveTicketId(id: number): void {
    this.nextTicketId = Math.max(this.nextTicketId, id + 1);
  }

  /** Unix time in whole seconds. */
  seconds(): number {
    return Math.floor(this.clock() / 1000);
  }

  now(): string {
    return isoSeconds(this.seconds());
  }

  addUser(fields: Partial<User> & { name: string; email: string | null; role: string }): User {
    const id = fields.id ?? this.newId();
    const now = this.now();
    const user: User = {
      url: `${this.baseUrl()}/users/${id}.json`,
      time_zone: 'UTC',
      phone: null,
      locale: 'en-US',
      verified: true,
      suspended: false,
      alias: null,
      notes: null,
      details: null,
      tags: [],
      user_fields: {},
      active: true,
      external_id: null,
      organization_id: null,
      created_at: now,
      updated_at: now,
      ...fields,
      id,
    };
    this.putUser(user);
    return user;
  }

  putUser(user: User, before: User | null = null): void {
    this.count('users');
    if (before) {
      unindex(this.externalIds.user, before);
      if (before.email !== null && this.userByEmail.get(before.email)?.id === user.id)
        this.userByEmail.delete(before.email);
    }
    user.email = user.email?.toLowerCase() ?? null;
    this.users.set(user.id, user);
    if (user.active) {
      // Loaded people may share an address; the first one is found by it.
      if (user.email !== null && !this.userByEmail.has(user.email)) this.userByEmail.set(user.email, user);
      index(this.externalIds.user, user);
    }
    this.userLog.add(user.id, user.id, secondsOf(user.updated_at));
    if (before) this.onUser(user, before);
  }

  /** Finds a person by address, or makes an end user. */
  personOf(email: string, name?: string): User {
    return (
      this.userByEmail.get(email.toLowerCase()) ??
      this.addUser({ email, name: name ?? email, role: 'end-user' })
    );
  }

  isAgent(id: number): boolean {
    const user = this.users.get(id);
    return user !== undefined && user.active && (user.role === 'agent' || user.role === 'admin');
  }

  putOrganization(organization: Organization, before: Organization | null): void {
    this.count('organizations');
    if (before) {
      this.organizationByName.delete(before.name.toLowerCase());
      unindex(this.externalIds.organization, before);
    }
    this.organizations.set(organization.id, organization);
    if (organization.deleted_at === null) {
      this.organizationByName.set(organization.name.toLowerCase(), organization.id);
      index(this.externalIds.organization, organization);
    }
    this.organizationLog.add(organization.id, organization.id, secondsOf(organization.updated_at));
  }

  /** Keeps a ticket as changed at its `generated_timestamp`, which moves even where `updated_at` does not. */
  putTicket(ticket: Ticket, before: Ticket | null): void {
    this.count('tickets');
    this.reserveTicketId(ticket.id);
    if (before) unindex(this.externalIds.ticket, before);
    this.tickets.set(ticket.id, ticket);
    if (ticket.status !== 'deleted') index(this.externalIds.ticket, ticket);
    this.ticketLog.add(ticket.id, ticket.id, ticket.generated_timestamp);
  }

  addAudit(audit: Audit): void {
    push(this.audits, audit.ticket_id, audit);
    this.eventLog.add(null, audit, secondsOf(audit.created_at));
  }

  addComment(ticketId: number, comment: Comment): void {
    this.count('comments');
    this.reserveTicketId(ticketId);
    push(this.comments, ticketId, comment);
    this.commentById.set(comment.id, { ticketId, comment });
  }

  replaceComment(ticketId: number, comment: Comment): void {
    this.count('comments');
    const list = this.comments.get(ticketId) ?? [];
    list.splice(
      list.findIndex(({ id }) => id === comment.id),
      1,
      comment,
    );
    this.commentById.set(comment.id, { ticketId, comment });
  }

  /** Removes a ticket's content for good. */
  forgetContent(ticketId: number): void {
    for (const { id } of this.comments.get(ticketId) ?? []) this.commentById.delete(id);
    this.comments.delete(ticketId);
    this.audits.delete(ticketId);
    this.purged.add(ticketId);
  }

  private count(resource: string): void {
    this.writes.set(resource, (this.writes.get(resource) ?? 0) + 1);
  }
}

function push<T>(map: Map<number, T[]>, key: number, item: T): void {
  const list = map.get(key);
  if (list) list.push(item);
  else map.set(key, [item]);
}

type Indexed = { id: number; external_id: string | null };

/** External ids are compared without regard to case. */
function index(map: Map<string, Set<number>>, { id, external_id: externalId }: Indexed): void {
  if (externalId === null) return;
  const key = externalId.toLowerCase();
  map.set(key, (map.get(key) ?? new Set<number>()).add(id));
}

function unindex(map: Map<string, Set<number>>, { id, external_id: externalId }: Indexed): void {
  if (externalId !== null) map.get(externalId.toLowerCase())?.delete(id);
}
