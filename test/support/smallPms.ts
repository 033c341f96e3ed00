import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { LocalServer } from './localServer';

/** A small PMS with tasks, and notes inside them, whose API a test can change. */

export interface Task {
  id: number;
  subject: string;
  changedAt: number;
  lock: number;
  fields: { id: number; value: unknown }[];
  due: unknown;
  notes: { id: number; text: string; at: number }[];
}

export interface Call {
  method: string;
  /** Path and query, as sent. */
  url: string;
  headers: IncomingMessage['headers'];
  body: unknown;
}

export interface Behaviour {
  paging?: 'cursor' | 'page' | 'offset' | 'link';
  /** The page size. */
  size?: number;
  /** Replaces the server's answer unless it returns null. */
  intercept?: (call: Call) => { status: number; body?: unknown; headers?: Record<string, string> } | null;
  /** The form of times in answers; times are stored in milliseconds. */
  time?: (ms: number) => unknown;
}

export class SmallPms extends LocalServer {
  readonly tasks: Task[] = [];
  readonly calls: Call[] = [];
  private next = 1;

  constructor(private readonly behaviour: Behaviour = {}) {
    super();
  }

  add(over: Partial<Task> = {}): Task {
    const id = this.next++;
    const task = {
      id,
      subject: `task ${id}`,
      changedAt: Date.now(),
      lock: 1,
      fields: [],
      due: null,
      notes: [],
    };
    this.tasks.push({ ...task, ...over });
    return this.tasks.at(-1) as Task;
  }

  protected async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded');
    const hasBody = Number(request.headers['content-length'] ?? 0) > 0 && !isForm;
    const { method = 'GET', url = '/', headers } = request;
    const call = { method, url, headers, body: hasBody ? await json(request) : null };
    this.calls.push(call);
    const answer = this.behaviour.intercept?.(call) ?? this.route(call, new URL(url, 'http://here'));
    const text = answer.body === undefined ? '' : JSON.stringify(answer.body);
    response.writeHead(answer.status, { ...answer.headers }).end(text);
  }

  private route(
    { method, body, headers }: Call,
    url: URL,
  ): { status: number; body?: unknown; headers?: Record<string, string> } {
    const [, collection, id, inside] = url.pathname.split('/');
    if (collection === 'me') return { status: 200, body: { id: 1, name: 'Pat' } };
    if (collection !== 'tasks') return { status: 404 };
    if (id === undefined && method === 'GET') return this.list(url);
    if (id === undefined) return { status: 201, body: this.shown(this.changed(this.add(), body)) };
    const task = this.tasks.find((each) => String(each.id) === id);
    if (!task) return { status: 404 };
    if (inside === 'notes' && method === 'GET')
      return {
        status: 200,
        body: { notes: task.notes.map((note) => ({ ...note, at: this.time(note.at) })) },
      };
    if (inside === 'notes') {
      task.notes.push({ id: this.next++, text: (body as { text: string }).text, at: Date.now() });
      return { status: 204 };
    }
    const etag = `"v${task.lock}"`;
    if (method === 'GET') return { status: 200, body: this.shown(task), headers: { etag } };
    const lock = (body as { lock?: number }).lock ?? task.lock;
    if (headers['if-match'] !== undefined && headers['if-match'] !== etag) return { status: 412 };
    if (lock !== task.lock) return { status: 409, body: { errors: ['stale'] } };
    this.changed(task, body);
    return { status: 204 };
  }

  private changed(task: Task, body: unknown): Task {
    const { fields = [], ...rest } = (body as { task: Partial<Task> }).task;
    const others = task.fields.filter(({ id }) => !fields.some((each) => each.id === id));
    return Object.assign(task, rest, {
      fields: [...others, ...fields],
      lock: task.lock + 1,
      changedAt: Date.now(),
    });
  }

  private list(url: URL): { status: number; body: unknown; headers?: Record<string, string> } {
    const { paging = 'cursor', size = 10 } = this.behaviour;
    const since = url.searchParams.get('since');
    const all = this.tasks.filter(
      ({ changedAt }) =>
        since === null || Math.floor(changedAt / 1000) >= Math.floor(Date.parse(since) / 1000),
    );
    const asked = Number(url.searchParams.get('at') ?? 0);
    const from = paging === 'page' ? Math.max(0, asked - 1) * size : asked;
    const items = all.slice(from, from + size).map((task) => this.shown(task));
    const next = from + size < all.length ? from + size : null;
    const link = next === null ? {} : { link: `<${this.url}/tasks?at=${next}>; rel="next"` };
    return {
      status: 200,
      body: { items, next, total: all.length, from, size },
      ...(paging === 'link' && { headers: link }),
    };
  }

  private shown({ notes: _, changedAt, ...task }: Task): object {
    return { ...task, changedAt: this.time(changedAt) };
  }

  private time(ms: number): unknown {
    return this.behaviour.time?.(ms) ?? new Date(ms).toISOString();
  }
}
