import { systemsOf } from './systems';

/**
 * Reads and writes the same pages as a backfill, by bare HTTP: without link store, Temporal, mapping and look-ups,
 * and without recovery after a failure. Like the service, it is a separate process. It gets the addresses of the
 * systems from the environment and prints its duration in milliseconds.
 */

const WINDOW = 4;
const AT_ONCE = 100;
const env = systemsOf(process.env);

type Raw = Record<string, unknown>;

async function call(url: string, authorization: string, body?: unknown): Promise<Raw> {
  const answer = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Raw;
}
const zendesk = (path: string, body?: unknown) =>
  call(`${env.ZENDESK_BASE_URL}/api/v2${path}`, `Bearer ${env.ZENDESK_BEARER}`, body);
const pms = (path: string, body?: unknown) =>
  call(`${env.PMS_BASE_URL}/api/v1${path}`, `Bearer ${env.PMS_TOKEN}`, body);

/** Limits the number of pages in progress. */
class Window {
  private readonly open = new Set<Promise<void>>();

  async add(work: () => Promise<void>): Promise<void> {
    if (this.open.size >= WINDOW) await Promise.race(this.open);
    const page: Promise<void> = work().finally(() => this.open.delete(page));
    this.open.add(page);
  }

  async done(): Promise<void> {
    await Promise.all(this.open);
  }
}

function* hundreds<T>(items: readonly T[]): Generator<T[]> {
  for (let i = 0; i < items.length; i += AT_ONCE) yield items.slice(i, i + AT_ONCE);
}

async function toPms(collection: string, bodies: Raw[]): Promise<string[]> {
  const ids: string[] = [];
  for (const some of hundreds(bodies)) {
    const operations = some.map((body) => ({
      op: 'create',
      idempotencyKey: String(body['externalRef']),
      body,
    }));
    const { results } = (await pms(`/${collection}/bulk`, { operations })) as {
      results: { body?: { id: string } }[];
    };
    ids.push(...results.map(({ body }) => body?.id ?? ''));
  }
  return ids;
}

interface JobAnswer {
  job_status: { id: string; status: string; results: { id?: number; error?: string }[] | null };
}

type Created = 'organizations' | 'organization_memberships' | 'tickets';

/** @returns the ids of the created records */
async function toZendesk(name: Created, bodies: Raw[]): Promise<number[]> {
  const ids: number[] = [];
  for (const some of hundreds(bodies)) {
    const begun = (await zendesk(`/${name}/create_many.json`, { [name]: some })) as unknown as JobAnswer;
    let job = begun.job_status;
    while (job.status !== 'completed') {
      await new Promise((resolve) => setTimeout(resolve, 150));
      job = ((await zendesk(`/job_statuses/${job.id}`)) as unknown as JobAnswer).job_status;
    }
    for (const { id, error } of job.results ?? []) {
      if (id === undefined || error !== undefined) throw new Error(`${name}: ${error}`);
      ids.push(id);
    }
  }
  return ids;
}

