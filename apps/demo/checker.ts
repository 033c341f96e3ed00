/**
 * Compares Zendesk and the PMS record by record through their public APIs, with its own statement of what
 * corresponds to what. It shares no code with the sync, so that a mistake there is not repeated here.
 *
 * Give it a Zendesk user of its own: calls are counted by user, and these are not the sync's.
 */
import {
  inParallel,
  listPms,
  listZendesk,
  pmsApi,
  readComments,
  zendeskApi,
  type Access,
  type CommentWithAudit,
} from 'testkit';
import { z } from 'zod';

const PARALLEL_READS = 6;

// ---------------------------------------------------------------------------------------------------------
// What the APIs answer, as far as the comparison needs it. Unknown fields pass.

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
  tags: list,
  channel: nullable,
  group: nullable,
  sourceUrl: nullable,
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
type ZendeskTicket = z.infer<typeof zendeskTicket>;
type PmsPerson = z.infer<typeof pmsPerson>;

interface ZendeskWorld {
  users: Map<string, ZendeskUser>;
  groups: Map<string, string>;
  organizations: z.infer<typeof zendeskOrganization>[];
  tickets: ZendeskTicket[];
  comments: CommentWithAudit[];
}

interface PmsWorld {
  people: Map<string, PmsPerson>;
  customers: z.infer<typeof pmsCustomer>[];
  projects: z.infer<typeof pmsProject>[];
  notes: z.infer<typeof pmsNote>[];
}

async function readZendesk(access: Access): Promise<ZendeskWorld> {
  const api = zendeskApi(access);
  const users = await listZendesk(api, '/users.json', 'users', zendeskUser);
  const groups = await listZendesk(api, '/groups.json', 'groups', zendeskGroup);
  const organizations = await listZendesk(api, '/organizations.json', 'organizations', zendeskOrganization);
  const listed = await listZendesk(api, '/tickets.json', 'tickets', zendeskTicket);
  const tickets = listed.filter(({ status }) => status !== 'deleted');
  const comments = await inParallel(tickets, PARALLEL_READS, ({ id }) => readComments(api, id));
  return {
    users: new Map(users.map((user) => [user.id, user])),
    groups: new Map(groups.map(({ id, name }) => [id, name])),
    organizations,
    tickets,
    comments: comments.flat(),
  };
}

async function readPms(access: Access): Promise<PmsWorld> {
  const api = pmsApi(access);
  const people = await listPms(api, '/people', pmsPerson);
  return {
    people: new Map(people.map((person) => [person.id, person])),
    customers: await listPms(api, '/customers', pmsCustomer),
    projects: await listPms(api, '/projects', pmsProject),
    notes: await listPms(api, '/notes', pmsNote),
  };
}

// ---------------------------------------------------------------------------------------------------------
// What corresponds to what

/** A value brought into the form in which both systems must show the same. */
export type Comparable = string | number | boolean | null | string[];

const STATUSES: Record<string, string> = {
  new: 'new',
  open: 'in_progress',
  pending: 'waiting',
  hold: 'on_hold',
  solved: 'done',
  closed: 'closed',
};
const PRIORITIES: Record<string, string> = { low: 'low', normal: 'medium', high: 'high', urgent: 'critical' };

/** Line ends, space before them, and empty lines around the text are not part of what was said. */
export function plainText(value: string | null): string {
  return (value ?? '')
    .replace(/\r\n?/g, '\n')
    .replace(/[^\S\n]+$/gm, '')
    .replace(/^\n+/, '')
    .trimEnd();
}

/** Names and titles are one line, in which it does not matter how much space stands between words. */
export function oneLine(value: string | null): string {
  return (value ?? '').replace(/\s+/g, ' ').trim();
}

/** A set of labels: order, case and repetition do not matter, and spaces count as underscores. */
export function labelSet(values: readonly string[]): string[] {
  const labels = values.map((value) => value.trim().toLowerCase().replace(/\s+/g, '_')).filter(Boolean);
  return [...new Set(labels)].sort();
}

function seconds(value: string | null): number | null {
  return value ? Math.floor(Date.parse(value) / 1_000) : null;
}

function email(value: string | null | undefined): string | null {
  return value ? value.toLowerCase() : null;
}

