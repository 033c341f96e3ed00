import { z } from 'zod';
import type { CallBudget } from '../../systems/budget';
import { HttpClient, type Request } from '../../systems/http';
import type { SignedIn } from '../../systems/zendesk/zendeskAuth';
import { ZENDESK_RATE } from '../../systems/zendesk/zendeskLimits';
import { textOf } from '../../sync/values';
import type { Json, Values } from '../../sync/record';
import { answers, type Comment, type Raw, type User } from './zendeskAnswers';
import { FieldTags } from './fieldTags';
import { patiently, textFile, valueOf, type FileContent, type PublicApi, type Seen } from './publicApi';
import { fileOf, isAuditOf, partsOf, plain } from './commentParts';
import { ORGANIZATION_FIELD, TICKET_FIELD, organizationBody, ticketBody } from './zendeskBodies';

/** Zendesk as an agent uses it. https://developer.zendesk.com/api-reference/ticketing/introduction/ */

export interface ZendeskAccess {
  baseUrl: string;
  /** The account that the calls are made as. */
  as: SignedIn;
  budget?: CallBudget;
}

const PATHS: Record<string, string> = { ticket: 'tickets', organization: 'organizations' };
/** The marks that the sync leaves on a comment's audit (docs/comments.md): a comment has no field for them. */
const MARKS = { backRef: 'zps_ref', followUp: 'zps_follow_up', of: 'zps_of', byline: 'zps_byline' };

export class ZendeskApi implements PublicApi {
  readonly side = 'zendesk';
  private readonly http: HttpClient;
  private readonly baseUrl: string;
  private readonly users = new Map<number, User>();
  private readonly fieldTags = new FieldTags(() => this.ticketFields());
  private fieldList: Promise<z.output<typeof answers.ticketFields>> | null = null;
  private groupList: Promise<{ id: number; name: string }[]> | null = null;

  constructor({ baseUrl, as, budget }: ZendeskAccess) {
    this.baseUrl = baseUrl;
    this.http = new HttpClient({
      side: 'zendesk',
      name: 'Zendesk',
      baseUrl,
      headers: {},
      ...as,
      ...(budget && { rate: { rules: ZENDESK_RATE, budget } }),
    });
  }

  /** The agents who can be assigned, starting with the own account. */
  async agents(): Promise<{ email: string; name: string }[]> {
    const { user: me } = await this.get(answers.user, '/users/me');
    const lists = await Promise.all(
      ['admin', 'agent'].map((role) => this.get(answers.users, '/users', { role, 'page[size]': 100 })),
    );
    const all = [me, ...lists.flatMap(({ users }) => users)];
    return [...new Map(all.map((each) => [each.id, each])).values()].flatMap(({ email, name }) =>
      email == null ? [] : { email: email.toLowerCase(), name },
    );
  }

  async groups(): Promise<{ id: number; name: string }[]> {
    this.groupList ??= this.get(answers.groups, '/groups').then(({ groups }) => groups);
    return this.groupList;
  }

  private ticketFields(): Promise<z.output<typeof answers.ticketFields>> {
    this.fieldList ??= this.get(answers.ticketFields, '/ticket_fields');
    return this.fieldList;
  }

  /** The options of fields, keyed by `zendesk KIND PROPERTY`. */
  async options(): Promise<Map<string, string[]>> {
    const { ticket_fields: ticket } = await this.ticketFields();
    const { organization_fields: organization } = await this.get(
      answers.organizationFields,
      '/organization_fields',
    );
    const found = [
      ...ticket.map((each) => [`zendesk ticket ${TICKET_FIELD}${each.id}`, each] as const),
      ...organization.map((each) => [`zendesk organization ${ORGANIZATION_FIELD}${each.key}`, each] as const),
    ];
    return new Map(
      found.flatMap(([name, { custom_field_options: options }]) =>
        options ? [[name, options.map(({ value }) => value)]] : [],
      ),
    );
  }

  async create(kind: string, values: Values): Promise<Seen> {
    if (kind === 'comment') return this.say(values, []);
    if (kind === 'organization') {
      const body = { organization: organizationBody(values) };
      const answer = await this.send(answers.organization, { method: 'POST', path: '/organizations', body });
      return this.organization(answer.organization);
    }
    const { description, public: shown, ...rest } = values;
    const ticket = {
      ...(await this.ticketBody(rest)),
      comment: { body: textOf(description ?? ''), public: shown !== false },
    };
    const answer = await this.send(answers.ticket, { method: 'POST', path: '/tickets', body: { ticket } });
    return this.ticket(answer.ticket);
  }

