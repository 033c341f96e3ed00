/** A plain client of Redmine's REST API (https://www.redmine.org/projects/redmine/wiki/Rest_api). */
import { exchange } from './http';

export interface Named {
  id: number;
  name: string;
}

export interface CustomValue {
  id: number;
  value: string | null;
}

export interface RedmineProject extends Named {
  description: string | null;
  /** 1 open, 5 closed. */
  status: number;
  parent?: Named;
  custom_fields?: CustomValue[];
}

export interface IssueJournal {
  id: number;
  user?: Named;
  notes: string | null;
  created_on: string;
  private_notes: boolean;
}

export interface Issue {
  id: number;
  project: Named;
  tracker: Named;
  status: Named;
  priority: Named;
  subject: string;
  description: string | null;
  due_date: string | null;
  is_private?: boolean;
  custom_fields?: CustomValue[];
  created_on: string;
  journals?: IssueJournal[];
}

export interface RedmineUser {
  id: number;
  mail: string;
  firstname: string;
  lastname: string;
}

const PAGE = 100;

export class RedmineError extends Error {
  override readonly name = 'RedmineError';
  constructor(
    readonly status: number,
    readonly messages: readonly string[],
    call: string,
  ) {
    super(`Redmine ${call} answered ${status}: ${messages.join('; ') || 'no message'}`);
  }
}

export class RedmineClient {
  constructor(
    private readonly url: string,
    private readonly apiKey: string,
  ) {}

  /** @param as login of the person in whose name the call is made @throws RedmineError if Redmine refuses the call */
  async call<T>(method: string, path: string, body?: unknown, as?: string): Promise<T> {
    const { status, headers, text } = await exchange(this.url + path, {
      method,
      headers: { 'x-redmine-api-key': this.apiKey, ...(as !== undefined && { 'x-redmine-switch-user': as }) },
      body,
    });
    if (status >= 200 && status < 300) return (text === '' ? null : JSON.parse(text)) as T;
    const isJson = headers.get('content-type')?.includes('json') && text !== '';
    const { errors = [] } = (isJson ? JSON.parse(text) : {}) as { errors?: string[] };
    throw new RedmineError(status, errors, `${method} ${path}`);
  }

  /** Reads a list to its end. @param path with its query */
  async list<T>(path: string, key: string): Promise<T[]> {
    const items: T[] = [];
    for (;;) {
      const page = await this.call<Record<string, unknown>>(
        'GET',
        `${path}${path.includes('?') ? '&' : '?'}limit=${PAGE}&offset=${items.length}`,
      );
      const some = page[key] as T[];
      items.push(...some);
      if (some.length === 0 || items.length >= (page['total_count'] as number)) return items;
    }
  }
}