async function listed(collection: string): Promise<Raw[]> {
  const all: Raw[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page = (await pms(
      `/${collection}?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    )) as {
      items: Raw[];
      nextCursor: string | null;
    };
    all.push(...page.items);
    cursor = page.nextCursor;
  }
  return all;
}

async function main(): Promise<void> {
  const began = performance.now();
  const customers = await listed('customers');
  const projects = await listed('projects');
  const names = new Set(customers.map(({ name }) => name));
  const customerOf = new Map<number, string>();
  const projectOf = new Map<number, string>();
  const people = new Map<number, string>();

  const organizations = await listedOrganizations();
  const fresh = organizations.filter(({ name }) => !names.has(name));
  const made = await toPms(
    'customers',
    fresh.map(({ id, name }) => ({ name, externalRef: `zendesk:organization:${id}` })),
  );
  fresh.forEach(({ id }, n) => customerOf.set(id, made[n] ?? ''));

  await copyTickets(customerOf, projectOf, people);
  await copyComments(projectOf);
  const newNames = new Set(organizations.map(({ name }) => name));
  const own = customers.filter(({ name }) => !newNames.has(String(name)));
  const newIds = await toZendesk(
    'organizations',
    own.map(({ id, name }) => ({ name, external_id: `pms:customer:${String(id)}` })),
  );
  const organizationOf = new Map(own.map(({ id }, n) => [id, newIds[n]]));
  const { user } = (await zendesk('/users/me.json')) as { user: { id: number } };
  await toZendesk(
    'organization_memberships',
    newIds.map((id) => ({ user_id: user.id, organization_id: id })),
  );
  await toZendesk(
    'tickets',
    projects.map(({ id, title, description, customerId }) => ({
      subject: title,
      comment: { body: description },
      organization_id: organizationOf.get(customerId),
      external_id: `pms:project:${String(id)}`,
    })),
  );
  console.log(JSON.stringify({ ms: performance.now() - began }));
}

async function listedOrganizations(): Promise<{ id: number; name: string }[]> {
  const organizations: { id: number; name: string }[] = [];
  for (let page = 1, more = true; more; page += 1) {
    const read = (await zendesk(`/organizations.json?per_page=100&page=${page}`)) as {
      organizations: typeof organizations;
      next_page: string | null;
    };
    organizations.push(...read.organizations);
    more = read.next_page !== null;
  }
  return organizations;
}

async function copyTickets(
  customerOf: ReadonlyMap<number, string>,
  projectOf: Map<number, string>,
  people: Map<number, string>,
): Promise<void> {
  const tickets = new Window();
  for (let cursor: string | null = null, more = true; more;) {
    const from: string = cursor === null ? 'start_time=0' : `cursor=${cursor}`;
    const page = (await zendesk(`/incremental/tickets/cursor.json?${from}&per_page=1000`)) as {
      tickets: {
        id: number;
        subject: string;
        description: string;
        organization_id: number;
        requester_id: number;
      }[];
      after_cursor: string;
      end_of_stream: boolean;
    };
    ({ after_cursor: cursor } = page);
    more = !page.end_of_stream;
    await createPeople(
      page.tickets.map(({ requester_id: id }) => id),
      people,
    );
    await tickets.add(async () => {
      const ids = await toPms(
        'projects',
        page.tickets.map(
          ({ id, subject, description, organization_id: organization, requester_id: requester }) => ({
            title: subject,
            description,
            externalRef: `zendesk:ticket:${id}`,
            requesterId: people.get(requester) ?? null,
            customerId: customerOf.get(organization) ?? null,
          }),
        ),
      );
      page.tickets.forEach(({ id }, n) => projectOf.set(id, ids[n] ?? ''));
    });
  }
  await tickets.done();
}

/** Creates the people in the PMS that it does not know yet. */
async function createPeople(ids: readonly number[], people: Map<number, string>): Promise<void> {
  for (const some of hundreds([...new Set(ids)].filter((id) => !people.has(id)))) {
    const { users } = (await zendesk(`/users/show_many.json?ids=${some.join(',')}`)) as {
      users: { id: number; email: string; name: string }[];
    };
    const emails = users.map(({ email }) => encodeURIComponent(email)).join(',');
    const { items: known } = (await pms(`/people?emails=${emails}&limit=100`)) as {
      items: { id: string; email: string }[];
    };
    const idOf = new Map(known.map(({ id, email }) => [email, id]));
    await Promise.all(
      users.map(async ({ id, email, name }) => {
        const person = idOf.get(email) ?? (await pms('/people', { email, name, role: 'client' }))['id'];
        people.set(id, String(person));
      }),
    );
  }
}

async function copyComments(projectOf: ReadonlyMap<number, string>): Promise<void> {
  const window = new Window();
  for (let start = 0, more = true; more;) {
    const page = (await zendesk(
      `/incremental/ticket_events.json?start_time=${start}&include=comment_events`,
    )) as {
      ticket_events: {
        ticket_id: number;
        child_events: { id: number; event_type: string; body?: string; public?: boolean }[];
      }[];
      end_time: number;
      end_of_stream: boolean;
    };
    const comments = page.ticket_events.flatMap(({ ticket_id: ticket, child_events: events }) =>
      events.filter(({ event_type: type }) => type === 'Comment').map((event) => ({ ticket, ...event })),
    );
    await window.add(async () => {
      await toPms(
        'notes',
        comments.map(({ ticket, id, body, public: isPublic }) => ({
          projectId: projectOf.get(ticket),
          body,
          visibility: isPublic === false ? 'internal' : 'public',
          externalRef: `zendesk:comment:${ticket}-${id}`,
        })),
      );
    });
    more = !page.end_of_stream && page.end_time > start;
    start = page.end_time;
  }
  await window.done();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