  /** A comment by the person that `author` names, with files. */
  async say(values: Values, files: FileContent[]): Promise<Seen> {
    const uploads: string[] = [];
    for (const each of files) uploads.push(await this.upload(each));
    const author = values['author'] == null ? null : await this.userOf(textOf(values['author']));
    const comment = {
      body: textOf(values['body'] ?? ''),
      public: values['public'] !== false,
      ...(author && { author_id: author.id }),
      uploads,
    };
    const ticketId = textOf(values['ticket_id'] ?? '');
    const answer = await this.send(answers.ticket, {
      method: 'PUT',
      path: `/tickets/${ticketId}`,
      body: { ticket: { comment } },
    });
    const event = answer.audit?.events.find(({ type }) => type === 'Comment');
    const seen = await this.read('comment', `${ticketId}-${event?.id ?? ''}`);
    if (!seen) throw new Error(`Zendesk does not show the comment that it just took on ticket ${ticketId}`);
    return seen;
  }

  async edit(kind: string, id: string, values: Values): Promise<Seen> {
    if (kind === 'comment') return this.editComment(id, values);
    if (kind === 'organization') {
      const body = { organization: organizationBody(values) };
      const path = `/organizations/${id}`;
      return this.organization(
        (await this.send(answers.organization, { method: 'PUT', path, body })).organization,
      );
    }
    const { public: shown, ...rest } = values;
    if (shown === false) await this.makePrivate(id, String((await this.firstComment(id))?.id));
    const body = { ticket: await this.ticketBody(rest) };
    const answer = await this.send(answers.ticket, { method: 'PUT', path: `/tickets/${id}`, body });
    return this.ticket(answer.ticket);
  }

  async read(kind: string, id: string): Promise<Seen | null> {
    if (kind === 'comment') {
      const { ticketId } = partsOf(id);
      return (await this.commentsOf(ticketId)).find((each) => each.seen.id === id)?.seen ?? null;
    }
    const path = `/api/v2/${PATHS[kind] ?? kind}/${id}`;
    const request: Request = { method: 'GET', path };
    const answer = await patiently(() => this.http.send(request, [404]));
    if (answer.status === 404) return null;
    return kind === 'organization'
      ? this.organization(this.http.parse(answers.organization, request, answer.body).organization)
      : this.ticket(this.http.parse(answers.ticket, request, answer.body).ticket);
  }

  async find(kind: string, backRef: string, parent: string | null): Promise<Seen[]> {
    if (kind === 'comment') {
      const all = await this.commentsOf(parent ?? '');
      return all.filter(({ custom }) => custom[MARKS.backRef] === backRef).map(({ seen }) => seen);
    }
    const query = { external_id: backRef };
    if (kind === 'organization') {
      const { organizations } = await this.get(answers.organizations, '/organizations/search', query);
      return organizations.map((each) => this.organization(each));
    }
    const { tickets } = await this.get(answers.tickets, '/tickets', query);
    return Promise.all(tickets.map((each) => this.ticket(each)));
  }

  /** A comment is deleted with its ticket. */
  async remove(kind: string, id: string): Promise<void> {
    if (kind === 'comment') return;
    const request: Request = { method: 'DELETE', path: `/api/v2/${PATHS[kind] ?? kind}/${id}` };
    await patiently(() => this.http.send(request, [404]));
  }

  async followUps(kind: string, id: string): Promise<Map<string, string>> {
    const { ticketId, commentId } = kind === 'comment' ? partsOf(id) : { ticketId: id, commentId: null };
    const all = await this.commentsOf(ticketId);
    const added = all.filter(
      ({ custom }) =>
        custom[MARKS.followUp] !== undefined && (commentId === null || custom[MARKS.of] === commentId),
    );
    return new Map(added.map(({ seen }) => [seen.id, textOf(seen.values['body'] ?? '')]));
  }

  /** Files are sent with their comment. */
  async attach(_kind: string, id: string): Promise<void> {
    throw new Error(`Zendesk comment ${id}: a file cannot be added to it later`);
  }

  async redact(_kind: string, id: string): Promise<void> {
    await this.redactMarked(id, (html) =>
      html.replace(/^(\s*<div[^>]*>)([\s\S]*)(<\/div>\s*)$/, '$1<redact>$2</redact>$3'),
    );
  }

