import { Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import axios, { AxiosError, type AxiosInstance, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import type { z } from 'zod';
import { parseJson } from '../sync/exactJson';
import type { Side } from '../sync/record';
import type { CallBudget, LimitReading, LimitedCall, Permit, RateRules } from './budget';
import { unreachable } from '../platform/systemErrors';
import { currentAttempt, currentSignal } from './callContext';
import { refusesToken, type Credential } from './credential';
import { NeedsHuman, RetryLater } from './errors';
import type { OpenFile } from './port';
import { routeOf } from './route';
import { waitOf } from './waits';

/** The outcome of one call, for metrics. Holds no credential, no query and no content. */
export interface ApiCall {
  side: Side;
  method: string;
  path: string;
  /** Null if no answer came. */
  status: number | null;
  ms: number;
}

export interface HttpOptions {
  side: Side;
  /** The system's name in messages, e.g. `Zendesk`. */
  name: string;
  baseUrl: string;
  headers: Record<string, string>;
  /** Adds the credential to each call, in addition to `headers`. */
  auth?: Credential;
  /** The names of the settings that hold the credential: messages name them if the system refuses it. */
  credential: string;
  /**
   * Explains a 401 or 403, with the fix, if the system's answer says enough; otherwise null. `isOfOne`: the call was
   * about one record. Null then means that the refusal may concern this record only.
   */
  explainRefusal?: (status: number, body: unknown, isAboutOneRecord: boolean) => string | null;
  timeoutMs?: number;
  onCall?: (call: ApiCall) => void;
  /** Waits for the rate limit of the API. Without `rate`, calls are sent at once. */
  rate?: { rules: RateRules; budget: CallBudget };
}

export interface Request {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  /** A parameter with several values is sent once for each. */
  query?: Record<string, string | number | readonly string[]>;
  body?: unknown;
  /** Sent as a form, in place of a body. */
  form?: URLSearchParams;
  /** Sent as it is, in place of a body. */
  file?: OpenFile;
  headers?: Record<string, string>;
  /**
   * The request reads one record, so that a refusal may concern this record only. For a request that writes, this is
   * assumed without the flag.
   */
  readsOne?: true;
  /** The id of the record that the request writes, if the path does not name it: see `LimitedCall` of ./budget. */
  concerns?: string;
}

export interface Answer {
  status: number;
  /** Parsed JSON; null for an empty body. */
  body: unknown;
  header(name: string): string | null;
}

/** Statuses besides success that the caller handles. */
export type Expected = readonly number[];

/** The time-out of a request, unless the connection sets another. */
export const TIMEOUT_MS = 30_000;
/**
 * The time-out of a file transfer. It is shorter than the time-out of the activity (10 minutes, src/workflows/pair.ts).
 */
const FILE_TIMEOUT_MS = 4 * 60_000;

/**
 * One system's HTTP client. It repeats a request only once, with a new token, if the system refused the token; Temporal
 * does all other retries. It follows no redirect (credentials stay with their host), and turns every failure into an
 * error of `errors.ts`. No axios error, which carries the credential, ever leaves it.
 */
export class HttpClient {
  private readonly axios: AxiosInstance;

  constructor(private readonly options: HttpOptions) {
    this.axios = axios.create({
      baseURL: options.baseUrl,
      timeout: options.timeoutMs ?? TIMEOUT_MS,
      headers: { accept: 'application/json', ...options.headers },
      httpAgent: new HttpAgent({ keepAlive: true, maxSockets: 50 }),
      httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets: 50 }),
      maxRedirects: 0,
      proxy: false,
      responseType: 'text',
      // A parameter with several values is sent as `name=1&name=2`, without brackets after the name.
      paramsSerializer: { indexes: null },
      transformResponse: (data: unknown) => data,
      validateStatus: () => true,
    });
  }

  /** The system's name in messages. */
  get name(): string {
    return this.options.name;
  }

  /**
   * @param expected statuses, besides 2xx, to be returned instead of thrown
   * @throws RetryLater, NeedsHuman
   */
  async send(request: Request, expected: Expected = []): Promise<Answer> {
    return traced(this.options, request, () => this.attempt(request, expected));
  }

  private async attempt(request: Request, expected: Expected, isSecond = false): Promise<Answer> {
    const { name, rate, auth } = this.options;
    const writes = request.method !== 'GET';
    const call = `${name} ${request.method} ${request.path}`;
    const permit = await rate?.budget.take(rate.rules.bucketsOf(request));
    const credential = (await auth?.headers()) ?? {};
    const attempt = currentAttempt();
    // The client that requests tokens has no `rate`. Its POST is no write.
    if (attempt && rate && writes) attempt.wrote = true;
    const response = await this.exchange(request, credential);
    const header = headersOf(response);
    const { status } = response;
    const wait = await this.learn(permit, status, header);
    const body = bodyOf(response.data);
    if (auth && refusesToken({ status, body, header })) {
      const mayRepeat = auth.refused(credential) && !isSecond;
      if (mayRepeat && !request.file) return this.attempt(request, expected, true);
      // A file that was read cannot be sent twice. The next attempt opens the file again, and gets another token.
      if (mayRepeat)
        throw new RetryLater(`${call}: the token was refused`, { unknownOutcome: false, retryAfterMs: 0 });
    }
    if ((status === 401 || status === 403) && !expected.includes(status))
      throw this.notAllowed(call, request, { status, body });
    if (status === 429 || status >= 500) {
      throw new RetryLater(`${call}: answered ${status}`, {
        unknownOutcome: writes && status !== 429 && status !== 503,
        ...(wait !== null && { retryAfterMs: wait }),
      });
    }
    if (body === undefined) {
      throw new RetryLater(`${call}: answered ${status} with something that is not JSON`, {
        unknownOutcome: writes,
      });
    }
    if ((status >= 200 && status < 300) || expected.includes(status)) return { status, body, header };
    throw new NeedsHuman('refused', `${call}: answered ${status}${explanation(body)}`);
  }

  /** Sends one request. @throws RetryLater if no answer came; the error of the file's stream if reading it failed */
  private async exchange(
    request: Request,
    credential: Record<string, string>,
  ): Promise<AxiosResponse<string>> {
    const { name, side, onCall, auth, baseUrl } = this.options;
    const signal = currentSignal();
    const { method, path } = request;
    const started = Date.now();
    let response: AxiosResponse<string> | null = null;
    try {
      response = await this.axios.request<string>({
        method,
        url: path,
        params: { ...request.query, ...(await auth?.query?.()) },
        ...contentOf(request),
        // The signal cancels the request when the activity ends. A request that is still on its way could otherwise be
        // carried out after the next attempt has looked for its result.
        ...(signal && { signal }),
        headers: { ...contentHeaders(request), ...credential, ...request.headers },
      });
      return response;
    } catch (error) {
      // If reading the file itself failed, its stream already has the right error.
      const broken = request.file?.content.errored;
      if (broken instanceof NeedsHuman || broken instanceof RetryLater) throw broken;
      const code = error instanceof AxiosError ? (error.code ?? 'no answer') : 'no answer';
      // A refused connection carried nothing; after anything else the write may have been done.
      const unknownOutcome = method !== 'GET' && code !== 'ECONNREFUSED';
      throw new RetryLater(`${name} ${method} ${path}: ${unreachable(baseUrl, code)}`, { unknownOutcome });
    } finally {
      if (response) trace.getActiveSpan()?.setAttribute('http.response.status_code', response.status);
      onCall?.({ side, method, path, status: response?.status ?? null, ms: Date.now() - started });
    }
  }

  /**
   * A 403 about one record may concern this record only: its pair goes to quarantine, because a retry would never end.
   * Every other 401 or 403 concerns the credential.
   */
  private notAllowed(call: string, request: Request, { status, body }: Pick<Answer, 'status' | 'body'>) {
    const { credential, explainRefusal } = this.options;
    const isOfOne = request.readsOne === true || (request.method !== 'GET' && !request.form);
    // A refused POST concerns the role, not one record: a role that may not create this record may not create any. So
    // `explainRefusal` treats it like the refusal of a call that names no record.
    const explained = explainRefusal?.(status, body, isOfOne && request.method !== 'POST') ?? null;
    if (status === 403 && explained === null && isOfOne)
      return new NeedsHuman('forbidden', `${call}: answered 403${explanation(body)}`);
    return new NeedsHuman(
      'unauthorized',
      `${call}: answered ${status}; ${explained ?? `check ${credential} and its permissions`}`,
    );
  }

  /** Passes the rate limit of an answer to the budget. @returns how many milliseconds the answer asks us to wait */
  private async learn(
    permit: Permit | undefined,
    status: number,
    header: Answer['header'],
  ): Promise<number | null> {
    const { rate } = this.options;
    const retryAfterMs = waitOf(header('retry-after'));
    if (!rate || !permit) return retryAfterMs;
    const readings = rate.rules.read(header);
    await rate.budget.learn(permit, readings, ...(status === 429 ? [{ retryAfterMs }] : []));
    return retryAfterMs ?? (status === 429 ? untilMore(readings) : null);
  }

  /**
   * Parses an answer's body. Unknown fields are allowed.
   * @throws NeedsHuman that names the call, the field's path, what was found and what was expected
   */
  parse<T>(schema: z.ZodType<T>, { method, path }: Request, body: unknown): T {
    const result = schema.safeParse(body);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    const field = issue?.path.map(String).join('.') ?? '';
    throw new NeedsHuman(
      'unexpected_response',
      `${this.options.name} ${method} ${path}: ${field}: ${issue?.message ?? 'invalid'}`,
      field,
    );
  }

  /**
   * Begins to read an answer that is not JSON, from the system itself: no redirect is followed.
   * @throws RetryLater, NeedsHuman
   */
  async download(
    request: Pick<Request, 'method' | 'path' | 'query' | 'headers'>,
  ): Promise<{ status: number; content: Readable }> {
    return traced(this.options, request, () => this.attemptDownload(request));
  }

  private async attemptDownload(
    request: Pick<Request, 'method' | 'path' | 'query' | 'headers'>,
    isSecond = false,
  ): Promise<{ status: number; content: Readable }> {
    const { method, path, query } = request;
    const { name, side, onCall, rate, auth, baseUrl } = this.options;
    const permit = await rate?.budget.take(rate.rules.bucketsOf({ method, path }));
    const credential = (await auth?.headers()) ?? {};
    const started = Date.now();
    let response: AxiosResponse<Readable> | null = null;
    try {
      response = await this.axios.request<Readable>({
        method,
        url: path,
        params: { ...query, ...(await auth?.query?.()) },
        responseType: 'stream',
        decompress: false,
        headers: { 'accept-encoding': 'identity', accept: '*/*', ...credential, ...request.headers },
      });
    } catch (error) {
      const code = error instanceof AxiosError ? (error.code ?? 'no answer') : 'no answer';
      throw new RetryLater(`${name} ${method} ${path}: ${unreachable(baseUrl, code)}`, {
        unknownOutcome: false,
      });
    } finally {
      if (response) trace.getActiveSpan()?.setAttribute('http.response.status_code', response.status);
      const { status = null } = response ?? {};
      onCall?.({ side, method, path, status, ms: Date.now() - started });
    }
    const { status, data: content } = response;
    const header = headersOf(response);
    await this.learn(permit, status, header);
    // The body is a stream and is not read here, so only the headers show whether a 401 concerns the token.
    if (auth && refusesToken({ status, body: null, header }) && auth.refused(credential) && !isSecond) {
      content.destroy();
      return this.attemptDownload(request, true);
    }
    return { status, content };
  }

  /**
   * Applies the rate limit to a call that another client sends (a download through src/platform/egress.ts).
   * @throws RetryLater if the system answers 429, and every error of `send`
   */
  async within(call: LimitedCall, send: () => Promise<IncomingMessage>): Promise<IncomingMessage> {
    const { name, rate } = this.options;
    const permit = await rate?.budget.take(rate.rules.bucketsOf(call));
    const answer = await send();
    const { statusCode = 0, headers } = answer;
    const header = (named: string) => [headers[named] ?? null].flat()[0] ?? null;
    const wait = await this.learn(permit, statusCode, header);
    if (statusCode !== 429) return answer;
    answer.destroy();
    throw new RetryLater(`${name} ${call.method} ${routeOf(call.path)}: answered 429`, {
      unknownOutcome: false,
      ...(wait !== null && { retryAfterMs: wait }),
    });
  }

  /** A GET whose answer has a known shape. */
  async get<T>(schema: z.ZodType<T>, path: string, query: Record<string, string | number> = {}): Promise<T> {
    const request: Request = { method: 'GET', path, query };
    return this.parse(schema, request, (await this.send(request)).body);
  }
}

