import type { Json } from '../../sync/record';
import { textOf } from '../../sync/values';
import { NeedsHuman } from '../errors';
import type { Request } from '../http';
import { Expression } from './expression';
import { fieldOf } from './fieldPath';

/**
 * Text with expressions in braces. A template that is a single expression evaluates to its value, of any type. If an
 * expression has no value, the whole template has none, and its parameter, header or field is left out.
 */

export type Scope = Record<string, Json>;

export class Template {
  private readonly parts: readonly (string | Expression)[];

  /** @throws Error if a brace is not closed, or encloses no JMESPath */
  constructor(readonly text: string) {
    this.parts = partsOf(text);
  }

  get names(): string[] {
    return this.parts.flatMap((part) => (typeof part === 'string' ? [] : [...part.names]));
  }

  /** The expression's text, if the template is a single expression; else null. */
  get only(): string | null {
    const [only] = this.parts;
    return this.parts.length === 1 && only instanceof Expression ? only.text : null;
  }

  of(scope: Scope): Json {
    const [only] = this.parts;
    if (this.parts.length === 1 && only instanceof Expression) return only.of(scope);
    let text = '';
    for (const part of this.parts) {
      const value = typeof part === 'string' ? part : part.of(scope);
      if (value === null) return null;
      text += textOf(value);
    }
    return text;
  }

  /** The template as a path; values are URL-encoded. @returns `missing`: the text of an expression without a value */
  path(scope: Scope): { path: string } | { missing: string } {
    let path = '';
    for (const part of this.parts) {
      if (typeof part === 'string') path += part;
      else {
        const value = part.of(scope);
        if (value === null || value === '') return { missing: part.text };
        path += encodeURIComponent(textOf(value));
      }
    }
    return { path };
  }
}

/** JSON in which texts are templates. */
export type Tree = Template | boolean | number | Tree[] | { [key: string]: Tree };

export function treeNames(tree: Tree): string[] {
  if (tree instanceof Template) return tree.names;
  return typeof tree === 'object' ? Object.values(tree).flatMap(treeNames) : [];
}

/** Matches a written field: in a body, an emptied field is sent as null, and a field that is not written is left out. */
const FIELD = /^fields\.[\w.]+$/;

function isEmptied(tree: Tree, scope: Scope): boolean {
  const only = tree instanceof Template ? tree.only : null;
  if (only === null || !FIELD.test(only)) return false;
  return fieldOf(scope, only.split('.')) === null;
}

export function fillTree(tree: Tree, scope: Scope): Json {
  if (tree instanceof Template) return tree.of(scope);
  if (Array.isArray(tree)) return tree.map((each) => fillTree(each, scope)).filter((each) => each !== null);
  if (typeof tree !== 'object') return tree;
  const filled: Record<string, Json> = {};
  for (const [key, each] of Object.entries(tree)) {
    const value = fillTree(each, scope);
    if (value !== null || isEmptied(each, scope)) filled[key] = value;
  }
  return filled;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const LINE = new RegExp(`^(${METHODS.join('|')}) (/\\S.*)$`, 's');

/** A request of a profile: `GET /customers?externalRef={backRef}`, optionally with headers and a body. */
export class RequestTemplate {
  private readonly method: Request['method'];
  private readonly path: Template;
  private readonly query: readonly [string, Template][];

  /** @throws Error that names the expected form */
  constructor(
    readonly line: string,
    private readonly headers: Readonly<Record<string, Template>> = {},
    readonly body: Tree | null = null,
    /** Finds the records in this request's answer; null: as in the other answers of the kind. */
    readonly items: Expression | null = null,
  ) {
    const [, method, target] = LINE.exec(line) ?? [];
    if (method === undefined || target === undefined)
      throw new Error(`expected a method and a path, e.g. "GET /customers"`);
    this.method = method as Request['method'];
    const [path = '', ...query] = splitOutside(target, '?');
    this.path = new Template(path);
    this.query = splitOutside(query.join('?'), '&')
      .filter((each) => each !== '')
      .map((each) => {
        const [name = '', ...value] = splitOutside(each, '=');
        return [decodeURIComponent(name), new Template(value.join('='))];
      });
  }

  get names(): Set<string> {
    return new Set([
      ...this.path.names,
      ...this.query.flatMap(([, value]) => value.names),
      ...Object.values(this.headers).flatMap((value) => value.names),
      ...(this.body === null ? [] : treeNames(this.body)),
    ]);
  }

  /** @param body the body of a request that defines none @throws NeedsHuman if a value of the path is missing */
  fill(base: string, scope: Scope, body: Tree | null = null): Request {
    const path = this.path.path(scope);
    if ('missing' in path)
      throw new NeedsHuman(
        'incomplete_request',
        `${this.method} ${base}${this.path.text}: found nothing for {${path.missing}}`,
      );
    const query = queryOf(
      this.query.flatMap(([name, template]) =>
        [template.of(scope)]
          .flat()
          .flatMap((value) => (value === null ? [] : [[name, textOf(value)] as const])),
      ),
    );
    const headers: Record<string, string> = {};
    for (const [name, template] of Object.entries(this.headers)) {
      const value = template.of(scope);
      if (value !== null) headers[name.toLowerCase()] = textOf(value);
    }
    const tree = this.body ?? body;
    return {
      method: this.method,
      path: `${base}${path.path}`,
      query,
      headers,
      ...(tree !== null && { body: fillTree(tree, scope) }),
    };
  }
}

/** Builds a query in which a parameter may occur more than once. */
export function queryOf(pairs: Iterable<readonly [string, string]>): NonNullable<Request['query']> {
  const query: Record<string, string | string[]> = {};
  for (const [name, value] of pairs) {
    const before = query[name];
    query[name] = before === undefined ? value : [...[before].flat(), value];
  }
  return query;
}

function partsOf(text: string): (string | Expression)[] {
  const parts: (string | Expression)[] = [];
  let plain = '';
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] !== '{') {
      plain += text[at];
      continue;
    }
    const end = endOf(text, at);
    if (plain !== '') parts.push(plain);
    plain = '';
    parts.push(new Expression(text.slice(at + 1, end)));
    at = end;
  }
  if (plain !== '') parts.push(plain);
  return parts;
}

/** @returns the index of the brace that closes the one at `from`, ignoring braces in quotes @throws Error if none does */
function endOf(text: string, from: number): number {
  let depth = 0;
  let quote: string | null = null;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at] as string;
    if (quote !== null) {
      if (char === '\\') at += 1;
      else if (char === quote) quote = null;
    } else if (`'"\``.includes(char)) quote = char;
    else if (char === '{') depth += 1;
    else if (char === '}' && (depth -= 1) === 0) return at;
  }
  throw new Error(`expected a closing brace after "${text.slice(from, from + 20)}"`);
}

function splitOutside(text: string, separator: string): string[] {
  const pieces = [''];
  for (let at = 0; at < text.length; at += 1) {
    const end = text[at] === '{' ? endOf(text, at) : at;
    if (text[at] === separator) pieces.push('');
    else pieces[pieces.length - 1] += text.slice(at, end + 1);
    at = end;
  }
  return pieces;
}
