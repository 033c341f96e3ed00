import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { projectRoot } from '../platform/embedded/serverCache';
import { profileSchema, type Profile } from '../systems/profile/profileSchema';
import { ConfigError } from './config';

const SHIPPED = 'profiles';
const LONGEST = 60;

/**
 * @param named one that comes with the package, e.g. `contract`, or a file
 * @throws ConfigError naming file, line and field of every fault, what was found and what was expected
 */
export function loadProfile(named: string): Profile {
  const file = fileOf(named);
  const lines = new LineCounter();
  const document = parseDocument(read(file, named), { lineCounter: lines });
  const [error] = document.errors;
  if (error) throw new ConfigError(`${file}: not valid YAML: ${error.message.split('\n')[0]}`);
  const input: unknown = document.toJS();
  const parsed = profileSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const told = parsed.error.issues.map((issue) => {
    const { at, message } = closest(issue);
    const line = lineOf(document, lines, at);
    return `${file}:${line}: ${at.length === 0 ? '' : `${nameOf(at)}: `}${message(input)}`;
  });
  throw new ConfigError([...new Set(told)].join('\n'));
}

function fileOf(named: string): string {
  const shipped = path.join(projectRoot(), SHIPPED, `${named}.yaml`);
  return !/[/\\.]/.test(named) && existsSync(shipped) ? shipped : named;
}

function read(file: string, named: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new ConfigError(`${named}: cannot be read (${code}); expected a profile’s file, or contract`);
  }
}

interface Fault {
  at: PropertyKey[];
  message: (input: unknown) => string;
}

/** Of what a choice could have been, what the input comes closest to. */
function closest(issue: z.core.$ZodIssue, above: readonly PropertyKey[] = []): Fault {
  const at = [...above, ...issue.path];
  if (issue.code === 'invalid_union') {
    const near = issue.errors.find(
      ([first]) => first && (first.path.length > 0 || first.code !== 'invalid_type'),
    );
    if (near?.[0]) return closest(near[0], at);
  }
  if (issue.code === 'invalid_key') {
    const name = String(at.at(-1) ?? '');
    const expected = issue.issues[0]?.message ?? 'expected another name';
    return { at, message: () => `found the name "${name}", ${expected}` };
  }
  if (issue.code === 'unrecognized_keys')
    return { at: [...at, issue.keys[0] ?? ''], message: () => 'unknown field' };
  const expected =
    issue.code === 'invalid_value' ? `expected one of ${issue.values.map(String).join(', ')}` : issue.message;
  // What an expression asks for is told with it.
  const message = (input: unknown) =>
    expected.startsWith('found ') ? expected : `found ${shown(valueAt(input, at))}, ${expected}`;
  return { at, message };
}

function valueAt(input: unknown, at: readonly PropertyKey[]): unknown {
  let value = input;
  for (const step of at) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[step];
  return value;
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function nameOf(at: readonly PropertyKey[]): string {
  return at
    .map((step, n) => (typeof step === 'number' ? `[${step}]` : `${n > 0 ? '.' : ''}${String(step)}`))
    .join('');
}

/** Of the field itself, or of what lacks it. */
function lineOf(document: Document, lines: LineCounter, at: readonly PropertyKey[]): number {
  for (let depth = at.length; depth >= 0; depth -= 1) {
    const node = document.getIn(at.slice(0, depth), true) as { range?: [number, number, number] } | undefined;
    if (node?.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
