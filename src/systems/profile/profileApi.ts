import type { Json } from '../../sync/record';
import { NeedsHuman, RecordGone } from '../errors';
import type { Answer, HttpClient, Request } from '../http';
import type { Expression } from './expression';
import { secretParamsOf } from './profileAuth';
import { Refusals } from './profileRefusal';
import type { Profile } from './profileSchema';
import type { RequestTemplate, Scope, Tree } from './template';

/** A request that was answered, with what a message says of it. */
export interface Told {
  call: string;
  body: Json;
  header: (name: string) => string | null;
}

/** The profile's requests, sent. */
export class Api {
  private readonly refusals: Refusals;

  constructor(
    readonly profile: Profile,
    readonly http: HttpClient,
    /** The path in the address of the system, before all others. */
    readonly prefix: string,
  ) {
    this.refusals = new Refusals(profile.errors);
  }

  /** Parameters of a query that hold the credential. */
  get secretParams(): readonly string[] {
    return secretParamsOf(this.profile.auth);
  }

  request(template: RequestTemplate, scope: Scope, body: Tree | null = null): Request {
    return template.fill(this.profile.base, scope, body);
  }

  /** @throws whatever a refusal means */
  async send(template: RequestTemplate, scope: Scope): Promise<Told> {
    return this.write(this.request(template, scope));
  }

  /** A request that writes, or asks for one thing. @throws whatever a refusal means */
  async write(request: Request): Promise<Told> {
    const answer = await this.http.send(request, this.refusals.statuses);
    const told = this.told(request, answer);
    return this.taken(answer.status, told);
  }

  /**
   * A request that every account answers, as it is about no record: where nothing is found, the address is wrong.
   * @throws NeedsHuman
   */
  async fixed(request: Request): Promise<Told> {
    try {
      return await this.write(request);
    } catch (error) {
      if (!(error instanceof RecordGone)) throw error;
      const { base } = this.profile;
      throw new NeedsHuman(
        'unexpected_response',
        `${error.message}: nothing answers to this path there; check PMS_BASE_URL${base === '' ? '' : `, which goes without "${base}",`} and PMS_PROFILE`,
      );
    }
  }

  /** A request that asks for many things: a refusal is no answer to it. */
  async get(request: Request): Promise<Told> {
    const answer = await this.http.send(request);
    return this.taken(answer.status, this.told(request, answer));
  }

  private taken(status: number, told: Told): Told {
    if (this.refusals.refuses(status, told.body)) throw this.refusals.error(told.call, status, told.body);
    return told;
  }

  /** Null where a part of an answer, by its own status, was not refused. */
  partRefusal(call: string, status: number, body: Json): Error | null {
    return this.refusals.refuses(status, body) ? this.refusals.error(call, status, body) : null;
  }

  /** Null where there is no such thing. */
  async ask(template: RequestTemplate, scope: Scope): Promise<Told | null> {
    try {
      return await this.write({ ...this.request(template, scope), readsOne: true });
    } catch (error) {
      if (error instanceof RecordGone) return null;
      throw error;
    }
  }

  /** @throws NeedsHuman where there is no list */
  itemsOf({ call, body }: Pick<Told, 'call' | 'body'>, items: Expression): Json[] {
    const found = this.valueOf(items, body, call);
    if (!Array.isArray(found)) throw this.unexpected(call, items.text, found, 'a list');
    return found;
  }

  /** @param place of the data in the answer @throws NeedsHuman where the data is not what the expression takes */
  valueOf(expression: Expression, data: Json, call: string, place = ''): Json {
    try {
      return expression.of(data);
    } catch (error) {
      const at = place === '' ? expression.text : `${place}.${expression.text}`;
      throw new NeedsHuman('unexpected_response', `${call}: ${at}: ${(error as Error).message}`, at);
    }
  }

  unexpected(call: string, at: string, found: Json, expected: string): NeedsHuman {
    const what = found === null ? 'nothing' : Array.isArray(found) ? 'a list' : `a ${typeof found}`;
    return new NeedsHuman('unexpected_response', `${call}: ${at}: found ${what}, expected ${expected}`, at);
  }

  callOf({ method, path }: Pick<Request, 'method' | 'path'>): string {
    return `${this.profile.name} ${method} ${path}`;
  }

  private told(request: Request, answer: Answer): Told {
    return { call: this.callOf(request), body: answer.body as Json, header: (name) => answer.header(name) };
  }
}