interface Property {
  name: string;
  zendesk: Comparable;
  pms: Comparable;
  /** True where the mapping itself lets the two values differ. */
  excused?: boolean;
}

export type EntityName = 'organizations' | 'tickets' | 'comments';

const KINDS: Record<EntityName, { zendesk: string; pms: string }> = {
  organizations: { zendesk: 'organization', pms: 'customer' },
  tickets: { zendesk: 'ticket', pms: 'project' },
  comments: { zendesk: 'comment', pms: 'note' },
};

/** A record that needs a counterpart. */
interface Participant<T> {
  key: string;
  backRef: string | null;
  record: T;
}

interface Pair<Z, P> {
  zendesk: Participant<Z>;
  pms: Participant<P>;
}

export interface Problem {
  entity: EntityName;
  kind: 'missing' | 'differs' | 'duplicate' | 'wrongReference' | 'brokenLink';
  zendesk: string | null;
  pms: string | null;
  property: string | null;
  zendeskValue: Comparable;
  pmsValue: Comparable;
  text: string;
}

export interface AgreementRow {
  entity: EntityName;
  zendesk: number;
  pms: number;
  /** Pairs in which each record has the other as its only counterpart. */
  linked: number;
  agreeing: number;
  differing: number;
  /** Records without a counterpart and without a stated reason. */
  missing: number;
  /** Pairs and records that do not agree for a reason that the sync states. */
  waiting: number;
  /** As {@link waiting}, where the reason is a conflict that a person must decide. */
  conflicts: number;
  /** Records with more than one counterpart, or one counterpart claimed twice. */
  duplicates: number;
}

export interface AgreementReport {
  /** True when nothing is missing, differing, doubled or wrongly linked but for stated reasons. */
  ok: boolean;
  rows: AgreementRow[];
  problems: Problem[];
  waiting: { reason: string; count: number; records: string[] }[];
  /** Tickets whose comments stand in another order in the PMS. Not part of {@link ok}. */
  orderBroken: string[];
}

export interface StoredLink {
  /** `zendesk:ticket:123` */
  zendesk: string;
  /** `pms:project:P-1` */
  pms: string;
}

/** What a PMS cannot keep of what the mapping is about, so that it is not asked for. */
export interface PmsKeeps {
  /** Names of properties that are not compared. */
  without: readonly string[];
  /** What stands in the PMS for no value, by the property's name. */
  empty: Readonly<Record<string, string>>;
  /** Due dates have no time of day. */
  dueDays: boolean;
}

export const KEEPS_ALL: PmsKeeps = { without: [], empty: {}, dueDays: false };

export interface CheckOptions {
  zendesk: Access;
  pms: Access;
  keeps?: PmsKeeps;
  /**
   * Why a record may not agree yet, by its key (`zendesk:ticket:123`, `pms:note:N-1`; either side's). A
   * reason that begins with `conflict` counts as a conflict.
   */
  waiting?: ReadonlyMap<string, string>;
  /** What the sync says belongs together; a pair known only from here is compared like any other. */
  links?: readonly StoredLink[];
}

/** Joins the records of one entity by back-references and stored links, and notes what is wrong with that. */
class Pairing<Z, P> {
  readonly pairs: Pair<Z, P>[] = [];
  readonly unpaired: { zendesk: Participant<Z>[]; pms: Participant<P>[] } = { zendesk: [], pms: [] };
  readonly duplicates: Problem[] = [];
  readonly problems: Problem[] = [];
  private readonly edges = new Map<string, Set<string>>();

