import { blankUser } from './blankUser';
import { ChangeLog } from './changeLog';
import { CustomStatuses } from './customStatuses';
import { ORGANIZATION_FIELDS, SYSTEM_FIELDS, TICKET_FIELDS, type CustomField } from './fields/definitions';
import { FieldRegistry, type Field } from './fields/fieldRegistry';
import { TicketForms } from './forms';
import { GroupMemberships } from './groupMemberships';
import { blankGroup, type Group } from './groups';
import { Identities } from './identities';
import { Memberships } from './memberships';
import type { Audit, Comment, Fields, Organization, Ticket, User } from './model';
import { rulesOf, type Rules } from './rules/switches';
import { isoSeconds, secondsOf } from './text';

export type { Audit, Comment, Fields, Organization, Ticket, User } from './model';

/** An event for webhooks. */
export interface SandboxEvent {
  /** The event type without its prefix, such as `ticket.created`. */
  type: string;
  kind: 'ticket' | 'organization' | 'user';
  record: Fields & { id: number };
  actorId: number | null;
  change: Fields;
  /** The position in the sequence of events of one action. */
  sequence?: { id: string; position: number };
}

/** Additional custom fields. */
export interface MoreFields {
  ticket?: readonly CustomField[];
  organization?: readonly CustomField[];
  user?: readonly CustomField[];
}

