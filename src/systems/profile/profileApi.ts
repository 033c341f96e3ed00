import type { Json } from '../../sync/record';
import { NeedsHuman, RecordGone } from '../errors';
import type { Answer, HttpClient, Request } from '../http';
import type { Expression } from './expression';
import { secretParamsOf } from './profileAuth';
import { Refusals } from './profileRefusal';
import type { Profile } from './profileSchema';
import type { RequestTemplate, Scope, Tree } from './template';

/** An answer, with the name of its call for error messages. */
export interface ApiAnswer {
  call: string;
  body: Json;
  header: (name: string) => string | null;
}

/** Fills the profile's requests, sends them and reads their answers. */
export class Api {
  private readonly refusals: Refusals;

  constructor(
    readonly profile: Profile,
    readonly http: HttpClient,
    /** The path of the system's base URL; it precedes all other paths. */
    readonly prefix: string,
  ) {
    this.refusals = new Refusals(profile.errors);
  }

  /** Query parameters that hold the credential. */
  get secretParams(): readonly string[] {
    return secretParamsOf(this.profile.auth);
  }

  request(template: RequestTemplate, scope: Scope, body: Tree | null = null): Request {
    return template.fill(this.profile.base, scope, body);
  }

  /** @throws the error that the profile's rules give for a refusal */
  async send(template: RequestTemplate, scope: Scope): Promise<ApiAnswer> {
    return this.write(this.request(template, scope));
  }

  /** A request that writes, or reads one record. @throws the error that the profile's rules give for a refusal */
  async write(request: Request): Promise<ApiAnswer> {
    const answer = await this.http.send(request, this.refusals.statuses);
    return this.unlessRefused(answer.status, this.answerOf(request, answer));
  }

  /**
   * A request that concerns no record, such as the account's own name: every account answers it.
   * @throws NeedsHuman if the answer means "gone", because then the base URL is wrong
   */
  async fixed(request: Request): Promise<ApiAnswer> {
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

  /** A request for a list. The HTTP client throws for refusal statuses, as the profile's rules concern one record. */
  async get(request: Request): Promise<ApiAnswer> {
    const answer = await this.http.send(request);
    return this.unlessRefused(answer.status, this.answerOf(request, answer));
  }

  private unlessRefused(status: number, answer: ApiAnswer): ApiAnswer {
    const { call, body } = answer;
    if (this.refusals.refuses(status, body)) throw this.refusals.error(call, status, body);
    return answer;
  }

  /** The error for one part of a bulk answer, judged by the part's own status; null if the part succeeded. */
  partRefusal(call: string, status: number, body: Json): Error | null {
    return this.refusals.refuses(status, body) ? this.refusals.error(call, status, body) : null;
  }

  /** @returns null if the record does not exist */
  async ask(template: RequestTemplate, scope: Scope): Promise<ApiAnswer | null> {
    try {
      return await this.write({ ...this.request(template, scope), readsOne: true });
    } catch (error) {
      if (error instanceof RecordGone) return null;
      throw error;
    }
  }

  /** @throws NeedsHuman if the expression finds no list */
  itemsOf({ call, body }: Pick<ApiAnswer, 'call' | 'body'>, items: Expression): Json[] {
    const found = this.valueOf(items, body, call);
    if (!Array.isArray(found)) throw this.unexpected(call, items.text, found, 'a list');
    return found;
  }

  /** @param place the path of the data in the answer @throws NeedsHuman if the expression fails on the data */
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

  private answerOf(request: Request, answer: Answer): ApiAnswer {
    return { call: this.callOf(request), body: answer.body as Json, header: (name) => answer.header(name) };
  }
}
