import { createClient } from 'node-zendesk';
import { systemsOf } from '../systems';

/**
 * The script that the sync is compared with. It asks both systems for changes every few seconds, looks each change up
 * on the other side, and writes it there, with a public Zendesk client: what a developer would write in an afternoon.
 * It stores nothing, uses no preconditions, and loses an edit if both sides are edited at the same time.
 * Prints a line after the first round, and runs until it is stopped.
 */

const PAUSE_MS = 1_000;
const env = systemsOf(process.env);

const zendesk = createClient({
  token: env.ZENDESK_BEARER,
  oauth: true,
  endpointUri: `${env.ZENDESK_BASE_URL}/api/v2`,
});

interface Customer {
  id: string;
  name: string;
  description: string | null;
  notes: string | null;
  externalRef: string | null;
}
interface Project {
  id: string;
  title: string;
  description: string | null;
  customerId: string | null;
  externalRef: string | null;
}
interface Note {
  id: string;
  projectId: string;
  body: string;
  externalRef: string | null;
}
interface Organization {
  id: number;
  name: string;
  details: string | null;
  notes: string | null;
  external_id: string | null;
  updated_at: string;
}
interface Ticket {
  id: number;
  subject: string;
  description: string;
  organization_id: number | null;
  external_id: string | null;
  updated_at: string;
}

