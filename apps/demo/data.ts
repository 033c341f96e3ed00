/**
 * Generates the records of a support desk and a project team before the first sync. The same seed and size always
 * give the same data: no clock, no Math.random.
 */

import type {
  DemoOrganization,
  DemoPerson,
  DemoTicket,
  DemoCustomer,
  DemoNote,
  DemoData,
  DataOptions,
} from './demoRecords';
import { AGENTS } from './demoWords';
import { Writer, TICKET_STATUSES, TICKET_PRIORITIES, TICKET_TYPES } from './demoWriter';
import { Random } from './random';

/** The organizations that both systems have before the first sync. */
const SHARED_ORGANIZATIONS = 3;
const AGENT_COUNT = 6;
const CUSTOMERS_PER_SIZE = 20;

function atSize(count: number, size: number, least: number): number {
  return Math.max(least, Math.round(count * size));
}

/** Generates the data of both systems; {@link DataOptions} describes the sizes. */
export function generateData({ size, seed }: DataOptions): DemoData {
  const random = new Random(seed);
  const writer = new Writer(random);
  const agents = AGENTS.slice(0, AGENT_COUNT).map(([name, mailbox]): DemoPerson => ({
    name,
    email: `${mailbox}@helpdesk.example`,
    role: 'agent',
    organization: null,
  }));

  const organizations = Array.from({ length: atSize(20, size, SHARED_ORGANIZATIONS + 1) }, (_, n) =>
    writer.organization(`org-${n + 1}`),
  );
  const endUsers = organizations.flatMap((organization) =>
    Array.from({ length: 1 + random.below(3) }, () => writer.person(organization)),
  );
  for (let n = atSize(2, size, 1); n > 0; n--) endUsers.push(writer.person(null));

  const tickets = makeTickets({ size, writer, random, endUsers, agents });

  const shared = organizations.slice(0, SHARED_ORGANIZATIONS);
  const customers = [
    ...shared.map((organization, n) => sharedCustomer(organization, n)),
    ...Array.from(
      { length: atSize(CUSTOMERS_PER_SIZE, size, SHARED_ORGANIZATIONS + 1) - shared.length },
      (_, n) => asCustomer(writer.organization(`customer-${n + SHARED_ORGANIZATIONS + 1}`)),
    ),
  ];
  const projects = Array.from({ length: atSize(60, size, 4) }, (_, n) =>
    writer.project(`project-${n + 1}`, random.chance(0.9) ? random.pickFrom(customers) : null, agents),
  );
  const notes = Array.from({ length: atSize(20, size, 2) }, (): DemoNote => {
    const { body, public: isPublic } = writer.comment(agents, random.pickFrom(agents).email);
    return {
      project: random.pickFrom(projects).key,
      body,
      visibility: isPublic ? 'public' : 'internal',
      author: random.pickFrom(agents).email,
    };
  });

  return {
    size,
    seed,
    agents,
    zendesk: { organizations, endUsers, tickets },
    pms: { customers, projects, notes },
    sharedNames: shared.map(({ name }) => name),
  };
}

function makeTickets({
  size,
  writer,
  random,
  endUsers,
  agents,
}: {
  size: number;
  writer: Writer;
  random: Random;
  endUsers: readonly DemoPerson[];
  agents: DemoPerson[];
}): DemoTicket[] {
  const tickets = Array.from({ length: atSize(120, size, 6) }, (_, n): DemoTicket => {
    const requester = random.pickFrom(endUsers);
    const { subject, description, tags } = writer.ticketText();
    const status = n > 0 && n % 40 === 0 ? 'closed' : random.pick(TICKET_STATUSES);
    const type = random.pick(TICKET_TYPES);
    return {
      key: `ticket-${n + 1}`,
      subject,
      description,
      status,
      priority: random.pick(TICKET_PRIORITIES),
      type,
      organization: requester.organization,
      requester: requester.email,
      assignee: status === 'new' ? null : random.pickFrom(agents).email,
      dueAt: type === 'task' && random.chance(0.7) ? writer.dueDate() : null,
      tags,
      comments: [],
    };
  });
  for (let n = atSize(400, size, 10); n > 0; n--) {
    const ticket = random.pickFrom(tickets);
    ticket.comments.push(writer.comment(agents, ticket.requester));
  }
  return tickets;
}

function asCustomer(organization: DemoOrganization): DemoCustomer {
  const { key, name, domains, details, notes, tags, sharedTickets, sharedComments } = organization;
  return {
    key,
    name,
    domains,
    description: details,
    notes,
    tags,
    sharedProjects: sharedTickets,
    sharedNotes: sharedComments,
  };
}

/** The PMS's record of an organization: the same name with other values. */
function sharedCustomer(organization: DemoOrganization, n: number): DemoCustomer {
  const customer = asCustomer(organization);
  return {
    ...customer,
    key: `customer-${n + 1}`,
    description: `Key account since ${2015 + n}. Steering committee meets on the first Monday.`,
    tags: [...customer.tags.slice(0, 1), 'Key-Account'],
  };
}