  constructor(
    private readonly entity: EntityName,
    private readonly zendesk: Participant<Z>[],
    private readonly pms: Participant<P>[],
    links: readonly StoredLink[],
    /** Records that exist but must have no counterpart, and why. */
    private readonly excluded: ReadonlyMap<string, string>,
  ) {
    const zendeskKeys = new Map(zendesk.map((each) => [each.key, each]));
    const pmsKeys = new Map(pms.map((each) => [each.key, each]));
    for (const { key, backRef } of zendesk) this.follow(key, backRef, pmsKeys, 'pms');
    for (const { key, backRef } of pms) this.follow(key, backRef, zendeskKeys, 'zendesk');
    for (const link of links) {
      if (!link.zendesk.startsWith(`zendesk:${KINDS[entity].zendesk}:`)) continue;
      if (zendeskKeys.has(link.zendesk) && pmsKeys.has(link.pms)) this.join(link.zendesk, link.pms);
      else this.add('brokenLink', link.zendesk, link.pms, 'the stored link names a record that is not there');
    }
    this.claimedTwice(zendesk);
    this.claimedTwice(pms);

    for (const each of zendesk) {
      const others = [...(this.edges.get(each.key) ?? [])];
      const other = pmsKeys.get(others[0] ?? '');
      if (others.length === 0 || !other) this.unpaired.zendesk.push(each);
      else if (others.length > 1) this.duplicate(each.key, others);
      else if (this.edges.get(other.key)?.size === 1) this.pairs.push({ zendesk: each, pms: other });
    }
    for (const each of pms) {
      const others = [...(this.edges.get(each.key) ?? [])];
      if (others.length === 0) this.unpaired.pms.push(each);
      else if (others.length > 1) this.duplicate(each.key, others);
    }
  }

  private join(zendesk: string, pms: string): void {
    for (const [from, to] of [
      [zendesk, pms],
      [pms, zendesk],
    ] as const) {
      const known = this.edges.get(from) ?? new Set<string>();
      this.edges.set(from, known.add(to));
    }
  }

  private follow(
    key: string,
    backRef: string | null,
    others: ReadonlyMap<string, unknown>,
    side: 'zendesk' | 'pms',
  ): void {
    if (!backRef?.startsWith(`${side}:`)) return; // Another application's value.
    const [zendesk, pms] = side === 'pms' ? [key, backRef] : [backRef, key];
    if (others.has(backRef)) this.join(zendesk, pms);
    else {
      const why = this.excluded.get(backRef) ?? 'which is not there';
      this.add('wrongReference', zendesk, pms, `${key} refers to ${backRef}, ${why}`);
    }
  }

  private claimedTwice(records: readonly { key: string; backRef: string | null }[]): void {
    const claims = new Map<string, string>();
    for (const { key, backRef } of records) {
      if (!backRef || !/^(zendesk|pms):/.test(backRef)) continue;
      const earlier = claims.get(backRef);
      // Where the claimed record exists, it is reported as having two counterparts.
      if (earlier && !this.edges.has(backRef)) this.duplicate(backRef, [earlier, key]);
      claims.set(backRef, key);
    }
  }

  private duplicate(key: string, others: readonly string[]): void {
    const [zendesk, pms] = key.startsWith('zendesk:') ? [key, null] : [null, key];
    this.duplicates.push({
      ...blankProblem(this.entity, 'duplicate', zendesk, pms),
      text: `${key} has ${others.length} counterparts: ${others.join(', ')}`,
    });
  }

  private add(kind: Problem['kind'], zendesk: string, pms: string, why: string): void {
    this.problems.push({ ...blankProblem(this.entity, kind, zendesk, pms), text: why });
  }

  /** The other side's key, where there is exactly one. */
  counterpart(key: string): string | null {
    const [only, second] = this.edges.get(key) ?? [];
    return second === undefined ? (only ?? null) : null;
  }

  get counts(): { zendesk: number; pms: number } {
    return { zendesk: this.zendesk.length, pms: this.pms.length };
  }
}

function blankProblem(
  entity: EntityName,
  kind: Problem['kind'],
  zendesk: string | null,
  pms: string | null,
): Omit<Problem, 'text'> {
  return { entity, kind, zendesk, pms, property: null, zendeskValue: null, pmsValue: null };
}

function same(left: Comparable, right: Comparable): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

// ---------------------------------------------------------------------------------------------------------
// The check

/** Compares all that both systems hold. Meant for quiet times: it does not freeze what it reads. */
export async function checkAgreement(options: CheckOptions): Promise<AgreementReport> {
  const [zendesk, pms] = await Promise.all([readZendesk(options.zendesk), readPms(options.pms)]);
  return new Check(zendesk, pms, options).report();
}

