import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { LocalServer } from './localServer';

/** The system of examples/rpcAdapter.ts. */

interface Row {
  id: number;
  revision: number;
  made: string;
  changed: string;
  closed: boolean;
  tag: string | null;
  data: Record<string, unknown>;
}
interface Params {
  kind: string;
  id: number;
  ids: number[];
  after: number;
  count: number;
  name: string;
  tag: string;
  revision: number;
  data: Record<string, unknown>;
}

export class RpcPms extends LocalServer {
  /** If true, `change` and `close` ignore their precondition. */
  ignoresRevisions = false;
  private readonly rows = new Map<string, Row[]>();
  private next = 1;

  of(kind: string): Row[] {
    const rows = this.rows.get(kind) ?? [];
    this.rows.set(kind, rows);
    return rows;
  }

  protected async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, params } = (await json(request)) as { method: string; params: Params };
    const result = this.result(method, params);
    response.end(JSON.stringify(typeof result === 'object' && 'error' in result ? result : { result }));
  }

  private result(
    method: string,
    params: Params,
  ): Row | Row[] | string | { error: { code: string; words: string } } {
    const { kind, id, ids, after, count, name, tag, revision, data } = params;
    if (method === 'whoAmI') return 'robot';
    const rows = this.of(kind);
    if (method === 'get') return rows.filter((row) => ids.includes(row.id));
    if (method === 'list') return rows.filter((row) => row.id > after).slice(0, count);
    if (method === 'tagged') return rows.filter((row) => row.tag === tag);
    if (method === 'named')
      return rows.filter((row) => String(row.data['name']).toLowerCase() === name.toLowerCase());
    const now = new Date().toISOString();
    if (method === 'add') {
      rows.push({ id: this.next++, revision: 1, made: now, changed: now, closed: false, tag, data });
      return rows.at(-1) as Row;
    }
    const row = rows.find((each) => each.id === id);
    if (!row) return { error: { code: 'gone', words: `no ${kind} ${id}` } };
    if (row.revision !== revision && !this.ignoresRevisions)
      return { error: { code: 'moved', words: `${kind} ${id} is at revision ${row.revision}` } };
    Object.assign(row, { revision: row.revision + 1, changed: now, tag: tag ?? row.tag });
    if (method === 'close') row.closed = true;
    else row.data = { ...row.data, ...data };
    return row;
  }
}