/** All data of the Zendesk sandbox, in memory, with indexes. */
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
  readonly groups: Group[];
  readonly groupMemberships: GroupMemberships;
  /** The tickets that name each problem, by the problem's id. */
  private readonly incidents = new Map<number, Set<number>>();
  readonly ticketFields: FieldRegistry;
  readonly organizationFields: FieldRegistry;
  readonly userFields: FieldRegistry;
  readonly customStatuses: CustomStatuses;
  readonly forms: TicketForms;
  readonly memberships: Memberships;
  readonly identities: Identities;
  /** The account's behaviour for each switchable rule. */
  rules: Rules = rulesOf();
  /** Tickets that were deleted for good: the export still lists them, without content. */
  readonly purged = new Set<number>();
  /** The number of writes by resource, including those of loading until a reset. */
  readonly writes = new Map<string, number>();
  onEvent: (event: SandboxEvent) => void = () => undefined;
  /** Called for each change of an existing person. */
  onUser: (user: User, before: User) => void = () => undefined;
  private nextId: number;
  private nextTicketId: number;
  private nextMembershipId = 360500000000;

  constructor(
    private readonly clock: () => number = Date.now,
    readonly baseUrl: () => string = () => '',
    idsAfter = 0,
    fields: MoreFields = {},
  ) {
    const options = { now: () => this.now(), newId: () => this.newId(), baseUrl: this.baseUrl };
    const systemIds = new Set(SYSTEM_FIELDS.map(({ id }) => id));
    this.ticketFields = new FieldRegistry(
      [...SYSTEM_FIELDS, ...TICKET_FIELDS, ...(fields.ticket ?? [])],
      systemIds,
      { ...options, onRemove: (field) => this.forgetTicketField(field) },
    );
    this.organizationFields = new FieldRegistry(
      [...ORGANIZATION_FIELDS, ...(fields.organization ?? [])],
      new Set(),
      { ...options, onRemove: (field) => this.forgetOrganizationField(field) },
    );
    this.userFields = new FieldRegistry(fields.user ?? [], new Set(), {
      ...options,
      keyed: true,
      onRemove: (field) => this.forgetUserField(field),
    });
    this.customStatuses = new CustomStatuses(options);
    this.forms = new TicketForms(options);
    this.memberships = new Memberships(options);
    this.identities = new Identities(options);
    this.groups = [
      { ...blankGroup(360006965034, 'Support', this.baseUrl(), this.now()), default: true },
      blankGroup(360006965035, 'Engineering', this.baseUrl(), this.now()),
    ];
    this.groupMemberships = new GroupMemberships({ ...options, newId: () => (this.nextMembershipId += 1) });
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

  /** Reserves ids up to this one, because loaded comments may belong to tickets that were not loaded. */
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
    const user: User = { ...blankUser(id, this.baseUrl(), this.now()), ...fields, id };
    this.putUser(user);
    return user;
  }

  putUser(user: User, before: User | null = null): void {
    this.count('users');
    if (before) unindex(this.externalIds.user, before);
    user.email = user.email?.toLowerCase() ?? null;
    this.users.set(user.id, user);
    this.join(user, before);
    this.indexEmails(user);
    if (user.active) index(this.externalIds.user, user);
    if (user.organization_id !== null) this.memberships.ensureDefault(user.id, user.organization_id);
    this.userLog.add(user.id, user.id, secondsOf(user.updated_at));
    if (before) this.onUser(user, before);
  }

  /** Indexes a person by each address. If loaded people share an address, it finds the first. */
  private indexEmails({ id, email, active }: User): void {
    const known = this.identities.of(id).some(({ type, value }) => type === 'email' && value === email);
    const first = this.identities.emailsOf(id).length === 0;
    if (email !== null && !known)
      this.identities.make(id, 'email', email, { verified: true, primary: first });
    for (const address of this.identities.emailsOf(id)) {
      const holder = this.userByEmail.get(address);
      if (!active && holder?.id === id) this.userByEmail.delete(address);
      // The record of a known person was replaced.
      else if (active && (!holder || holder.id === id)) {
        const user = this.users.get(id);
        if (user) this.userByEmail.set(address, user);
      }
    }
  }

  /** Rule 56 [D H:4408821536794]: a new agent joins the account's default group; an end user belongs to no group. */
  private join(user: User, before: User | null): void {
    const isAgent = this.isAgent(user.id);
    const own = this.groupMemberships.list({ userId: user.id });
    const wasAgent = before !== null && before.active && before.role !== 'end-user';
    if (!isAgent) for (const { id } of own) this.groupMemberships.remove(id);
    else if (own.length === 0 && !wasAgent) {
      const named = this.groups.find(({ id }) => id === user['default_group_id']);
      const group = named ?? this.groups.find((each) => each['default'] === true);
      if (group) this.groupMemberships.add(user.id, group.id);
    }
    user['default_group_id'] = this.groupMemberships.defaultOf(user.id);
  }

  /** Removes an address from the index. */
  forgetEmail(email: string): void {
    this.userByEmail.delete(email.toLowerCase());
  }

  /** Finds a person by address, or creates an end user. */
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

  /** Stores a ticket with a new `generated_timestamp`, also if `updated_at` does not change. */
  putTicket(ticket: Ticket, before: Ticket | null): void {
    this.count('tickets');
    this.reserveTicketId(ticket.id);
    if (before) unindex(this.externalIds.ticket, before);
    this.tickets.set(ticket.id, ticket);
    if (ticket.status !== 'deleted') index(this.externalIds.ticket, ticket);
    this.indexIncident(ticket, before);
    this.ticketLog.add(ticket.id, ticket.id, ticket.generated_timestamp);
  }

  /** The incidents of a problem that are not deleted. */
  incidentsOf(problemId: number): Ticket[] {
    return [...(this.incidents.get(problemId) ?? [])]
      .flatMap((id) => this.tickets.get(id) ?? [])
      .filter(({ status, type }) => status !== 'deleted' && type === 'incident');
  }

  private indexIncident(ticket: Ticket, before: Ticket | null): void {
    const [old, now] = [before?.['problem_id'], ticket['problem_id']];
    if (typeof old === 'number') this.incidents.get(old)?.delete(ticket.id);
    if (typeof now !== 'number') return;
    this.incidents.set(now, (this.incidents.get(now) ?? new Set<number>()).add(ticket.id));
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

  /** Rule 18: the data of a deleted field is lost; the tags of its options stay (H:4420210121114). */
  private forgetTicketField({ id }: Field): void {
    for (const ticket of this.tickets.values())
      ticket.custom_fields = ticket.custom_fields.filter((field) => field.id !== id);
  }

  private forgetOrganizationField({ key }: Field): void {
    for (const organization of this.organizations.values())
      organization.organization_fields = without(organization.organization_fields, key);
  }

  private forgetUserField({ key }: Field): void {
    for (const user of this.users.values())
      user['user_fields'] = without((user['user_fields'] ?? {}) as Fields, key);
  }

  private count(resource: string): void {
    this.writes.set(resource, (this.writes.get(resource) ?? 0) + 1);
  }
}

const without = (fields: Fields, key: string | null): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([each]) => each !== key));

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
