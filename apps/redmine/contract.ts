import { randomBytes } from 'node:crypto';
import fastify, { type FastifyRequest } from 'fastify';
import {
  RedmineClient,
  RedmineError,
  type CustomValue,
  type Issue,
  type IssueJournal,
  type RedmineProject,
  type RedmineUser,
} from 'testkit';
import type { CountedCall } from './proxy';
import type { Redmine } from './server';

/**
 * Serves the PMS contract (docs/pms-openapi.yaml) from a Redmine, as far as the demo's people and checker use it, so
 * that they work with Redmine and with the sandbox in the same way. It shares no code with the sync and its profile,
 * and has its own rules for the same properties.
 */
export interface Contract {
  url: string;
  token: string;
  close(): Promise<void>;
}

const ISSUE = { backRef: 1, requester: 2, agent: 3, tags: 4, link: 5 };
const PROJECT = { backRef: 6, domains: 7, tags: 8, notes: 9 };
const TRACKERS: Record<string, string> = {
  Bug: 'incident',
  Feature: 'task',
  Support: 'question',
  Problem: 'problem',
};
const STATUSES: Record<string, string> = {
  New: 'new',
  'In Progress': 'in_progress',
  Feedback: 'waiting',
  'On Hold': 'on_hold',
  Resolved: 'done',
  Closed: 'closed',
};
const PRIORITIES: Record<string, string> = { Low: 'low', Normal: 'medium', High: 'high', Urgent: 'critical' };
/** The project of issues without a customer. */
const INBOX = 1;
/** The footer that the sync writes below a note: the author, and the comment that the note belongs to. */
const FOOTER = /\s*(?:— (?<author>[^\n]*) )?<!-- (?<ref>\S+) -->\s*$/;
const CLOSED = 5;

/** The user under which the sync's calls are counted, whichever key they use. */
export const SYNC_USER = 'sync';

type Body = Record<string, unknown>;

/** @param counted the sync's calls, which are returned like the call counts of the sandboxes */
export async function startContract(
  redmine: Pick<Redmine, 'url' | 'apiKey'>,
  counted: () => readonly CountedCall[],
): Promise<Contract> {
  const client = new RedmineClient(redmine.url, redmine.apiKey);
  const world = await World.of(client);
  const token = randomBytes(16).toString('hex');
  const logins = new Map<string, string | undefined>([[token, undefined]]);
  const app = fastify({ forceCloseConnections: true });
  const as = (request: FastifyRequest) =>
    logins.get((request.headers.authorization ?? '').replace(/^Bearer /, ''));

  app.setErrorHandler((error: Error, _request, reply) => {
    const status = error instanceof RedmineError ? error.status : 500;
    return reply.code(status).send({ error: { code: 'redmine', message: error.message } });
  });
  app.post('/_sandbox/tokens', async (request) => {
    const { email, name } = request.body as { email: string; name: string };
    await world.meet(email, name);
    const made = randomBytes(16).toString('hex');
    logins.set(made, email);
    return { token: made };
  });
  app.get('/_sandbox/stats', async () => ({ calls: counted().map(toCount) }));
  app.get('/api/v1/people', async () => list(await world.people()));
  app.post('/api/v1/people', async (request) => {
    const { email, name, role } = request.body as { email: string; name: string; role: string };
    if (role !== 'client') await world.meet(email, name);
    return { id: email, email, name };
  });
  for (const collection of COLLECTIONS) {
    const path = `/api/v1/${collection}`;
    app.get(path, async (request) => list(await world.list(collection, request.query as Body)));
    app.get(`${path}/:id`, async (request) => world.read(collection, idOf(request)));
    app.post(path, async (request) => world.create(collection, request.body as Body, as(request)));
    app.patch(`${path}/:id`, async (request) =>
      world.update(collection, idOf(request), request.body as Body, as(request)),
    );
    app.delete(`${path}/:id`, async (request) => world.remove(collection, idOf(request)));
    app.post(`${path}/bulk`, async (request) => {
      const { operations } = request.body as { operations: { body: Body }[] };
      const results = [];
      for (const { body } of operations)
        results.push({ status: 201, body: await world.create(collection, body, as(request)) });
      return { results };
    });
  }
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return { url, token, close: () => app.close() };
}

