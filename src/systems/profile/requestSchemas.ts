import { z } from 'zod';
import { Expression } from './expression';
import { RequestTemplate, Template, treeNames, type Tree } from './template';

/** Schemas that compile a profile's texts into expressions, templates and requests. */

export const expression = z
  .string()
  .transform((text, context) => attempt(context, () => new Expression(text)));
export const count = z.number().int().positive();

/** @param names the names that may be used in braces */
export const template = (names: readonly string[]) =>
  z.string().transform((text, context) =>
    attempt(context, () => {
      const made = new Template(text);
      checkNames(made.names, names);
      return made;
    }),
  );

type TreeInput = string | number | boolean | TreeInput[] | { [key: string]: TreeInput };
const treeInput: z.ZodType<TreeInput> = z
  .lazy(() =>
    z.union([z.string(), z.number(), z.boolean(), z.array(treeInput), z.record(z.string(), treeInput)], {
      error: "expected JSON without null; write a template in quotes: '{fields}'",
    }),
  )
  .meta({ id: 'body' });
export const tree = (names: readonly string[]) =>
  treeInput.transform((input, context) =>
    attempt(context, () => {
      const made = toTree(input);
      checkNames(treeNames(made), names);
      return made;
    }),
  );

const requestInput = z.union(
  [
    z.string(),
    z.strictObject({
      send: z.string().describe('Method and path, e.g. `GET /customers?name={value}`.'),
      headers: z.record(z.string(), z.string()).optional(),
      body: treeInput.optional().describe('JSON; texts may contain expressions in braces.'),
      items: z.string().optional().describe('JMESPath of the records in this answer.'),
    }),
  ],
  { error: 'expected a request such as "GET /customers", or send, headers, body and items' },
);
export const request = (...names: string[]) =>
  requestInput.transform((input, context) => attempt(context, () => toRequest(input, names)));

/** A request in its long form only, for a setting in which a plain text has another meaning. */
export const longRequest = (...names: string[]) =>
  requestInput.options[1].transform((input, context) => attempt(context, () => toRequest(input, names)));

/** @param name a request without this name, or with `compare`, finds too much; the caller filters its records */
export const lookUp = (name: string, ...others: string[]) =>
  z
    .union([
      requestInput.options[0],
      requestInput.options[1].extend({
        compare: z.literal(true).optional().describe('Drop records that were found but have another value.'),
      }),
    ])
    .transform((input, context) =>
      attempt(context, () => {
        const made = toRequest(input, [name, ...others]);
        const compare = (typeof input === 'object' && input.compare) || !made.names.has(name);
        return { request: made, compare, pages: !made.names.has(name) };
      }),
    );

export type LookUp = z.output<ReturnType<typeof lookUp>>;

function toRequest(input: z.output<typeof requestInput>, names: readonly string[]): RequestTemplate {
  const { send, headers = {}, body, items } = typeof input === 'string' ? { send: input } : input;
  const made = new RequestTemplate(
    send,
    Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, new Template(text)])),
    body === undefined ? null : toTree(body),
    items === undefined ? null : new Expression(items),
  );
  checkNames(made.names, [...names, 'collection']);
  return made;
}

function toTree(input: TreeInput): Tree {
  if (typeof input === 'string') return new Template(input);
  if (Array.isArray(input)) return input.map(toTree);
  if (typeof input !== 'object') return input;
  return Object.fromEntries(Object.entries(input).map(([key, each]) => [key, toTree(each)]));
}

/** @throws Error that names an unknown name in braces */
function checkNames(found: Iterable<string>, names: readonly string[]): void {
  for (const name of found)
    if (!names.includes(name))
      throw new Error(`found {${name}}, expected ${names.map((each) => `{${each}}`).join(', ')} or less`);
}

function attempt<T>(context: z.RefinementCtx<unknown>, work: () => T): T {
  try {
    return work();
  } catch (error) {
    context.addIssue((error as Error).message);
    return z.NEVER;
  }
}
