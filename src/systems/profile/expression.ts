import { TreeInterpreter, compile } from '@jmespath-community/jmespath';
import type { Json } from '../../sync/record';

/** JMESPath (https://jmespath.site), compiled once. */

type Node = ReturnType<typeof compile>;

/** Of these, only the left side is asked of the data itself; the rest of what came out of it. */
const CHAINS = new Set([
  'Subexpression',
  'Pipe',
  'IndexExpression',
  'Projection',
  'ValueProjection',
  'FilterProjection',
]);

export class Expression {
  /** The names that it asks the data for. */
  readonly names: ReadonlySet<string>;
  private readonly node: Node;

  /** @throws Error where the text is no JMESPath */
  constructor(readonly text: string) {
    try {
      this.node = compile(text);
    } catch (error) {
      throw new Error(`expected JMESPath (${(error as Error).message})`);
    }
    this.names = new Set(namesOf(this.node));
  }

  /** Null where there is nothing. @throws Error where a function is given what it does not take */
  of(data: Json): Json {
    return TreeInterpreter.search(this.node, data);
  }
}

/** What an answer says that is said by a flag, a count, a text or a list: anything but nothing, zero, empty and "false". */
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
  // What it refers to is asked of each item.
  if (type === 'ExpressionReference') return [];
  return [left, ...Object.values(rest)].flatMap(namesOf);
}
