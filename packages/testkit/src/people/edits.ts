import { z } from 'zod';
import {
  CREATED,
  organizationShape,
  projectShape,
  customerShape,
  ticketShape,
  userShape,
  type Note,
  type Office,
  type Person,
  type Project,
  type Ticket,
  type User,
} from './office';

/** The edits of the script. Each has a description, acts as a person, and recognizes its arrival on the other side. */

export interface Edit {
  title: string;
  where: 'zendesk' | 'pms' | 'both';
  /** Makes the edit. */
  act(): Promise<void>;
  /** Reads the other side once. @returns the evidence of the edit's arrival, or null */
  arrived(): Promise<string | null>;
}

export interface Pair {
  ticket: Ticket;
  project: Project;
}

export interface CompanyPair {
  organizationId: number;
  customerId: string;
}

export function subjectAndPriority(office: Office, { ticket, project }: Pair, marker: string): Edit {
  const subject = `Printer on floor 3 is offline – please hurry (${marker})`;
  const [priority, expected] = ticket.priority === 'urgent' ? ['low', 'low'] : ['urgent', 'critical'];
  return {
    title: `ticket ${ticket.id}: new subject, priority ${priority}`,
    where: 'zendesk',
    act: () => office.editTicket(1, ticket.id, { subject, priority }),
    arrived: async () => {
      const now = await office.project(project.id);
      const there = now.title === subject && now.priority === expected;
      return there ? `${project.id}: "${now.title}", priority ${now.priority}` : null;
    },
  };
}

export function assignee(office: Office, { ticket, project }: Pair, users: User[], people: Person[]): Edit {
  const now = users.find(({ id }) => id === ticket.assignee_id)?.email?.toLowerCase();
  const chosen = office.options.agents.find(({ email }) => email.toLowerCase() !== now) ?? office.agent(0);
  const same = (email: string | null | undefined): boolean =>
    email?.toLowerCase() === chosen.email.toLowerCase();
  return {
    title: `project ${project.id}: assigned to ${chosen.name}`,
    where: 'pms',
    act: async () => {
      const person = people.find(({ email }) => same(email));
      if (!person) throw new Error(`${chosen.email} is unknown in the PMS`);
      await office.editPms(2, `/projects/${project.id}`, { assigneeId: person.id });
    },
    arrived: async () => {
      const user = await office.user((await office.ticket(ticket.id)).assignee_id);
      return user && same(user.email) ? `ticket ${ticket.id} is assigned to ${user.name}` : null;
    },
  };
}

export function status(office: Office, { ticket, project }: Pair): Edit {
  return {
    title: `project ${project.id}: status waiting`,
    where: 'pms',
    act: () => office.editPms(3, `/projects/${project.id}`, { status: 'waiting' }),
    arrived: async () => {
      const now = await office.ticket(ticket.id);
      return now.status === 'pending' ? `ticket ${ticket.id} is pending` : null;
    },
  };
}

export function differentProperties(office: Office, { ticket, project }: Pair, marker: string): Edit {
  const tag = `escalated_${marker}`.toLowerCase();
  const [priority, expected] = project.priority === 'critical' ? ['low', 'low'] : ['critical', 'urgent'];
  return {
    title: `ticket ${ticket.id} gets a tag while ${project.id} becomes ${priority}: neither is lost`,
    where: 'both',
    act: async () => {
      await Promise.all([
        office.editTicket(1, ticket.id, { tags: [...ticket.tags, tag] }),
        office.editPms(4, `/projects/${project.id}`, { priority }),
      ]);
    },
    arrived: async () => {
      const [left, right] = await Promise.all([office.ticket(ticket.id), office.project(project.id)]);
      const tags = left.tags.includes(tag) && right.tags.includes(tag);
      const priorities = left.priority === expected && right.priority === priority;
      return tags && priorities ? `both sides: tag ${tag}, priority ${expected}/${priority}` : null;
    },
  };
}