const COLLECTIONS = ['customers', 'projects', 'notes'] as const;
type Collection = (typeof COLLECTIONS)[number];

function list(items: unknown[]): { items: unknown[]; nextCursor: null } {
  return { items, nextCursor: null };
}

/** Lists are requested only for changes; single records are read by id or by their references. */
function toCount({ method, path, status }: CountedCall): Body {
  const isPoll = method === 'GET' && /^\/(issues|projects)\.json\?/.test(path) && !/[?&](cf_|v\[)/.test(path);
  const route = isPoll ? '/changes' : path.replace(/\?.*/, '');
  return { user: SYNC_USER, method, route, status, count: 1 };
}

function idOf(request: FastifyRequest): string {
  return (request.params as { id: string }).id;
}

class World {
  private constructor(
    private readonly client: RedmineClient,
    /** Ids by name. */
    private readonly ids: { trackers: Ids; statuses: Ids; priorities: Ids },
  ) {}

  static async of(client: RedmineClient): Promise<World> {
    const ids = async (path: string, key: string): Promise<Ids> => {
      const answer = await client.call<Record<string, { id: number; name: string }[]>>('GET', path);
      return new Map((answer[key] ?? []).map(({ id, name }) => [name, id]));
    };
    return new World(client, {
      trackers: await ids('/trackers.json', 'trackers'),
      statuses: await ids('/issue_statuses.json', 'issue_statuses'),
      priorities: await ids('/enumerations/issue_priorities.json', 'issue_priorities'),
    });
  }

  /** Adds a person as a member with all rights, so that each can edit the others' records. */
  async meet(email: string, name: string): Promise<void> {
    if ((await this.users()).some(({ mail }) => mail === email)) return;
    const [firstname = name, ...rest] = name.split(' ');
    const user = {
      login: email,
      mail: email,
      firstname,
      lastname: rest.join(' ') || '-',
      admin: true,
      generate_password: true,
    };
    await this.client.call('POST', '/users.json', { user });
  }

  private users(): Promise<RedmineUser[]> {
    return this.client.list<RedmineUser>('/users.json', 'users');
  }

  /** Members, and people whose addresses are on an issue. */
  async people(): Promise<unknown[]> {
    const users = await this.users();
    const names = new Map(users.map(({ mail, firstname, lastname }) => [mail, `${firstname} ${lastname}`]));
    for (const { custom_fields: fields } of await this.issues())
      for (const email of [custom(fields, ISSUE.requester), custom(fields, ISSUE.agent)])
        if (email !== '' && !names.has(email)) names.set(email, email);
    return [...names].map(([email, name]) => ({ id: email, email, name }));
  }

  async list(collection: Collection, query: Body): Promise<Body[]> {
    const all = await this.all(collection, query['projectId']);
    const filters = (['externalRef', 'projectId'] as const).filter((name) => query[name] !== undefined);
    return all.filter((record) => filters.every((name) => record[name] === query[name]));
  }

  private async all(collection: Collection, within: unknown): Promise<Body[]> {
    if (collection === 'customers') {
      const projects = await this.client.list<RedmineProject>('/projects.json?status=1|5', 'projects');
      return projects.filter(({ id, parent }) => id !== INBOX && !parent).map(toCustomer);
    }
    if (collection === 'projects') return (await this.issues()).map((issue) => toProject(issue));
    const ids = typeof within === 'string' ? [within] : (await this.issues()).map(({ id }) => String(id));
    const emails = await this.emails();
    const notes: Body[] = [];
    for (const id of ids) {
      const issue = await this.issue(id);
      notes.push(...notesOf(issue).map((journal) => toNote(issue, journal, emails)));
    }
    return notes;
  }

  async read(collection: Collection, id: string): Promise<Body> {
    if (collection === 'customers')
      return toCustomer(
        (await this.client.call<{ project: RedmineProject }>('GET', `/projects/${id}.json`)).project,
      );
    if (collection === 'projects') return toProject(await this.issue(id));
    const { issue, journal } = await this.journal(id);
    return toNote(issue, journal, await this.emails());
  }

  async create(collection: Collection, body: Body, as: string | undefined): Promise<Body> {
    if (collection === 'notes') return this.createNote(body, as);
    if (collection === 'customers') {
      const project = { ...projectOf(body), identifier: `c-${randomBytes(6).toString('hex')}` };
      const made = await this.client.call<{ project: RedmineProject }>(
        'POST',
        '/projects.json',
        { project },
        as,
      );
      return toCustomer(made.project);
    }
    const issue = { project_id: INBOX, ...this.issueOf({ type: 'question', ...body }) };
    const made = await this.client.call<{ issue: Issue }>('POST', '/issues.json', { issue }, as);
    return toProject(made.issue);
  }

  private async createNote(body: Body, as: string | undefined): Promise<Body> {
    const id = String(body['projectId']);
    const issue = { notes: body['body'], private_notes: body['visibility'] !== 'public' };
    await this.client.call('PUT', `/issues/${id}.json`, { issue }, as);
    const now = await this.issue(id);
    const made = notesOf(now).at(-1);
    if (!made) throw new Error(`issue ${id} has no note`);
    return toNote(now, made, await this.emails());
  }

  async update(collection: Collection, id: string, body: Body, as: string | undefined): Promise<Body> {
    if (collection === 'notes') {
      const { journal } = await this.journal(id);
      // A person leaves the footer unchanged in the form.
      const footer = FOOTER.exec(journal.notes ?? '')?.[0] ?? '';
      const change = {
        ...(body['body'] !== undefined && { notes: `${body['body'] as string}${footer}` }),
        ...(body['visibility'] !== undefined && { private_notes: body['visibility'] !== 'public' }),
      };
      await this.client.call('PUT', `/journals/${journal.id}.json`, { journal: change }, as);
    } else if (collection === 'customers')
      await this.client.call('PUT', `/projects/${id}.json`, { project: projectOf(body) }, as);
    else await this.client.call('PUT', `/issues/${id}.json`, { issue: this.issueOf(body) }, as);
    return this.read(collection, id);
  }

  /** Redmine deletes a note when its text is cleared. */
  async remove(collection: Collection, id: string): Promise<null> {
    if (collection === 'notes') {
      const { journal } = await this.journal(id);
      await this.client.call('PUT', `/journals/${journal.id}.json`, { journal: { notes: '' } });
    } else
      await this.client.call('DELETE', `/${collection === 'customers' ? 'projects' : 'issues'}/${id}.json`);
    return null;
  }

  private issues(): Promise<Issue[]> {
    return this.client.list<Issue>('/issues.json?status_id=*&sort=id', 'issues');
  }

  private async issue(id: string): Promise<Issue> {
    return (await this.client.call<{ issue: Issue }>('GET', `/issues/${id}.json?include=journals`)).issue;
  }

  private async journal(id: string): Promise<{ issue: Issue; journal: IssueJournal }> {
    const [issueId = '', journalId = ''] = id.split('.');
    const issue = await this.issue(issueId);
    const journal = notesOf(issue).find((each) => String(each.id) === journalId);
    if (!journal) throw new RedmineError(404, [], `note ${id}`);
    return { issue, journal };
  }

  private async emails(): Promise<Map<number, string>> {
    return new Map((await this.users()).map(({ id, mail }) => [id, mail]));
  }

  private issueOf(body: Body): Body {
    const { ids } = this;
    const fields = {
      requesterId: ISSUE.requester,
      assigneeId: ISSUE.agent,
      tags: ISSUE.tags,
      externalRef: ISSUE.backRef,
    };
    const named = (name: string, table: Record<string, string>, known: Ids): number | undefined => {
      const word = Object.entries(table).find(([, value]) => value === body[name])?.[0];
      return word === undefined ? undefined : known.get(word);
    };
    return {
      ...given(body, { title: 'subject', description: 'description' }),
      ...(body['customerId'] !== undefined && { project_id: body['customerId'] ?? INBOX }),
      ...(body['dueDate'] !== undefined && {
        due_date: (body['dueDate'] as string | null)?.slice(0, 10) ?? '',
      }),
      ...(body['visibility'] !== undefined && { is_private: body['visibility'] !== 'public' }),
      tracker_id: named('type', TRACKERS, ids.trackers),
      status_id: named('status', STATUSES, ids.statuses),
      priority_id: named('priority', PRIORITIES, ids.priorities),
      custom_fields: customOf(body, fields),
    };
  }
}

type Ids = ReadonlyMap<string, number>;

function notesOf({ journals = [] }: Issue): IssueJournal[] {
  return journals.filter(({ notes }) => notes !== null && notes !== '');
}

function custom(fields: readonly CustomValue[] | undefined, id: number): string {
  return fields?.find((each) => each.id === id)?.value ?? '';
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function given(body: Body, names: Record<string, string>): Body {
  return Object.fromEntries(
    Object.entries(names).flatMap(([from, to]) => (body[from] === undefined ? [] : [[to, body[from]]])),
  );
}

function customOf(body: Body, names: Record<string, number>): { id: number; value: unknown }[] {
  return Object.entries(names).flatMap(([name, id]) => {
    const value = body[name];
    if (value === undefined) return [];
    return [{ id, value: Array.isArray(value) ? value.join(' ') : (value ?? '') }];
  });
}

function projectOf(body: Body): Body {
  return {
    ...given(body, { name: 'name', description: 'description' }),
    custom_fields: customOf(body, {
      domains: PROJECT.domains,
      tags: PROJECT.tags,
      notes: PROJECT.notes,
      externalRef: PROJECT.backRef,
    }),
  };
}

function toCustomer({ id, name, description, status, custom_fields: fields }: RedmineProject): Body {
  return {
    id: String(id),
    name,
    description,
    domains: words(custom(fields, PROJECT.domains)),
    tags: words(custom(fields, PROJECT.tags)),
    notes: custom(fields, PROJECT.notes),
    externalRef: custom(fields, PROJECT.backRef) || null,
    archivedAt: status === CLOSED ? '' : null,
  };
}

function toProject(issue: Issue): Body {
  const { custom_fields: fields } = issue;
  return {
    id: String(issue.id),
    title: issue.subject,
    description: issue.description,
    status: STATUSES[issue.status.name] ?? issue.status.name,
    priority: PRIORITIES[issue.priority.name] ?? issue.priority.name,
    type: TRACKERS[issue.tracker.name] ?? issue.tracker.name,
    customerId: issue.project.id === INBOX ? null : String(issue.project.id),
    requesterId: custom(fields, ISSUE.requester) || null,
    assigneeId: custom(fields, ISSUE.agent) || null,
    dueDate: issue.due_date,
    visibility: issue.is_private ? 'internal' : 'public',
    tags: words(custom(fields, ISSUE.tags)),
    sourceUrl: custom(fields, ISSUE.link),
    externalRef: custom(fields, ISSUE.backRef) || null,
  };
}

function toNote(issue: Issue, journal: IssueJournal, emails: ReadonlyMap<number, string>): Body {
  const text = journal.notes ?? '';
  const footer = FOOTER.exec(text);
  const ref = footer?.groups?.['ref'] ?? null;
  return {
    id: `${issue.id}.${journal.id}`,
    projectId: String(issue.id),
    body: footer ? text.slice(0, footer.index) : text,
    visibility: journal.private_notes ? 'internal' : 'public',
    // The sync's user wrote it; the footer names the author.
    authorId: ref === null ? (emails.get(journal.user?.id ?? 0) ?? null) : null,
    authorName: ref === null ? (journal.user?.name ?? null) : (footer?.groups?.['author'] ?? null),
    createdAt: journal.created_on,
    externalRef: ref,
  };
}
