import type { PmsSandbox } from 'pms-sandbox';
import type { ZendeskSandbox } from 'zendesk-sandbox';

/** The number of records of an account. */
export interface AccountSize {
  organizations: number;
  customers: number;
  /** The customers that have an organization's name; `customers` includes them. */
  matched: number;
  tickets: number;
  projects: number;
  comments: number;
  notes: number;
  /** The requesters of tickets, whom the PMS does not know. */
  people: number;
}

export interface AccountOptions {
  tickets: number;
  /** In addition to the description. */
  commentsPerTicket: number;
  /** Whether some customers have an organization's name. */
  matches?: boolean;
  /** In the PMS, at most one per project. */
  notes?: number;
}

const TICKETS_PER_ORGANIZATION = 20;
const TICKETS_PER_PERSON = 50;
const PROJECTS_SHARE = 10;
const NOTES = 20;
const PERSON = 'U-1001';
const STEP_MS = 1_000;

/** Fills both sandboxes with records that have times as if people had made them. @param pass advances their clock */
export function generateAccount(
  { zendesk, pms }: { zendesk: ZendeskSandbox; pms: PmsSandbox },
  { tickets: count, commentsPerTicket, matches = true, notes = NOTES }: AccountOptions,
  pass: (ms: number) => void,
): AccountSize {
  const { store, organizations } = zendesk;
  const agent = store.userByEmail.get('ann@sandbox.example');
  if (!agent) throw new Error('the sandbox has no Ann');
  const people = Array.from({ length: Math.ceil(count / TICKETS_PER_PERSON) }, (_, n) =>
    store.addUser({ name: `Person ${n}`, email: `person${n}@customer.example`, role: 'end-user' }),
  );
  const orgs = Array.from({ length: Math.ceil(count / TICKETS_PER_ORGANIZATION) }, (_, n) =>
    organizations.create({ name: `Organization ${n}`, domain_names: [`o${n}.example`] }, agent.id),
  );
  // Zendesk takes a ticket only if its requester is a member of its organization (zendesk-rules.md rule 17).
  for (const [n, { id }] of orgs.entries()) store.memberships.add(at(people, n).id, id);
  const matched = orgs.filter((_, n) => matches && n % 10 === 0);
  for (const { name } of matched) pms.store.create('customer', { name }, PERSON);
  const own = Array.from({ length: Math.ceil(orgs.length / PROJECTS_SHARE) }, (_, n) =>
    pms.store.create('customer', { name: `Customer ${n}` }, PERSON),
  );
  const projects = Array.from({ length: Math.ceil(count / PROJECTS_SHARE) }, (_, n) =>
    pms.store.create(
      'project',
      { title: `Project ${n}`, description: `What project ${n} is for.`, customerId: at(own, n).id },
      PERSON,
    ),
  );
  for (let n = 0; n < Math.min(notes, projects.length); n += 1)
    pms.store.create('note', { projectId: at(projects, n).id, body: `Note on project ${n}.` }, PERSON);
  for (let n = 0; n < count; n += 1) {
    const place = n % orgs.length;
    addTicket(
      zendesk,
      { n, requester: at(people, place), agent, organization: at(orgs, place).id, commentsPerTicket },
      pass,
    );
  }
  store.writes.clear();
  return {
    organizations: orgs.length,
    customers: own.length + matched.length,
    matched: matched.length,
    tickets: count,
    projects: projects.length,
    comments: count * commentsPerTicket,
    notes: Math.min(notes, projects.length),
    people: people.length,
  };
}

interface TicketPlan {
  n: number;
  requester: SandboxUser;
  agent: SandboxUser;
  organization: number;
  commentsPerTicket: number;
}

type SandboxUser = ReturnType<ZendeskSandbox['store']['addUser']>;

function addTicket(
  { tickets }: ZendeskSandbox,
  { n, requester, agent, organization, commentsPerTicket }: TicketPlan,
  pass: (ms: number) => void,
): void {
  const { ticket } = tickets.create(
    {
      subject: `Ticket ${n}`,
      comment: { body: `The first words of ticket ${n}: ${'it does not work. '.repeat(10)}End.` },
      requester_id: requester.id,
      organization_id: organization,
      assignee_id: agent.id,
      status: n % 3 === 0 ? 'solved' : 'open',
      priority: n % 2 === 0 ? 'high' : 'normal',
      tags: ['bench', `t${n % 7}`],
    },
    requester,
  );
  for (let each = 0; each < commentsPerTicket; each += 1) {
    pass(STEP_MS);
    const by = each % 2 === 0 ? agent : requester;
    const comment = {
      body: `Comment ${each} on ticket ${n}: ${'some more words. '.repeat(10)}End.`,
      public: each % 3 !== 0,
      author_id: by.id,
    };
    tickets.update(ticket.id, { comment }, by);
  }
  pass(STEP_MS);
}

function at<T>(items: readonly T[], n: number): T {
  const item = items[n % items.length];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
}