export function publicComment(office: Office, { ticket, project }: Pair, marker: string): Edit {
  const body = `We have sent a technician, she arrives at 14:00 🚐 (${marker})`;
  return {
    title: `ticket ${ticket.id}: public comment`,
    where: 'zendesk',
    act: () => office.editTicket(5, ticket.id, { comment: { body, public: true } }),
    arrived: async () => {
      const note = (await office.notes(project.id)).find((each) => each.body === body);
      return note?.visibility === 'public' ? `${note.id} on ${project.id}, public` : null;
    },
  };
}

export function internalNote(office: Office, { ticket, project }: Pair, marker: string): Edit {
  const body = `Spare part ordered, do not promise a date yet. (${marker})`;
  return {
    title: `project ${project.id}: internal note`,
    where: 'pms',
    act: async () => {
      const api = await office.pms(0);
      await api.call('POST', '/notes', CREATED, { projectId: project.id, body, visibility: 'internal' });
    },
    arrived: async () => {
      const comment = (await office.comments(ticket.id)).find((each) => each.body.trim() === body);
      return comment && !comment.public ? `comment ${comment.id} on ticket ${ticket.id}, internal` : null;
    },
  };
}

export function organizationRenamed(
  office: Office,
  { organizationId, customerId }: CompanyPair,
  marker: string,
): Edit {
  const name = `Halcyon Freight Group ${marker}`;
  return {
    title: `organization ${organizationId} renamed "${name}"`,
    where: 'zendesk',
    act: async () => {
      await office
        .zendeskAdmin()
        .call('PUT', `/organizations/${organizationId}.json`, CREATED, { organization: { name } });
    },
    arrived: async () => {
      const customer = await office.customer(customerId);
      return customer.name === name ? `${customerId} is called "${customer.name}"` : null;
    },
  };
}

export function customerDescribed(
  office: Office,
  { organizationId, customerId }: CompanyPair,
  marker: string,
): Edit {
  const description = `New contract signed.\nSteering committee every second Tuesday. (${marker})`;
  return {
    title: `customer ${customerId}: new description`,
    where: 'pms',
    act: () => office.editPms(2, `/customers/${customerId}`, { description }),
    arrived: async () => {
      const { details } = await office.organization(organizationId);
      const there = details?.replace(/\r\n/g, '\n').trimEnd() === description;
      return there ? `organization ${organizationId} shows it in its details` : null;
    },
  };
}

export function newOrganizationWithTicket(office: Office, marker: string): Edit {
  const name = `Solstice Observatory ${marker}`;
  const domain = `solstice-${marker}.example`.toLowerCase();
  let made: { organization: number; ticket: number } | null = null;
  return {
    title: `new organization "${name}" with its first ticket`,
    where: 'zendesk',
    act: async () => {
      const api = office.zendeskAdmin();
      const { organization } = await api.call(
        'POST',
        '/organizations.json',
        z.object({ organization: organizationShape }),
        { organization: { name, domain_names: [domain], tags: ['new_customer'] } },
      );
      const { user } = await api.call('POST', '/users/create_or_update.json', z.object({ user: userShape }), {
        user: {
          name: 'Ida Nováková',
          email: `ida@${domain}`,
          role: 'end-user',
          organization_id: organization.id,
        },
      });
      const { ticket } = await api.call('POST', '/tickets.json', z.object({ ticket: ticketShape }), {
        ticket: {
          subject: `Dome control does not answer (${marker})`,
          comment: { body: 'Since the storm the dome control answers "offline".\nWe observe again tonight!' },
          requester_id: user.id,
          organization_id: organization.id,
          type: 'incident',
          priority: 'high',
        },
      });
      made = { organization: organization.id, ticket: ticket.id };
    },
    arrived: async () => {
      if (!made) return null;
      const project = await office.byExternalRef('projects', `zendesk:ticket:${made.ticket}`, projectShape);
      if (!project?.customerId) return null;
      const customer = await office.customer(project.customerId);
      const there =
        customer.name === name && customer.externalRef === `zendesk:organization:${made.organization}`;
      return there ? `${project.id} of ${customer.id} "${customer.name}"` : null;
    },
  };
}

