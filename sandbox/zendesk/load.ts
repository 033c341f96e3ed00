import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { isoSeconds, normaliseTags, type Fields, type Organization, type Store, type Ticket } from './store';
import { Tickets, blank } from './tickets';

type Row = Record<string, string>;
const rowsSchema = z.array(z.record(z.string(), z.string()));
const recordsSchema = z.array(z.looseObject({ id: z.number() }));

/**
 * Loads records as exported: `organizations.json`, `tickets.json`, `comments.json`, `users.json` in the live API's
 * shape, and the `*_data.csv` tables. Ids stay; parents may be missing. Nothing is invented.
 */
export async function loadZendeskData(
  store: Store,
  tickets: Tickets,
  dir: string,
): Promise<{ organizations: number; tickets: number; comments: number; users: number; skipped: string[] }> {
  const skipped: string[] = [];
  const csv = (name: string): Row[] => {
    const file = path.join(dir, `${name}.csv`);
    return existsSync(file)
      ? rowsSchema.parse(parse(readFileSync(file), { columns: true, skip_empty_lines: true }))
      : [];
  };
  const json = (name: string): (Fields & { id: number })[] => {
    const file = path.join(dir, `${name}.json`);
    return existsSync(file) ? recordsSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : [];
  };
  const counts = { organizations: 0, tickets: 0, comments: 0, users: 0 };

  const users = [...csv('user_data').map(userOf), ...json('users')];
  for (const user of users) {
    store.addUser(user as unknown as Parameters<Store['addUser']>[0]);
    counts.users += 1;
  }
  const organizations = [
    ...csv('organization_data').map((row) =>
      organizationOf(row, csv('organization_tag_data'), csv('domain_name_data')),
    ),
    ...json('organizations'),
  ];
  for (const organization of organizations) {
    const name = typeof organization['name'] === 'string' ? organization['name'] : '';
    if (store.organizationByName.has(name.toLowerCase()))
      skipped.push(`organization ${organization.id}: the name "${name}" is taken`);
    else {
      store.putOrganization({ deleted_at: null, ...organization } as unknown as Organization, null);
      counts.organizations += 1;
    }
  }
  const all = [...csv('ticket_data').map((row) => ticketOf(row, csv('ticket_tag_data'))), ...json('tickets')];
  for (const ticket of all) {
    const known = ticket as unknown as Ticket;
    store.putTicket(known, null);
    counts.tickets += 1;
    // The live API always has the description as a first comment; an export of tickets alone does not carry it.
    if (known.status === 'deleted' || known.description === null) continue;
    const first = {
      body: known.description,
      author_id: known.requester_id,
      public: known['is_public'] !== false,
    };
    tickets.addComment(known.id, first, known.created_at, {}, [
      { type: 'Create', event_type: 'Create', field_name: 'status', value: known.status },
    ]);
  }
  const comments = [...csv('ticket_comment_data').map(commentOf), ...json('comments')].sort((a, b) =>
    String(a['created_at']).localeCompare(String(b['created_at'])),
  );
  for (const comment of comments) {
    const { ticket_id: ticketId, created_at: createdAt, ...fields } = comment;
    if (typeof ticketId !== 'number' || typeof createdAt !== 'string') {
      skipped.push(`comment ${comment.id}: it names no ticket`);
      continue;
    }
    tickets.addComment(
      ticketId,
      fields as unknown as Parameters<Tickets['addComment']>[1],
      createdAt,
      {},
      [],
    );
    counts.comments += 1;
  }
  return { ...counts, skipped };
}

function userOf(row: Row): Fields & { id: number } {
  const {
    id,
    name,
    email,
    role,
    created_at: createdAt,
    updated_at: updatedAt,
    organization_id: organizationId,
  } = row;
  return {
    id: Number(id),
    name: name ?? '',
    email: email || null,
    role: role ?? 'end-user',
    active: true,
    organization_id: number(organizationId),
    created_at: time(createdAt),
    updated_at: time(updatedAt),
  };
}

function organizationOf(row: Row, tags: Row[], domains: Row[]): Fields & { id: number } {
  const own = (rows: Row[], field: string) =>
    rows.filter((each) => each['organization_id'] === row['id']).map((each) => each[field] ?? '');
  return {
    url: row['url'] ?? '',
    id: Number(row['id']),
    name: row['name'] ?? '',
    shared_tickets: row['shared_tickets'] === 'TRUE',
    shared_comments: row['shared_comments'] === 'TRUE',
    external_id: row['external_id'] || null,
    created_at: time(row['created_at']),
    updated_at: time(row['updated_at']),
    domain_names: own(domains, 'domain_name'),
    details: row['details'] || null,
    notes: row['notes'] || null,
    group_id: number(row['group_id']),
    tags: normaliseTags(own(tags, 'tag')),
    organization_fields: {},
    deleted_at: null,
  };
}

function ticketOf(row: Row, tags: Row[]): Fields & { id: number } {
  const createdAt = time(row['created_at']);
  const updatedAt = time(row['updated_at']);
  return {
    ...blank(Number(row['id']), '', createdAt, row['via_channel'] || 'web'),
    url: row['url'] ?? '',
    subject: row['subject'] || null,
    raw_subject: row['subject'] || null,
    description: row['description'] || null,
    status: row['status'] ?? 'open',
    priority: row['priority'] || null,
    type: row['type'] || null,
    external_id: row['external_id'] || null,
    requester_id: number(row['requester_id']),
    submitter_id: number(row['submitter_id']),
    assignee_id: number(row['assignee_id']),
    organization_id: number(row['organization_id']),
    group_id: number(row['group_id']),
    recipient: row['recipient'] || null,
    is_public: row['is_public'] !== 'FALSE',
    due_at: row['due_at'] ? time(row['due_at']) : null,
    tags: normaliseTags(
      tags.filter((each) => each['ticket_id'] === row['id']).map((each) => each['tag'] ?? ''),
    ),
    updated_at: updatedAt,
    generated_timestamp: Date.parse(updatedAt) / 1000,
  };
}

function commentOf(row: Row): Fields & { id: number } {
  return {
    id: Number(row['id']),
    body: row['body'] ?? '',
    public: row['public'] === 'TRUE',
    author_id: number(row['user_id']),
    created_at: time(row['created']),
    ticket_id: Number(row['ticket_id']),
  };
}

/** `2020-02-13 22:45:02` without a zone is UTC. */
function time(value: string | undefined): string {
  const parsed = Date.parse(`${(value ?? '').replace(' ', 'T').replace(/\.\d+$/, '')}Z`);
  return isoSeconds(Number.isNaN(parsed) ? 0 : Math.floor(parsed / 1000));
}

function number(value: string | undefined): number | null {
  return value ? Number(value) : null;
}