  /** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-attachments/#redact-comment-attachment */
  async redactFile(id: string, fileId: string): Promise<void> {
    const { ticketId, commentId } = partsOf(id);
    const path = `/tickets/${ticketId}/comments/${commentId}/attachments/${fileId}/redact`;
    await this.send(z.unknown(), { method: 'PUT', path });
  }

  async person(email: string, name: string): Promise<void> {
    // Zendesk must not send an e-mail to verify the address.
    const body = { user: { email, name, role: 'end-user', skip_verify_email: true } };
    await this.send(answers.user, { method: 'POST', path: '/users/create_or_update', body });
  }

  async removePerson(email: string): Promise<void> {
    const found = await this.userOf(email);
    if (found)
      await patiently(() => this.http.send({ method: 'DELETE', path: `/api/v2/users/${found.id}` }, [404]));
  }

  async userOf(email: string): Promise<User | null> {
    const { users } = await this.get(answers.users, '/users/search', { query: `email:"${email}"` });
    return users.find((each) => each.email?.toLowerCase() === email) ?? null;
  }

  /**
   * A ticket's organization must be one of its requester's.
   * https://developer.zendesk.com/api-reference/ticketing/organizations/organization_memberships/
   */
  async join(email: string, organization: string): Promise<void> {
    const user = await this.userOf(email);
    const body = { organization_membership: { user_id: user?.id, organization_id: Number(organization) } };
    await this.send(z.unknown(), { method: 'POST', path: '/organization_memberships', body });
  }

  private async makePrivate(ticketId: string, commentId: string): Promise<void> {
    const path = `/tickets/${ticketId}/comments/${commentId}/make_private`;
    await this.send(z.unknown(), { method: 'PUT', path });
  }

  /** A ticket's first comment. Its visibility is that of the ticket. */
  private async firstComment(ticketId: string): Promise<Comment | undefined> {
    const { comments } = await this.get(answers.comments, `/tickets/${ticketId}/comments`, PAGE);
    return comments[0];
  }

  /** Makes a comment internal or redacts words. Zendesk allows no other changes. */
  private async editComment(id: string, values: Values): Promise<Seen> {
    const { ticketId, commentId } = partsOf(id);
    if (values['public'] === false) await this.makePrivate(ticketId, commentId);
    const words = values['body'];
    if (typeof words === 'string')
      await this.redactMarked(id, (html) => html.replace(words, `<redact>${words}</redact>`));
    const seen = await this.read('comment', id);
    if (!seen) throw new Error(`Zendesk comment ${id} is gone`);
    return seen;
  }

  /** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/#redact-ticket-comment-in-agent-workspace */
  private async redactMarked(id: string, mark: (html: string) => string): Promise<void> {
    const { ticketId, commentId } = partsOf(id);
    const { comments } = await this.get(answers.comments, `/tickets/${ticketId}/comments`, PAGE);
    const comment = comments.find((each) => String(each.id) === commentId);
    const body = {
      ticket_id: Number(ticketId),
      html_body: mark(comment?.html_body ?? ''),
      external_attachment_urls: [],
    };
    await this.send(z.unknown(), { method: 'PUT', path: `/comment_redactions/${commentId}`, body });
  }

  private async upload(sent: FileContent): Promise<string> {
    const request = (): Request => ({
      method: 'POST',
      path: '/api/v2/uploads',
      query: { filename: sent.name },
      file: textFile(sent),
    });
    const answer = await patiently(() => this.http.send(request()));
    return this.http.parse(answers.upload, request(), answer.body).upload.token;
  }

  /** The first page of comments; the tickets of checks have few. */
  private async commentsOf(ticketId: string): Promise<{ seen: Seen; custom: Record<string, unknown> }[]> {
    const request: Request = { method: 'GET', path: `/api/v2/tickets/${ticketId}/comments`, query: PAGE };
    const answer = await patiently(() => this.http.send(request, [404]));
    if (answer.status === 404) return [];
    const { comments } = this.http.parse(answers.comments, request, answer.body);
    const { audits } = await this.get(answers.audits, `/tickets/${ticketId}/audits`, PAGE);
    await this.learnUsers(comments.map((each) => each.author_id));
    const customOf = ({ id }: Comment) => audits.find((each) => isAuditOf(each, id))?.metadata?.custom ?? {};
    return comments.map((each) => {
      const custom = customOf(each);
      const added = comments.filter((other) => customOf(other)[MARKS.of] === String(each.id));
      return { custom, seen: this.comment(each, ticketId, custom, added) };
    });
  }