const tracer = trace.getTracer('zendesk-pms-sync');

/** One span for each call, with method, route and status, but without query, content and error messages. */
function traced<T>({ name, baseUrl }: HttpOptions, request: Request, work: () => Promise<T>): Promise<T> {
  const route = routeOf(request.path);
  const attributes = {
    'http.request.method': request.method,
    'url.template': route,
    'server.address': new URL(baseUrl).hostname,
    'peer.service': name,
  };
  return tracer.startActiveSpan(
    `${request.method} ${route}`,
    { kind: SpanKind.CLIENT, attributes },
    async (span) => {
      try {
        return await work();
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR });
        if (error instanceof Error) span.setAttribute('error.type', error.name);
        throw error;
      } finally {
        span.end();
      }
    },
  );
}

function headersOf({ headers }: AxiosResponse<unknown>): Answer['header'] {
  return (name) => {
    const value: unknown = headers[name];
    return typeof value === 'string' ? value : null;
  };
}

function contentOf({
  body,
  form,
  file,
}: Request): Pick<AxiosRequestConfig, 'data' | 'timeout' | 'maxBodyLength'> {
  if (file) return { data: file.content, timeout: FILE_TIMEOUT_MS, maxBodyLength: Infinity };
  if (form) return { data: form.toString() };
  return body === undefined ? {} : { data: JSON.stringify(body) };
}