async function pms<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(`${env.PMS_BASE_URL}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${env.PMS_TOKEN}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}
const one = async <T>(collection: string, externalRef: string): Promise<T | undefined> =>
  (await pms<{ items: T[] }>('GET', `/${collection}?externalRef=${encodeURIComponent(externalRef)}`))
    .items[0];

/** The id in a reference such as `zendesk:ticket:12`. */
const idIn = (ref: string | null, of: string): string | null =>
  ref?.startsWith(`${of}:`) ? ref.slice(of.length + 1) : null;

async function organizationChanged(organization: Organization): Promise<void> {
  const { id, name, details, notes, external_id: externalId } = organization;
  const own = idIn(externalId, 'pms:customer');
  const customer = own
    ? await pms<Customer>('GET', `/customers/${own}`)
    : await one<Customer>('customers', `zendesk:organization:${id}`);
  if (!customer) {
    await pms('POST', '/customers', {
      name,
      description: details,
      notes,
      externalRef: `zendesk:organization:${id}`,
    });
  } else if (customer.name !== name || customer.description !== details || customer.notes !== notes) {
    await pms('PATCH', `/customers/${customer.id}`, { name, description: details, notes });
  }
}

async function ticketChanged(ticket: Ticket): Promise<void> {
  const { id, subject, description, organization_id: organizationId, external_id: externalId } = ticket;
  const own = idIn(externalId, 'pms:project');
  let project = own
    ? await pms<Project>('GET', `/projects/${own}`)
    : await one<Project>('projects', `zendesk:ticket:${id}`);
  if (!project) {
    const customer =
      organizationId === null
        ? undefined
        : await one<Customer>('customers', `zendesk:organization:${organizationId}`);
    project = await pms<Project>('POST', '/projects', {
      title: subject,
      description,
      customerId: customer?.id ?? null,
      externalRef: `zendesk:ticket:${id}`,
    });
  } else if (project.title !== subject) await pms('PATCH', `/projects/${project.id}`, { title: subject });
  const { items: notes } = await pms<{ items: Note[] }>('GET', `/notes?projectId=${project.id}&limit=200`);
  const known = new Set(notes.map(({ externalRef }) => externalRef));
  const texts = new Set(notes.map(({ body }) => body));
  // The first comment is the description.
  const [, ...comments] = (await zendesk.tickets.getComments(id)) as unknown as {
    id: number;
    body: string;
  }[];
  for (const { id: commentId, body } of comments) {
    const externalRef = `zendesk:comment:${id}-${commentId}`;
    if (known.has(externalRef) || texts.has(body)) continue;
    await pms('POST', '/notes', { projectId: project.id, body, externalRef });
  }
}

async function customerChanged(customer: Customer): Promise<void> {
  const { id, name, description: details, notes } = customer;
  const own = idIn(customer.externalRef, 'zendesk:organization');
  const organization = own
    ? ((await zendesk.organizations.show(Number(own))).result as unknown as Organization)
    : ((await zendesk.organizations.search(`pms:customer:${id}` as never)) as unknown as Organization[])[0];
  if (!organization) {
    await zendesk.organizations.create({
      organization: { name, details, notes, external_id: `pms:customer:${id}` },
    });
  } else if (organization.name !== name || organization.details !== details || organization.notes !== notes)
    await zendesk.organizations.update(organization.id, { organization: { name, details, notes } });
}

async function projectChanged(project: Project): Promise<void> {
  const { id, title, description } = project;
  const own = idIn(project.externalRef, 'zendesk:ticket');
  if (!own) {
    const found = (await zendesk.tickets.listWithFilter(
      'external_id',
      `pms:project:${id}`,
    )) as unknown as Ticket[];
    const [ticket] = found;
    if (!ticket)
      await zendesk.tickets.create({
        ticket: { subject: title, comment: { body: description ?? title }, external_id: `pms:project:${id}` },
      });
    else if (ticket.subject !== title)
      await zendesk.tickets.update(ticket.id, { ticket: { subject: title } });
    return;
  }
  const ticket = (await zendesk.tickets.show(Number(own))).result as unknown as Ticket;
  if (ticket.subject !== title) await zendesk.tickets.update(ticket.id, { ticket: { subject: title } });
}

async function noteChanged(note: Note): Promise<void> {
  if (note.externalRef !== null) return;
  const project = await pms<Project>('GET', `/projects/${note.projectId}`);
  const own = idIn(project.externalRef, 'zendesk:ticket');
  if (!own) return;
  const comments = (await zendesk.tickets.getComments(Number(own))) as unknown as { body: string }[];
  if (comments.some(({ body }) => body === note.body)) return;
  await zendesk.tickets.update(Number(own), { ticket: { comment: { body: note.body } } });
}

const handled = new Map<string, string>();
function isNews(kind: string, { id, updated_at: at }: { id: number; updated_at: string }): boolean {
  if (handled.get(`${kind}:${id}`) === at) return false;
  handled.set(`${kind}:${id}`, at);
  return true;
}

async function changedInPms(kind: string, record: Customer & Project & Note): Promise<void> {
  if (kind === 'customer') await customerChanged(record);
  else if (kind === 'project') await projectChanged(record);
  else await noteChanged(record);
}

async function main(): Promise<void> {
  let since = 0;
  let cursor: string | null = null;
  for (let round = 1; ; round += 1) {
    // Exports refuse a later start time; repeated records are recognised by the time of their change.
    const next = Math.floor(Date.now() / 1_000) - 65;
    const organizations = (await zendesk.organizations.incremental(
      String(since),
    )) as unknown as Organization[];
    for (const organization of organizations)
      if (isNews('organization', organization)) await organizationChanged(organization);
    const tickets = (await zendesk.tickets.incremental(String(since))) as unknown as Ticket[];
    for (const ticket of tickets) if (isNews('ticket', ticket)) await ticketChanged(ticket);
    since = next;
    for (let more = true; more;) {
      const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await pms<{
        items: { kind: string; op: string; record: Customer & Project & Note }[];
        nextCursor: string;
        hasMore: boolean;
      }>('GET', `/changes?limit=200${query}`);
      const latest = new Map(page.items.map((item) => [`${item.kind}:${item.record.id}`, item]));
      for (const { kind, op, record } of latest.values())
        if (op !== 'deleted') await changedInPms(kind, record);
      cursor = page.nextCursor;
      more = page.hasMore;
    }
    console.log(`round ${round}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
