import { type Fields, type Organization, type Ticket, type User, type ZendeskSandbox } from '../../src';

/** The contents of answers. Each call returns some of these keys. */
export interface Body {
  ticket: Ticket;
  tickets: Ticket[];
  organization: Organization;
  organizations: Organization[];
  user: User;
  users: User[];
  audit: ShownAudit;
  audits: ShownAudit[];
  comment: ShownComment;
  comments: ShownComment[];
  ticket_events: TicketEvent[];
  deleted_tickets: (Fields & { id: number; previous_state: string })[];
  job_status: { id: string; status: string; total: number; results: JobResult[] | null };
  upload: { token: string; attachment: ShownAttachment; attachments: ShownAttachment[] };
  webhook: { id: string };
  signing_secret: { algorithm: string; secret: string };
  tags: string[];
  results: (Fields & { result_type: string })[];
  meta: { has_more: boolean; after_cursor: string | null; before_cursor: string | null };
  links: { next: string | null; prev: string | null };
  next_page: string | null;
  previous_page: string | null;
  count: number;
  after_cursor: string;
  after_url: string;
  end_of_stream: boolean;
  end_time: number;
  error: string;
  description: string;
  details: Record<string, { description: string; error: string }[]>;
  [other: string]: unknown;
}
export interface ShownAttachment {
  id: number;
  content_url: string;
  file_name: string;
  size: number;
}
export interface ShownComment {
  id: number;
  body: string;
  html_body: string;
  plain_body: string;
  public: boolean;
  author_id: number;
  audit_id: number;
  attachments: ShownAttachment[];
}
export interface ShownAudit {
  id: number;
  author_id: number;
  metadata: { system: Fields; custom: Fields };
  events: (Fields & { type: string })[];
}
export interface TicketEvent {
  id: number;
  ticket_id: number;
  updater_id: number;
  metadata: { custom: Fields };
  child_events: ChildEvent[];
}
/** The keys of a comment event. */
export interface ChildEvent {
  event_type: string;
  id: number;
  body: string;
  html_body: string;
  [other: string]: unknown;
}
export interface JobResult {
  id?: number;
  index: number;
  action: string;
  success: boolean;
  error?: string;
  details?: string;
}
export interface Answer {
  status: number;
  headers: Headers;
  body: Body;
}

/** Plain HTTP to a Zendesk sandbox as one of its agents. */
export class ZendeskApi {
  constructor(
    private readonly sandbox: Pick<ZendeskSandbox, 'url' | 'bearer'>,
    readonly email = 'ann@sandbox.example',
  ) {}

  as(email: string): ZendeskApi {
    return new ZendeskApi(this.sandbox, email);
  }

  get = (path: string) => this.call('GET', path);
  post = (path: string, body?: unknown, headers?: Record<string, string>) =>
    this.call('POST', path, body, headers);
  put = (path: string, body?: unknown) => this.call('PUT', path, body);
  delete = (path: string, body?: unknown) => this.call('DELETE', path, body);

  /** @param path below `/api/v2`, or a whole URL from an answer */
  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.send(path.startsWith('http') ? path : `${this.sandbox.url}/api/v2${path}`, {
      method,
      headers: {
        authorization: this.authorization(),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  async upload(filename: string, content: string, type: string): Promise<Body['upload']> {
    const url = `${this.sandbox.url}/api/v2/uploads.json?filename=${encodeURIComponent(filename)}`;
    const headers = { authorization: this.authorization(), 'content-type': type };
    return (await this.send(url, { method: 'POST', headers, body: content })).body.upload;
  }

  /** The control plane, which needs no credential. */
  control(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.send(`${this.sandbox.url}/_sandbox${path}`, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
  }

  async ticket(fields: Fields = {}): Promise<Ticket> {
    const answer = await this.post('/tickets', {
      ticket: { subject: 'Printer', comment: { body: 'It smokes' }, ...fields },
    });
    return created(answer).ticket;
  }

  async organization(fields: Fields): Promise<Organization> {
    return created(await this.post('/organizations', { organization: fields })).organization;
  }

  comment = (id: number, comment: Fields, more: Fields = {}) =>
    this.put(`/tickets/${id}`, { ticket: { comment, ...more } });

  /** Waits for a job's end. */
  async done(job: Answer): Promise<Body['job_status']> {
    for (;;) {
      const { job_status: status } = (await this.get(`/job_statuses/${job.body.job_status.id}`)).body;
      if (status.status === 'completed') return status;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  private authorization(): string {
    return `Bearer ${this.sandbox.bearer(this.email)}`;
  }

  private async send(url: string, init: RequestInit): Promise<Answer> {
    const answer = await fetch(url, init);
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      // Some refusals are plain text (rules 8 and 50 of zendesk-rules.md).
      body: (isJson(answer) && text !== '' ? JSON.parse(text) : {}) as Body,
    };
  }
}

const isJson = ({ headers }: Response): boolean => headers.get('content-type')?.includes('json') === true;

function created({ status, body }: Answer): Body {
  if (status !== 201) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
  return body;
}
