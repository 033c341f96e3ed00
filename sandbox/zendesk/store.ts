/**
 * Everything that the Zendesk sandbox knows, in memory, with the rules that concern more than one resource.
 * Times have one-second resolution, as Zendesk's have.
 */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Fields = Record<string, unknown>;

export interface Organization extends Fields {
  id: number;
  name: string;
  external_id: string | null;
  domain_names: string[];
  tags: string[];
  created_at: string;
  updated_at: string;
  deleted_at: string | null;
  organization_fields: Fields;
}

export interface Ticket extends Fields {
  id: number;
  subject: string | null;
  description: string | null;
  status: string;
  external_id: string | null;
  organization_id: number | null;
  requester_id: number | null;
  assignee_id: number | null;
  tags: string[];
  custom_fields: { id: number; value: Json }[];
  created_at: string;
  updated_at: string;
  generated_timestamp: number;
}

export interface Comment extends Fields {
  id: number;
  type: 'Comment';
  author_id: number | null;
  body: string;
  html_body: string;
  plain_body: string;
  public: boolean;
  attachments: Fields[];
  audit_id: number;
  created_at: string;
}

export interface Audit extends Fields {
  id: number;
  ticket_id: number;
  created_at: string;
  author_id: number | null;
  metadata: { system: Fields; custom: Fields };
  events: Fields[];
}

export interface User extends Fields {
  id: number;
  name: string;
  email: string | null;
  role: string;
  active: boolean;
  updated_at: string;
}

export interface TicketField {
  id: number;
  type: string;
  title: string;
  key: string | null;
  options: string[];
}

/** An answer that is not a success: status and body as Zendesk words it. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly body: Fields,
    readonly headers: Record<string, string> = {},
  ) {
    super(`answered ${status}`);
  }
}

export const notFound = () => new Refusal(404, { error: 'RecordNotFound', description: 'Not found' });

/** 422 as in https://developer.zendesk.com/api-reference/introduction/requests/#422-unprocessable-entity */
export function invalid(field: string, description: string, error: string): Refusal {
  return new Refusal(422, {
    error: 'RecordInvalid',
    description: 'Record validation errors',
    details: { [field]: [{ description, error }] },
  });
}

/** Entries in the order of their last change; an older entry of the same record is skipped when read. */
export class ChangeLog<T> {
  private readonly entries: { time: number; seq: number; item: T }[] = [];
  private readonly latest = new Map<number, number>();
  private seq = 0;

  /** @param id of the record that changed; null for entries that stand for themselves */
  add(id: number | null, item: T, time: number): void {
    this.seq += 1;
    // Loaded records come with times of their own; the log stays in their order.
    let at = this.entries.length;
    while (at > 0 && (this.entries[at - 1]?.time ?? 0) > time) at -= 1;
    this.entries.splice(at, 0, { time, seq: this.seq, item });
    if (id !== null) this.latest.set(id, this.seq);
  }

  /** Entries after a position, or from a time on, oldest first. */
  read(
    from: { time: number; seq: number } | { time: number },
    limit: number,
    idOf: (item: T) => number | null,
  ) {
    const after = 'seq' in from ? from.seq : -1;
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = this.entries[middle];
      if (entry && (entry.time < from.time || (entry.time === from.time && entry.seq <= after)))
        low = middle + 1;
      else high = middle;
    }
    const found: { time: number; seq: number; item: T }[] = [];
    let at = low;
    for (; at < this.entries.length && found.length < limit; at += 1) {
      const entry = this.entries[at];
      if (!entry) break;
      const id = idOf(entry.item);
      if (id === null || this.latest.get(id) === entry.seq) found.push(entry);
    }
    return { found, more: at < this.entries.length };
  }
}