class Check {
  private readonly problems: Problem[] = [];
  private readonly waitingBy = new Map<string, string[]>();
  private readonly waiting: ReadonlyMap<string, string>;
  private readonly keeps: PmsKeeps;
  private readonly followUps = new Map<string, string[]>();
  private readonly knownToPms: ReadonlySet<string | null>;
  private readonly zendeskAgents: ReadonlySet<string | null>;

  constructor(
    private readonly zendesk: ZendeskWorld,
    private readonly pms: PmsWorld,
    private readonly options: CheckOptions,
  ) {
    this.waiting = options.waiting ?? new Map();
    this.keeps = options.keeps ?? KEEPS_ALL;
    this.knownToPms = new Set([...pms.people.values()].map((person) => email(person.email)));
    this.zendeskAgents = new Set(
      [...zendesk.users.values()].filter(({ role }) => role !== 'end-user').map((user) => email(user.email)),
    );
    for (const { ticketId, body, followUp } of zendesk.comments) {
      if (followUp) this.followUps.set(ticketId, [...(this.followUps.get(ticketId) ?? []), plainText(body)]);
    }
  }

  report(): AgreementReport {
    const { zendesk, pms } = this;
    const links = this.options.links ?? [];
    const excluded = new Map<string, string>();
    for (const comment of zendesk.comments) {
      if (comment.first) excluded.set(commentKey(comment), "which is its ticket's description");
      else if (comment.followUp) excluded.set(commentKey(comment), 'which is a follow-up to another comment');
    }

    const organizations = new Pairing(
      'organizations',
      zendesk.organizations.map((record) => ({
        key: `zendesk:organization:${record.id}`,
        backRef: record.external_id,
        record,
      })),
      pms.customers.map((record) => ({
        key: `pms:customer:${record.id}`,
        backRef: record.externalRef,
        record,
      })),
      links,
      excluded,
    );
    const tickets = new Pairing(
      'tickets',
      zendesk.tickets.map((record) => ({
        key: `zendesk:ticket:${record.id}`,
        backRef: record.external_id,
        record,
      })),
      pms.projects.map((record) => ({
        key: `pms:project:${record.id}`,
        backRef: record.externalRef,
        record,
      })),
      links,
      excluded,
    );
    const comments = new Pairing(
      'comments',
      zendesk.comments
        .filter(({ first, followUp }) => !first && !followUp)
        .map((record) => ({ key: commentKey(record), backRef: record.ref, record })),
      pms.notes.map((record) => ({ key: `pms:note:${record.id}`, backRef: record.externalRef, record })),
      links,
      excluded,
    );

    const rows = [
      this.compare('organizations', organizations, ({ zendesk: z, pms: p }) => [
        { name: 'name', zendesk: oneLine(z.record.name), pms: oneLine(p.record.name) },
        { name: 'domains', zendesk: labelSet(z.record.domain_names), pms: labelSet(p.record.domains) },
        { name: 'description', zendesk: plainText(z.record.details), pms: plainText(p.record.description) },
        { name: 'notes', zendesk: plainText(z.record.notes), pms: plainText(p.record.notes) },
        { name: 'tags', zendesk: labelSet(z.record.tags), pms: labelSet(p.record.tags) },
        { name: 'shared tickets', zendesk: z.record.shared_tickets, pms: p.record.sharedProjects },
        { name: 'shared comments', zendesk: z.record.shared_comments, pms: p.record.sharedNotes },
      ]),
      this.compare('tickets', tickets, (pair) => this.ticketProperties(pair, organizations)),
      this.compare('comments', comments, (pair) => this.commentProperties(pair, tickets)),
    ];

    const waiting = [...this.waitingBy].map(([reason, records]) => ({
      reason,
      count: records.length,
      records,
    }));
    waiting.sort((a, b) => b.count - a.count);
    return {
      ok: this.problems.length === 0,
      rows,
      problems: this.problems,
      waiting,
      orderBroken: brokenOrder(comments.pairs),
    };
  }