  private comment(raw: Comment, ticketId: string, custom: Record<string, unknown>, added: Comment[]): Seen {
    const author = this.users.get(raw.author_id ?? 0);
    const byline = custom[MARKS.byline];
    const body = textOf(plain(raw.body ?? '') ?? '').replace(/\r\n?/g, '\n');
    const named = typeof byline === 'string' && body.startsWith(byline) ? byline : '';
    return {
      id: `${ticketId}-${raw.id}`,
      values: {
        ticket_id: ticketId,
        body: body.slice(named.length),
        html_body: raw.html_body ?? null,
        public: raw.public,
        author: author?.email?.toLowerCase() ?? null,
        // The sync writes the name of an author without an account at the start of the text.
        author_name: /^(.*) wrote:\n/.exec(named)?.[1] ?? author?.name ?? null,
        created_at: raw.created_at,
      },
      // The sync adds a later file by a separate comment.
      files: [raw, ...added].flatMap(({ attachments }) => attachments.map(fileOf)),
    };
  }

  private organization(from: Raw): Seen {
    const values: Values = {};
    for (const [name, value] of Object.entries(from)) values[name] = valueOf(value);
    const fields = (from['organization_fields'] ?? {}) as Record<string, Json>;
    for (const [key, value] of Object.entries(fields)) values[`${ORGANIZATION_FIELD}${key}`] = value;
    return { id: String(from.id), values, files: [] };
  }

  private async ticket(from: Raw): Promise<Seen> {
    const idOf = (name: string) => (typeof from[name] === 'number' ? from[name] : null);
    await this.learnUsers([idOf('requester_id'), idOf('assignee_id'), idOf('submitter_id')]);
    const emailOf = (name: string) => this.users.get(idOf(name) ?? 0)?.email?.toLowerCase() ?? null;
    const group = (await this.groups()).find(({ id }) => id === idOf('group_id'));
    const values: Values = {};
    for (const [name, value] of Object.entries(from)) values[name] = valueOf(value);
    const custom = (from['custom_fields'] ?? []) as { id: number; value: Json }[];
    for (const { id, value } of custom) values[`${TICKET_FIELD}${id}`] = value;
    const organizationId = idOf('organization_id');
    return {
      id: String(from.id),
      files: [],
      values: {
        ...values,
        description: plain(values['description']),
        public: (await this.firstComment(String(from.id)))?.public ?? null,
        tags: await this.fieldTags.leftOut(values['tags']),
        organization_id: organizationId === null ? null : String(organizationId),
        requester: emailOf('requester_id'),
        requester_name: this.users.get(idOf('requester_id') ?? 0)?.name ?? null,
        assignee: emailOf('assignee_id'),
        submitter: emailOf('submitter_id'),
        group: group?.name ?? null,
        channel: valueOf((from['via'] as { channel?: unknown } | null | undefined)?.channel),
        // The ticket's address in the agent interface.
        url: `${this.baseUrl}/agent/tickets/${from.id}`,
      },
    };
  }

  private async ticketBody(values: Values): Promise<Record<string, unknown>> {
    return ticketBody(values, 'group' in values ? await this.groups() : []);
  }

  private async learnUsers(ids: (number | null | undefined)[]): Promise<void> {
    const unknown = [...new Set(ids)].filter(
      (id): id is number => id != null && id > 0 && !this.users.has(id),
    );
    if (unknown.length === 0) return;
    const { users } = await this.get(answers.users, '/users/show_many', { ids: unknown.join(',') });
    for (const each of users) this.users.set(each.id, each);
  }

  private get<T>(
    schema: z.ZodType<T>,
    path: string,
    query: Record<string, string | number> = {},
  ): Promise<T> {
    return patiently(() => this.http.get(schema, `/api/v2${path}`, query));
  }

  private async send<T>(schema: z.ZodType<T>, { path, ...request }: Request): Promise<T> {
    const whole = { ...request, path: `/api/v2${path}` };
    return this.http.parse(schema, whole, (await patiently(() => this.http.send(whole))).body);
  }
}

const PAGE = { 'page[size]': 100 };