export class Store {
  readonly organizations = new Map<number, Organization>();
  readonly tickets = new Map<number, Ticket>();
  readonly comments = new Map<number, Comment[]>();
  readonly audits = new Map<number, Audit[]>();
  readonly users = new Map<number, User>();
  readonly userByEmail = new Map<string, User>();
  readonly organizationByName = new Map<string, number>();
  readonly externalIds = {
    organization: new Map<string, Set<number>>(),
    ticket: new Map<string, Set<number>>(),
  };
  readonly organizationLog = new ChangeLog<number>();
  readonly ticketLog = new ChangeLog<number>();
  readonly eventLog = new ChangeLog<Audit>();
  readonly groups = [{ id: 360006965034, name: 'Support' }];
  readonly ticketFields: TicketField[] = [
    { id: 360100000001, type: 'text', title: 'Order number', key: null, options: [] },
    { id: 360100000002, type: 'tagger', title: 'Severity', key: null, options: ['s1', 's2', 's3', 's4'] },
    { id: 360100000003, type: 'integer', title: 'Affected users', key: null, options: [] },
    { id: 360100000004, type: 'decimal', title: 'Effort', key: null, options: [] },
    { id: 360100000005, type: 'date', title: 'Release date', key: null, options: [] },
    { id: 360100000006, type: 'checkbox', title: 'Escalated', key: null, options: [] },
  ];
  readonly organizationFields: TicketField[] = [
    { id: 360200000001, type: 'text', title: 'Plan', key: 'plan', options: [] },
    { id: 360200000002, type: 'dropdown', title: 'Region', key: 'region', options: ['emea', 'amer', 'apac'] },
    { id: 360200000003, type: 'checkbox', title: 'VIP', key: 'vip', options: [] },
    { id: 360200000004, type: 'date', title: 'Contract end', key: 'contract_end', options: [] },
    { id: 360200000005, type: 'decimal', title: 'Annual revenue', key: 'annual_revenue', options: [] },
  ];
  onEvent: (type: string, subject: string, detail: Fields) => void = () => undefined;
  private nextId = 360300000000;
  private nextTicketId = 1;

  constructor(private readonly clock: () => number) {}

  newId(): number {
    return (this.nextId += 1);
  }

  newTicketId(): number {
    while (this.tickets.has(this.nextTicketId)) this.nextTicketId += 1;
    return this.nextTicketId++;
  }

  /** Unix time in whole seconds. */
  seconds(): number {
    return Math.floor(this.clock() / 1000);
  }

  now(): string {
    return isoSeconds(this.seconds());
  }

  addUser(fields: { name: string; email: string | null; role: string } & Fields): User {
    const now = this.now();
    const user: User = {
      id: this.newId(),
      active: true,
      created_at: now,
      updated_at: now,
      organization_id: null,
      verified: true,
      ...fields,
    };
    if (typeof user.email === 'string') {
      user.email = user.email.toLowerCase();
      if (!this.userByEmail.has(user.email)) this.userByEmail.set(user.email, user);
    }
    this.users.set(user.id, user);
    return user;
  }

  /** Finds a person by address, or makes an end user. */
  personOf(email: string, name?: string): User {
    return (
      this.userByEmail.get(email.toLowerCase()) ??
      this.addUser({ email, name: name ?? email, role: 'end-user' })
    );
  }

  isAgent(id: number): boolean {
    const role = this.users.get(id)?.role;
    return role === 'agent' || role === 'admin';
  }

  putOrganization(organization: Organization, before: Organization | null): void {
    if (before) {
      this.organizationByName.delete(before.name.toLowerCase());
      unindex(this.externalIds.organization, before);
    }
    this.organizations.set(organization.id, organization);
    if (organization.deleted_at === null) {
      this.organizationByName.set(organization.name.toLowerCase(), organization.id);
      index(this.externalIds.organization, organization);
    }
    this.organizationLog.add(organization.id, organization.id, Date.parse(organization.updated_at) / 1000);
  }

  /** Keeps a ticket as changed now; `generated` moves even where `updated_at` does not. */
  putTicket(ticket: Ticket, before: Ticket | null): void {
    if (before) unindex(this.externalIds.ticket, before);
    this.tickets.set(ticket.id, ticket);
    if (ticket.status !== 'deleted') index(this.externalIds.ticket, ticket);
    this.ticketLog.add(ticket.id, ticket.id, ticket.generated_timestamp);
  }

  addAudit(audit: Audit): void {
    const list = this.audits.get(audit.ticket_id) ?? [];
    this.audits.set(audit.ticket_id, [...list, audit]);
    this.eventLog.add(null, audit, Date.parse(audit.created_at) / 1000);
  }
}

export function isoSeconds(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** Zendesk's tags: lower-case, no spaces, each once. */
export function normaliseTags(tags: readonly string[]): string[] {
  return [
    ...new Set(
      tags
        .flatMap((tag) =>
          tag
            .toLowerCase()
            .trim()
            .split(/[\s,]+/),
        )
        .filter((tag) => tag !== ''),
    ),
  ].sort();
}

export function escapeHtml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

function index(map: Map<string, Set<number>>, record: { id: number; external_id: string | null }): void {
  if (record.external_id === null) return;
  map.set(record.external_id, (map.get(record.external_id) ?? new Set<number>()).add(record.id));
}

function unindex(map: Map<string, Set<number>>, record: { id: number; external_id: string | null }): void {
  if (record.external_id !== null) map.get(record.external_id)?.delete(record.id);
}