  private ticketProperties(
    { zendesk: { record: z }, pms: { record: p } }: Pair<ZendeskTicket, z.infer<typeof pmsProject>>,
    organizations: Pairing<unknown, unknown>,
  ): Property[] {
    const assignees = {
      zendesk: email(this.zendesk.users.get(z.assignee_id ?? '')?.email),
      pms: email(this.pms.people.get(p.assigneeId ?? '')?.email),
    };
    // A person whom the other system does not know is left out there.
    const unknown =
      (assignees.zendesk !== null && !this.knownToPms.has(assignees.zendesk)) ||
      (assignees.pms !== null && !this.zendeskAgents.has(assignees.pms));
    const organization = z.organization_id === null ? null : `zendesk:organization:${z.organization_id}`;
    const description = { zendesk: plainText(z.description), pms: plainText(p.description) };
    return [
      {
        name: 'title',
        zendesk: oneLine(z.subject) || '(no subject)',
        pms: oneLine(p.title) || '(no subject)',
      },
      { name: 'description', ...description, excused: this.saidLater(z.id, description.pms) },
      { name: 'status', zendesk: STATUSES[z.status] ?? `? ${z.status}`, pms: p.status },
      {
        name: 'priority',
        zendesk: z.priority === null ? null : (PRIORITIES[z.priority] ?? `? ${z.priority}`),
        pms: p.priority,
      },
      { name: 'type', zendesk: z.type || null, pms: p.type || null },
      {
        name: 'customer',
        zendesk: organization && (organizations.counterpart(organization) ?? organization),
        pms: p.customerId && `pms:customer:${p.customerId}`,
      },
      {
        name: 'requester',
        zendesk: email(this.zendesk.users.get(z.requester_id ?? '')?.email),
        pms: email(this.pms.people.get(p.requesterId ?? '')?.email),
      },
      { name: 'assignee', ...assignees, excused: unknown },
      { name: 'due date', zendesk: this.due(z.due_at), pms: this.due(p.dueDate) },
      { name: 'tags', zendesk: labelSet(z.tags), pms: labelSet(p.tags) },
      { name: 'group', zendesk: this.zendesk.groups.get(z.group_id ?? '') ?? '', pms: p.group ?? '' },
      { name: 'channel', zendesk: channelName(z.via?.channel), pms: p.channel ?? '' },
      // The page on which an agent opens the ticket, not the API's own address.
      {
        name: 'source URL',
        zendesk: `${this.options.zendesk.url}/agent/tickets/${z.id}`,
        pms: p.sourceUrl ?? '',
      },
    ];
  }

  private commentProperties(
    { zendesk: { record: z }, pms: { record: p } }: Pair<CommentWithAudit, z.infer<typeof pmsNote>>,
    tickets: Pairing<unknown, unknown>,
  ): Property[] {
    const ticket = `zendesk:ticket:${z.ticketId}`;
    const writer = this.zendesk.users.get(z.author_id ?? '');
    const author = {
      zendesk: email(writer?.email),
      pms: email(this.pms.people.get(p.authorId ?? '')?.email),
    };
    const bornInPms = z.ref !== null;
    const body = { zendesk: plainText(z.body), pms: plainText(p.body) };
    const properties: Property[] = [
      {
        name: 'project',
        zendesk: tickets.counterpart(ticket) ?? ticket,
        pms: `pms:project:${p.projectId}`,
      },
      { name: 'text', ...body, excused: this.saidLater(z.ticketId, body.pms) },
      { name: 'visibility', zendesk: z.public ? 'public' : 'internal', pms: p.visibility },
      {
        name: 'author',
        ...author,
        // Set once, and only where the other system knew the person at that time.
        excused: bornInPms ? !this.zendeskAgents.has(author.pms) : author.pms === null,
      },
    ];
    if (!bornInPms) {
      properties.push(
        { name: 'author name', zendesk: oneLine(writer?.name ?? ''), pms: oneLine(p.authorName) },
        { name: 'time', zendesk: seconds(z.created_at), pms: seconds(p.occurredAt) },
      );
    }
    return properties;
  }

  private due(value: string | null): Comparable {
    return this.keeps.dueDays ? (value ?? '').slice(0, 10) : seconds(value);
  }

  /** Zendesk cannot change what was said; a later text of the PMS stands there in a follow-up comment. */
  private saidLater(ticketId: string, pmsText: string): boolean {
    return pmsText !== '' && (this.followUps.get(ticketId) ?? []).some((body) => body.includes(pmsText));
  }

