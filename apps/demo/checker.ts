/**
 * Compares Zendesk and the PMS record by record through their public APIs. It has its own rules for corresponding
 * properties, and shares no code with the sync, so that a mistake in the sync is not repeated here.
 *
 * Use a separate Zendesk user: calls are counted by user, and these are not the sync's.
 */
import type { CommentWithAudit } from 'testkit';
import {
  KEEPS_ALL,
  blankProblem,
  type AgreementReport,
  type AgreementRow,
  type CheckOptions,
  type EntityName,
  type Excuse,
  type Pair,
  type PmsKeeps,
  type Problem,
  type Property,
} from './agreementReport';
import {
  readPms,
  readZendesk,
  type PmsNote,
  type PmsProject,
  type PmsWorld,
  type ZendeskTicket,
  type ZendeskWorld,
} from './checkedWorlds';
import {
  PRIORITIES,
  STATUSES,
  email,
  labelSet,
  oneLine,
  plainText,
  same,
  seconds,
  type Comparable,
} from './comparable';
import { brokenOrder } from './commentOrder';
import { Pairing } from './pairing';
import { organizationProperties, setByZendesk } from './plainProperties';

/** Compares all records of both systems. Use it when nothing changes, because it does not freeze the records. */
export async function checkAgreement(options: CheckOptions): Promise<AgreementReport> {
  const [zendesk, pms] = await Promise.all([readZendesk(options.zendesk), readPms(options.pms)]);
  return new Check(zendesk, pms, options).report();
}

