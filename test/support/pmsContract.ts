import { readFileSync } from 'node:fs';
import path from 'node:path';
import Ajv, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

/** Checks a server's answers against docs/pms-openapi.yaml. */

export type Json = Record<string, unknown>;

export interface Exchange {
  method: string;
  /** Under `/api/v1`, with query. */
  path: string;
  requestHeaders: Record<string, string>;
  requestBody?: unknown;
  status: number;
  headers: Headers;
  /** Undefined if there is none. */
  body: unknown;
}

interface Operation {
  operationId: string;
  method: string;
  template: string;
  pattern: RegExp;
  /** JSON pointer. */
  pointer: string;
  parameters: { name: string; in: string; required?: boolean; schema: Json }[];
  node: Json;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const FILE = path.resolve(__dirname, '../../docs/pms-openapi.yaml');

export class PmsContract {
  /** `createNote 201`, as received. */
  readonly seen = new Set<string>();
  readonly operations: Operation[];
  private readonly document: Json;
  private readonly ajv: Ajv;
  private readonly validators = new Map<string, ValidateFunction>();

  constructor() {
    this.document = parse(readFileSync(FILE, 'utf8')) as Json;
    this.ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: true, allErrors: true });
    addFormats(this.ajv);
    // The document around the schemas contains no schemas, so strict mode would refuse it.
    this.ajv.addVocabulary(Object.keys(this.document));
    // Clients ignore unknown fields, but the sandbox itself must not send undocumented ones.
    this.ajv.addSchema(closed(this.document) as Json, 'pms');
    this.operations = this.readOperations();
  }

  /** `createNote 201`, for each documented answer. */
  documented(): string[] {
    return this.operations.flatMap(({ operationId, node }) =>
      Object.keys(node['responses'] as Json).map((status) => `${operationId} ${status}`),
    );
  }

  /** Compiles every schema, including unused ones. @throws Error */
  compileAll(): void {
    const { schemas } = this.document['components'] as { schemas: Json };
    for (const name of Object.keys(schemas)) this.validator(`/components/schemas/${name}`);
  }

  /** @throws Error that names the difference between an exchange and the contract */
  check(exchange: Exchange): void {
    const { method, status } = exchange;
    const url = new URL(exchange.path, 'http://pms');
    const call = `${method} ${exchange.path} → ${status}`;
    const operation = this.operations.find(
      (each) => each.method === method && each.pattern.test(url.pathname),
    );
    if (!operation) throw new Error(`${call}: no such operation in the contract`);
    const found = (operation.node['responses'] as Json)[String(status)];
    if (found === undefined) throw new Error(`${call}: the contract knows no such answer`);
    const [response, pointer] = this.resolve(found as Json, `${operation.pointer}/responses/${status}`);
    this.checkHeaders(call, exchange.headers, (response['headers'] ?? {}) as Json, `${pointer}/headers`);
    this.checkBody(call, exchange, (response['content'] ?? {}) as Json, `${pointer}/content`);
    // An accepted request must fit the schema; a refused one may be refused for reasons outside of the schema.
    if (status < 300) this.checkRequest(call, operation, url, exchange);
    this.seen.add(`${operation.operationId} ${status}`);
  }

  /** @param name of a schema under `components` */
  checkSchema(name: string, value: unknown): void {
    this.demand(name, `/components/schemas/${name}`, value);
  }

  private checkHeaders(call: string, headers: Headers, expected: Json, pointer: string): void {
    for (const [name, node] of Object.entries(expected)) {
      const [header, at] = this.resolve(node as Json, `${pointer}/${name}`);
      const value = headers.get(name);
      if (value === null && header['required'] === true)
        throw new Error(`${call}: header ${name} is missing`);
      const integer = (header['schema'] as Json)['type'] === 'integer';
      if (value !== null) this.demand(`${call}: ${name}`, `${at}/schema`, integer ? Number(value) : value);
    }
    for (const name of ['etag', 'idempotency-replayed', 'retry-after']) {
      const isExpected = Object.keys(expected).some((each) => each.toLowerCase() === name);
      if (headers.has(name) && !isExpected) throw new Error(`${call}: the contract has no header ${name}`);
    }
  }

  private checkBody(call: string, { headers, body }: Exchange, content: Json, pointer: string): void {
    const [type] = (headers.get('content-type') ?? '').split(';');
    const key = [type ?? '', '*/*'].find((each) => each in content);
    if (key === undefined) {
      if (body === undefined && Object.keys(content).length === 0) return;
      throw new Error(`${call}: the contract tells of no body of type "${type}"`);
    }
    if (key !== '*/*') this.demand(call, `${pointer}/${escaped(key)}/schema`, body);
  }

  private checkRequest(call: string, operation: Operation, url: URL, exchange: Exchange): void {
    const allowed = operation.parameters.filter((each) => each.in === 'query');
    for (const [name, value] of url.searchParams) {
      const parameter = allowed.find((each) => each.name === name);
      if (!parameter) throw new Error(`${call}: the contract tells of no parameter ${name}`);
      const integer = parameter.schema['type'] === 'integer';
      const validate = this.ajv.compile(parameter.schema);
      if (!validate(integer ? Number(value) : value)) throw new Error(`${call}: ${name} does not fit`);
    }
    const names = operation.parameters.filter((each) => each.in === 'header').map((each) => each.name);
    for (const name of ['if-match', 'idempotency-key'])
      if (name in exchange.requestHeaders && !names.some((each) => each.toLowerCase() === name))
        throw new Error(`${call}: the contract tells of no request header ${name}`);
    const body = operation.node['requestBody'] as { content: Json } | undefined;
    if (body && 'application/json' in body.content)
      this.demand(
        `${call}: request`,
        `${operation.pointer}/requestBody/content/application~1json/schema`,
        exchange.requestBody,
      );
  }

  private demand(what: string, pointer: string, value: unknown): void {
    const validate = this.validator(pointer);
    if (validate(value)) return;
    const errors = this.ajv.errorsText(validate.errors, { dataVar: 'body' });
    throw new Error(`${what}: ${errors}\n${JSON.stringify(value)?.slice(0, 500)}`);
  }

  private validator(pointer: string): ValidateFunction {
    const known = this.validators.get(pointer);
    if (known) return known;
    const made = this.ajv.compile({ $ref: `pms#${encodeURI(pointer)}` });
    this.validators.set(pointer, made);
    return made;
  }

  private readOperations(): Operation[] {
    return Object.entries(this.document['paths'] as Record<string, Json>).flatMap(([template, item]) =>
      METHODS.filter((method) => method in item).map((method) => {
        const node = item[method] as Json;
        const parameters = [
          ...((item['parameters'] ?? []) as Json[]),
          ...((node['parameters'] ?? []) as Json[]),
        ];
        return {
          operationId: node['operationId'] as string,
          method: method.toUpperCase(),
          template,
          pattern: new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`),
          pointer: `/paths/${escaped(template)}/${method}`,
          parameters: parameters.map(
            (each) => this.resolve(each, '')[0] as unknown as Operation['parameters'][number],
          ),
          node,
        };
      }),
    );
  }

  private resolve(node: Json, pointer: string): [Json, string] {
    const ref = node['$ref'];
    if (typeof ref !== 'string') return [node, pointer];
    let found: unknown = this.document;
    for (const step of ref.slice(2).split('/')) found = (found as Json | undefined)?.[step];
    if (found === undefined) throw new Error(`The contract has no ${ref}`);
    return [found as Json, ref.slice(1)];
  }
}

/** Every object without undocumented properties. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed);
  if (node === null || typeof node !== 'object') return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closed(value)]));
  const open = copy['type'] === 'object' && 'properties' in copy && !('additionalProperties' in copy);
  return open ? { ...copy, additionalProperties: false } : copy;
}

function escaped(step: string): string {
  return step.replace(/~/g, '~0').replace(/\//g, '~1');
}

export interface Answer<T = Json> {
  status: number;
  headers: Headers;
  etag: string | null;
  body: T;
}

export interface Call {
  body?: unknown;
  headers?: Record<string, string>;
  /** Sent unchanged, with the content type in `headers`. */
  raw?: string | Buffer;
}

/** Calls a PMS and checks each exchange against the contract. */
export class PmsClient {
  constructor(
    private readonly contract: PmsContract,
    private readonly url: string,
    private readonly token: string | null,
  ) {}

  async call<T = Json>(
    method: string,
    at: string,
    { body, headers = {}, raw }: Call = {},
  ): Promise<Answer<T>> {
    const requestHeaders = {
      ...(this.token !== null && { authorization: `Bearer ${this.token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    };
    const payload =
      raw === undefined
        ? body === undefined
          ? null
          : JSON.stringify(body)
        : new Uint8Array(Buffer.from(raw));
    const response = await fetch(`${this.url}/api/v1${at}`, {
      method,
      headers: requestHeaders,
      body: payload,
    });
    const content = Buffer.from(await response.arrayBuffer());
    const json = response.headers.get('content-type')?.startsWith('application/json') === true;
    // An attachment may have the type JSON without being JSON.
    const file = method === 'GET' && /^\/attachments\//.test(at) && response.ok;
    const parsed: unknown =
      content.length === 0 && !file ? undefined : json && !file ? JSON.parse(content.toString()) : content;
    this.contract.check({
      method,
      path: at,
      requestHeaders,
      requestBody: body,
      status: response.status,
      headers: response.headers,
      body: parsed,
    });
    return {
      status: response.status,
      headers: response.headers,
      etag: response.headers.get('etag'),
      body: parsed as T,
    };
  }

  get<T = Json>(at: string): Promise<Answer<T>> {
    return this.call<T>('GET', at);
  }

  post<T = Json>(at: string, body?: unknown, headers?: Record<string, string>): Promise<Answer<T>> {
    return this.call<T>('POST', at, { body, ...(headers && { headers }) });
  }

  patch<T = Json>(at: string, body: unknown, ifMatch?: string): Promise<Answer<T>> {
    return this.call<T>('PATCH', at, {
      body,
      ...(ifMatch !== undefined && { headers: { 'if-match': ifMatch } }),
    });
  }

  delete(at: string, ifMatch?: string): Promise<Answer> {
    return this.call('DELETE', at, { ...(ifMatch !== undefined && { headers: { 'if-match': ifMatch } }) });
  }
}