  private compare<Z, P>(
    entity: EntityName,
    pairing: Pairing<Z, P>,
    properties: (pair: Pair<Z, P>) => Property[],
  ): AgreementRow {
    const row: AgreementRow = {
      entity,
      ...pairing.counts,
      linked: pairing.pairs.length,
      agreeing: 0,
      differing: 0,
      missing: 0,
      waiting: 0,
      conflicts: 0,
      duplicates: pairing.duplicates.length,
    };
    this.problems.push(...pairing.duplicates);
    for (const problem of pairing.problems) {
      // A reference to a record that is gone is one more sign of a missing counterpart, not a second problem.
      if (!this.excuse(null, [problem.zendesk, problem.pms])) this.problems.push(problem);
    }
    for (const pair of pairing.pairs) {
      const differing = properties(pair).filter((each) => !each.excused && this.differs(each));
      if (differing.length === 0) row.agreeing++;
      else if (!this.excuse(row, [pair.zendesk.key, pair.pms.key])) {
        row.differing++;
        for (const { name, zendesk, pms } of differing) {
          this.problems.push({
            ...blankProblem(entity, 'differs', pair.zendesk.key, pair.pms.key),
            property: name,
            zendeskValue: zendesk,
            pmsValue: pms,
            text: `${name} differs: ${JSON.stringify(zendesk)} in Zendesk, ${JSON.stringify(pms)} in the PMS`,
          });
        }
      }
    }
    for (const side of ['zendesk', 'pms'] as const) {
      for (const { key } of pairing.unpaired[side]) {
        if (this.excuse(row, [key])) continue;
        row.missing++;
        const blank = blankProblem(
          entity,
          'missing',
          side === 'zendesk' ? key : null,
          side === 'pms' ? key : null,
        );
        this.problems.push({ ...blank, text: `${key} has no counterpart` });
      }
    }
    return row;
  }

  private differs({ name, zendesk, pms }: Property): boolean {
    const { without, empty } = this.keeps;
    if (without.includes(name)) return false;
    const nothing = empty[name] ?? null;
    return !same(zendesk ?? nothing, pms ?? nothing);
  }

  /** Counts a record as waiting where the sync says why; without a row, only tells whether it does. */
  private excuse(row: AgreementRow | null, keys: (string | null)[]): boolean {
    const key = keys.find((each) => each !== null && this.waiting.has(each));
    const reason = this.waiting.get(key ?? '');
    if (!key || reason === undefined) return false;
    if (row) {
      if (/^conflict/i.test(reason)) row.conflicts++;
      else row.waiting++;
      this.waitingBy.set(reason, [...(this.waitingBy.get(reason) ?? []), key]);
    }
    return true;
  }
}

function commentKey({ ticketId, id }: CommentWithAudit): string {
  return `zendesk:comment:${ticketId}-${id}`;
}

function channelName(channel: unknown): string {
  return typeof channel === 'string' || typeof channel === 'number' ? String(channel) : '';
}

/**
 * Tickets whose comments of one origin stand in another order on the other side. Comments of different
 * origins that crossed on the way may rightly stand differently.
 */
function brokenOrder(pairs: readonly Pair<CommentWithAudit, z.infer<typeof pmsNote>>[]): string[] {
  const groups = new Map<string, { zendesk: CommentWithAudit; pms: z.infer<typeof pmsNote> }[]>();
  for (const { zendesk, pms } of pairs) {
    const group = `${zendesk.record.ticketId} ${zendesk.record.ref === null}`;
    groups.set(group, [...(groups.get(group) ?? []), { zendesk: zendesk.record, pms: pms.record }]);
  }
  const broken = new Set<string>();
  for (const group of groups.values()) {
    // Pairs come in Zendesk's order of the comments; ties of time are in the order of creation.
    const times = group.map(({ pms }) => Date.parse(pms.occurredAt ?? pms.createdAt));
    for (let n = 1; n < group.length; n++) {
      const [before, after] = [group[n - 1], group[n]];
      const step = (times[n] ?? 0) - (times[n - 1] ?? 0);
      if (!before || !after || step > 0) continue;
      if (step < 0 || before.pms.id.localeCompare(after.pms.id, undefined, { numeric: true }) > 0) {
        broken.add(`zendesk:ticket:${after.zendesk.ticketId}`);
      }
    }
  }
  return [...broken];
}