function contentHeaders({ body, form, file }: Request): Record<string, string | false> {
  if (file) return { 'content-type': file.contentType, 'content-length': String(file.size) };
  if (form) return { 'content-type': 'application/x-www-form-urlencoded' };
  // A request without a body has no content type. Axios would set that of a form.
  return { 'content-type': body === undefined ? false : 'application/json' };
}

/** Milliseconds until the exhausted limit allows calls again; null if the answer does not say. */
function untilMore(readings: readonly LimitReading[]): number | null {
  const waits = readings.flatMap(({ remaining, resetMs }) => (remaining === 0 ? (resetMs ?? []) : []));
  return waits.length === 0 ? null : Math.max(...waits);
}

/** Null for an empty body, undefined for a body that is not JSON. */
function bodyOf(text: unknown): unknown {
  if (typeof text !== 'string' || text === '') return null;
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** The server's own message about a refusal; never the content that was sent. */
function explanation(body: unknown): string {
  if (body === null || typeof body !== 'object') return '';
  const { error, description, message } = body as Record<string, unknown>;
  const inner =
    error !== null && typeof error === 'object' ? (error as Record<string, unknown>)['message'] : undefined;
  const words = [description, message, inner, error].find((each) => typeof each === 'string');
  return typeof words === 'string' ? `: ${words}` : '';
}
