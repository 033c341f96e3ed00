import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { Comments } from './tickets/comments';
import { VIA_API, omit, type Comment, type Fields, type Ticket } from './model';
import { blankOrganization } from './organizations';
import type { Store } from './store';
import { isoSeconds, normaliseTags, secondsOf } from './text';
import { blankTicket } from './tickets/blankTicket';

type Row = Record<string, string>;
type Raw = Fields & { id: number };
const rowsSchema = z.array(z.record(z.string(), z.string()));
const recordsSchema = z.array(z.looseObject({ id: z.number() }));

export interface Loaded {
  organizations: number;
  tickets: number;
  comments: number;
  users: number;
  /** The rows that could not be loaded, with the reason. */
  skipped: string[];
}

/**
 * Loads records as exported: `organizations.json`, `tickets.json`, `comments.json`, `users.json` in the live API's
 * shape (a list, or a list in its envelope), and the `*_data.csv` tables. Ids are kept; parents may be missing.
 */
export function loadZendeskData(store: Store, dir: string): Promise<Loaded>;
/** @deprecated the store is enough */
export function loadZendeskData(store: Store, tickets: unknown, dir: string): Promise<Loaded>;
export async function loadZendeskData(store: Store, ...rest: unknown[]): Promise<Loaded> {
  const dir = String(rest.at(-1));
  const skipped: string[] = [];
  const users = [...csv(dir, 'user_data').map(userOf), ...json(dir, 'users')];
  for (const user of users) store.addUser({ name: '', email: null, role: 'end-user', ...user });
  const organizations = loadOrganizations(store, dir, skipped);
  const { tickets, comments } = loadTickets(store, dir, skipped);
  return { organizations, tickets, comments, users: users.length, skipped };
}

function loadOrganizations(store: Store, dir: string, skipped: string[]): number {
  const tags = grouped(csv(dir, 'organization_tag_data'), 'organization_id', 'tag');
  const domains = grouped(csv(dir, 'domain_name_data'), 'organization_id', 'domain_name');
  const rows = csv(dir, 'organization_data').map((row) => organizationOf(row, tags, domains));
  let count = 0;
  for (const raw of [...rows, ...json(dir, 'organizations')]) {
    const organization = { ...blankOrganization(store), ...raw };
    if (store.organizationByName.has(organization.name.toLowerCase())) {
      skipped.push(`organization ${raw.id}: the name "${organization.name}" is taken`);
      continue;
    }
    store.putOrganization(organization, null);
    count += 1;
  }
  return count;
}

function loadTickets(store: Store, dir: string, skipped: string[]): { tickets: number; comments: number } {
  const keeper = new Comments(store, () => []);
  const tags = grouped(csv(dir, 'ticket_tag_data'), 'ticket_id', 'tag');
  const rows = csv(dir, 'ticket_data').map((row) => ticketOf(row, tags));
  const tickets = [...rows, ...json(dir, 'tickets')].map((raw) => {
    const ticket = { ...blankTicket(raw.id, store.baseUrl(), isoSeconds(0)), ...raw };
    return {
      ...ticket,
      generated_timestamp: raw['generated_timestamp'] ?? secondsOf(ticket.updated_at),
    } as Ticket;
  });
  // In the order of the export: by time, then by id.
  tickets.sort((a, b) => a.generated_timestamp - b.generated_timestamp || a.id - b.id);
  for (const ticket of tickets) store.putTicket(ticket, null);

  const comments = [...csv(dir, 'ticket_comment_data').map(commentOf), ...json(dir, 'comments')];
  const known = new Set(comments.map((each) => `${String(each['ticket_id'])} ${String(each['body'])}`));
  // In the live API, each description is also the first comment, which files of tickets do not contain.
  for (const ticket of tickets)
    if (
      ticket.status !== 'deleted' &&
      ticket.description !== null &&
      !known.has(`${ticket.id} ${ticket.description}`)
    )
      keepDescription(store, keeper, ticket);

  comments.sort((a, b) => String(a['created_at']).localeCompare(String(b['created_at'])));
  let count = 0;
  for (const { ticket_id: ticketId, created_at: createdAt, audit_id: auditId, via, ...rest } of comments) {
    if (typeof ticketId !== 'number' || Number.isNaN(ticketId) || typeof createdAt !== 'string') {
      skipped.push(`comment ${rest.id}: it names no ticket`);
      continue;
    }
    const fields = omit(rest as unknown as Comment, 'event_type', 'timestamp') as Comment;
    const isFirst = !store.comments.has(ticketId) && store.tickets.get(ticketId)?.description === fields.body;
    keeper.keep(ticketId, fields, {
      authorId: fields.author_id,
      metadata: {},
      events: isFirst ? [{ id: store.newId(), type: 'Create', field_name: 'status', value: 'new' }] : [],
      createdAt,
      via: via ?? VIA_API,
      ...(typeof auditId === 'number' && { id: auditId }),
    });
    count += 1;
  }
  return { tickets: tickets.length, comments: count };
}