export function newCustomerWithProject(office: Office, marker: string, people: Person[]): Edit {
  const name = `Aurora Ferries ${marker}`;
  let made: { customer: string; project: string } | null = null;
  return {
    title: `new customer "${name}" with its first project`,
    where: 'pms',
    act: async () => {
      const api = await office.pms(4);
      const requester = people.find(
        ({ email }) => email?.toLowerCase() === office.agent(4).email.toLowerCase(),
      );
      const customer = await api.call('POST', '/customers', customerShape, {
        name,
        domains: [`aurora-${marker}.example`.toLowerCase()],
        description: 'Won at the fair.',
      });
      const project = await api.call('POST', '/projects', projectShape, {
        title: `Equip the ferry terminal (${marker})`,
        description: 'Twelve counters, two of them outdoors.',
        customerId: customer.id,
        status: 'in_progress',
        priority: 'medium',
        requesterId: requester?.id ?? null,
      });
      made = { customer: customer.id, project: project.id };
    },
    arrived: async () => {
      if (!made) return null;
      const ticket = await office.ticketByExternalId(`pms:project:${made.project}`);
      const organization = await office.organizationByExternalId(`pms:customer:${made.customer}`);
      const there = ticket && organization?.name === name && ticket.organization_id === organization.id;
      return there ? `ticket ${ticket.id} of organization ${organization.id} "${organization.name}"` : null;
    },
  };
}

export function dueDateRemoved(office: Office, { ticket, project }: Pair): Edit {
  return {
    title: `ticket ${ticket.id}: due date removed`,
    where: 'zendesk',
    act: () => office.editTicket(2, ticket.id, { due_at: null }),
    arrived: async () => {
      const now = await office.project(project.id);
      return now.dueDate === null ? `${project.id} has no due date any more` : null;
    },
  };
}

export function conflictingTitles(office: Office, { ticket, project }: Pair, marker: string): Edit {
  const titles = [
    `Scanner drops every tenth parcel (${marker})`,
    `Scanner: replace firmware first (${marker})`,
  ] as const;
  return {
    title: `ticket ${ticket.id} and ${project.id} get different titles at once: one wins on both sides`,
    where: 'both',
    act: async () => {
      await Promise.all([
        office.editTicket(3, ticket.id, { subject: titles[0] }),
        office.editPms(5, `/projects/${project.id}`, { title: titles[1] }),
      ]);
    },
    arrived: async () => {
      const [left, right] = await Promise.all([office.ticket(ticket.id), office.project(project.id)]);
      const agreed = left.subject === right.title && titles.some((title) => title === right.title);
      return agreed ? `both say "${right.title}"` : null;
    },
  };
}

export function editedNote(office: Office, note: Note, { ticket, project }: Pair, marker: string): Edit {
  const body = `Corrected: the meter reads 4711, not 4117. (${marker})`;
  return {
    title: `note ${note.id} on ${project.id} edited: Zendesk gets a follow-up`,
    where: 'pms',
    act: () => office.editPms(1, `/notes/${note.id}`, { body }),
    arrived: async () => {
      const comment = (await office.comments(ticket.id)).find(
        (each) => each.followUp && each.body.includes(body),
      );
      return comment ? `follow-up ${comment.id} on ticket ${ticket.id}` : null;
    },
  };
}

export function ticketMoved(office: Office, { ticket, project }: Pair, target: CompanyPair): Edit {
  return {
    title: `ticket ${ticket.id} moved to organization ${target.organizationId}`,
    where: 'zendesk',
    act: async () => {
      await office.join(ticket.requester_id, target.organizationId);
      await office.editTicket(4, ticket.id, { organization_id: target.organizationId });
    },
    arrived: async () => {
      const now = await office.project(project.id);
      return now.customerId === target.customerId ? `${project.id} belongs to ${target.customerId}` : null;
    },
  };
}