class Check {
  private readonly problems: Problem[] = [];
  private readonly waitingBy = new Map<string, string[]>();
  private readonly notTakenBy = new Map<string, string[]>();
  private readonly waiting: ReadonlyMap<string, string>;
  private readonly keeps: PmsKeeps;
  private readonly followUps = new Map<string, string[]>();
  private readonly knownToPms: ReadonlySet<string | null>;
  private readonly zendeskAgents: ReadonlySet<string | null>;
  private readonly hiddenTickets: ReadonlySet<string>;

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
    this.hiddenTickets = new Set(
      zendesk.comments.flatMap(({ first, public: isPublic, ticketId }) =>
        first && !isPublic ? [ticketId] : [],
      ),
    );
    for (const { ticketId, body, followUp } of zendesk.comments) {
      if (followUp) this.followUps.set(ticketId, [...(this.followUps.get(ticketId) ?? []), plainText(body)]);
    }
  }

  report(): AgreementReport {
    const { organizations, tickets, comments } = this.pairings();
    const rows = [
      this.compare('organizations', organizations, organizationProperties),
      this.compare('tickets', tickets, (pair) => this.ticketProperties(pair, organizations)),
      this.compare('comments', comments, (pair) => this.commentProperties(pair, tickets)),
    ];

    return {
      ok: this.problems.length === 0,
      rows,
      problems: this.problems,
      waiting: excusesOf(this.waitingBy),
      notTaken: excusesOf(this.notTakenBy),
      orderBroken: brokenOrder(comments.pairs),
    };
  }

  private pairings() {
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
    return { organizations, tickets, comments };
  }

  private ticketProperties(
    { zendesk: { record: z }, pms: { record: p } }: Pair<ZendeskTicket, PmsProject>,
    organizations: Pairing<unknown, unknown>,
  ): Property[] {
    const assignees = {
      zendesk: email(this.zendesk.users.get(z.assignee_id ?? '')?.email),
      pms: email(this.pms.people.get(p.assigneeId ?? '')?.email),
    };
    // The sync drops a person whom the other system does not know.
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
      { name: 'description', ...description, excused: this.isInFollowUp(z.id, description.pms) },
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
      // A ticket is visible to the people who can see its first comment.
      {
        name: 'visibility',
        zendesk: this.hiddenTickets.has(z.id) ? 'internal' : 'public',
        pms: p.visibility,
      },
      { name: 'due date', zendesk: this.due(z.due_at), pms: this.due(p.dueDate) },
      { name: 'tags', zendesk: this.ownTags(z.tags), pms: this.ownTags(p.tags) },
      { name: 'group', zendesk: this.zendesk.groups.get(z.group_id ?? '') ?? '', pms: p.group ?? '' },
      ...setByZendesk(z, p, {
        url: this.options.zendesk.url,
        requester: this.zendesk.users.get(z.requester_id ?? '')?.name ?? '',
      }),
    ];
  }

  private commentProperties(
    { zendesk: { record: z }, pms: { record: p } }: Pair<CommentWithAudit, PmsNote>,
    tickets: Pairing<unknown, unknown>,
  ): Property[] {
    const ticket = `zendesk:ticket:${z.ticketId}`;
    const writer = this.zendesk.users.get(z.author_id ?? '');
    const author = {
      zendesk: email(writer?.email),
      pms: email(this.pms.people.get(p.authorId ?? '')?.email),
    };
    const isFromPms = z.ref !== null;
    const body = { zendesk: plainText(z.body), pms: plainText(p.body) };
    const properties: Property[] = [
      {
        name: 'project',
        zendesk: tickets.counterpart(ticket) ?? ticket,
        pms: `pms:project:${p.projectId}`,
      },
      { name: 'text', ...body, excused: this.isInFollowUp(z.ticketId, body.pms) },
      { name: 'visibility', zendesk: z.public ? 'public' : 'internal', pms: p.visibility },
      {
        name: 'author',
        ...author,
        // Set once, and only if the other system knew the person at that time.
        excused: isFromPms ? !this.zendeskAgents.has(author.pms) : author.pms === null,
      },
    ];
    if (!isFromPms) {
      properties.push(
        { name: 'author name', zendesk: oneLine(writer?.name ?? ''), pms: oneLine(p.authorName) },
        { name: 'time', zendesk: seconds(z.created_at), pms: seconds(p.occurredAt) },
      );
    }
    return properties;
  }

  /** The tags without those that belong to fields, which have their own rows if the mapping contains the fields. */
  private ownTags(tags: readonly string[]): string[] {
    const former = this.options.formerFieldTags ?? [];
    return labelSet(tags).filter((tag) => !this.zendesk.fieldTags.has(tag) && !former.includes(tag));
  }

  private due(value: string | null): Comparable {
    return this.keeps.dueDays ? (value ?? '').slice(0, 10) : seconds(value);
  }

  /** Zendesk cannot change a comment, so it has a later text of the PMS in a follow-up comment. */
  private isInFollowUp(ticketId: string, pmsText: string): boolean {
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
      notTaken: 0,
      differing: 0,
      missing: 0,
      waiting: 0,
      conflicts: 0,
      duplicates: pairing.duplicates.length,
    };
    this.problems.push(...pairing.duplicates);
    for (const problem of pairing.problems) {
      // A reference to a deleted record is another sign of a missing counterpart, not a second problem.
      if (!this.excuse(null, [problem.zendesk, problem.pms])) this.problems.push(problem);
    }
    for (const pair of pairing.pairs) this.comparePair(row, pair, properties(pair));
    this.countMissing(row, pairing);
    return row;
  }

  private comparePair<Z, P>(row: AgreementRow, { zendesk, pms }: Pair<Z, P>, properties: Property[]): void {
    const keys = [zendesk.key, pms.key];
    const all = properties.filter((each) => !each.excused && this.differs(each));
    const differing = all.filter((each) => !this.wasNotTaken(each, keys));
    if (all.length === 0) row.agreeing++;
    else if (differing.length === 0) row.notTaken++;
    else if (!this.excuse(row, keys)) {
      row.differing++;
      for (const { name, zendesk: there, pms: here } of differing)
        this.problems.push({
          ...blankProblem(row.entity, 'differs', zendesk.key, pms.key),
          property: name,
          zendeskValue: there,
          pmsValue: here,
          text: `${name} differs: ${JSON.stringify(there)} in Zendesk, ${JSON.stringify(here)} in the PMS`,
        });
    }
  }

  private countMissing<Z, P>(row: AgreementRow, { unpaired }: Pairing<Z, P>): void {
    for (const side of ['zendesk', 'pms'] as const)
      for (const { key } of unpaired[side]) {
        if (this.excuse(row, [key])) continue;
        row.missing++;
        const [zendesk, pms] = side === 'zendesk' ? [key, null] : [null, key];
        this.problems.push({
          ...blankProblem(row.entity, 'missing', zendesk, pms),
          text: `${key} has no counterpart`,
        });
      }
  }

  private differs({ name, zendesk, pms }: Property): boolean {
    const { without, empty } = this.keeps;
    if (without.includes(name)) return false;
    const nothing = empty[name] ?? null;
    return !same(zendesk ?? nothing, pms ?? nothing);
  }

  /** Whether a side did not take the value, and the sync states the reason. */
  private wasNotTaken({ name }: Property, keys: readonly string[]): boolean {
    const stated = keys.flatMap((key) => this.options.notTaken?.get(key) ?? []);
    const found = stated.find(({ row, words }) => row === (ROWS[name] ?? name) && words !== '');
    if (!found) return false;
    const reason = `${name}: ${found.words}`;
    this.notTakenBy.set(reason, [...(this.notTakenBy.get(reason) ?? []), ...keys.slice(0, 1)]);
    return true;
  }

  /** Counts a record as waiting if the sync states a reason. Without a row, only checks for a reason. */
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

/** The mapping's names of rows that have other names here. */
const ROWS: Readonly<Record<string, string>> = {
  customer: 'customerId',
  'requester name': 'requestedBy',
  'due date': 'dueDate',
  'source URL': 'sourceUrl',
  opened: 'openedAt',
  'shared tickets': 'sharedProjects',
  'shared comments': 'sharedNotes',
  project: 'projectId',
  text: 'body',
  'author name': 'authorName',
  time: 'occurredAt',
};

/** Sorted with the most frequent reason first. */
function excusesOf(records: ReadonlyMap<string, string[]>): Excuse[] {
  const excuses = [...records].map(([reason, all]) => ({ reason, count: all.length, records: all }));
  return excuses.sort((a, b) => b.count - a.count);
}

function commentKey({ ticketId, id }: CommentWithAudit): string {
  return `zendesk:comment:${ticketId}-${id}`;
}