function keepDescription(store: Store, keeper: Comments, ticket: Ticket): void {
  const fields = {
    body: ticket.description ?? '',
    author_id: ticket.requester_id,
    public: ticket['is_public'] !== false,
  };
  const created = { id: store.newId(), type: 'Create', field_name: 'status', value: ticket.status };
  keeper.keep(ticket.id, fields, {
    authorId: ticket.requester_id,
    metadata: {},
    events: [created],
    createdAt: ticket.created_at,
    via: ticket['via'],
  });
}

function csv(dir: string, name: string): Row[] {
  const file = path.join(dir, `${name}.csv`);
  if (!existsSync(file)) return [];
  return rowsSchema.parse(parse(readFileSync(file), { columns: true, skip_empty_lines: true, bom: true }));
}

function json(dir: string, name: string): Raw[] {
  const file = path.join(dir, `${name}.json`);
  if (!existsSync(file)) return [];
  try {
    const content = JSON.parse(readFileSync(file, 'utf8')) as unknown;
    return recordsSchema.parse(Array.isArray(content) ? content : (content as Fields)[name]);
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : `expected a list of records with ids`;
    throw new Error(`${file}: ${why}`, { cause: error });
  }
}

function grouped(rows: Row[], by: string, field: string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const row of rows) {
    const key = row[by] ?? '';
    groups.set(key, [...(groups.get(key) ?? []), row[field] ?? '']);
  }
  return groups;
}

function userOf(row: Row): Raw {
  return {
    id: Number(row['id']),
    url: row['url'] ?? '',
    name: row['name'] ?? '',
    email: row['email'] || null,
    external_id: row['external_id'] || null,
    role: row['role'] || 'end-user',
    active: isTrue(row['active']),
    suspended: isTrue(row['suspended']),
    organization_id: number(row['organization_id']),
    phone: row['phone'] || null,
    created_at: time(row['created_at']),
    updated_at: time(row['updated_at']),
  };
}

function organizationOf(row: Row, tags: Map<string, string[]>, domains: Map<string, string[]>): Raw {
  return {
    url: row['url'] ?? '',
    id: Number(row['id']),
    name: row['name'] ?? '',
    shared_tickets: isTrue(row['shared_tickets']),
    shared_comments: isTrue(row['shared_comments']),
    external_id: row['external_id'] || null,
    created_at: time(row['created_at']),
    updated_at: time(row['updated_at']),
    domain_names: domains.get(row['id'] ?? '') ?? [],
    details: row['details'] || null,
    notes: row['notes'] || null,
    group_id: number(row['group_id']),
    tags: normaliseTags(tags.get(row['id'] ?? '') ?? []),
    organization_fields: {},
  };
}

function ticketOf(row: Row, tags: Map<string, string[]>): Raw {
  const updatedAt = time(row['updated_at']);
  const channel = row['via_channel'] || 'web';
  return {
    id: Number(row['id']),
    url: row['url'] ?? '',
    via: { channel, source: { from: {}, to: {}, rel: row['via_source_rel'] || null } },
    subject: row['subject'] || null,
    raw_subject: row['subject'] || null,
    description: row['description'] || null,
    status: row['status'] || 'open',
    priority: row['priority'] || null,
    type: row['type'] || null,
    external_id: row['external_id'] || null,
    requester_id: number(row['requester_id']),
    submitter_id: number(row['submitter_id']),
    assignee_id: number(row['assignee_id']),
    organization_id: number(row['organization_id']),
    group_id: number(row['group_id']),
    problem_id: number(row['problem_id']),
    brand_id: number(row['brand_id']),
    ticket_form_id: number(row['ticket_form_id']),
    recipient: row['recipient'] || null,
    has_incidents: isTrue(row['has_incidents']),
    allow_channelback: isTrue(row['allow_channelback']),
    is_public: row['is_public'] !== 'FALSE',
    due_at: row['due_at'] ? time(row['due_at']) : null,
    tags: normaliseTags(tags.get(row['id'] ?? '') ?? []),
    created_at: time(row['created_at']),
    updated_at: updatedAt,
    generated_timestamp: secondsOf(updatedAt),
  };
}

function commentOf(row: Row): Raw {
  return {
    id: Number(row['id']),
    body: row['body'] ?? '',
    public: isTrue(row['public']),
    author_id: number(row['user_id']),
    created_at: time(row['created']),
    ticket_id: number(row['ticket_id']),
  };
}

/** `2020-02-13 22:45:02` without a zone is UTC. */
function time(value: string | undefined): string {
  const seconds = secondsOf(`${(value ?? '').replace(' ', 'T').replace(/\.\d+$/, '')}Z`);
  return isoSeconds(Number.isNaN(seconds) ? 0 : seconds);
}

const isTrue = (value: string | undefined): boolean => value?.toUpperCase() === 'TRUE';

function number(value: string | undefined): number | null {
  return value ? Number(value) : null;
}
