import { TreeInterpreter, compile } from '@jmespath-community/jmespath';
import type { Json } from '../../sync/record';

/** A compiled JMESPath expression (https://jmespath.site). */

type Node = ReturnType<typeof compile>;

/** Node types whose left side is evaluated on the data, and whose other parts on the result of the left side. */
const CHAINS = new Set([
  'Subexpression',
  'Pipe',
  'IndexExpression',
  'Projection',
  'ValueProjection',
  'FilterProjection',
]);

export class Expression {
  /** The top-level names that the expression reads from the data. */
  readonly names: ReadonlySet<string>;
  private readonly node: Node;

  /** @throws Error if the text is no JMESPath */
  constructor(readonly text: string) {
    try {
      this.node = compile(text);
    } catch (error) {
      throw new Error(`expected JMESPath (${(error as Error).message})`);
    }
    this.names = new Set(namesOf(this.node));
  }

  /** @returns null if the data has no such value @throws Error if a function gets an argument of a wrong type */
  of(data: Json): Json {
    return TreeInterpreter.search(this.node, data);
  }
}

/** Reads a flag, a count, a text or a list as a boolean: null, false, 0, "0", "false" and empty values are false. */
export function isTrue(value: Json): boolean {
  if (value === null || value === false || value === 0) return false;
  if (typeof value === 'string') return !/^(|0|false)$/i.test(value);
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

function namesOf(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(namesOf);
  if (node === null || typeof node !== 'object') return [];
  const { type, name, left, ...rest } = node as Record<string, unknown>;
  if (type === 'Field') return [String(name)];
  if (CHAINS.has(String(type))) return namesOf(left);
  // A reference such as `&name` is evaluated on each item, not on the data.
  if (type === 'ExpressionReference') return [];
  return [left, ...Object.values(rest)].flatMap(namesOf);
}
