import { mkdtempSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { Json } from '../../src/sync/record';
import { LocalServer } from './localServer';

/** A plain PMS of tasks over HTTP, in which a test replaces answers to imitate other APIs. */

export interface TraitTask {
  id: number;
  title: string;
  version: number;
  at: Json;
  [field: string]: Json;
}

export interface TraitCall {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  /** Parsed, where it is JSON. */
  body: Json;
}

export interface TraitAnswer {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
}

export class TraitPms extends LocalServer {
  readonly tasks: TraitTask[] = [];
  readonly calls: TraitCall[] = [];
  /** Replaces the server's answer unless it returns null. */
  intercept: (call: TraitCall) => TraitAnswer | null = () => null;
  /** Whether a write without `If-Match` is refused. */
  mustMatch = false;
  private next = 1;

  protected async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await this.read(request);
    this.calls.push(call);
    const { status = 200, body, headers } = this.intercept(call) ?? this.answer(call);
    response.writeHead(status, headers).end(body === undefined ? '' : JSON.stringify(body));
  }

  /** A task that is not in the list yet. */
  task(over: object = {}): TraitTask {
    const id = this.next++;
    return { id, title: `task ${id}`, version: 1, at: '2026-03-29T10:30:00Z', ...over };
  }

  add(over: object = {}): TraitTask {
    const task = this.task(over);
    this.tasks.push(task);
    return task;
  }

  private async read(request: IncomingMessage): Promise<TraitCall> {
    const url = new URL(request.url ?? '/', 'http://here');
    const content = await text(request);
    const isJson = request.headers['content-type'] === 'application/json' && content !== '';
    return {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: isJson ? (JSON.parse(content) as Json) : content,
    };
  }

  private answer({ method, path, query, headers, body }: TraitCall): TraitAnswer {
    const [, collection, id, ...inside] = path.split('/');
    if (collection === 'me') return { body: { id: 1, name: 'Pat' } };
    if (collection !== 'tasks' || inside.length > 0) return { status: 404 };
    if (id === undefined && method === 'POST') return { status: 201, body: this.add(body as object) };
    // Its only page is the first.
    if (id === undefined) return { body: { items: Number(query.get('page') ?? 1) > 1 ? [] : this.tasks } };
    const at = this.tasks.findIndex((each) => String(each.id) === id);
    const task = this.tasks[at];
    if (!task) return { status: 404 };
    const etag = `"v${task.version}"`;
    if (method === 'GET') return { body: task, headers: { etag } };
    const match = headers['if-match'];
    const isStale = match !== undefined && match !== etag && match !== String(task.version);
    if (isStale || (this.mustMatch && match === undefined)) return { status: 412 };
    if (method === 'DELETE') this.tasks.splice(at, 1);
    else Object.assign(task, body, { version: task.version + 1 });
    return { status: 204 };
  }
}

export function temporaryFile(name: string, content: string): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'zps-profile-')), name);
  writeFileSync(file, content);
  return file;
}
